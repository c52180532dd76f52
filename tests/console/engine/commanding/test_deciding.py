"""Approve and reject: one write, conditional, settled by reading; limits and four eyes."""

import asyncio

import pytest

from console.engine.commanding.errors import Changed, NeedsReason, NotPossible, OutsideTrouble
from storage import feed
from tests.console.engine.commanding.conftest import OLGA, OTTO, SUE, VERA, Floor


def pending(floor: Floor, kind: str = "vpn") -> str:
    return floor.order(kind, status="Pending Review")


def patches(floor: Floor) -> int:
    return floor.asked("salesforce", "order.patch")


async def test_an_approval_names_its_approver_and_starts_the_chain(floor: Floor) -> None:
    order_id = pending(floor)
    plan = await floor.plan("approve", OTTO, order_id)
    assert plan.refusal is None
    assert plan.amount_sum == plan.amount_largest == plan.items[0].amount
    assert any(f"¥{plan.amount_sum:,}" in line for line in plan.items[0].words)
    submitted = await floor.submit(plan, OTTO, order_id, reason=None)
    assert submitted.outcome == "done"
    row = floor.salesforce(order_id)
    assert (row["Status"], row["Approved_By__c"]) == ("Approved", "otto")
    assert floor.approved == [order_id]
    await floor.admit(order_id)
    await floor.until(order_id, "done")
    assert any(
        r.body == {"status": "Approved", "command": "order.approve"}
        for r in floor.journal.peek(lambda db: feed.of_order(db, order_id))
    )


async def test_what_a_plan_reads_anew_is_told_once_to_whoever_watches(floor: Floor) -> None:
    order_id = pending(floor)

    def told() -> list[str]:
        rows = floor.journal.peek(lambda db: feed.of_order(db, order_id))
        return [str(row.body["status"]) for row in rows if row.kind == "order"]

    for _ in range(2):
        await floor.plan("approve", OTTO, order_id)
    assert told() == ["Pending Review"]
    floor.sandbox.salesforce.desk.change_order(order_id, {"Status": "Rejected"})
    await floor.plan("approve", OTTO, order_id)
    assert told() == ["Pending Review", "Rejected"]


@pytest.mark.parametrize("kind", ["timeout_after", "reset", "http_500"])
async def test_a_lost_answer_is_settled_by_reading(floor: Floor, kind: str) -> None:
    order_id = pending(floor)
    floor.sandbox.faults.add(system="salesforce", operation="order.patch", kind=kind, options={"delay": 0.01})
    assert (await floor.act("approve", OTTO, order_id)).outcome == "done"
    assert floor.salesforce(order_id)["Status"] == "Approved"
    assert [row.outcome for row in floor.audit()] == [None, "done"]


async def test_a_write_that_did_not_arrive_is_sent_again(floor: Floor) -> None:
    order_id = pending(floor)
    floor.sandbox.faults.add(system="salesforce", operation="order.patch", kind="reset")
    assert (await floor.act("approve", OTTO, order_id)).outcome == "done"
    assert patches(floor) == 2


async def test_what_cannot_be_confirmed_is_said_to_be_unknown(floor: Floor) -> None:
    order_id = pending(floor)
    plan = await floor.plan("approve", OTTO, order_id)
    floor.sandbox.faults.add(system="salesforce", operation="order.patch", kind="reset", count=3)
    submitted = await floor.submit(plan, OTTO, order_id)
    assert submitted.outcome == "unknown"
    assert "sent, not confirmed" in submitted.message
    assert floor.audit()[-1].outcome == "unknown"


async def test_somebody_was_faster_while_the_answer_was_lost(floor: Floor) -> None:
    order_id = pending(floor)
    plan = await floor.plan("approve", OTTO, order_id)
    floor.sandbox.faults.add(system="salesforce", operation="order.patch", kind="timeout_before")
    submitting = asyncio.create_task(floor.submit(plan, OTTO, order_id))
    await floor.when(lambda: patches(floor) == 1)
    floor.sandbox.salesforce.desk.change_order(order_id, {"Status": "Rejected"})
    floor.sandbox.faults.clear()
    with pytest.raises(Changed, match="Rejected"):
        await submitting
    assert floor.salesforce(order_id)["Status"] == "Rejected"
    assert floor.audit()[-1].outcome == "refused"


async def test_approving_what_changed_since_it_was_planned_is_refused(floor: Floor) -> None:
    order_id = pending(floor)
    plan = await floor.plan("approve", OTTO, order_id)
    floor.sandbox.people.cancel(order_id)
    with pytest.raises(Changed, match="the order was Pending Review, now Cancelled"):
        await floor.submit(plan, OTTO, order_id)
    assert patches(floor) == 0
    assert floor.audit() == []


async def test_two_approve_and_the_second_hears_who_was_first(floor: Floor) -> None:
    order_id = pending(floor)
    plans = [await floor.plan("approve", who, order_id) for who in (OTTO, OLGA)]
    results = await asyncio.gather(
        floor.submit(plans[0], OTTO, order_id), floor.submit(plans[1], OLGA, order_id), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, Changed)]
    assert len(refused) == 1
    assert refused[0].by == floor.salesforce(order_id)["Approved_By__c"]
    assert patches(floor) == 1


async def test_limits_hold_for_one_order_and_for_a_sum(floor: Floor) -> None:
    dear = [pending(floor, "internet") for _ in range(3)]
    total = sum([(await floor.plan("approve", SUE, o)).amount_sum for o in dear])
    assert total > 50_000
    for order_id in dear:
        assert (await floor.plan("approve", OTTO, order_id)).refusal is None
    many = await floor.plan("approve", OTTO, *dear)
    assert "the sum" in str(many.refusal)
    assert f"¥{total:,}" in str(many.refusal)
    with pytest.raises(NotPossible):
        await floor.submit(many, OTTO, *dear)
    assert (await floor.plan("approve", SUE, *dear)).refusal is None


async def test_nobody_approves_what_they_placed(floor: Floor) -> None:
    order_id = pending(floor)
    floor.sandbox.salesforce.desk.change_order(order_id, {"Placed_By__c": "Otto"})
    assert "you placed this order" in str((await floor.plan("approve", OTTO, order_id)).refusal)
    assert (await floor.plan("approve", OLGA, order_id)).refusal is None


async def test_a_viewer_decides_nothing(floor: Floor) -> None:
    order_id = pending(floor)
    assert "yours is viewer" in str((await floor.plan("approve", VERA, order_id)).refusal)
    for offer in await floor.commander.possible(order_id, VERA):
        assert not offer.possible.ok
        assert offer.possible.never


async def test_a_rejection_of_many_says_too_that_it_cannot_be_undone(floor: Floor) -> None:
    plan = await floor.plan("reject", OTTO, pending(floor), pending(floor))
    assert plan.words[0] == "Reject: 2 orders"
    assert "Salesforce: Rejected. This cannot be undone; the customer must order again." in plan.words
    assert "WHMCS is not touched" in plan.words


async def test_a_rejection_wants_a_reason(floor: Floor) -> None:
    order_id = pending(floor)
    plan = await floor.plan("reject", OTTO, order_id)
    assert any("cannot be undone" in line for line in plan.items[0].words)
    with pytest.raises(NeedsReason):
        await floor.submit(plan, OTTO, order_id, reason=" \n ")
    await floor.submit(plan, OTTO, order_id, reason="address\nis \x1b[31mwrong")
    assert floor.salesforce(order_id)["Status"] == "Rejected"
    assert floor.audit()[0].reason == "address is [31mwrong"


async def test_salesforce_that_cannot_be_read_is_said_so(floor: Floor) -> None:
    order_id = pending(floor)
    floor.sandbox.faults.add(system="salesforce", operation="*", kind="http_503", count=10)
    with pytest.raises(OutsideTrouble) as trouble:
        await floor.plan("approve", OTTO, order_id)
    assert trouble.value.system == "salesforce"


async def test_what_keeps_an_approved_order_waiting_is_said_before(floor: Floor) -> None:
    await floor.act("pause", OTTO, subject="whmcs")
    order_id = pending(floor, "travel")
    await floor.journal.write(lambda db: db.execute("UPDATE profiles SET state = 'unusable'"))
    warnings = " ".join((await floor.plan("approve", OTTO, order_id)).items[0].warnings)
    assert "0 free profiles of type TRAVEL-10G, 1 needed" in warnings
    assert "whmcs is paused by otto" in warnings
