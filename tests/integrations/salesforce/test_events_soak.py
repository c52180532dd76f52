"""Random trouble until much has failed, and kills of the subscriber's process: 0 lost, 0 double, in order."""

import asyncio
import functools
import random
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from integrations.errors import LoginFailed, System
from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.salesforce.events_rig import OrgTokens, SqliteJournal, Subscriber
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, USER, Org, until

TROUBLES = 80
FAILED_SESSIONS = 20
MESSAGE_FAULTS = [
    ("cometd.connect", "lose_reply"),
    ("cometd.connect", "truncate"),
    ("cometd.connect", "malformed"),
    ("cometd.connect", "duplicate"),
    ("cometd.connect", "http_401"),
    ("cometd.connect", "http_503"),
    ("cometd.connect", "reset"),
    ("cometd.connect", "expire_session"),
    ("cometd.connect", "advice"),
    ("cometd.connect", "slow"),
    ("cometd.handshake", "http_401_html"),
    ("cometd.handshake", "html"),
    ("cometd.handshake", "lose_reply"),
    ("cometd.handshake", "refuse"),
    ("cometd.subscribe", "lose_reply"),
    ("cometd.subscribe", "expire_replay"),
    ("cometd.subscribe", "http_500"),
    ("cometd.subscribe", "truncate"),
]


class Trouble:
    """Makes one thing after the other go wrong."""

    def __init__(self, org: Org, journal: SqliteJournal, chance: random.Random) -> None:
        self.org = org
        self.journal = journal
        self.chance = chance
        self.tokens = OrgTokens(org)
        self.made: list[str] = []
        self.failures = 0
        self.subscriber = Subscriber(org, journal, tokens=self.tokens)
        self.task = asyncio.create_task(self.subscriber.supervisor.run())

    async def one(self) -> None:
        pick = self.chance.choice(["message"] * 8 + ["revoke", "expire", "cut", "kill", "cancel", "oauth"])
        match pick:
            case "message":
                operation, kind = self.chance.choice(MESSAGE_FAULTS)
                pick = f"{operation} {kind}"
                options = {"delay": 0.05, "interval": self.chance.choice([0, 30]), "reconnect": "handshake"}
                self.org.faults.add(system="salesforce", operation=operation, kind=kind, options=options)
            case "revoke":
                self.org.control.revoke_tokens()
            case "expire":
                self.org.control.expire_sessions()
            case "cut":
                self.org.control.drop_connections()
            case "kill":
                await self.org.kill()
                await asyncio.sleep(self.chance.uniform(0, 0.1))
                await self.org.start()
            case "cancel":
                await self.stop()
                self.failures = self.failed
                self.subscriber = Subscriber(self.org, self.journal, tokens=self.tokens)
                self.task = asyncio.create_task(self.subscriber.supervisor.run())
            case "oauth":
                self.tokens.fail = LoginFailed(System.SALESFORCE, "unknown_error", "later")
                self.org.control.revoke_tokens()
                await asyncio.sleep(0.1)
                self.tokens.fail = None
        self.made.append(pick)

    @property
    def failed(self) -> int:
        """Failed sessions, of all the subscribers so far."""
        return self.failures + self.subscriber.state.failures

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


async def test_random_trouble(tmp_path: Path) -> None:
    seed = 20261123
    org = Org(CometdOptions(poll_seconds=0.3, events_per_reply=20))
    await org.start()
    journal = SqliteJournal(tmp_path / "journal.db")
    trouble = Trouble(org, journal, random.Random(seed))
    sent: list[str] = []
    try:
        while len(trouble.made) < TROUBLES or trouble.failed < FAILED_SESSIONS:
            sent += org.publish(trouble.chance.choice([1, 1, 1, 2, 5, 30]))
            await asyncio.sleep(trouble.chance.uniform(0, 0.03))
            if trouble.chance.random() < 0.35:
                await trouble.one()
        org.faults.clear()
        await until(lambda: len(journal.uuids()) >= len(sent))
    finally:
        await trouble.stop()
        kept = journal.uuids()
        journal.close()
        await org.stop()
    said = f"seed {seed}, {len(sent)} events, {len(trouble.made)} troubles, {trouble.failed} failed sessions"
    assert not set(sent) - set(kept), f"lost: {said}"
    assert kept == sent, f"double or out of order: {said}"


@pytest.mark.slow
async def test_kill_minus_9_of_the_subscriber_in_mid_batch(tmp_path: Path) -> None:
    org = Org(CometdOptions(poll_seconds=2.0, events_per_reply=40))
    await org.start()
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    token = org.tokens.issue(USER)
    command = [sys.executable, "-m", "tests.integrations.salesforce.events_process", str(path), org.url(), token]
    chance = random.Random(7)
    sent: list[str] = []

    def journaled(count: int) -> bool:
        return len(journal.uuids()) >= count

    try:
        for kill in range(3):
            process = await asyncio.create_subprocess_exec(*command)
            try:
                sent.extend(org.publish(150))
                await until(functools.partial(journaled, len(sent) - 140))
                sent.extend(org.publish(150))
                await asyncio.sleep(chance.uniform(0, 0.05))
                if kill == 2:
                    await until(functools.partial(journaled, len(sent)))
            finally:
                process.kill()
                await process.wait()
        assert journal.uuids() == sent
        [(cursor,)] = journal.rows("SELECT replay_id FROM cursor")
        assert cursor == str(org.bus.last(CHANNEL))
    finally:
        journal.close()
        await org.stop()
