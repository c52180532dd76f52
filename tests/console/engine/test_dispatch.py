"""Which run is worked on when: customers' locks, order, stopping, starting again, and a store that takes no writes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from console.engine import dispatch
from console.engine.dispatch import Dispatcher
from storage import calls, feed, runs
from storage.errors import StoreFull
from storage.runs import Run
from tests.console.engine.hands import Bench


class Floor:
    """A dispatcher whose runs are held open by the test."""

    def __init__(self, bench: Bench, most: int = 10, paused: Callable[[], bool] = lambda: False) -> None:
        self.bench = bench
        self.began: list[str] = []
        self.may_end: dict[str, asyncio.Event] = {}
        self.acts: dict[str, Callable[[Run], Awaitable[None]]] = {}
        self.dispatcher = Dispatcher(bench.journal, bench.clock, self.advance, most, paused)
        self.task: asyncio.Task[None] | None = None

    async def advance(self, run: Run) -> None:
        self.began.append(run.subject)
        if run.subject in self.acts:
            await self.acts[run.subject](run)
        await self.may_end.setdefault(run.subject, asyncio.Event()).wait()
        now = self.bench.clock.now()
        await self.bench.journal.write(
            lambda db: runs.change(db, run.id, now, state="done", lock_held=False, ended_at=now)
        )

    async def submit(self, subject: str, client: str | None, **values: Any) -> int:
        now = self.bench.clock.now()
        given = {"state": "queued", "source": "event", "lock_key": client, "order_id": subject} | values
        return await self.bench.journal.write(
            lambda db: runs.insert(db, ("one",), now, workflow="provision_order", subject=subject, **given)
        )

    def start(self) -> None:
        self.task = asyncio.create_task(self.dispatcher.run())

    def end(self, *subjects: str) -> None:
        for subject in subjects:
            self.may_end.setdefault(subject, asyncio.Event()).set()

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():
                self.dispatcher.wake()
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self.end(*self.may_end)
        await self.dispatcher.drain(1.0)
        if self.task is not None:
            await self.task

    def run(self, subject: str) -> Run:
        run = self.bench.journal.peek(lambda db: runs.latest_of_order(db, subject))
        assert run is not None
        return run


async def test_runs_of_one_customer_never_overlap_and_come_in_turn(bench: Bench) -> None:
    floor = Floor(bench)
    for i in range(4):
        await floor.submit(f"a{i}", "1001")
        bench.clock.pass_(0.001)
    await floor.submit("b", "2002")
    floor.start()
    await floor.until(lambda: len(floor.began) == 2)
    assert set(floor.began) == {"a0", "b"}
    for i in range(4):
        await floor.until(lambda i=i: f"a{i}" in floor.began)  # type: ignore[misc]
        assert [s for s in floor.began if s.startswith("a")] == [f"a{n}" for n in range(i + 1)]
        floor.end(f"a{i}")
    await floor.stop()


async def test_a_queued_run_names_the_run_it_waits_for_also_in_the_feed(bench: Bench) -> None:
    floor = Floor(bench)
    first = await floor.submit("a0", "1001")
    floor.start()
    await floor.until(lambda: floor.began == ["a0"])
    second = await floor.submit("a1", "1001")
    await floor.until(lambda: floor.run("a1").waits_for == first)
    assert floor.run("a1").wait == "lock"
    told = bench.journal.peek(lambda db: [r.body for r in feed.of_order(db, "a1")])
    assert told[-1]["waits_for"] == first
    floor.end("a0")
    await floor.until(lambda: "a1" in floor.began)
    assert (floor.run("a1").waits_for, floor.run("a1").wait) == (None, None)
    assert second == floor.run("a1").id
    await floor.stop()


async def test_waiting_for_a_lock_is_told_once(bench: Bench) -> None:
    floor = Floor(bench)
    await floor.submit("a0", "1001")
    floor.start()
    await floor.until(lambda: floor.began == ["a0"])
    await floor.submit("a1", "1001")
    await floor.until(lambda: floor.run("a1").waits_for is not None)
    before = bench.journal.peek(feed.highest)
    for _ in range(20):
        floor.dispatcher.wake()
        await asyncio.sleep(0.005)
    assert bench.journal.peek(feed.highest) == before
    await floor.stop()


@pytest.mark.parametrize(
    ("values", "blocks"),
    [
        ({"state": "retrying", "lock_held": True, "next_at": 4e9}, True),
        ({"state": "parked", "lock_held": True, "wait": "person"}, True),
        ({"state": "parked", "lock_held": False, "wait": "condition"}, False),
        ({"state": "failed", "lock_held": False}, False),
        ({"state": "retrying", "lock_held": False, "next_at": 4e9}, False),
    ],
)
async def test_what_holds_the_customers_lock(bench: Bench, values: dict[str, Any], blocks: bool) -> None:
    """Held while a call runs, retries soon or is unknown; parked on a condition, failed and done release it (rules §7)."""
    floor = Floor(bench)
    await floor.submit("first", "1001", **values)
    await floor.submit("second", "1001")
    await floor.submit("other", "1002")
    floor.start()
    await floor.until(lambda: "other" in floor.began)  # due later than the second: whatever is free was claimed by then
    assert ("second" in floor.began) is not blocks
    await floor.stop()


async def test_no_more_runs_at_one_time_than_set(bench: Bench) -> None:
    floor = Floor(bench, most=3)
    for i in range(8):
        await floor.submit(f"o{i}", f"c{i}")
    floor.start()
    await floor.until(lambda: len(floor.began) == 3)
    await asyncio.sleep(0.03)
    assert (len(floor.began), floor.dispatcher.working_on) == (3, 3)
    floor.end("o0")
    await floor.until(lambda: len(floor.began) == 4)
    await floor.stop()


async def test_a_customer_with_many_orders_does_not_starve_others(bench: Bench) -> None:
    floor = Floor(bench, most=2)
    await asyncio.gather(*(floor.submit(f"a{i}", "1001") for i in range(400)))
    bench.clock.pass_(1)
    await floor.submit("other", "2002")
    floor.start()
    await floor.until(lambda: "other" in floor.began)
    await floor.stop()


async def test_what_is_due_later_waits_for_its_time(bench: Bench) -> None:
    floor = Floor(bench)
    await floor.submit("later", "1001", state="retrying", next_at=bench.clock.now() + 100, lock_held=True)
    floor.start()
    await asyncio.sleep(0.03)
    assert floor.began == []
    bench.clock.pass_(101)
    await floor.until(lambda: floor.began == ["later"])
    await floor.stop()


async def test_while_paused_nothing_is_claimed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    full = [True]
    floor = Floor(bench, paused=lambda: full[0])
    await floor.submit("o", "1001")
    floor.start()
    await asyncio.sleep(0.03)
    assert floor.began == []
    full[0] = False
    await floor.until(lambda: floor.began == ["o"])
    await floor.stop()


# Stopping and starting again --------------------------------------------------------------------------------------------


async def test_draining_lets_what_runs_end_and_begins_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_SLEEP", 3600.0)  # it looks for the next run only when it is woken
    floor = Floor(bench)
    await floor.submit("o", "1001")
    floor.start()
    await floor.until(lambda: floor.began == ["o"])
    await floor.submit("next", "2002")
    draining = asyncio.create_task(floor.dispatcher.drain(60))
    await asyncio.sleep(0.02)
    floor.end("o")
    assert await draining == 0
    assert floor.began == ["o"] and floor.run("o").state == "done" and floor.run("next").state == "queued"
    assert floor.task is not None
    await floor.task


async def test_what_is_cut_off_goes_on_at_the_next_start(bench: Bench) -> None:
    floor = Floor(bench)
    run_id = await floor.submit("o", "1001")
    floor.start()
    await floor.until(lambda: floor.began == ["o"])
    now = bench.clock.now()
    await bench.journal.write(
        lambda db: calls.intend(
            db, run_id=run_id, order_id="o", step="one", operation="whmcs.AddOrder", item="", system="whmcs",
            effect="guarded", marker="m", request={}, now=now, deadline=now + 65, correlation="1-1",
        )
    )  # fmt: skip
    assert await floor.dispatcher.drain(0.01) == 1
    assert floor.run("o").state == "running", "a cut-off run stays where the journal has it"
    bench.clock.pass_(50)
    again = Floor(bench)
    assert await again.dispatcher.resume() == 1
    run = again.run("o")
    assert (run.state, run.lock_held, run.unknown_open) == ("queued", True, True)
    call = bench.journal.peek(lambda db: calls.find(db, "o", "whmcs.AddOrder"))
    assert call is not None and (call.state, call.wait_from) == ("unknown", now)
    assert [s.outcome for s in bench.journal.peek(lambda db: calls.sends(db, call.id))] == ["interrupted"]


async def test_a_clock_that_went_back_while_we_were_down_does_not_stretch_the_wait(bench: Bench) -> None:
    floor = Floor(bench)
    run_id = await floor.submit("o", "1001", state="running", lock_held=True)
    tomorrow = bench.clock.now() + 86_400
    await bench.journal.write(
        lambda db: calls.intend(
            db, run_id=run_id, order_id="o", step="one", operation="whmcs.AddOrder", item="", system="whmcs",
            effect="guarded", marker="m", request={}, now=tomorrow, deadline=tomorrow + 65, correlation="1-1",
        )
    )  # fmt: skip
    await floor.dispatcher.resume()
    call = bench.journal.peek(lambda db: calls.find(db, "o", "whmcs.AddOrder"))
    assert call is not None and call.wait_from == bench.clock.now()


async def test_a_start_paces_what_it_resumes(bench: Bench) -> None:
    floor = Floor(bench)
    for i in range(5):
        await floor.submit(f"o{i}", f"c{i}", state="running", lock_held=True)
    await floor.dispatcher.resume()
    times = [floor.run(f"o{i}").next_at for i in range(5)]
    assert times == sorted(times) and len(set(times)) == 5


# Trouble ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [StoreFull("the journal cannot grow"), RuntimeError("a defect of the engine")])
async def test_a_run_that_the_store_or_a_defect_stopped_is_put_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_SLEEP", 0.01)
    floor = Floor(bench)
    waiting = [trouble]

    async def act(run: Run) -> None:
        if waiting:
            raise waiting.pop()

    floor.acts["o"] = act
    await floor.submit("o", "1001")
    floor.start()
    await floor.until(lambda: len(floor.began) == 2)
    floor.end("o")
    await floor.until(lambda: floor.run("o").state == "done")
    await floor.stop()


async def test_a_store_that_takes_no_writes_only_delays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "LONGEST_SLEEP", 0.01)
    floor, write, full = Floor(bench), bench.journal.write, [True]

    async def refusing(work: Any) -> Any:
        if full[0]:
            raise StoreFull("the journal cannot grow")
        return await write(work)

    await floor.submit("o", "1001")
    monkeypatch.setattr(bench.journal, "write", refusing)
    floor.start()
    await asyncio.sleep(0.05)
    assert floor.began == [] and floor.task is not None and not floor.task.done()
    full[0] = False
    await floor.until(lambda: floor.began == ["o"])
    await floor.stop()
