"""Installs on which our marks do not survive: an unknown outcome there is never absent, always a person's (rules §3.4)."""

from pathlib import Path

import pytest

from integrations.sandbox.whmcs import Switches
from tests.e2e.daemons import Zygote
from tests.e2e.points import Moment, Point
from tests.e2e.rig import HASTY, Rig, running
from tests.e2e.test_kill import kill_at

NO_MARKS = {"honour_order_notes": "no", "marker_field": "missing"}
CUT_MARKS = {"honour_order_notes": "no", "marker_field": "truncated"}
ADD_ORDER = Point("whmcs.AddOrder", 1, Moment.INSIDE)


@pytest.mark.parametrize("switches", [NO_MARKS, CUT_MARKS], ids=["missing", "truncated"])
async def test_the_very_first_order_of_such_an_install(rig: Rig, switches: dict[str, str]) -> None:
    """Nothing was ever read back here, so nothing is proved: the order that stands without a mark is a doubt."""
    rig.sandbox.people.switch(switches)
    order = await kill_at(rig, ADD_ORDER, "vpn")
    await rig.start()
    await rig.settled(order)
    assert (rig.run(order).state, rig.run(order).wait) == ("parked", "person"), rig.story()
    rig.judge()


async def in_haste(rig: Rig) -> None:
    """From now on calls that are left without an answer end soon."""
    assert await rig.daemon.stop() == 0
    rig.tune(HASTY)
    await rig.start()


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.INSIDE])
async def test_a_later_order_of_such_an_install(rig: Rig, moment: Moment) -> None:
    rig.sandbox.people.switch(NO_MARKS)
    await rig.start()
    first = rig.order("vpn")
    await rig.settled(first)
    assert rig.run(first).state == "done"
    await in_haste(rig)
    rig.fault("whmcs", "AddOrder", "timeout_before" if moment is Moment.BEFORE else "timeout_after")
    second = rig.order("vpn")
    await rig.settled(second)
    assert (rig.run(second).state, rig.run(second).wait) == ("parked", "person"), rig.story()
    rig.judge()


@pytest.mark.parametrize(
    "switches",
    [
        Switches(honour_order_notes="order", marker_field="missing"),
        Switches(honour_order_notes="service", marker_field="truncated"),
        Switches(honour_order_notes="no", marker_field="present"),
    ],
    ids=["order-notes", "service-notes", "marker-field"],
)
async def test_one_mark_that_survives_is_enough(tmp_path: Path, zygote: Zygote, switches: Switches) -> None:
    async with running(tmp_path / "world", zygote, switches=switches) as rig:
        order = await kill_at(rig, ADD_ORDER, "vpn")
        await rig.start()
        await rig.settled(order)
        assert rig.run(order).state == "done", rig.story()
        rig.judge()


async def test_an_install_that_stops_to_keep_marks(rig: Rig) -> None:
    """Marks survived, then somebody deletes the custom field: the order that stands without one is a doubt."""
    await rig.start()
    first = rig.order("vpn")
    await rig.settled(first)
    rig.sandbox.people.switch(NO_MARKS)
    await in_haste(rig)
    rig.fault("whmcs", "AddOrder", "timeout_after")
    second = rig.order("vpn")
    await rig.settled(second)
    assert (rig.run(second).state, rig.run(second).wait) == ("parked", "person"), rig.story()
    rig.judge()
