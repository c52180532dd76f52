"""Engine throughput: runs of an 8-step workflow whose calls go nowhere, durable (FULL), with intents, feed and locks."""

import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from console.engine.alarms import Alarms
from console.engine.calls import CallMaker
from console.engine.clock import SystemClock
from console.engine.dispatch import Dispatcher
from console.engine.gates import Breaker, Gate, Gates
from console.engine.holds import Holds
from console.engine.ledger import Ledger
from console.engine.runner import Runner
from console.engine.services import Engine
from console.engine.workflow import RunContext, StepDefinition, StepResult, Workflow
from console.settings.model import Settings
from integrations.errors import System
from storage import runs
from storage.journal import Journal
from storage.runs import Run

STEPS = 8


def _context(engine: Engine, run: Run, ledger: Ledger, calls: CallMaker) -> RunContext:
    return RunContext(engine, run, ledger, calls)


async def _null(context: RunContext) -> StepResult:
    async def send() -> Mapping[str, Any]:
        return {"ok": True}

    step = context.calls.step
    output = await context.calls.keyed(System.WHMCS, f"null.{step}", send, request={"step": step})
    return StepResult(output)


NULL: Workflow[RunContext] = Workflow(
    name="null", steps=tuple(StepDefinition(f"s{i}", _null) for i in range(STEPS)), context=_context
)


def _engine(journal: Journal, settings: Settings) -> Engine:
    clock = SystemClock()
    nothing = cast("Any", SimpleNamespace())
    gates = Gates(Gate(system, clock, 100_000, 0, Breaker(1000, 60, 1)) for system in System)
    return Engine(
        settings=settings, journal=journal, clock=clock, gates=gates, holds=Holds(), alarms=Alarms(journal, clock),
        salesforce=nothing, whmcs=nothing, esim=nothing, mail=nothing, org_id="00D000000000000AAA", catalog=nothing,
        markers=nothing, jitter=random.Random(1),
    )  # fmt: skip


async def measure(path: Path, count: int = 3000, at_once: int = 200) -> float:
    """Runs a second, each of 8 steps with a committed intent and outcome for each call. ``path``: a new journal."""
    journal = Journal.open(path, "benchmark")
    engine = _engine(journal, Settings())
    runner = Runner(engine, {NULL.name: NULL})
    ended, all_ended = 0, asyncio.Event()

    async def advance(run: Run) -> None:
        nonlocal ended
        await runner.advance(run)
        ended += 1
        if ended == count:
            all_ended.set()

    dispatcher = Dispatcher(journal, engine.clock, advance, at_once)
    for start in range(0, count, 500):
        await journal.write(lambda db, start=start: _submit(db, start, min(500, count - start)))  # type: ignore[misc]
    began = time.perf_counter()
    work = asyncio.create_task(dispatcher.run())
    await all_ended.wait()
    seconds = time.perf_counter() - began
    assert not journal.peek(runs.counts), "a run did not end as done"
    await dispatcher.drain(1)
    await work
    journal.close()
    return count / seconds


def _submit(db: Any, start: int, count: int) -> None:
    now = time.time()
    for i in range(start, start + count):
        runs.insert(
            db, NULL.names, now, workflow=NULL.name, subject=f"order-{i}", order_id=f"order-{i}", state="queued",
            lock_key=f"client-{i}", source="bench",
        )  # fmt: skip
