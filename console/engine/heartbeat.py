"""The heartbeat: an event of our own, published daily, that must come back through the subscription.

It proves the way of the events end to end on a quiet channel, and it keeps the cursor young: one that is older than
what Salesforce retains (72 h) would be refused and look like a gap (facts/platform-events.md §5).
"""

import asyncio
import logging
import secrets
import sqlite3

from console.engine.failures import NotNow
from console.engine.services import Engine
from integrations.errors import IntegrationError, System
from integrations.salesforce.events import HEARTBEAT_ORDER_ID
from storage import inbox, meta
from storage.errors import StorageError

log = logging.getLogger(__name__)
RETURNS_WITHIN = 300.0
AGAIN_AFTER = 900.0  # while it does not come back, and when it could not be published
CHECK_EVERY = 5.0
CAUSE = "heartbeat"


class Heartbeat:
    """``every`` in seconds, 0 for none. What was published when stands in the journal: a restart publishes nothing more."""

    def __init__(self, engine: Engine, every: float) -> None:
        self._engine = engine
        self._every = every
        self._not_before = 0.0
        self.last_error: str | None = None

    @property
    def every(self) -> float:
        return self._every

    async def run(self) -> None:
        """Until cancelled; returns at once where the heartbeat is off."""
        if self._every <= 0:
            await self._engine.alarms.clear(CAUSE)
        while self._every > 0:
            try:
                await self.once()
            except StorageError as error:
                self.last_error = str(error)
            await asyncio.sleep(min(CHECK_EVERY, self._every / 4))

    async def once(self) -> None:
        """Look whether the last one came back, and publish the next when it is due."""
        now = self._engine.clock.now()
        key, sent_at = self._engine.journal.peek(last_sent)
        missing = key is not None and not self._engine.journal.peek(lambda db: inbox.seen_key(db, key))
        late = missing and now - sent_at > RETURNS_WITHIN
        if late:
            waited = f"{(now - sent_at) / 60:.0f} minutes"
            problem = f"the heartbeat published {waited} ago did not come back: the event stream may be deaf"
            await self._engine.alarms.watch(CAUSE, problem, severity="critical")
        elif not missing:
            await self._engine.alarms.clear(CAUSE)
        due = sent_at + (min(AGAIN_AFTER, self._every) if late else self._every)
        if now >= due and now >= self._not_before:
            await self._publish(now)

    async def _publish(self, now: float) -> None:
        """An answer that was lost may still be a published event: it is watched for like any other."""
        key = f"heartbeat-{secrets.token_hex(8)}"
        gate = self._engine.gates[System.SALESFORCE]
        self._not_before = now + min(AGAIN_AFTER, self._every)
        try:
            self._engine.quota.check("the heartbeat")
            gate.check()
            async with gate.enter():
                await self._engine.salesforce.publish(HEARTBEAT_ORDER_ID, key)
        except NotNow as stop:
            self.last_error = str(stop)
            return
        except IntegrationError as error:
            self.last_error = str(error)
            log.warning("the heartbeat could not be published: %s", error)
            if error.refused:
                return
        else:
            self.last_error = None
        await self._engine.journal.write(lambda db: _note(db, key, now))


def last_sent(db: sqlite3.Connection) -> tuple[str | None, float]:
    """Key and time of the last heartbeat; a journal without one counts from its own beginning."""
    key = meta.get(db, "heartbeat_key")
    at = meta.get(db, "heartbeat_at" if key is not None else "created_at")
    return key, float(at or 0.0)


def _note(db: sqlite3.Connection, key: str, now: float) -> None:
    meta.put(db, "heartbeat_key", key)
    meta.put(db, "heartbeat_at", str(now))
