"""Clocks: a wall clock that jumps, or that disagrees with Salesforce or WHMCS, pauses guarded calls (rules §10)."""

import asyncio
import logging
import sqlite3
from datetime import datetime

from console.engine.services import Engine
from storage import calls, queue

log = logging.getLogger(__name__)
EVERY = 2.0
JUMP = 30.0
SKEW = 60.0


class ClockWatch:
    """Compares wall and monotonic time every two seconds, and our wall time with the servers' Date headers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wall = engine.clock.now()
        self._steady = engine.clock.monotonic()
        self._dates: dict[str, tuple[float, float]] = {}  # system → its time, and our steady clock then
        self._told: set[str] = set()
        engine.holds.watch(self._notice)

    @property
    def differences(self) -> dict[str, float]:
        """System → seconds that our clock is ahead of its, by the last Date header."""
        wall, steady = self._engine.clock.now(), self._engine.clock.monotonic()
        return {system: wall - (date + steady - then) for system, (date, then) in list(self._dates.items())}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.check()

    async def check(self) -> float:
        """Look once; returns the jump in seconds (0.0 for none)."""
        wall, steady = self._engine.clock.now(), self._engine.clock.monotonic()
        jump = (wall - self._wall) - (steady - self._steady)
        self._wall, self._steady = wall, steady
        if abs(jump) > JUMP:
            await self._jumped(jump, wall)
        else:
            jump = 0.0
            self._engine.holds.lift("clock")
        await self._judge_skew()
        return jump

    def _notice(self) -> None:
        """Between two looks a guarded call must not leave on waits that the jump cut short."""
        wall, steady = self._engine.clock.now(), self._engine.clock.monotonic()
        jump = (wall - self._wall) - (steady - self._steady)
        if abs(jump) > JUMP:
            self._engine.holds.set("clock", f"the clock jumped by {jump:+.0f} s")

    async def _jumped(self, jump: float, now: float) -> None:
        """Re-anchor: waits keep what was left of them, late landing is waited for anew from here."""
        self._engine.holds.set("clock", f"the clock jumped by {jump:+.0f} s")

        def write(db: sqlite3.Connection) -> None:
            queue.shift_times(db, jump, now, 2 * EVERY)
            calls.restart_waits(db, now)

        await self._engine.journal.write(write)
        await self._engine.alarms.raise_("clock", f"the machine's clock jumped by {jump:+.0f} s", severity="critical")
        self._engine.holds.lift("clock")
        self._engine.wake()

    def server_date(self, system: str, date: datetime) -> None:
        """A Date header came in (called from any thread: only notes it, by the clock that does not jump)."""
        self._dates[system] = (date.timestamp(), self._engine.clock.monotonic())

    async def _judge_skew(self) -> None:
        for system, difference in self.differences.items():
            name = f"clock_skew:{system}"
            if abs(difference) > SKEW:
                self._engine.holds.set(name, f"our clock and {system}'s differ by {difference:+.0f} s")
                if name not in self._told:
                    self._told.add(name)
                    await self._engine.alarms.raise_(name, f"our clock and {system}'s differ by {difference:+.0f} s")
            elif name in self._told:
                self._told.discard(name)
                self._engine.holds.lift(name)
                await self._engine.alarms.clear(name)
