"""The supervisor over a transport of the tests' own: pauses, what is shown, and that it outlives everything."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from integrations.errors import CallFailed, ErrorClass, System
from integrations.salesforce.events import EventJournal, SessionPhase, SessionState
from integrations.salesforce.events_supervisor import Backoff, Phase, Supervisor
from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.salesforce.events_rig import SqliteJournal, Subscriber, now, running
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, Org, until


def failure(error_class: ErrorClass = ErrorClass.TRANSIENT, retry_after: float | None = None) -> CallFailed:
    return CallFailed(System.SALESFORCE, "cometd.connect", error_class, "code", "words", retry_after=retry_after)


class Script:
    """A transport whose sessions last and end as told: (seconds listened, error)."""

    name = "script"

    def __init__(self, *sessions: tuple[float, Exception]) -> None:
        self._sessions = list(sessions)
        self._state = SessionState()
        self.over = asyncio.Event()

    @property
    def state(self) -> SessionState:
        return self._state

    def watch(self, changed: Callable[[], None]) -> None:
        """The phases of a session that never listens need no telling."""

    async def run_session(
        self, channels: Sequence[str], journal: EventJournal, on_batch: Callable[[], None]
    ) -> NoReturn:
        assert channels == (CHANNEL,)
        if not self._sessions:
            self.over.set()
            await asyncio.Event().wait()
        listened, error = self._sessions.pop(0)
        self._state = SessionState(phase=SessionPhase.CLOSED, listened=listened)
        raise error


async def pauses_after(*sessions: tuple[float, Exception]) -> tuple[list[float], Supervisor]:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))

    script = Script(*sessions)
    journal: Any = None
    supervisor = Supervisor(script, journal, [CHANNEL], on_batch=lambda: None, now=now, sleep=sleep, jitter=lambda: 1.0)
    task = asyncio.create_task(supervisor.run())
    await script.over.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return pauses, supervisor


async def test_pauses_grow_to_their_ceiling() -> None:
    pauses, _ = await pauses_after(*[(0.0, failure())] * 10)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


async def test_only_a_session_that_lasted_starts_them_again() -> None:
    pauses, _ = await pauses_after((0, failure()), (29.9, failure()), (30.0, failure()), (0, failure()))
    assert pauses == [0.2, 0.4, 0.2, 0.4]


async def test_limits_wait_minutes() -> None:
    limit = (0.0, failure(ErrorClass.CAPACITY))
    pauses, _ = await pauses_after((0, failure()), (0, failure()), limit, limit, limit, limit, (0, failure()))
    assert pauses == [0.2, 0.4, 120.0, 240.0, 480.0, 900.0, 0.2]


async def test_retry_after_is_obeyed() -> None:
    pauses, _ = await pauses_after((0, failure(retry_after=77.0)))
    assert pauses == [77.0]


async def test_every_failure_is_recorded_and_outlived() -> None:
    unforeseen = RuntimeError("bad\x1b[31m luck")
    _, supervisor = await pauses_after((0, failure()), (0, unforeseen), (0, TimeoutError()), (0, failure()))
    state = supervisor.state
    assert state.phase is Phase.STOPPED
    assert (state.sessions, state.failures, state.failures_in_a_row) == (5, 4, 4)
    assert state.failures_by_code == {"code": 2, "RuntimeError": 1, "TimeoutError": 1}
    _, supervisor = await pauses_after((0, unforeseen))
    assert supervisor.state.last_error == "bad[31m luck"
    assert supervisor.state.last_error_class is None


def test_the_exponent_never_overflows() -> None:
    assert Backoff().pause(10_000, limited=False) == 30.0


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    org = Org(CometdOptions(poll_seconds=0.5))
    await org.start()
    yield org
    await org.stop()


async def test_a_server_that_forgets_at_once_is_not_hammered(org: Org, tmp_path: Path) -> None:
    """The library would make about 200 handshakes, 400 polls and 200 logins a second (D7)."""
    org.faults.add(system="salesforce", operation="cometd.connect", kind="expire_session", count=10_000)
    journal = SqliteJournal(tmp_path / "journal.db")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0.01)

    async with running(Subscriber(org, journal, backoff=Backoff(), sleep=sleep)) as subscriber:
        await until(lambda: subscriber.state.failures >= 6 and subscriber.state.retry_at is not None)
        assert all(pause >= 0.1 * 2**n for n, pause in enumerate(pauses[:6])), pauses
        assert org.operations().count("handshake") <= len(pauses) + 1
        assert subscriber.tokens.logins == 1
        retry_at, last_error_at = subscriber.state.retry_at, subscriber.state.last_error_at
        assert retry_at is not None
        assert last_error_at is not None
        assert retry_at > last_error_at
    journal.close()
