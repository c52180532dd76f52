"""A calm run: everything provisioned once, and the recorded traffic that the kill points come from."""

from tests.e2e.rig import Rig


async def test_a_bundle_is_provisioned_once(rig: Rig) -> None:
    await rig.start()
    order = rig.order("bundle")
    await rig.settled(order)
    assert rig.run(order).state == "done"
    rig.judge()
    assert rig.asked("whmcs.AddOrder") == 1
