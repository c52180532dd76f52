"""One exchange: what a time-out, garbage, a hold, a queue and a pause make of it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from console.engine.conditions import Conditions
from console.engine.failures import NotNow
from console.engine.workflow import RunContext
from integrations.correlation import correlation_id
from integrations.errors import CallFailed, ErrorClass, System
from storage import calls, desk
from storage.desk import Pause
from tests.console.api.rig import until
from tests.console.engine.hands import ORDER, Bench, Far, guarded


async def read(context: RunContext, far: Far) -> Mapping[str, Any]:
    return await context.calls.read(
        System.WHMCS, "whmcs.GetOrders", far.send, request={"id": 7}, summary=lambda answer: {"shown": answer["id"]}
    )


async def test_a_read_is_made_again_at_every_turn_and_keeps_a_summary_only(bench: Bench) -> None:
    bench.act, bench.far.plan = read, ["refused", "dies_inside"]
    await bench.insert()
    run = await bench.go()
    assert (run.state, len(bench.far.requests)) == ("done", 3)
    call = bench.journal.peek(lambda db: calls.of_order(db, ORDER))[0]
    assert (call.effect, call.state, call.output) == ("read", "done", {"shown": "effect-2"})


@pytest.mark.parametrize(("act", "state"), [(guarded, "unknown"), (read, "refused")])
async def test_silence_is_unknown_for_a_write_and_passing_for_a_read(bench: Bench, act: Any, state: str) -> None:
    bench.set(whmcs={"read_timeout": 0.01, "write_timeout": 0.01})
    bench.engine.deadline = lambda system, *, write: 0.02  # type: ignore[method-assign]

    async def hang() -> Mapping[str, Any]:
        await asyncio.sleep(60)
        return {}

    bench.act, bench.far.send = act, hang  # type: ignore[method-assign]
    await bench.insert()
    run = await bench.turn()
    assert run.state == "retrying" and run.error_code == "timeout"
    assert bench.journal.peek(lambda db: calls.of_order(db, ORDER))[0].state == state


@pytest.mark.parametrize(("act", "state"), [(guarded, "unknown"), (read, "refused")])
async def test_an_answer_nobody_understands_is_no_refusal(bench: Bench, act: Any, state: str) -> None:
    async def garbage() -> Mapping[str, Any]:
        raise KeyError("orderid")

    bench.act, bench.far.send = act, garbage  # type: ignore[method-assign]
    await bench.insert()
    run = await bench.turn()
    assert (run.state, run.error_code) == ("retrying", "unreadable_answer")
    assert bench.journal.peek(lambda db: calls.of_order(db, ORDER))[0].state == state


async def test_holds_of_ours_stop_guarded_calls_and_burn_no_try(bench: Bench) -> None:
    bench.engine.holds.set("clock", "the clock jumped")
    await bench.insert()
    run = await bench.turn()
    assert (run.state, run.tries, bench.far.requests) == ("parked", 0, [])
    assert "the clock jumped" in str(run.wait_reason)
    assert bench.journal.peek(lambda db: calls.of_order(db, ORDER)) == [], "no intent for what did not leave"
    bench.engine.holds.lift("clock")
    assert await Conditions(bench.engine).check() == 1
    assert (await bench.go()).state == "done"


async def test_holds_do_not_stop_reads(bench: Bench) -> None:
    bench.engine.holds.set("clock", "the clock jumped")
    bench.act = read
    await bench.insert()
    assert (await bench.go()).state == "done"


async def test_the_order_is_read_again_right_before_a_guarded_call(bench: Bench) -> None:
    """… when it is this call's turn: what queued may be an hour old (rules §9)."""
    asked: list[int] = []

    async def checked(context: RunContext, far: Far) -> Mapping[str, Any]:
        async def before() -> None:
            asked.append(len(far.requests))

        context.calls.before_guarded = before
        return await guarded(context, far)

    bench.act = checked
    await bench.insert()
    await bench.go()
    assert asked == [0]


async def _blocked_gate(bench: Bench) -> tuple[asyncio.Event, list[asyncio.Task[None]]]:
    """Every slot of WHMCS is taken until the event is set."""
    go_on, gate = asyncio.Event(), bench.engine.gates[System.WHMCS]

    async def occupy() -> None:
        async with gate.enter():
            await go_on.wait()

    tasks = [asyncio.create_task(occupy()) for _ in range(100)]
    await until(lambda: gate.in_flight == 100)
    return go_on, tasks


async def test_what_queues_for_its_turn_has_no_intent_yet(bench: Bench) -> None:
    """Late landing counts from the intent: it must not be older than the request (rules §3.3)."""
    go_on, tasks = await _blocked_gate(bench)
    await bench.insert()
    turn = asyncio.create_task(bench.turn())
    await until(lambda: bench.engine.gates[System.WHMCS].queued == 1)
    assert bench.journal.peek(lambda db: calls.effects(db, ORDER)) == []
    bench.clock.pass_(3000)
    bench.far.plan = ["unknown_before"]
    go_on.set()
    await asyncio.gather(turn, *tasks)
    assert bench.call().wait_from == bench.far.requests[0]


async def test_a_pause_is_seen_by_what_queues(bench: Bench) -> None:
    go_on, tasks = await _blocked_gate(bench)
    await bench.insert()
    turn = asyncio.create_task(bench.turn())
    await until(lambda: bench.engine.gates[System.WHMCS].queued == 1)
    bench.engine.gates[System.WHMCS].pause = Pause("whmcs", "otto", "maintenance", bench.clock.now(), False)
    go_on.set()
    await asyncio.gather(turn, *tasks)
    assert bench.far.requests == []
    assert (bench.run.state, bench.run.wait, bench.run.tries) == ("parked", "condition", 0)
    assert bench.run.condition is not None and bench.run.condition["kind"] == "resumed"


async def test_a_cancel_that_was_asked_meanwhile_stops_the_guarded_call(bench: Bench) -> None:
    await bench.insert()

    async def asked_while_reading(context: RunContext, far: Far) -> Mapping[str, Any]:
        await context.calls.read(System.WHMCS, "whmcs.GetProducts", far.standing)
        await bench.journal.write(lambda db: db.execute("UPDATE runs SET cancel_asked = 1"))
        return await guarded(context, far)

    bench.act = asked_while_reading
    run = await bench.turn()
    assert run.open and run.cancel_asked and run.tries == 0
    assert bench.far.requests == [] and bench.journal.peek(lambda db: calls.effects(db, ORDER)) == []


async def test_the_undo_of_a_run_that_was_asked_to_cancel_may_leave(bench: Bench) -> None:
    await bench.insert(cancel_asked=True)
    assert (await bench.go()).state == "done"
    assert len(bench.far.requests) == 1


async def test_every_exchange_has_its_own_correlation_id(bench: Bench) -> None:
    told: list[str] = []

    async def many(context: RunContext, far: Far) -> Mapping[str, Any]:
        async def fetch() -> Mapping[str, Any]:
            told.append(correlation_id.get())
            return {}

        for item in "abc":
            await context.calls.read(System.WHMCS, "whmcs.GetOrders", fetch, item=item)
        return {}

    bench.act = many
    await bench.insert()
    await bench.go()
    made = bench.journal.peek(lambda db: calls.of_order(db, ORDER))
    kept = [bench.journal.peek(lambda db, c=call: calls.sends(db, c.id))[0].correlation for call in made]  # type: ignore[misc]
    assert len(set(told)) == 3
    assert told == kept


async def test_outside_words_do_not_reach_the_feed(bench: Bench) -> None:
    """A mail server names the recipient in its refusal (rules §12: no personal data in the feed)."""
    bench.act = read
    bench.far.plan = ["refused", "refused"]
    bench.far.refusal = CallFailed(
        System.MAIL, "rcpt", ErrorClass.TRANSIENT, "450", "4.2.1 <taro.yamada@example.ne.jp>: mailbox busy"
    )
    await bench.insert()
    await bench.turn()
    bodies = await bench.journal.read(lambda db: db.execute("SELECT body FROM feed").fetchall())
    assert bodies and not any("taro" in body[0] for body in bodies)
    assert "taro" in str(bench.run.error_message), "the person who mends it sees it"


async def test_a_broken_system_says_its_code_only(bench: Bench) -> None:
    gate = bench.engine.gates[System.WHMCS]
    gate.note(CallFailed(System.WHMCS, "X", ErrorClass.TRANSIENT, "http_503", "Dear taro@example.ne.jp"))
    gate.breaker.opened_at = bench.clock.monotonic()
    with pytest.raises(NotNow, match="http_503") as stop:
        gate.check()
    assert "taro" not in str(stop.value)


async def test_pauses_are_loaded_from_the_journal(bench: Bench) -> None:
    now = bench.clock.now()
    await bench.journal.write(lambda db: desk.pause(db, "whmcs", "otto", "maintenance", now))
    bench.engine.gates.load(bench.journal.peek(desk.pauses))
    await bench.insert()
    run = await bench.turn()
    assert (run.state, run.tries) == ("parked", 0)
    assert "otto" in str(run.wait_reason)
