"""Clocks (rules §10): a jump pauses guarded calls, alarms and re-anchors; waits keep what was left of them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from console.engine.clock import as_datetime
from console.engine.clockwatch import ClockWatch
from console.engine.conditions import Conditions
from storage import alerts, calls, outbox, runs
from tests.console.engine.hands import ORDER, Bench

DAY = 86_400.0


async def test_a_quiet_clock_changes_nothing(bench: Bench) -> None:
    watch = ClockWatch(bench.engine)
    await bench.insert()
    for _ in range(5):
        bench.clock.pass_(2)
        assert await watch.check() == 0.0
    bench.clock.jump(25)  # a step of ntp
    assert await watch.check() == 0.0
    assert bench.journal.peek(alerts.open_alerts) == []


@pytest.mark.parametrize("jump", [DAY, -DAY, 31.0, -31.0])
async def test_waits_keep_what_was_left_of_them(bench: Bench, jump: float) -> None:
    watch, now = ClockWatch(bench.engine), bench.clock.now()
    day = now + 5 * DAY
    conditions: dict[str, dict[str, Any]] = {
        "paymethod": {"kind": "paymethod", "argument": "1001", "since": now - 100, "limit": 14 * DAY},
        "after": {"kind": "after", "argument": str(now + 300), "since": now, "limit": DAY},
        "named day": {"kind": "after", "argument": str(day), "since": now, "limit": None},
    }
    for name, condition in conditions.items():
        await bench.journal.write(
            lambda db, name=name, condition=condition: runs.insert(  # type: ignore[misc]
                db, ("a",), now, workflow="w", subject=name, order_id=name, state="parked", wait="condition",
                condition=condition, wait_until=now + 1000, source="event",
            )
        )  # fmt: skip
    await bench.insert(state="retrying", wait="retry", next_at=now + 40)
    await bench.journal.write(lambda db: outbox.put(db, ORDER, {"Status": "Failed"}, now))
    bench.clock.jump(jump)
    assert await watch.check() == pytest.approx(jump)

    assert bench.run.next_at == pytest.approx(now + 40 + jump)
    parked = {run.subject: run for run in bench.journal.peek(lambda db: runs.in_state(db, "parked"))}
    assert [run.wait_until for run in parked.values()] == [pytest.approx(now + 1000 + jump)] * 3
    since = {name: run.condition["since"] for name, run in parked.items() if run.condition}
    assert since == {name: pytest.approx(c["since"] + jump) for name, c in conditions.items()}
    arguments = {name: run.condition["argument"] for name, run in parked.items() if run.condition}
    assert float(arguments["after"]) == pytest.approx(now + 300 + jump)
    assert (arguments["named day"], arguments["paymethod"]) == (str(day), "1001"), "a day that an order names stays"
    row = bench.journal.peek(lambda db: outbox.get(db, ORDER))
    assert row is not None and row.next_at == pytest.approx(now + jump)


@pytest.mark.parametrize("jump", [DAY, -DAY])
async def test_late_landing_is_waited_for_anew_from_the_jump(bench: Bench, jump: float) -> None:
    watch = ClockWatch(bench.engine)
    bench.far.plan = ["unknown_before"]
    await bench.insert()
    await bench.turn()
    bench.clock.pass_(100)
    bench.clock.jump(jump)
    await watch.check()
    jumped = bench.clock.now()
    await bench.go()
    assert bench.far.requests[1] >= jumped + 900 + 60


async def test_control_without_the_watch_a_jump_ends_the_wait(bench: Bench) -> None:
    bench.far.plan, bench.far.late_by = ["late"], DAY + 500
    await bench.insert()
    await bench.turn()
    bench.clock.jump(DAY)
    await bench.go()
    assert bench.far.ever == 2


async def test_a_jump_under_a_call_counts_for_its_wait_too(bench: Bench) -> None:
    """The call was under way at the jump: its intent is dated by the old clock."""
    watch, honest = ClockWatch(bench.engine), bench.far.send

    async def send() -> object:
        bench.clock.jump(DAY)
        await watch.check()
        return await honest()

    bench.far.plan = ["unknown_before"]
    bench.far.send = send  # type: ignore[method-assign, assignment]
    await bench.insert()
    await bench.turn()
    assert bench.call().wait_from == bench.far.requests[0]


async def test_guarded_calls_are_held_while_a_jump_is_taken_in(bench: Bench) -> None:
    watch, held, write = ClockWatch(bench.engine), [], bench.journal.write

    async def watched(work: object) -> object:
        held.append(bench.engine.holds.reasons())
        return await write(work)  # type: ignore[arg-type]

    bench.journal.write = watched  # type: ignore[method-assign, assignment]
    bench.clock.jump(-DAY)
    await watch.check()
    assert any("jumped" in reason for reason in held[0].values())
    assert bench.engine.holds.reasons() == {}
    assert any(alert.cause == "clock" for alert in bench.journal.peek(alerts.open_alerts))


async def test_a_jump_is_seen_once(bench: Bench) -> None:
    watch = ClockWatch(bench.engine)
    bench.clock.jump(DAY)
    assert await watch.check() == DAY
    assert await watch.check() == 0.0


@pytest.mark.parametrize("skew", [-61.0, 61.0, 3600.0])
async def test_a_server_that_disagrees_holds_guarded_calls_until_it_agrees(bench: Bench, skew: float) -> None:
    watch = ClockWatch(bench.engine)
    here = as_datetime(bench.clock.now())
    watch.server_date("whmcs", here - timedelta(seconds=skew))
    await watch.check()
    await bench.insert()
    run = await bench.turn()
    assert (run.state, run.tries, bench.far.requests) == ("parked", 0, [])
    assert [a.cause for a in bench.journal.peek(alerts.open_alerts)] == ["clock_skew:whmcs"]
    watch.server_date("whmcs", as_datetime(bench.clock.now()) - timedelta(seconds=2))
    await watch.check()
    assert await Conditions(bench.engine).check() == 1
    assert (await bench.go()).state == "done"
    assert bench.journal.peek(alerts.open_alerts) == []


async def test_a_minute_is_no_disagreement(bench: Bench) -> None:
    watch = ClockWatch(bench.engine)
    watch.server_date("salesforce", as_datetime(bench.clock.now() - 59))
    await watch.check()
    assert bench.engine.holds.reasons() == {}


async def test_the_date_may_come_in_from_any_thread(bench: Bench) -> None:
    watch = ClockWatch(bench.engine)
    here = as_datetime(bench.clock.now() - 500)
    await asyncio.gather(*(asyncio.to_thread(watch.server_date, f"s{i}", here) for i in range(20)))
    await watch.check()
    assert len(bench.engine.holds.reasons()) == 20


async def test_the_journal_keeps_its_calls_apart(bench: Bench) -> None:
    """A restarted wait is that of calls whose outcome is open, of no others."""
    await bench.insert()
    await bench.go()
    before = bench.call()
    bench.clock.jump(DAY)
    now = bench.clock.now()
    await bench.journal.write(lambda db: calls.restart_waits(db, now))
    assert bench.call() == before
