"""The gate of a system: how many at once, how fast, and whether at all."""

import asyncio

import pytest

from console.engine.failures import NotNow
from console.engine.gates import Breaker, Gate
from console.engine.holds import Holds
from integrations.errors import CallFailed, ErrorClass, System
from storage.desk import Pause
from tests.console.engine.hands import HandClock


def gate(clock: HandClock, concurrency: int = 4, rate: float = 0, failures: int = 3) -> Gate:
    return Gate("whmcs", clock, concurrency, rate, Breaker(failures, 60, 30))


def down(kind: ErrorClass = ErrorClass.TRANSIENT) -> CallFailed:
    return CallFailed(System.WHMCS, "GetOrders", kind, "http_503", "a page of a proxy")


async def call(gate: Gate, error: Exception | None = None) -> None:
    async with gate.slot(), gate.asked():
        if error is not None:
            raise error


async def fail(gate: Gate, times: int, kind: ErrorClass = ErrorClass.TRANSIENT) -> None:
    for _ in range(times):
        with pytest.raises(CallFailed):
            await call(gate, down(kind))


async def test_no_more_calls_at_one_time_than_set() -> None:
    way, most = gate(HandClock(), concurrency=3), 0

    async def one() -> None:
        nonlocal most
        async with way.slot(), way.asked():
            most = max(most, way.in_flight)
            await asyncio.sleep(0.002)

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 3 and way.in_flight == 0 and way.calls == 20


async def test_calls_are_spread_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, slept = HandClock(), []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    way = gate(clock, rate=10)
    for _ in range(4):
        await call(way)
    assert slept == [0.0, 0.1, 0.2, 0.3]
    clock.pass_(5)
    await call(way)
    assert slept[-1] == 0.0


async def test_silence_opens_the_breaker_and_an_answer_that_says_no_does_not() -> None:
    way = gate(HandClock())
    for kind in (ErrorClass.DATA, ErrorClass.CONFLICT, ErrorClass.CONFIG, ErrorClass.CAPACITY, ErrorClass.CUSTOMER):
        await fail(way, 5, kind)
    assert way.state == "up"
    await fail(way, 2, ErrorClass.OUTCOME_UNKNOWN)
    await fail(way, 1)
    assert way.state == "broken"


async def test_an_answer_in_between_clears_the_count() -> None:
    way = gate(HandClock())
    await fail(way, 2)
    await call(way)
    await fail(way, 2)
    assert way.state == "up"


async def test_old_failures_do_not_count() -> None:
    clock = HandClock()
    way = gate(clock)
    await fail(way, 2)
    clock.pass_(61)
    await fail(way, 2)
    assert way.state == "up"


async def test_while_open_nothing_leaves_and_runs_wait_for_the_system() -> None:
    way = gate(HandClock())
    await fail(way, 3)
    with pytest.raises(NotNow) as stop:
        await call(way)
    assert stop.value.condition is not None and str(stop.value.condition) == "up(whmcs)"
    assert way.calls == 3


async def test_after_the_cool_down_one_call_tries() -> None:
    clock = HandClock()
    way = gate(clock)
    await fail(way, 3)
    clock.pass_(30)
    go_on = asyncio.Event()

    async def trial() -> None:
        async with way.slot(), way.asked():
            await go_on.wait()

    trying = asyncio.create_task(trial())
    await asyncio.sleep(0)
    for _ in range(3):
        with pytest.raises(NotNow):
            await call(way)
    go_on.set()
    await trying
    assert way.state == "up"
    await call(way)


async def test_a_trial_that_fails_opens_it_again() -> None:
    clock = HandClock()
    way = gate(clock)
    await fail(way, 3)
    clock.pass_(30)
    await fail(way, 1)
    clock.pass_(29)
    with pytest.raises(NotNow):
        await call(way)
    clock.pass_(1)
    await call(way)
    assert way.state == "up"


@pytest.mark.parametrize("ending", [asyncio.CancelledError(), RuntimeError("the journal is full")])
async def test_a_trial_that_learnt_nothing_lets_the_next_one_try(ending: BaseException) -> None:
    clock = HandClock()
    way = gate(clock)
    await fail(way, 3)
    clock.pass_(30)
    with pytest.raises(type(ending)):
        async with way.slot(), way.asked():
            raise ending
    await call(way)
    assert way.state == "up"


async def test_a_pause_refuses_with_who_and_why_and_counts_nothing() -> None:
    way = gate(HandClock())
    way.pause = Pause("whmcs", "otto", "maintenance", 0.0, False)
    with pytest.raises(NotNow, match=r"otto.*maintenance") as stop:
        await call(way)
    assert str(stop.value.condition) == "resumed(whmcs)"
    assert (way.calls, way.errors, way.state) == (0, 0, "paused")


async def test_a_probe_is_made_whatever_the_breaker_says() -> None:
    way = gate(HandClock())
    await fail(way, 3)
    async with way.enter():
        pass
    assert way.state == "up"


def test_holds_are_named_and_lifted_one_by_one() -> None:
    holds = Holds()
    holds.check()
    holds.set("clock", "the clock jumped")
    holds.set("ownership", "another journal owns this org")
    with pytest.raises(NotNow, match="the clock jumped; another journal"):
        holds.check()
    holds.lift("clock")
    holds.lift("nothing")
    with pytest.raises(NotNow, match=r"^another journal"):
        holds.check()
    holds.lift("ownership")
    holds.check()
