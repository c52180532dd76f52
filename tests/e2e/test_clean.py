"""A calm run: everything provisioned once, and the recorded traffic that the kill points come from."""

from integrations.whmcs.client import WhmcsClient
from integrations.whmcs.config import WhmcsConfig
from integrations.whmcs.models import NewLine, NewOrder
from tests.e2e.points import BACKGROUND, CLEAN, SPARED, recorded
from tests.e2e.rig import Rig


async def test_a_bundle_is_provisioned_once(rig: Rig) -> None:
    await rig.start()
    order = rig.order("bundle")
    await rig.settled(order)
    assert rig.run(order).state == "done"
    rig.judge()


async def test_the_kill_points_are_the_recorded_traffic(rig: Rig) -> None:
    await rig.start()
    await rig.settled(rig.order("bundle"))
    found, listed = recorded(rig.traffic.since()), dict(CLEAN)
    assert found.keys() == listed.keys()
    for name in listed.keys() - BACKGROUND:
        assert listed[name] - SPARED.get(name, 0) <= found[name] <= listed[name], name


async def test_the_verdict_sees_a_double_that_carries_no_marker(rig: Rig) -> None:
    """The judge itself: an effect that somebody else made in the customer's name is an orphan, and counts."""
    await rig.start()
    order = rig.order("vpn")
    await rig.settled(order)
    rig.judge()
    own = rig.settings["whmcs"]
    client = WhmcsClient(WhmcsConfig(own["url"], own["identifier"], own["secret"], own["access_key"]))
    line = NewLine(pid=301, quantity=1, cycle="monthly", custom_fields={}, options={})
    await client.add_order(NewOrder(str(order.client), own["default_gateway"], (line,), notes=""))
    await client.close()
    assert "whmcs_order" in [finding["what"] for finding in rig.verdict()["duplicates"]]
