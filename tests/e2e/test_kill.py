"""SIGKILL at every request of a clean run, at three moments; restarted on the same file, nothing is lost or double."""

import asyncio
from collections.abc import Iterator

import pytest

from integrations.sandbox.people import NotPossible, Placed
from tests.e2e.points import Moment, Point, Shot, all_points
from tests.e2e.rig import HASTY, Rig

# What follows in the normal suite: each system's writes, the claim, a read-back, the status writes, SMTP.
CHOSEN = (
    Point("salesforce.journal.insert", 1, Moment.INSIDE),
    Point("salesforce.cometd.connect", 2, Moment.AFTER),
    Point("salesforce.order.patch", 1, Moment.INSIDE),
    Point("esim.downloadOrder", 1, Moment.INSIDE),
    Point("esim.confirmOrder", 2, Moment.AFTER),
    Point("whmcs.AddOrder", 1, Moment.BEFORE),
    Point("whmcs.AcceptOrder", 1, Moment.AFTER),  # AddOrder inside is killed in the tests below
    Point("salesforce.order.patch", 3, Moment.INSIDE),
    Point("mail.message", 1, Moment.INSIDE),
)
# One further fault in what the restarted daemon reads or repeats first, by the system of the point.
FURTHER = {
    "salesforce": [
        ("salesforce", "composite", kind)
        for kind in ("http_500", "html", "truncate", "malformed", "reset", "timeout_before", "http_503")
    ],
    "whmcs": [
        ("whmcs", operation, kind)
        for kind in ("empty_ok", "short_page", "http_500", "timeout_before", "truncate", "stale_read", "html")
        for operation in ("GetOrders", "GetClientsProducts")
    ],
    "esim": [
        ("esim", "*", kind) for kind in ("http_500", "timeout_before", "timeout_after", "reset", "truncate", "html")
    ],
    "mail": [("mail", "*", kind) for kind in ("http_503", "reset", "timeout_before")],
}


def name(point: object) -> str:
    return str(point)


async def kill_at(rig: Rig, point: Point, kind: str = "bundle") -> Placed:
    """Run until the daemon is dead at that point; the order is approved by then."""
    (order,) = rig.place(kind)
    approved = False

    def approve() -> None:
        nonlocal approved
        if not approved:
            approved = True
            rig.approve(order)

    shot = Shot(rig, point, on_aim=approve)
    shot.load()
    since = len(rig.traffic.since())
    await rig.start(ready=False)
    await rig.until(lambda: shot.fired.is_set() or rig._polled(since), "a start")
    approve()
    async with asyncio.timeout(60):
        await shot.fired.wait()
    return order


async def recover(rig: Rig, order: Placed) -> None:
    """Start again on the same file and judge: the order must be done, and all of it once."""
    await rig.start()
    await rig.settled(order)
    rig.judge()
    assert rig.run(order).state == "done", rig.story()


@pytest.mark.parametrize("point", CHOSEN, ids=name)
async def test_killed_and_restarted(rig: Rig, point: Point) -> None:
    order = await kill_at(rig, point)
    await recover(rig, order)


@pytest.mark.matrix
@pytest.mark.parametrize("point", [p for p in all_points() if p not in CHOSEN], ids=name)
async def test_killed_anywhere_and_restarted(rig: Rig, point: Point) -> None:
    order = await kill_at(rig, point)
    await recover(rig, order)


def with_further() -> Iterator[tuple[Point, tuple[str, str, str]]]:
    """Every point with one of its further faults, each of these as often as the others."""
    turns = dict.fromkeys(FURTHER, 0)
    for point in all_points():
        system = point.name.partition(".")[0]
        faults = FURTHER[system]
        yield point, faults[turns[system] % len(faults)]
        turns[system] += 1


FURTHER_CASES = list(with_further())
CHOSEN_FURTHER = (
    (Point("whmcs.AddOrder", 1, Moment.INSIDE), ("whmcs", "GetOrders", "empty_ok")),
    (Point("whmcs.AddOrder", 1, Moment.AFTER), ("whmcs", "GetClientsProducts", "short_page")),
    (Point("esim.confirmOrder", 1, Moment.INSIDE), ("esim", "*", "timeout_after")),
)


async def kill_with_further(rig: Rig, point: Point, further: tuple[str, str, str]) -> None:
    order = await kill_at(rig, point)
    if further[2].startswith("timeout_"):
        rig.tune(HASTY)
    rig.fault(further[0], further[1], further[2])
    await rig.start(ready=False)
    await rig.settled(order)
    rig.sandbox.faults.clear()
    rig.judge()
    assert rig.run(order).state == "done", rig.story()


@pytest.mark.parametrize(("point", "further"), CHOSEN_FURTHER, ids=name)
async def test_killed_and_a_fault_in_the_look(rig: Rig, point: Point, further: tuple[str, str, str]) -> None:
    await kill_with_further(rig, point, further)


@pytest.mark.matrix
@pytest.mark.parametrize(("point", "further"), FURTHER_CASES, ids=name)
async def test_killed_anywhere_and_a_fault_in_the_look(rig: Rig, point: Point, further: tuple[str, str, str]) -> None:
    await kill_with_further(rig, point, further)


async def kill_and_second_event(rig: Rig, point: Point) -> None:
    order = await kill_at(rig, point)
    rig.again(order.id)
    await rig.start()
    rig.again(order.id)
    await rig.settled(order)
    rig.again(order.id)
    await rig.settled(order)
    rig.judge()
    assert rig.run(order).state == "done", rig.story()


async def test_killed_and_a_second_event(rig: Rig) -> None:
    await kill_and_second_event(rig, Point("whmcs.AddOrder", 1, Moment.INSIDE))


@pytest.mark.matrix
@pytest.mark.parametrize("point", all_points(), ids=name)
async def test_killed_anywhere_and_a_second_event(rig: Rig, point: Point) -> None:
    await kill_and_second_event(rig, point)


async def kill_and_cancel(rig: Rig, point: Point) -> None:
    """A person cancels in Salesforce while nobody runs: nothing more is made, and what stands is a person's."""
    order = await kill_at(rig, point)
    try:
        rig.sandbox.people.cancel(order.id)
    except NotPossible:
        assert rig.status(order.id) == "Activated"
    bills = len(rig.sandbox.survey.census().bills)
    await rig.start()
    await rig.settled()
    rig.judge()
    assert len(rig.sandbox.survey.census().bills) == bills
    if rig.status(order.id) == "Cancelled" and order.id in rig.journal.states():
        run = rig.run(order)
        asked = rig.asked("esim.downloadOrder") + rig.asked("whmcs.AddOrder")  # what was asked for may stand
        assert run.state == ("failed" if asked else "cancelled"), rig.story()


@pytest.mark.parametrize(
    "point",
    [Point("whmcs.GetPayMethods", 1, Moment.BEFORE), Point("whmcs.AddOrder", 1, Moment.INSIDE)],
    ids=name,
)
async def test_killed_and_cancelled_in_salesforce(rig: Rig, point: Point) -> None:
    await kill_and_cancel(rig, point)


@pytest.mark.matrix
@pytest.mark.parametrize("point", all_points(), ids=name)
async def test_killed_anywhere_and_cancelled_in_salesforce(rig: Rig, point: Point) -> None:
    await kill_and_cancel(rig, point)


@pytest.mark.parametrize("pays_by", ["none", pytest.param("expired", marks=pytest.mark.matrix)])
async def test_a_parked_order_that_is_cancelled_in_salesforce_ends(rig: Rig, pays_by: str) -> None:
    """Its run reads nothing while it waits for a pay method; the poll notices, and the profiles are given back."""
    await rig.start()
    order = rig.order("bundle", customer=rig.customer(pays_by))
    await rig.settled(order)
    assert rig.run(order).state == "parked"
    rig.judge()
    rig.sandbox.people.cancel(order.id)
    await rig.until(lambda: rig.run(order).state == "cancelled", "an end")
    await rig.settled(order)
    rig.judge()
    assert rig.journal.count("SELECT COUNT(*) FROM profiles WHERE order_id = ?", order.id) == 0
    items = rig.sandbox.salesforce.org.db.having("OrderItem", "OrderId", order.id)
    assert [item["ESIM_ICCID__c"] for item in items if item.get("ESIM_ICCID__c")] == []
