"""What the subscriber's tests share: a journal on SQLite, tokens that can fail, and a running subscriber."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.salesforce.cometd_transport import CometdConfig, CometdTransport
from integrations.salesforce.cometd_wire import WireLimits
from integrations.salesforce.events import RawEvent
from integrations.salesforce.events_supervisor import Backoff, Phase, SubscriberState, Supervisor
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, USER, Org

SCHEMA = """
CREATE TABLE IF NOT EXISTS events(seq INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT, replay_id TEXT,
    event_uuid TEXT UNIQUE, body TEXT, problem TEXT);
CREATE TABLE IF NOT EXISTS cursor(channel TEXT PRIMARY KEY, replay_id TEXT);
CREATE TABLE IF NOT EXISTS gaps(id INTEGER PRIMARY KEY, channel TEXT, lost_cursor TEXT, why TEXT);
"""
PATIENT = CometdConfig(limits=WireLimits(open=20.0, connect=10.0, control=10.0, poll_slack=10.0, goodbye=1.0))
IMPATIENT = CometdConfig(limits=WireLimits(open=5.0, connect=2.0, control=1.0, poll_slack=0.5, goodbye=1.0))
QUICK = Backoff(shortest=0.02, longest=0.2, settled_after=5.0)


def now() -> datetime:
    return datetime.now(UTC)


class SqliteJournal:
    """EventJournal on one SQLite file, as durable as the product's. ``fail`` makes every append raise, ``asked`` counts them."""

    def __init__(self, path: Path) -> None:
        self.fail: Exception | None = None
        self.slow = 0.0
        self.asked = 0
        self.batches: list[int] = []
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)

    async def cursor(self, channel: str) -> str | None:
        rows = await asyncio.to_thread(self.rows, "SELECT replay_id FROM cursor WHERE channel = ?", channel)
        return rows[0][0] if rows else None

    async def append(self, events: Sequence[RawEvent]) -> int:
        self.asked += 1
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.fail:
            raise self.fail
        return await asyncio.to_thread(self._append, events)

    async def gap(self, channel: str, reason: str) -> None:
        await asyncio.to_thread(self._gap, channel, reason)

    def _append(self, events: Sequence[RawEvent]) -> int:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            new = 0
            for event in events:
                new += self._db.execute(
                    "INSERT OR IGNORE INTO events(channel, replay_id, event_uuid, body, problem) VALUES(?, ?, ?, ?, ?)",
                    (event.channel, event.replay_id, event.event_uuid, json.dumps(event.payload), event.problem),
                ).rowcount
                self._db.execute("INSERT OR REPLACE INTO cursor VALUES(?, ?)", (event.channel, event.replay_id))
            self._db.execute("COMMIT")
        self.batches.append(len(events))
        return new

    def _gap(self, channel: str, reason: str) -> None:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO gaps(channel, lost_cursor, why) SELECT channel, replay_id, ? FROM cursor WHERE channel=?",
                (reason, channel),
            )
            self._db.execute("DELETE FROM cursor WHERE channel = ?", (channel,))
            self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def uuids(self) -> list[str]:
        """The journaled events in their order."""
        return [row[0] for row in self.rows("SELECT event_uuid FROM events ORDER BY seq")]

    def gaps(self) -> list[tuple[str, str]]:
        """(lost cursor, reason) of each gap."""
        return [(row[0], row[1]) for row in self.rows("SELECT lost_cursor, why FROM gaps ORDER BY id")]

    def close(self) -> None:
        self._db.close()


class OrgTokens:
    """Tokens of the sandbox's token book, cached; ``fail`` makes the login fail as an OAuth endpoint may."""

    def __init__(self, org: Org, host: str = "127.0.0.1") -> None:
        self.fail: Exception | None = None
        self.logins = 0
        self.asked = 0
        self._org = org
        self._host = host
        self._cached: str | None = None

    async def token(self) -> tuple[str, str]:
        self.asked += 1
        if self._cached is None:
            if self.fail:
                raise self.fail
            self.logins += 1
            self._cached = self._org.tokens.issue(USER)
        return self._cached, self._org.url(self._host)

    async def invalidate(self, access_token: str) -> None:
        if self._cached == access_token:
            self._cached = None


class Subscriber:
    """A supervisor at work, with everything it touches.

    ``kept`` is what the journal held when the last batch was reported: by then the counters stand too. The journal
    itself shows a batch earlier, at the commit in its thread.
    """

    def __init__(
        self,
        org: Org,
        journal: SqliteJournal,
        *,
        channels: Sequence[str] = (CHANNEL,),
        tokens: OrgTokens | None = None,
        config: CometdConfig = PATIENT,
        backoff: Backoff = QUICK,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.org = org
        self.journal = journal
        self.tokens = tokens or OrgTokens(org)
        self.transport = CometdTransport(config, self.tokens, now=now)
        self.woken = 0
        self.kept: list[str] = []
        self.gaps: list[tuple[str, str]] = []
        self.phases: list[Phase] = []
        self.supervisor = Supervisor(
            self.transport,
            journal,
            channels,
            on_batch=self._wake,
            on_gap=lambda channel, reason: self.gaps.append((channel, reason)),
            on_state=self._note,
            now=now,
            sleep=sleep,
            backoff=backoff,
        )

    @property
    def state(self) -> SubscriberState:
        return self.supervisor.state

    @property
    def listening(self) -> bool:
        return self.state.phase is Phase.LISTENING

    def _wake(self) -> None:
        self.woken += 1
        self.kept = self.journal.uuids()

    def _note(self, state: SubscriberState) -> None:
        if self.phases[-1:] != [state.phase]:
            self.phases.append(state.phase)


@asynccontextmanager
async def running(subscriber: Subscriber) -> AsyncIterator[Subscriber]:
    """Run the subscriber; at the end it is cancelled, and must leave nothing behind."""
    before = asyncio.all_tasks()
    task = asyncio.create_task(subscriber.supervisor.run())
    try:
        yield subscriber
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    left = {other for other in asyncio.all_tasks() - before if "StrictLongPolling" in repr(other)}
    assert not left
    assert subscriber.state.phase is Phase.STOPPED
