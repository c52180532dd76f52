"""An engine whose clock the test moves, and a far side that does what it is told."""

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from console.engine.alarms import Alarms
from console.engine.calls import CallMaker
from console.engine.dispatch import Dispatcher
from console.engine.gates import Breaker, Gate, Gates
from console.engine.holds import Holds
from console.engine.ledger import Ledger
from console.engine.looks import Absent, Found, Look, Unknown
from console.engine.runner import Runner
from console.engine.services import Engine
from console.engine.workflow import RunContext, StepDefinition, StepResult, Workflow
from console.settings.model import Settings
from integrations.errors import CallFailed, ErrorClass, System
from storage import calls, queue, runs
from storage.calls import Call, Send
from storage.journal import Journal
from storage.runs import Run

START = 1_800_000_000.0
ORDER = "8015h0000000001AAA"
TERMINAL = ("done", "failed", "cancelled")


class HandClock:
    """Time that only the test moves."""

    def __init__(self, wall: float = START) -> None:
        self.wall = wall
        self.steady = 1000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def jump(self, seconds: float) -> None:
        """The machine's wall clock is set."""
        self.wall += seconds


def engine_over(journal: Journal, clock: HandClock, **settings: Any) -> Engine:
    """An engine without clients. ``settings``: sections of the settings, as dictionaries."""
    nothing = cast("Any", SimpleNamespace())
    gates = Gates(Gate(system, clock, 100, 0, Breaker(1000, 60, 30)) for system in System)
    return Engine(
        settings=Settings(**settings), journal=journal, clock=clock, gates=gates, holds=Holds(),
        alarms=Alarms(journal, clock), salesforce=nothing, whmcs=nothing, esim=nothing, mail=nothing,
        org_id="00D5h0000000001AAA", catalog=nothing, markers=nothing, jitter=random.Random(1),
    )  # fmt: skip


class Killed(BaseException):
    """The process dies here: nothing of ours runs any more."""


@dataclass
class Far:
    """A system outside: what it was asked for, what stands there, and how it answers.

    ``plan``: one word a request, then "ok": ok, refused, unknown_before (no effect, no answer), unknown_after (effect,
    no answer), late (the effect lands ``late_by`` seconds after the request), dies_before / dies_inside / dies_after
    (the process is killed before the effect, with the answer under way, with the answer in hand).
    """

    clock: HandClock
    plan: list[str] = field(default_factory=list)
    late_by: float = 0.0
    landings: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    die_after: bool = False
    see: Callable[["Far"], Look] | None = None
    refusal: CallFailed | None = None

    @property
    def effects(self) -> int:
        return sum(at <= self.clock.now() for at in self.landings)

    @property
    def ever(self) -> int:
        """Effects that were or will be made."""
        return len(self.landings)

    async def send(self) -> Mapping[str, Any]:
        self.requests.append(self.clock.now())
        await asyncio.sleep(0)
        word = self.plan.pop(0) if self.plan else "ok"
        now = self.clock.now()
        match word:
            case "dies_before":
                raise Killed
            case "refused":
                raise self.refusal or CallFailed(
                    System.WHMCS, "X", ErrorClass.TRANSIENT, "unreachable", "no connection"
                )
            case "unknown_before":
                raise CallFailed(System.WHMCS, "X", ErrorClass.OUTCOME_UNKNOWN, "timeout", "no answer in time")
            case "late":
                self.landings.append(now + self.late_by)
                raise CallFailed(System.WHMCS, "X", ErrorClass.OUTCOME_UNKNOWN, "timeout", "no answer in time")
        self.landings.append(now)
        match word:
            case "unknown_after":
                raise CallFailed(System.WHMCS, "X", ErrorClass.OUTCOME_UNKNOWN, "timeout", "no answer in time")
            case "dies_inside":
                raise Killed
            case "dies_after":
                self.die_after = True
        return {"id": f"effect-{len(self.landings)}"}

    async def look(self) -> Look:
        self.looks.append(self.clock.now())
        await asyncio.sleep(0)
        if self.see is not None:
            return self.see(self)
        if self.effects:
            return Found({"id": "effect-1"}, {"read": self.effects})
        return Absent({"read": 0})

    async def standing(self) -> Mapping[str, Any] | None:
        self.looks.append(self.clock.now())
        await asyncio.sleep(0)
        return {"id": "effect-1"} if self.effects else None


def always_absent(far: Far) -> Look:
    return Absent()


def cannot_tell(far: Far) -> Look:
    return Unknown("the list was cut short")


def fails(far: Far) -> Look:
    raise CallFailed(System.WHMCS, "GetOrders", ErrorClass.TRANSIENT, "http_503", "a page of a proxy")


Act = Callable[[RunContext, Far], Awaitable[Mapping[str, Any]]]


async def guarded(context: RunContext, far: Far) -> Mapping[str, Any]:
    return await context.calls.guarded(
        System.WHMCS, "whmcs.AddOrder", far.send, far.look, marker="p1:m", request={"a": 1}
    )


async def keyed(context: RunContext, far: Far) -> Mapping[str, Any]:
    return await context.calls.keyed(System.WHMCS, "whmcs.keyed", far.send, standing=far.standing)


async def keyed_blind(context: RunContext, far: Far) -> Mapping[str, Any]:
    return await context.calls.keyed(System.WHMCS, "whmcs.keyed", far.send)


async def refusable(context: RunContext, far: Far) -> Mapping[str, Any]:
    """The far side refuses what stands there already."""

    async def send() -> Mapping[str, Any]:
        if far.effects:
            far.requests.append(far.clock.now())
            raise CallFailed(System.ESIM, "downloadOrder", ErrorClass.CONFLICT, "8.2.1/3.3", "already in use")
        return await far.send()

    return await context.calls.refusable(
        System.ESIM,
        "esim.downloadOrder",
        send,
        proves=lambda e: e.code == "8.2.1/3.3",
        proved={"id": "ours"},
        item="8981",
    )


@dataclass
class Bench:
    """One order's runs over a real journal; ``go`` works on them until nothing moves by itself any more."""

    journal: Journal
    clock: HandClock
    engine: Engine
    far: Far
    act: Act = guarded
    deaths: int = 0

    def workflow(self) -> Workflow[RunContext]:
        async def step(context: RunContext) -> StepResult:
            output = await self.act(context, self.far)
            if self.far.die_after:
                self.far.die_after = False
                raise Killed
            return StepResult(output)

        return Workflow("provision_order", (StepDefinition("act", step),), _context)

    async def insert(self, **values: Any) -> int:
        given = {"state": "queued", "source": "event", "lock_key": "1001"} | values
        now = self.clock.now()
        return await self.journal.write(
            lambda db: runs.insert(
                db, ("act",), now, workflow="provision_order", subject=ORDER, order_id=ORDER, order_number="00000101",
                **given,
            )
        )  # fmt: skip

    @property
    def run(self) -> Run:
        run = self.journal.peek(lambda db: runs.latest_of_order(db, ORDER))
        assert run is not None
        return run

    def call(self, operation: str = "whmcs.AddOrder", item: str = "") -> Call:
        call = self.journal.peek(lambda db: calls.find(db, ORDER, operation, item))
        assert call is not None
        return call

    def sends(self, operation: str = "whmcs.AddOrder", item: str = "") -> list[Send]:
        call = self.call(operation, item)
        return self.journal.peek(lambda db: calls.sends(db, call.id))

    async def turn(self) -> Run:
        """Let the run be worked on once if it is due, as the dispatcher does; a death is followed by a restart."""
        now = self.clock.now()
        claimed = await self.journal.write(lambda db: queue.claim_due(db, now, 1))
        runner = Runner(self.engine, {"provision_order": self.workflow()})
        for run in claimed:
            try:
                await runner.advance(run)
            except Killed:
                self.deaths += 1
                await self.restart()
        return self.run

    def set(self, **settings: Any) -> None:
        """Other settings: sections as dictionaries."""
        self.engine.settings = Settings(**settings)

    async def restart(self) -> None:
        """What the next process does first with the same file."""
        self.engine.gates = Gates(Gate(system, self.clock, 100, 0, Breaker(1000, 60, 30)) for system in System)
        await Dispatcher(self.journal, self.clock, _never, 1).resume()

    async def go(self, most: int = 150) -> Run:
        """Turn after turn, passing the time in between, until the run ends or waits for a person."""
        for _ in range(most):
            run = await self.turn()
            if run.state in TERMINAL or run.state in ("parked", "held"):
                return run
            if run.next_at > self.clock.now():
                self.clock.pass_(run.next_at - self.clock.now() + 0.001)
        raise AssertionError(f"it never comes to an end: {self.run}")


def _context(engine: Engine, run: Run, ledger: Ledger, calls: CallMaker) -> RunContext:
    return RunContext(engine, run, ledger, calls, data=dict(run.state_data))


async def _never(run: Run) -> None:
    raise AssertionError("nothing is dispatched here")


def rows(db: sqlite3.Connection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return db.execute(sql, values).fetchall()
