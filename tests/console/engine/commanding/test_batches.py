"""Many orders at once: a batch in the daemon with a result for each, that outlives windows and restarts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from console.engine.commanding.batches import GOING, BatchRunner, failures_in_a_row
from console.engine.commanding.commander import Commander
from console.engine.commanding.errors import BadArgument, Changed, NeedsReason, NotPossible
from storage import batches, desk, runs
from storage.batches import Batch, Item
from tests.console.engine.commanding.conftest import OLGA, OTTO, SUE, Floor


def batch(floor: Floor, batch_id: str | None) -> Batch:
    assert batch_id is not None
    found = floor.journal.peek(lambda db: batches.get(db, batch_id))
    assert found is not None
    return found


def items(floor: Floor, batch_id: str | None) -> list[Item]:
    assert batch_id is not None
    return floor.journal.peek(lambda db: batches.items(db, batch_id))


async def ended(floor: Floor, batch_id: str | None) -> Batch:
    await floor.when(lambda: batch(floor, batch_id).ended_at is not None, lambda: str(items(floor, batch_id)))
    return batch(floor, batch_id)


@dataclass
class Pace:
    """A clock for the rest between two orders, which is over as soon as ``over`` holds, and never before."""

    over: Callable[[], bool]
    passed: float = 0.0

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        self.passed += 3600.0 if self.over() else 0.0
        return self.passed


def at_pace(floor: Floor, over: Callable[[], bool]) -> BatchRunner:
    return BatchRunner(replace(floor.parts.engine, clock=Pace(over)), floor.commander)


async def three_failed(floor: Floor) -> list[str]:
    orders = [await floor.failed() for _ in range(3)]
    floor.break_customer(mend=True)
    return orders


async def test_a_bulk_retry_reports_what_the_engine_made_of_each(floor: Floor) -> None:
    orders = await three_failed(floor)
    pending = floor.order("vpn", status="Pending Review")
    plan = await floor.plan("retry", OTTO, *orders, pending)
    assert plan.words[0] == "Retry: 3 orders, 1 left out"
    assert plan.words[1] == "outside calls: whmcs.AddOrder ×3, whmcs.AcceptOrder ×3, salesforce.activate ×3"
    assert plan.words[2].startswith(f"WHMCS bills ¥{plan.amount_sum:,} for 3 orders")
    assert [item.order_id for item in plan.excluded] == [pending]
    with pytest.raises(NeedsReason):
        await floor.submit(plan, OTTO, *orders, pending, reason=None)
    floor.spawn(floor.batches.run())
    submitted = await floor.submit(plan, OTTO, *orders, pending)
    assert (submitted.outcome, submitted.message) == ("running", "begun, 1 left out")
    assert (await ended(floor, submitted.batch_id)).state == "done"
    states = {item.order_id: item.state for item in items(floor, submitted.batch_id)}
    assert states == {**dict.fromkeys(orders, "done"), pending: "excluded"}
    said = {(item.result or {}).get("message") for item in items(floor, submitted.batch_id) if item.state == "done"}
    assert said == {"done"}, "what came of it, not what was asked for"
    for order_id in orders:
        assert floor.run(order_id).state == "done"
    assert len(floor.whmcs_orders()) == 3
    intent, outcome = [row for row in floor.audit() if row.command == "order.retry"]
    assert intent.subjects == orders
    assert (outcome.outcome, outcome.detail and outcome.detail["done"]) == ("done", 3)


async def test_a_batch_stops_after_failures_in_a_row(floor: Floor) -> None:
    orders = [await floor.failed() for _ in range(5)]  # the customer is still broken
    plan = await floor.plan("retry", OTTO, *orders)
    submitted = await floor.commander.submit(
        plan.hash, "order.retry", OTTO, "again", order_ids=orders, pace=2, stop_after=2
    )

    floor.spawn(at_pace(floor, lambda: not any(floor.run(order_id).state in GOING for order_id in orders)).run())
    assert (await ended(floor, submitted.batch_id)).state == "broken_off"
    results = items(floor, submitted.batch_id)
    assert [item.state for item in results] == ["failed", "failed", "waiting", "waiting", "waiting"]
    reasons = [str((item.result or {}).get("reason")) for item in results if item.state == "failed"]
    assert all(reason.startswith("failed: ") for reason in reasons)
    assert floor.audit()[-1].outcome == "failed"


async def test_orders_that_are_closed_as_they_stand_do_not_break_a_batch_off(floor: Floor) -> None:
    """Their runs end as failed: that is what was asked for."""
    orders = [await floor.failed() for _ in range(4)]
    as_it_is = {"leave_as_is": True}
    plan = await floor.commander.plan("order.cancel", OTTO, order_ids=orders, arguments=as_it_is)
    floor.spawn(floor.batches.run())
    submitted = await floor.commander.submit(
        plan.hash, "order.cancel", OTTO, "moved away", order_ids=orders, arguments=as_it_is, pace=50, stop_after=2
    )
    assert (await ended(floor, submitted.batch_id)).state == "done"
    assert [item.state for item in items(floor, submitted.batch_id)] == ["done"] * 4
    assert {floor.run(order_id).error_code for order_id in orders} == {"left_as_is"}
    assert floor.audit()[-1].outcome == "done"


async def test_an_order_that_moved_since_the_plan_is_left_out(floor: Floor) -> None:
    orders = await three_failed(floor)
    plan = await floor.plan("retry", OTTO, *orders)
    submitted = await floor.submit(plan, OTTO, *orders)
    await floor.act("retry", SUE, orders[1])
    await floor.until(orders[1], "done")
    floor.spawn(floor.batches.run())
    await ended(floor, submitted.batch_id)
    states = [item.state for item in items(floor, submitted.batch_id)]
    assert states == ["done", "excluded", "done"]
    mine = floor.journal.peek(lambda db: runs.of_order(db, orders[1]))
    assert sum(run.workflow == "provision_order" for run in mine) == 2


async def test_a_set_that_changed_is_planned_again(floor: Floor) -> None:
    orders = await three_failed(floor)
    plan = await floor.plan("retry", OTTO, *orders)
    await floor.act("retry", SUE, orders[2])
    with pytest.raises(Changed) as refused:
        await floor.submit(plan, OTTO, *orders)
    assert (refused.value.by, refused.value.order_id) == ("sue", orders[2])


async def test_a_restart_takes_a_batch_up_where_it_stood(floor: Floor) -> None:
    """The first was not touched when the process ended, the second had been done, the third was not begun."""
    orders = await three_failed(floor)
    plan = await floor.plan("retry", OTTO, *orders)
    submitted = await floor.submit(plan, OTTO, *orders)
    batch_id = str(submitted.batch_id)
    now = time.time()
    for position in (0, 1):
        await floor.journal.write(lambda db, p=position: batches.set_item(db, batch_id, p, "working", now, {}))  # type: ignore[misc]
    await floor.act("retry", OTTO, orders[1])
    again = Commander(floor.parts.engine)
    assert await again.finish_interrupted() == 0, "the batch's intent is not finished: it goes on"
    floor.spawn(BatchRunner(floor.parts.engine, again).run())
    assert (await ended(floor, batch_id)).state == "done"
    assert [item.state for item in items(floor, batch_id)] == ["done", "done", "done"]
    assert "interrupted by a restart" in str(items(floor, batch_id)[1].result)
    for order_id in orders:
        mine = floor.journal.peek(lambda db, o=order_id: runs.of_order(db, o))  # type: ignore[misc]
        assert sum(run.workflow == "provision_order" for run in mine) == 2
    assert len(floor.whmcs_orders()) == 3


async def test_a_note_is_not_written_twice_after_a_restart(floor: Floor) -> None:
    orders = [floor.order("vpn", status="Pending Review") for _ in range(2)]
    plan = await floor.plan("note", OTTO, *orders, text="seen")
    submitted = await floor.submit(plan, OTTO, *orders, text="seen")
    batch_id, now = str(submitted.batch_id), time.time()
    await floor.journal.write(lambda db: batches.set_item(db, batch_id, 0, "working", now, {}))
    floor.spawn(floor.batches.run())
    await ended(floor, batch_id)
    first, second = items(floor, batch_id)
    assert (first.state, second.state) == ("failed", "done")
    assert first.result == {"reason": "interrupted by a restart: look at the order"}


async def test_a_stopped_batch_begins_nothing_more(floor: Floor) -> None:
    orders = [floor.order("vpn", status="Pending Review") for _ in range(4)]
    plan = await floor.plan("note", OTTO, *orders, text="slowly")
    floor.spawn(at_pace(floor, lambda: False).run())
    submitted = await floor.commander.submit(
        plan.hash, "order.note", OTTO, None, order_ids=orders, arguments={"text": "slowly"}, pace=0.5
    )
    batch_id = str(submitted.batch_id)
    await floor.when(lambda: items(floor, batch_id)[0].state == "done")
    stop = await floor.plan("stop-batch", OLGA, batch=batch_id)
    assert stop.items[0].words[1:] == (
        "3 orders are not begun and stay as they are", "nothing that was done is taken back",
    )  # fmt: skip
    stopped = await floor.submit(stop, OLGA, batch=batch_id)
    assert (stopped.outcome, stopped.message) == ("done", "it begins nothing more")
    assert (await ended(floor, batch_id)).state == "stopped"
    assert [item.state for item in items(floor, batch_id)].count("waiting") == 3
    pair = [(row.phase, row.actor, row.outcome) for row in floor.audit() if row.command == "system.stop_batch"]
    assert pair == [("intent", "olga", None), ("outcome", "olga", "done")]
    refused = await floor.plan("stop-batch", OLGA, batch=batch_id)
    assert refused.refusal == "it has ended"
    with pytest.raises(BadArgument, match="there is no batch"):
        await floor.plan("stop-batch", OLGA, batch="nothing")


async def test_approving_many_within_the_limit(floor: Floor) -> None:
    orders = [floor.order("sim", status="Pending Review") for _ in range(3)]
    plan = await floor.plan("approve", OTTO, *orders)
    assert plan.amount_sum == sum(item.amount or 0 for item in plan.items)
    assert (plan.words[0], plan.amount_largest) == ("Approve: 3 orders", max(item.amount or 0 for item in plan.items))
    submitted = await floor.submit(plan, OTTO, *orders)
    floor.sandbox.people.cancel(orders[1])
    floor.spawn(floor.batches.run())
    await ended(floor, submitted.batch_id)
    assert [item.state for item in items(floor, submitted.batch_id)] == ["done", "excluded", "done"]
    assert [floor.salesforce(o)["Status"] for o in orders] == ["Approved", "Cancelled", "Approved"]


async def test_a_filter_that_found_one_order_is_a_bulk_act_too(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    plan = await floor.commander.plan("take", OTTO, order_ids=[order_id], bulk=True)
    submitted = await floor.commander.submit(plan.hash, "take", OTTO, None, order_ids=[order_id], bulk=True)
    floor.spawn(floor.batches.run())
    await ended(floor, submitted.batch_id)
    assert floor.journal.peek(lambda db: desk.taken(db, order_id, time.time())) is not None


async def test_commands_for_one_order_are_not_for_many(floor: Floor) -> None:
    orders = [floor.order("vpn", status="Pending Review") for _ in range(2)]
    with pytest.raises(NotPossible, match="one order at a time"):
        await floor.plan("resend", OTTO, *orders)
    with pytest.raises(BadArgument, match="at most 5,000"):
        await floor.plan("retry", OTTO, *[f"801{i:012d}" for i in range(5001)])
    with pytest.raises(BadArgument, match="no order is given"):
        await floor.plan("retry", OTTO)
    with pytest.raises(BadArgument, match="is not for an order"):
        await floor.plan("pause", OTTO, orders[0], subject="whmcs")


async def test_two_batches_do_not_wait_for_each_other(floor: Floor) -> None:
    slow = floor.order("vpn", pays_by="none")
    floor.sandbox.faults.add(system="whmcs", operation="GetClientsDetails", kind="slow", options={"delay": 0.9})
    orders = [floor.order("vpn", status="Pending Review") for _ in range(2)]
    await floor.admit(slow)
    floor.spawn(floor.batches.run())
    first = await floor.commander.plan("cancel", OTTO, order_ids=[slow], arguments={}, bulk=True)
    one = await floor.commander.submit(first.hash, "cancel", OTTO, "why", order_ids=[slow], bulk=True)
    plan = await floor.plan("note", OTTO, *orders, text="both")
    two = await floor.submit(plan, OTTO, *orders, text="both")
    await ended(floor, two.batch_id)
    await ended(floor, one.batch_id)


def test_failures_are_counted_from_the_newest() -> None:
    def item(state: str, at: float) -> Item:
        return Item(int(at), "o", None, state, None, at)

    assert failures_in_a_row([item("failed", 1), item("done", 2), item("failed", 3), item("failed", 4)]) == 2
    assert failures_in_a_row([item("failed", 1), item("excluded", 2)]) == 1
    assert failures_in_a_row([]) == 0
