"""The journal as the supervisor hands it to a transport: counted, never cut by a cancel, its failures told apart."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from integrations.salesforce.events import EventJournal, RawEvent

Result = TypeVar("Result")


class JournalFailed(Exception):
    """The journal did not take or give something (a full disk, say): reading stops, no cursor moves."""


@dataclass
class Intake:
    """What came in since the start. ``cursors`` is by channel, as last journaled by this process.

    ``journal_error`` stands from a failure of the journal until the same call works again.
    """

    events: int = 0
    duplicates: int = 0
    gaps: int = 0
    last_event_at: datetime | None = None
    last_gap_at: datetime | None = None
    cursors: dict[str, str] = field(default_factory=dict)
    journal_error: str = ""


class WatchedJournal:
    """An EventJournal that counts into ``intake`` and raises JournalFailed for whatever the real one raises.

    A cancel during a call waits for the call's end: a transaction is never abandoned half way, and no task outlives
    the session.
    """

    def __init__(
        self,
        journal: EventJournal,
        *,
        now: Callable[[], datetime],
        on_gap: Callable[[str, str], None] | None = None,
    ) -> None:
        self.intake = Intake()
        self._journal = journal
        self._now = now
        self._on_gap = on_gap
        self._failing: dict[str, str] = {}

    async def cursor(self, channel: str) -> str | None:
        return await self._call("cursor", self._journal.cursor(channel))

    async def append(self, events: Sequence[RawEvent]) -> int:
        new = await self._call("append", self._journal.append(events))
        self.intake.events += len(events)
        self.intake.duplicates += len(events) - new
        self.intake.last_event_at = events[-1].received_at
        self.intake.cursors.update({event.channel: event.replay_id for event in events})
        return new

    async def gap(self, channel: str, reason: str) -> None:
        await self._call("gap", self._journal.gap(channel, reason))
        self.intake.gaps += 1
        self.intake.last_gap_at = self._now()
        self.intake.cursors.pop(channel, None)
        if self._on_gap:
            self._on_gap(channel, reason)

    async def _call(self, name: str, call: Coroutine[Any, Any, Result]) -> Result:
        try:
            result = await _to_the_end(call)
        except Exception as error:
            self._failing[name] = f"{name}: {type(error).__name__}: {error}"
            raise JournalFailed(self._failing[name]) from error
        else:
            self._failing.pop(name, None)
            return result
        finally:
            self.intake.journal_error = "; ".join(self._failing.values())


async def _to_the_end(call: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.ensure_future(call)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None and not task.cancelled():
        task.exception()  # read, so that it is not reported as never retrieved; the cancel goes first
        raise cancelled
    return task.result()
