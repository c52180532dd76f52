"""Alarms: found by the engine, kept one a cause in the journal, told by ``console.observe`` (rules §13)."""

import logging
from collections.abc import Callable

from console.engine.clock import Clock
from storage import alerts, feed
from storage.journal import Journal

log = logging.getLogger(__name__)


class Alarms:
    """``told`` is called when something new was found, so that whoever sends alerts wakes."""

    def __init__(self, journal: Journal, clock: Clock, told: Callable[[], None] = lambda: None) -> None:
        self._journal = journal
        self._clock = clock
        self._told = told

    async def raise_(self, cause: str, message: str, *, severity: str = "warning", order_id: str | None = None) -> None:
        """``cause`` is stable ("deaf", "failed:3fa9…"); one alert a cause until it is cleared."""
        now = self._clock.now()
        new = await self._journal.write(lambda db: alerts.raise_(db, cause, severity, message, now, order_id))
        if new:
            log.warning("alarm %s: %s", cause, message)
            body = {"cause": cause, "severity": severity, "open": True}
            await self._journal.write(lambda db: feed.append(db, now, "alarm", body, order_id=order_id))
            self._told()

    async def clear(self, cause: str) -> None:
        now = self._clock.now()
        if await self._journal.write(lambda db: alerts.clear(db, cause, now)):
            await self._journal.write(lambda db: feed.append(db, now, "alarm", {"cause": cause, "open": False}))
