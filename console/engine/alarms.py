"""Alarms: found by the engine, kept one a cause in the journal, told by ``console.observe`` (rules §13)."""

import logging
import sqlite3
from collections.abc import Callable, Collection

from console.engine.clock import Clock
from storage import alerts, feed
from storage.journal import Journal

log = logging.getLogger(__name__)


class Alarms:
    """``told`` is called when there is something new to tell, so that whoever sends alerts wakes."""

    def __init__(self, journal: Journal, clock: Clock, told: Callable[[], None] = lambda: None) -> None:
        self._journal = journal
        self._clock = clock
        self.told = told

    async def raise_(self, cause: str, message: str, *, severity: str = "warning", order_id: str | None = None) -> None:
        """Note a finding. ``cause`` is stable ("deaf", "failed:3fa9…"); one alert a cause until it is cleared."""
        now = self._clock.now()

        def write(db: sqlite3.Connection) -> bool:
            if not alerts.raise_(db, cause, severity, message, now, order_id):
                return False
            feed.append(db, now, "alarm", {"cause": cause, "severity": severity, "open": True}, order_id=order_id)
            return True

        if await self._journal.write(write):
            log.warning("alarm %s: %s", cause, message)
            self.told()

    async def clear(self, cause: str) -> None:
        if not self._journal.peek(lambda db: alerts.is_open(db, cause)):
            return
        now = self._clock.now()

        def write(db: sqlite3.Connection) -> None:
            if alerts.clear(db, cause, now):
                feed.append(db, now, "alarm", {"cause": cause, "open": False})

        await self._journal.write(write)
        log.info("alarm %s is over", cause)
        self.told()

    async def watch(self, cause: str, problem: str | None, *, severity: str = "warning") -> None:
        """For a state that is looked at again and again: ``problem`` says what is wrong, None that all is well."""
        if problem is None:
            await self.clear(cause)
            return
        known = self.opened(cause)
        if known is None:
            await self.raise_(cause, problem, severity=severity)
        elif known.message != problem:
            now = self._clock.now()
            await self._journal.write(lambda db: alerts.reword(db, cause, problem, now))

    async def watch_family(self, prefix: str, problems: dict[str, str], *, severity: str = "warning") -> None:
        """The same for all causes that begin with ``prefix``: those not among ``problems`` (cause → what) are over."""
        await self.clear_family(prefix, keep=problems)
        for cause, problem in problems.items():
            await self.watch(cause, problem, severity=severity)

    async def clear_family(self, prefix: str, keep: Collection[str] = ()) -> None:
        """Clear the open causes that begin with ``prefix`` and are not in ``keep``."""
        for cause in self._journal.peek(lambda db: alerts.open_causes(db, prefix)) - set(keep):
            await self.clear(cause)

    def opened(self, cause: str) -> alerts.Alert | None:
        """The alert of this cause while it is open."""
        known = self._journal.peek(lambda db: alerts.get(db, cause))
        return known if known is not None and known.cleared_at is None else None
