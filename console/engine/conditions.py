"""Parked runs: each condition is checked once for all runs that wait for it, and they go on oldest first (rules §7)."""

import asyncio
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from console.engine import transitions
from console.engine.clock import as_datetime
from console.engine.services import Engine
from console.engine.states import RunState
from console.engine.steps.payment import is_valid
from integrations.errors import IntegrationError, System
from storage import desk, profiles, runs
from storage.errors import StorageError
from storage.runs import Run

log = logging.getLogger(__name__)
SHORTEST = 1.0
PACE = 0.05  # seconds between two runs that are let go on


class Conditions:
    """Re-checks what parked runs wait for. Time and stock are cheap and looked at often, the outside less often."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._woken = asyncio.Event()
        self._asked: dict[str, float] = {}
        self.last_checks: dict[str, tuple[float, str]] = {}

    def wake(self) -> None:
        """Something changed here (stock imported, a pause lifted): check now."""
        self._asked.clear()
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.check()
            except StorageError as error:
                log.error("conditions wait for the journal: %s", error)
            try:
                async with asyncio.timeout(min(SHORTEST, self._engine.settings.engine.recheck_every)):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def check(self) -> int:
        """Check every condition once; returns how many runs were let go on."""
        groups: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
        for run in self._engine.journal.peek(runs.parked_on_condition):
            assert run.condition is not None
            groups[(str(run.condition["kind"]), str(run.condition["argument"]))].append(run)
        released = 0
        for (kind, argument), waiting in groups.items():
            overdue = [
                run for run in waiting if run.wait_until is not None and run.wait_until <= self._engine.clock.now()
            ]
            room = await self._room(kind, argument, len(waiting))
            going = list({run.id: run for run in [*overdue, *waiting[:room]]}.values())
            if going:
                await self._release(going)
                released += len(going)
        if released:
            self._engine.wake()
        return released

    async def _room(self, kind: str, argument: str, waiting: int) -> int:
        """How many of the waiting runs may go on."""
        match kind:
            case "after":
                return waiting if self._engine.clock.now() >= float(argument) else 0
            case "stock":
                return self._engine.journal.peek(lambda db: profiles.free_count(db, argument))
            case "resumed":
                return 0 if argument in self._engine.journal.peek(desk.pauses) else waiting
            case "lifted":
                return 0 if self._engine.holds.reasons() else waiting
        if not self._due(f"{kind}({argument})", kind):
            return 0
        try:
            holds = await (self._up(argument) if kind == "up" else self._can_pay(argument))
            outcome = "holds" if holds else "does not hold yet"
        except IntegrationError as error:
            holds, outcome = False, f"could not be checked: {error.code}"
        self.last_checks[f"{kind}({argument})"] = (self._engine.clock.now(), outcome)
        return waiting if holds else 0

    def _due(self, key: str, kind: str) -> bool:
        settings, now = self._engine.settings.engine, self._engine.clock.monotonic()
        every = min(settings.breaker.cool_down, settings.recheck_every) if kind == "up" else settings.recheck_every
        if now - self._asked.get(key, -1e9) < every:
            return False
        self._asked[key] = now
        return True

    async def _up(self, system: str) -> bool:
        """Ask the system itself; an answer closes its breaker."""
        gate = self._engine.gates[system]
        if gate.pause is not None:
            return False
        probes = {
            System.SALESFORCE: self._engine.salesforce.org,
            System.WHMCS: self._engine.whmcs.probe,
            System.ESIM: self._engine.esim.probe,
            System.MAIL: self._engine.mail.probe,
        }
        async with gate.enter():
            await probes[System(system)]()
        return True

    async def _can_pay(self, client_id: str) -> bool:
        """The same question as the step ``payment``, asked without a run."""
        settings = self._engine.settings
        gate = self._engine.gates[System.WHMCS]
        if gate.state != "up":
            return False
        async with gate.enter():
            client = await self._engine.whmcs.get_client(client_id)
        gateway = client.default_gateway or settings.whmcs.default_gateway
        if gateway in settings.whmcs.manual_gateways:
            return True
        async with gate.enter():
            methods = await self._engine.whmcs.get_pay_methods(client_id)
        today = self._today()
        return any(method.gateway == gateway and is_valid(method, today) for method in methods)

    def _today(self) -> datetime:
        return as_datetime(self._engine.clock.now()).astimezone(ZoneInfo(self._engine.settings.whmcs.time_zone))

    async def _release(self, going: Sequence[Run]) -> None:
        now = self._engine.clock.now()

        def write(db: sqlite3.Connection) -> None:
            for i, run in enumerate(going):
                current = runs.get(db, run.id)
                if current is not None and current.state == RunState.PARKED and current.version == run.version:
                    transitions.move(
                        db, now, run.id, state=RunState.QUEUED, wait=None, wait_reason=None, next_at=now + i * PACE
                    )

        await self._engine.journal.write(write)


def describe(condition: Mapping[str, object] | None) -> str:
    """A condition in words."""
    if not condition:
        return ""
    argument = str(condition.get("argument", ""))
    match condition.get("kind"):
        case "stock":
            return f"until there is a free profile of type {argument}"
        case "paymethod":
            return f"until client {argument} has a valid pay method"
        case "up":
            return f"until {argument} works again"
        case "resumed":
            return f"until {argument} is resumed"
        case "lifted":
            return "until nothing of our own keeps writes back any more"
        case "after":
            return f"until {as_datetime(float(argument)).isoformat(timespec='minutes')}"
    return f"until {condition.get('kind')}({argument})"
