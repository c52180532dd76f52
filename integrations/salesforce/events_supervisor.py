"""Session after session: the only place where the event subscriber reconnects.

Whatever ends a session, the next one starts from the durable cursor, so ending one is always safe. The pause in
between grows from 0.2 s to 30 s and shrinks again only after a session has listened for 30 s: a server that forgets
its clients at once must not be hammered (facts: platform-events §2 D7, §5).
"""

import asyncio
import dataclasses
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from integrations.errors import ErrorClass, IntegrationError, plain_text
from integrations.salesforce.events import EventJournal, EventTransport, SessionPhase, SessionState
from integrations.salesforce.events_journal import Intake, JournalFailed, WatchedJournal

LOG = logging.getLogger(__name__)


class Phase(StrEnum):
    """What the subscriber is doing, in the words that health shows."""

    STOPPED = "stopped"
    OPENING = "opening"
    LISTENING = "listening"
    WAITING = "waiting"  # a session failed; the next one opens at ``retry_at``
    LIMITED = "limited"  # an org limit is used up; waiting minutes
    JOURNAL_FAILED = "journal_failed"  # the journal did not take a batch: nothing is read until it does


@dataclass(frozen=True)
class Backoff:
    """Pauses in seconds; each is multiplied by the jitter, 0.5…1."""

    shortest: float = 0.2
    longest: float = 30.0
    settled_after: float = 30.0
    limit_shortest: float = 120.0
    limit_longest: float = 900.0

    def pause(self, failures: int, *, limited: bool) -> float:
        """The pause after the ``failures``-th failure in a row (1, 2, …)."""
        first, longest = (self.limit_shortest, self.limit_longest) if limited else (self.shortest, self.longest)
        return float(min(longest, first * 2 ** min(failures - 1, 30)))


@dataclass(frozen=True)
class SubscriberState:
    """Everything that health and the console show about the subscriber."""

    phase: Phase
    session: SessionState
    intake: Intake
    sessions: int
    failures: int
    failures_in_a_row: int
    failures_by_code: dict[str, int]
    last_error: str
    last_error_class: ErrorClass | None
    last_error_at: datetime | None
    retry_at: datetime | None


@dataclass
class _Record:
    """What the supervisor itself remembers."""

    phase: Phase = Phase.STOPPED
    sessions: int = 0
    failures: int = 0
    in_a_row: int = 0
    limited: bool = False
    by_code: dict[str, int] = field(default_factory=dict)
    last_error: str = ""
    last_error_class: ErrorClass | None = None
    last_error_at: datetime | None = None
    retry_at: datetime | None = None


class Supervisor:
    """Keeps ``transport`` listening to ``channels``.

    ``on_batch()`` is called after durable batches (see EventTransport): it should merely wake whoever reads the journal.
    ``on_gap(channel, reason)`` after a gap was recorded, ``on_state(state)`` on every change of phase; all three are
    plain calls on the event loop. ``jitter()`` gives a factor for each pause.
    """

    def __init__(
        self,
        transport: EventTransport,
        journal: EventJournal,
        channels: Sequence[str],
        *,
        on_batch: Callable[[], None],
        now: Callable[[], datetime],
        on_gap: Callable[[str, str], None] | None = None,
        on_state: Callable[[SubscriberState], None] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.0),
        backoff: Backoff | None = None,
    ) -> None:
        self._transport = transport
        self._journal = WatchedJournal(journal, now=now, on_gap=on_gap)
        self._channels = tuple(channels)
        self._on_batch = on_batch
        self._on_state = on_state
        self._now = now
        self._sleep = sleep
        self._jitter = jitter
        self._backoff = backoff or Backoff()
        self._record = _Record()
        transport.watch(self._changed)

    @property
    def state(self) -> SubscriberState:
        """The present state; a snapshot that does not follow."""
        record, session, intake = self._record, self._transport.state, self._journal.intake
        phase = record.phase
        if phase is Phase.OPENING and session.phase is SessionPhase.LISTENING:
            phase = Phase.LISTENING
        if phase is not Phase.STOPPED and intake.journal_error:
            phase = Phase.JOURNAL_FAILED
        return SubscriberState(
            phase=phase,
            session=session,
            intake=dataclasses.replace(intake, cursors=dict(intake.cursors)),
            sessions=record.sessions,
            failures=record.failures,
            failures_in_a_row=record.in_a_row,
            failures_by_code=dict(record.by_code),
            last_error=record.last_error,
            last_error_class=record.last_error_class,
            last_error_at=record.last_error_at,
            retry_at=record.retry_at,
        )

    async def run(self) -> None:
        """Until cancelled. Every failure of a session, also an unforeseen one, is recorded and tried again."""
        try:
            while True:
                self._record.sessions += 1
                self._enter(Phase.OPENING)
                try:
                    await self._transport.run_session(self._channels, self._journal, self._on_batch)
                except Exception as error:  # noqa: BLE001  # intake must outlive every failure; each is kept and shown
                    pause = self._failed(error)
                await self._sleep(pause)
        finally:
            self._record.retry_at = None
            self._enter(Phase.STOPPED)

    def _failed(self, error: Exception) -> float:
        """Record the failure and choose the pause before the next session."""
        record, session = self._record, self._transport.state
        limited = isinstance(error, IntegrationError) and error.error_class is ErrorClass.CAPACITY
        if session.listened >= self._backoff.settled_after or limited != record.limited:
            record.in_a_row = 0
        record.limited = limited
        record.failures += 1
        record.in_a_row += 1
        record.last_error = plain_text(str(error) or type(error).__name__)
        record.last_error_class = error.error_class if isinstance(error, IntegrationError) else None
        record.last_error_at = self._now()
        code = error.code if isinstance(error, IntegrationError) else type(error).__name__
        record.by_code[code] = record.by_code.get(code, 0) + 1
        pause = self._backoff.pause(record.in_a_row, limited=limited) * self._jitter()
        if isinstance(error, IntegrationError) and error.retry_after:
            pause = max(pause, error.retry_after)
        record.retry_at = record.last_error_at + timedelta(seconds=pause)
        expected = isinstance(error, IntegrationError | JournalFailed)
        LOG.warning("event session ended, next in %.1f s: %s", pause, record.last_error, exc_info=not expected)
        self._enter(Phase.LIMITED if limited else Phase.WAITING)
        return pause

    def _enter(self, phase: Phase) -> None:
        self._record.phase = phase
        self._changed()

    def _changed(self) -> None:
        if self._on_state:
            self._on_state(self.state)
