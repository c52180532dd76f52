"""The controls: the same matrix with a rule switched off must show the doubles that the rule prevents."""

from pathlib import Path

import pytest

from tests.e2e.daemons import Zygote
from tests.e2e.points import Moment, Point
from tests.e2e.rig import HASTY, NEVER, UNTIL_TOLD, Rig, running
from tests.e2e.test_kill import kill_at

BY_TYPE = {"esim": {"order_by": "type"}}
INSIDE = (Point("whmcs.AddOrder", 1, Moment.INSIDE), Point("whmcs.AddOrder", 1, Moment.AFTER))


def doubles(rig: Rig) -> set[str]:
    return {finding["what"] for finding in rig.verdict()["duplicates"]}


async def again(rig: Rig, change: str | None) -> None:
    await rig.start(change=change)
    await rig.settled()


@pytest.mark.parametrize("point", INSIDE, ids=str)
async def test_blind_looks_bill_twice(rig: Rig, point: Point) -> None:
    await kill_at(rig, point)
    await again(rig, "blind_looks")
    assert doubles(rig) >= {"whmcs_order", "whmcs_invoice", "whmcs_service"}


async def test_blind_looks_take_two_profiles_by_type(tmp_path: Path, zygote: Zygote) -> None:
    async with running(tmp_path / "world", zygote, settings=BY_TYPE, stock=False) as rig:
        await kill_at(rig, Point("esim.downloadOrder", 1, Moment.INSIDE), "esim")
        await again(rig, "blind_looks")
        assert "profile" in doubles(rig)


async def test_seeing_looks_leave_an_order_by_type_to_a_person(tmp_path: Path, zygote: Zygote) -> None:
    async with running(tmp_path / "world", zygote, settings=BY_TYPE, stock=False) as rig:
        order = await kill_at(rig, Point("esim.downloadOrder", 1, Moment.INSIDE), "esim")
        await again(rig, None)
        assert (rig.run(order).state, rig.run(order).wait) == ("parked", "person")
        assert not doubles(rig)


async def test_an_order_by_type_without_trouble(tmp_path: Path, zygote: Zygote) -> None:
    async with running(tmp_path / "world", zygote, settings=BY_TYPE, stock=False) as rig:
        await rig.start()
        order = rig.order("bundle")
        await rig.settled(order)
        assert rig.run(order).state == "done"
        rig.judge()


async def test_without_intents_a_kill_bills_twice(rig: Rig) -> None:
    await kill_at(rig, INSIDE[0])
    await again(rig, "no_intents")
    assert "whmcs_order" in doubles(rig)


@pytest.mark.parametrize("change", [None, "no_late_wait"])
async def test_the_wait_for_late_landing(rig: Rig, change: str | None) -> None:
    """The effect lands after the first look: only who waits sees it."""
    rig.tune(HASTY, UNTIL_TOLD)
    await rig.start(change=change)
    rig.fault("whmcs", "AddOrder", "late_effect", options={"delay": NEVER})
    order = rig.order("vpn")
    if change is None:
        await rig.until(lambda: ("look", "absent") in rig.journal.sends("whmcs.AddOrder"), "a look")
        assert rig.sandbox.faults.land() == 1
        await rig.settled(order)
        rig.judge()
        assert rig.run(order).state == "done"
        return
    await rig.settled(order)
    assert rig.sandbox.faults.land() == 1
    assert "whmcs_order" in doubles(rig)


@pytest.mark.parametrize("change", [None, "empty_lists_are_nothing"])
async def test_an_empty_list_is_not_nothing(rig: Rig, change: str | None) -> None:
    """Both lists come back as successes without rows, again and again: never a proof of absence (rules §3.2)."""
    order = await kill_at(rig, INSIDE[0], "vpn")
    for operation in ("GetOrders", "GetClientsProducts"):
        rig.fault("whmcs", operation, "empty_ok", count=100, options={"shape": "missing", "totals": "missing"})
    await rig.start(change=change)
    await rig.until(lambda: len(rig.sandbox.survey.census().bills) > 1 or rig.run(order).settled, "an end")
    if change is None:
        assert not doubles(rig)
    else:
        assert "whmcs_order" in doubles(rig)


@pytest.mark.parametrize("change", [None, "no_reread"])
async def test_the_re_reading_before_a_guarded_call(rig: Rig, change: str | None) -> None:
    """Cancelled in Salesforce between the claim and AddOrder: nothing is billed (rules §9)."""
    await rig.start(change=change)
    cancelled: list[str] = []
    (order,) = rig.place("vpn")

    def cancel(entry: object) -> None:
        if getattr(entry, "operation", "") == "GetPayMethods" and not cancelled:
            cancelled.append(order.id)
            rig.sandbox.people.cancel(order.id)

    rig.traffic.watcher = cancel
    rig.approve(order)
    await rig.settled(order)
    billed = len(rig.sandbox.survey.census().bills)
    assert cancelled
    assert billed == (0 if change is None else 1), rig.story()
    if change is None:
        assert rig.run(order).state == "cancelled"
        rig.judge()
