"""Retry, skip, park, start against the real servers."""

import asyncio
import time
from dataclasses import replace

import pytest

from console.engine.commanding.commander import Commander, what_changed
from console.engine.commanding.errors import BadArgument, Changed, NotPossible
from console.engine.commanding.plans import PlanItem
from storage import profiles, runs
from storage.runs import Run
from tests.console.engine.commanding.conftest import OLGA, OTTO, SUE, Floor


async def test_a_retry_of_a_failed_order_is_a_new_run_that_looks_first(floor: Floor) -> None:
    order_id = await floor.failed()
    failed = floor.run(order_id)
    floor.break_customer(mend=True)
    done = await floor.act("retry", OTTO, order_id)
    assert done.outcome == "requested"
    fresh = await floor.until(order_id, "done")
    assert (fresh.id, fresh.retry_of, fresh.look_first, fresh.source) == (done.run_id, failed.id, True, "command")
    assert len(floor.whmcs_orders()) == 1
    assert floor.salesforce(order_id)["Status"] == "Activated"
    intent, outcome = floor.audit()
    assert (intent.phase, intent.command, intent.actor, intent.reason) == ("intent", "order.retry", "otto", "because")
    assert (intent.subjects, intent.token_id, intent.peer) == ([order_id], 7, "uid 1000")
    assert (outcome.phase, outcome.outcome, outcome.intent_id) == ("outcome", "done", intent.id)


async def test_a_retry_never_sends_a_finished_call_again(floor: Floor) -> None:
    order_id = floor.order("sim")
    floor.sandbox.whmcs.switch(module_failure=(1,), after_module_failure="active")
    await floor.admit(order_id)
    assert (await floor.until(order_id, "failed")).error_code == "service_pending"
    plan = await floor.plan("retry", OTTO, order_id)
    assert any("only read again: whmcs.AddOrder, whmcs.AcceptOrder" in line for line in plan.items[0].words)
    for _ in range(2):
        await floor.act("retry", OTTO, order_id)
        await floor.until(order_id, "failed")
    assert len(floor.whmcs_orders()) == 1
    assert (floor.asked("whmcs", "AddOrder"), floor.asked("whmcs", "AcceptOrder")) == (1, 1)


async def test_two_people_retry_and_one_run_starts(floor: Floor) -> None:
    order_id = await floor.failed()
    first = await floor.plan("retry", OTTO, order_id)
    second = await floor.plan("retry", OLGA, order_id)
    await floor.submit(first, OTTO, order_id)
    with pytest.raises(Changed) as refused:
        await floor.submit(second, OLGA, order_id)
    assert refused.value.by == "otto"
    assert refused.value.order_id == order_id
    await floor.until(order_id, "failed")
    with pytest.raises(Changed):  # the plan was for the first failure, not for the next one
        await floor.submit(second, OLGA, order_id)
    assert len(floor.journal.peek(lambda db: runs.of_order(db, order_id))) == 2


def test_what_changed_is_told_in_words() -> None:
    """A person knows no numbers of runs, and an amount by its currency."""
    planned = PlanItem("8015h000000001PAAQ", "00000186", True, "", "Failed", 9, 4, "failed", 5980, None)
    assert what_changed(planned, replace(planned, run_id=28)) == "a new run of it was begun"
    assert what_changed(planned, replace(planned, amount=6480)) == "the amount was ¥5,980, now ¥6,480"
    assert what_changed(planned, replace(planned, run_state="done")) == "the run was failed, now done"


async def test_two_retries_in_the_same_moment_start_one_run(floor: Floor) -> None:
    order_id = await floor.failed()
    commanders = [Commander(floor.parts.engine) for _ in range(4)]  # each with locks of its own
    plans = [await c.plan("retry", OTTO, order_ids=[order_id]) for c in commanders]
    results = await asyncio.gather(
        *(c.submit(p.hash, "retry", OTTO, order_ids=[order_id]) for c, p in zip(commanders, plans, strict=True)),
        return_exceptions=True,
    )
    assert sum(isinstance(r, Changed) for r in results) == 3, results
    assert len(floor.journal.peek(lambda db: runs.of_order(db, order_id))) == 2
    outcomes = [row.outcome for row in floor.audit() if row.phase == "outcome"]
    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", "refused"}


async def test_retry_from_a_step_keeps_what_was_finished_before_it(floor: Floor) -> None:
    order_id = floor.order("sim")
    floor.sandbox.whmcs.switch(module_failure=(1,), after_module_failure="active")
    await floor.admit(order_id)
    old = await floor.until(order_id, "failed")
    with pytest.raises(BadArgument) as too_far:
        await floor.plan("retry-step", OTTO, order_id, step="crm")
    assert "load, payment, esim, billing, accept" in too_far.value.remedy
    await floor.act("retry-step", OTTO, order_id, step="billing")
    fresh = await floor.until(order_id, "failed")
    assert fresh.retry_of == old.id
    before = {s.name: s for s in floor.journal.peek(lambda db: runs.steps(db, old.id))}
    after = {s.name: s for s in floor.journal.peek(lambda db: runs.steps(db, fresh.id))}
    assert (after["payment"].state, after["payment"].tries) == ("done", 0)
    assert after["payment"].output == before["payment"].output
    assert (after["billing"].state, after["billing"].tries) == ("done", 1)
    with pytest.raises(BadArgument) as unknown:
        await floor.plan("retry-step", OTTO, order_id, step="biling")
    assert "did you mean billing?" in unknown.value.remedy


async def test_a_parked_order_goes_on_when_it_is_retried(floor: Floor) -> None:
    order_id = floor.order("vpn", pays_by="none")
    await floor.admit(order_id)
    await floor.until(order_id, "parked", wait="condition")
    client = floor.run(order_id).lock_key
    assert client is not None
    floor.sandbox.people.set_pay_method(int(client), "card")
    await floor.act("unpark", OTTO, order_id)
    assert (await floor.until(order_id, "done")).retry_of is None


async def test_payment_is_skipped_by_a_supervisor_only(floor: Floor) -> None:
    order_id = floor.order("vpn", pays_by="none")
    await floor.admit(order_id)
    await floor.until(order_id, "parked", wait="condition")
    assert "supervisor" in str((await floor.plan("skip", OTTO, order_id)).refusal)
    with pytest.raises(NotPossible):
        await floor.act("skip", OTTO, order_id)
    await floor.act("skip", SUE, order_id, reason="pays in the shop")
    done = await floor.until(order_id, "done")
    payment = next(s for s in floor.journal.peek(lambda db: runs.steps(db, done.id)) if s.name == "payment")
    assert payment.state == "skipped"
    assert payment.note == "skipped by sue: pays in the shop"


async def test_a_skipped_step_stays_skipped_in_the_next_run(floor: Floor) -> None:
    order_id = floor.order("vpn", pays_by="none")
    await floor.admit(order_id)
    await floor.until(order_id, "parked", wait="condition")
    floor.sandbox.whmcs.switch(price_drift=7)
    await floor.act("skip", SUE, order_id)
    assert (await floor.until(order_id, "failed")).error_code == "bill_differs"
    await floor.act("retry", OTTO, order_id)
    again = await floor.until(order_id, "failed")
    assert again.error_code == "bill_differs"
    states = {s.name: s.state for s in floor.journal.peek(lambda db: runs.steps(db, again.id))}
    assert states["payment"] == "skipped"


async def test_a_failed_order_is_parked_until_and_goes_on_by_itself(floor: Floor) -> None:
    order_id = await floor.failed()
    floor.break_customer(mend=True)
    done = await floor.act("park", OTTO, order_id, until="after(1s)", limit="1h")
    parked = floor.run(order_id)
    assert (parked.state, parked.wait, parked.id) == ("parked", "condition", done.run_id)
    assert parked.wait_reason == "parked by otto: because"
    assert parked.wait_until == pytest.approx(time.time() + 3600, abs=300)
    floor.spawn(floor.parts.conditions.run())
    await floor.until(order_id, "done")


async def test_parking_checks_what_is_waited_for(floor: Floor) -> None:
    order_id = await floor.failed()
    for until, word in (
        ("stock(NOTHING)", "no profiles of type"), ("paymethod(1)", "is not this order's"), ("up(sap)", "no system"),
        ("after(1999-01-01)", "is past"), ("tomorrow", "not a condition"), ("after(soon)", "not a time"),
    ):  # fmt: skip
        with pytest.raises(BadArgument, match=word):
            await floor.plan("park", OTTO, order_id, until=until)
    with pytest.raises(BadArgument, match="not a period"):
        await floor.plan("park", OTTO, order_id, until="up(whmcs)", limit="soon")
    plan = await floor.plan("park", OTTO, order_id, until="stock(TRAVEL-10G) > 0")
    assert any("goes on at once" in warning for warning in plan.items[0].warnings)
    await floor.act("park", OTTO, order_id, until="paymethod()")
    condition = floor.run(order_id).condition
    assert condition is not None
    assert condition["argument"] == floor.run(order_id).lock_key


async def test_an_order_of_a_later_day_is_not_woken_before_it(floor: Floor) -> None:
    order_id = floor.order("starts_later")
    await floor.admit(order_id)
    assert floor.run(order_id).state == "parked"
    plan = await floor.plan("unpark", OTTO, order_id)
    assert "the order starts on" in str(plan.refusal)


async def held(floor: Floor, code: str, *, look_first: bool = False) -> tuple[str, Run]:
    order_id = floor.order("vpn")
    floor.parts.dispatcher._stopping = True  # nothing moves while the run is made a held one
    await floor.admit(order_id)
    run = floor.run(order_id)
    now = time.time()
    await floor.journal.write(
        lambda db: runs.change(db, run.id, now, state="held", wait="person", error_code=code, look_first=look_first)
    )
    return order_id, floor.run(order_id)


async def test_a_held_order_is_started(floor: Floor) -> None:
    order_id, run = await held(floor, "before_start", look_first=True)
    assert (await floor.act("start", OTTO, order_id)).run_id == run.id
    started = floor.run(order_id)
    assert (started.state, started.error_code, started.wait) == ("queued", None, None)
    assert started.state_data["foreign_since"] == run.created_at


async def test_who_placed_a_held_order_does_not_start_it(floor: Floor) -> None:
    order_id, _ = await held(floor, "four_eyes")
    floor.sandbox.salesforce.desk.change_order(order_id, {"Placed_By__c": "Ｏtto"}, user="integration")
    assert "somebody else" in str((await floor.plan("start", OTTO, order_id)).refusal)
    assert (await floor.plan("start", OLGA, order_id)).refusal is None


async def test_an_order_approved_again_is_never_started(floor: Floor) -> None:
    order_id, _ = await held(floor, "approved_again")
    with pytest.raises(NotPossible, match="provisioned before"):
        await floor.act("start", SUE, order_id)


async def test_a_profile_that_is_imported_lets_the_parked_order_go_on(floor: Floor) -> None:
    free = floor.journal.peek(profiles.stock)
    assert ("TRAVEL-10G", "free", next(n for t, s, n in free if (t, s) == ("TRAVEL-10G", "free"))) in free
    order_id = floor.order("travel")
    await floor.admit(order_id)
    await floor.until(order_id, "done")
    assert (await floor.plan("retry", OTTO, order_id)).refusal == "the order is done"
