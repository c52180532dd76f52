"""The audit pair, stale plans, what comes from outside, and the registry of acts."""

import asyncio

import pytest

from console.commands import table
from console.engine.commanding.acts import ACTS
from console.engine.commanding.batches import GOING
from console.engine.commanding.commander import Commander
from console.engine.commanding.errors import BadArgument, CommandError, PlanStale
from storage import audit, desk, outbox, runs
from storage.audit import Actor
from tests.console.engine.commanding.conftest import OTTO, SUE, Floor


def test_every_command_has_one_act_and_every_act_a_command() -> None:
    assert sorted(act.id for act in ACTS) == sorted(table.BY_ID)


async def test_the_intent_stands_before_the_effect(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    plan = await floor.plan("approve", OTTO, order_id)
    floor.sandbox.faults.add(system="salesforce", operation="order.patch", kind="slow", options={"delay": 3600})
    submitting = asyncio.create_task(floor.submit(plan, OTTO, order_id, reason="ok"))
    await floor.when(lambda: floor.asked("salesforce", "order.patch") == 1)
    (intent,) = floor.audit()
    assert (intent.phase, intent.plan_hash, intent.subjects) == ("intent", plan.hash, [order_id])
    floor.sandbox.faults.clear()  # now it is answered
    await submitting
    assert [row.phase for row in floor.audit()] == ["intent", "outcome"]


async def test_a_caller_who_goes_away_changes_nothing(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    plan = await floor.plan("approve", OTTO, order_id)
    floor.sandbox.faults.add(system="salesforce", operation="order.patch", kind="slow", options={"delay": 3600})
    submitting = asyncio.create_task(floor.submit(plan, OTTO, order_id))
    await floor.when(lambda: floor.asked("salesforce", "order.patch") == 1)
    submitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await submitting
    floor.sandbox.faults.clear()  # now it is answered
    await floor.when(lambda: len(floor.audit()) == 2)
    assert floor.audit()[-1].outcome == "done"
    assert floor.salesforce(order_id)["Status"] == "Approved"


async def test_a_plan_is_bound_to_command_person_and_arguments(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    plan = await floor.plan("note", OTTO, order_id, text="one")
    with pytest.raises(PlanStale):
        await floor.submit(plan, OTTO, order_id, text="two")
    with pytest.raises(PlanStale):
        await floor.submit(plan, SUE, order_id, text="one")
    with pytest.raises(PlanStale, match="not known"):
        await floor.commander.submit("0" * 16, "note", OTTO, None, order_ids=[order_id], arguments={"text": "one"})
    assert floor.audit() == []
    await floor.submit(plan, OTTO, order_id, text="one")
    assert len(floor.journal.peek(lambda db: desk.notes(db, order_id))) == 1


async def test_a_plan_holds_over_a_restart(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    plan = await floor.plan("approve", OTTO, order_id)
    again = Commander(floor.parts.engine)
    done = await again.submit(plan.hash, "approve", OTTO, None, order_ids=[order_id])
    assert done.outcome == "done"


async def test_commands_that_were_interrupted_get_their_outcome(floor: Floor) -> None:
    now = floor.parts.engine.clock.now()
    await floor.journal.write(lambda db: audit.intent(db, now, Actor("otto", "operator"), "order.approve", ["8015"]))
    assert await floor.commander.finish_interrupted() == 1
    last = floor.audit()[-1]
    assert (last.outcome, last.detail) == ("interrupted", {"note": "interrupted: look at the order"})
    assert await floor.commander.finish_interrupted() == 0


async def test_what_is_not_an_order_is_said_so(floor: Floor) -> None:
    for text in ("00010480", "8015h0000000008AAB", "'; --", "001000000000001AAA", "😀" * 9, "9" * 10_000, ""):
        with pytest.raises(BadArgument, match="is not an order's id") as refused:
            await floor.commander.plan("retry", OTTO, order_ids=[text])
        assert len(str(refused.value)) < 200


async def test_an_order_that_salesforce_does_not_have(floor: Floor) -> None:
    with pytest.raises(BadArgument, match="no such order"):
        await floor.plan("retry", OTTO, "801000000000001AAA")
    with pytest.raises(BadArgument, match="no such order"):
        await floor.commander.possible("801000000000001AAA", OTTO)


async def test_unknown_commands_and_arguments_name_the_nearest(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    with pytest.raises(BadArgument, match="did you mean approve"):
        await floor.plan("aprove", OTTO, order_id)
    with pytest.raises(BadArgument, match="did you mean text"):
        await floor.plan("note", OTTO, order_id, txt="x")
    with pytest.raises(BadArgument, match="it is yes or no"):
        await floor.plan("cancel", OTTO, order_id, undo="perhaps")
    with pytest.raises(BadArgument, match="must be text"):
        await floor.plan("note", OTTO, order_id, text=["x"])


def at_rest(floor: Floor) -> bool:
    """Nothing goes on by itself any more that a plan could tell of: no run, no mail, no status write."""
    going, left = floor.journal.peek(lambda db: (runs.counts(db), outbox.counts(db)))
    return not going.keys() & set(GOING) and not left


async def test_every_command_on_every_kind_of_order_answers_in_words(floor: Floor) -> None:
    """Whatever is asked of whatever order: a plan with reasons, or an error for people; never a defect."""
    failed = await floor.failed()
    floor.break_customer(mend=True)
    parked = floor.order("vpn", pays_by="none")
    await floor.admit(parked)
    await floor.until(parked, "parked")
    done = floor.order("sim")
    await floor.admit(done)
    await floor.until(done, "done")
    await floor.when(lambda: at_rest(floor))
    orders = [failed, parked, done, floor.order("vpn", status="Pending Review")]
    arguments = {
        "step": "load", "until": "after(1h)", "identifier": "12", "field": "language", "value": "en", "service": "9",
        "text": "x", "subject": "mail",
    }  # fmt: skip
    for command in table.COMMANDS:
        given = {a.name: arguments[a.name] for a in command.arguments if a.name in arguments}
        targets = [[order_id] for order_id in orders] if command in table.for_orders() else [[]]
        for ids in targets:
            try:
                plan = await floor.commander.plan(command.id, SUE, order_ids=ids, arguments=given)
            except CommandError as error:
                assert str(error)
                continue
            assert plan.as_json()["hash"] == plan.hash
            assert all(item.will_do != bool(item.reason) for item in plan.items)
            again = await floor.commander.plan(command.id, SUE, order_ids=ids, arguments=given)
            assert again.hash == plan.hash, command.id
