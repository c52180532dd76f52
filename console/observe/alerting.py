"""Telling people about alarms: each cause once to each channel, and once more when it is over (rules §13).

What each channel was told stands in the journal, so a restart repeats nothing and forgets nothing. Nothing here can
hold the engine up: channels work in tasks of their own, read the journal and write one row a message.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from console.observe.redact import Redactor
from storage import alerts
from storage.alerts import Alert, Phase
from storage.errors import StorageError
from storage.journal import Journal

log = logging.getLogger(__name__)
LOOK_EVERY = 5.0
SETTLED_AFTER = 60.0  # a cause that is over for less may come back: it is no news yet
FORGOTTEN_AFTER = 86_400.0
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 300.0
LONGEST_REFUSAL = 3600.0


@dataclass(frozen=True)
class Telling:
    """One message: ``id`` is the same for each repeat of it. Texts are redacted; times are aware UTC."""

    id: str
    phase: Phase
    cause: str
    severity: str
    message: str
    environment: str
    order_id: str | None
    count: int
    first_at: datetime
    last_at: datetime
    cleared_at: datetime | None

    @property
    def line(self) -> str:
        """The message in one line: ``[production] critical: events may have been missed …``"""
        if self.cleared_at is None:
            return f"[{self.environment}] {self.severity}: {self.message}"
        lasted = (self.cleared_at - self.first_at).total_seconds()
        return f"[{self.environment}] over after {_lasted(lasted)}: {self.message}"

    def as_json(self) -> dict[str, Any]:
        """``text`` is what chat systems show."""
        return {
            "text": self.line, "id": self.id, "state": self.phase, "cause": self.cause, "severity": self.severity,
            "message": self.message, "environment": self.environment, "order_id": self.order_id, "count": self.count,
            "first_at": self.first_at.isoformat(timespec="seconds"),
            "last_at": self.last_at.isoformat(timespec="seconds"),
            "cleared_at": self.cleared_at.isoformat(timespec="seconds") if self.cleared_at else None,
        }  # fmt: skip


class Undelivered(Exception):
    """A channel did not take a message. ``refused``: it answered, so others may still get through."""

    def __init__(self, reason: str, *, refused: bool, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refused = refused
        self.retry_after = retry_after


class Channel(Protocol):
    """Where alerts go. ``key`` is stable over restarts and no secret; ``name`` is for people."""

    @property
    def key(self) -> str: ...

    @property
    def name(self) -> str: ...

    async def send(self, telling: Telling) -> None:
        """Return once the other side has it. Raises Undelivered."""

    async def close(self) -> None: ...


@dataclass
class ChannelState:
    """How a channel does, for health. ``failures`` in a row."""

    name: str
    sent: int = 0
    failures: int = 0
    last_error: str | None = None
    last_ok_at: float | None = None
    waiting: int = 0


@dataclass
class _Line:
    """One channel at work. Times are monotonic seconds."""

    channel: Channel
    state: ChannelState
    not_before: float = 0.0
    refused: dict[tuple[str, Phase], tuple[int, float]] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Alerting:
    """``now`` is wall time, ``monotonic`` for pauses; ``settled_after``: how long a cause must be over to be news."""

    def __init__(
        self,
        journal: Journal,
        channels: Sequence[Channel],
        redactor: Redactor,
        *,
        environment: str,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        settled_after: float = SETTLED_AFTER,
    ) -> None:
        self._journal = journal
        self._redactor = redactor
        self._environment = environment
        self._now = now
        self._monotonic = monotonic
        self._settled_after = settled_after
        self._lines = [_Line(channel, ChannelState(channel.name)) for channel in channels]

    def wake(self) -> None:
        """There is something new to tell; call from the event loop."""
        for line in self._lines:
            line.woken.set()

    @property
    def states(self) -> tuple[ChannelState, ...]:
        return tuple(line.state for line in self._lines)

    async def run(self) -> None:
        """Until cancelled; closes the channels then."""
        try:
            async with asyncio.TaskGroup() as group:
                for line in self._lines:
                    group.create_task(self._serve(line))
        finally:
            for line in self._lines:
                await line.channel.close()

    async def once(self) -> int:
        """One round of every channel; returns how many messages went out."""
        return sum(await asyncio.gather(*(self._round(line) for line in self._lines)))

    async def _serve(self, line: _Line) -> None:
        while True:
            line.woken.clear()
            try:
                await self._round(line)
            except StorageError as error:
                line.state.last_error = str(error)
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await line.woken.wait()
            except TimeoutError:
                continue

    async def _round(self, line: _Line) -> int:
        """Send what is due, oldest first, until all is told or the channel cannot be reached."""
        sent = 0
        waiting = self._waiting(line)
        for alert in waiting:
            if self._monotonic() < line.not_before:
                break
            if self._monotonic() < line.refused.get((alert.cause, alert.phase), (0, 0.0))[1]:
                continue
            if await self._tell(line, alert):
                sent += 1
        line.state.waiting = len(waiting) - sent
        return sent

    def _waiting(self, line: _Line) -> list[Alert]:
        now = self._now()
        settled, forgotten = now - self._settled_after, now - FORGOTTEN_AFTER
        return self._journal.peek(lambda db: alerts.untold(db, line.channel.key, settled, forgotten))

    async def _tell(self, line: _Line, alert: Alert) -> bool:
        """One message; noted in the journal once it was taken over (a kill in between repeats it, with the same id)."""
        try:
            await line.channel.send(self._telling(alert))
        except Undelivered as failure:
            self._failed(line, alert, failure)
            return False
        except Exception as error:  # a defect of one channel must not cost the others their alerts
            log.exception("telling %s about %s met a defect", line.channel.name, alert.cause)
            self._failed(line, alert, Undelivered(type(error).__name__, refused=True))
            return False
        now = self._now()
        if line.state.failures:
            log.info("alerts reach %s again", line.channel.name)
        line.state.sent, line.state.failures = line.state.sent + 1, 0
        line.state.last_ok_at, line.state.last_error = now, None
        line.refused.pop((alert.cause, alert.phase), None)
        await self._journal.write(lambda db: alerts.told(db, alert.cause, line.channel.key, alert.phase, now))
        return True

    def _failed(self, line: _Line, alert: Alert, failure: Undelivered) -> None:
        """A refusal puts this message off, silence the channel."""
        state, steady = line.state, self._monotonic()
        state.failures += 1
        state.last_error = self._redactor.text(failure.reason)
        if state.failures == 1:
            log.warning("alerts do not reach %s: %s", line.channel.name, state.last_error)
        if failure.refused and failure.retry_after is None:
            tries, _ = line.refused.get((alert.cause, alert.phase), (0, 0.0))
            line.refused[alert.cause, alert.phase] = (tries + 1, steady + _pause(tries, LONGEST_REFUSAL))
        else:
            line.not_before = steady + max(_pause(state.failures - 1, LONGEST_PAUSE), failure.retry_after or 0.0)

    def _telling(self, alert: Alert) -> Telling:
        return Telling(
            id=hashlib.sha256(f"{alert.cause}|{alert.first_at}|{alert.phase}".encode()).hexdigest()[:32],
            phase=alert.phase, cause=self._redactor.text(alert.cause), severity=alert.severity,
            message=self._redactor.text(alert.message), environment=self._environment, order_id=alert.order_id,
            count=alert.count, first_at=_moment(alert.first_at), last_at=_moment(alert.last_at),
            cleared_at=_moment(alert.cleared_at) if alert.cleared_at is not None else None,
        )  # fmt: skip


def _pause(failures: int, longest: float) -> float:
    return float(min(longest, FIRST_PAUSE * 2 ** min(failures, 30)))


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _lasted(seconds: float) -> str:
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
