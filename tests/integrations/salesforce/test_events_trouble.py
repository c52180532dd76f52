"""The subscriber against the sandbox's event bus in every kind of trouble: nothing lost, nothing double, in order."""

import asyncio
import gc
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import ErrorClass, LoginFailed, System
from integrations.salesforce.cometd_transport import CometdConfig
from integrations.salesforce.cometd_wire import WireLimits
from integrations.salesforce.events_supervisor import Phase
from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.salesforce.events_rig import IMPATIENT, OrgTokens, SqliteJournal, Subscriber, running
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, OTHER, Org, until


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    org = Org(CometdOptions(poll_seconds=0.5))
    await org.start()
    yield org
    await org.stop()
    gc.collect()


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    journal = SqliteJournal(tmp_path / "journal.db")
    yield journal
    journal.close()


async def test_events_are_journaled_in_order_and_the_engine_is_woken(org: Org, journal: SqliteJournal) -> None:
    sent = org.publish(3)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        for _ in range(5):
            sent.extend(org.publish())
            await until(lambda: subscriber.kept == sent)
        assert subscriber.woken >= 6
        state = subscriber.state
        assert state.phase is Phase.LISTENING
        assert state.session.endpoint == f"{org.url()}/cometd/63.0"
        assert state.session.listened > 0
        assert state.session.last_poll_at is not None
        assert state.session.token_since is not None
        assert state.intake.events == 8
        assert state.intake.duplicates == 0
        assert state.intake.cursors[CHANNEL] == str(org.bus.last(CHANNEL))
        assert (state.failures, state.last_error) == (0, "")
    assert subscriber.phases == [Phase.OPENING, Phase.LISTENING, Phase.OPENING, Phase.STOPPED]
    assert org.operations()[-1] == "disconnect"


async def test_the_next_process_goes_on_at_the_cursor(org: Org, journal: SqliteJournal) -> None:
    sent = org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
    sent += org.publish(2)
    async with running(Subscriber(org, journal)) as second:
        await until(lambda: second.kept == sent)
        assert second.state.intake.events == 2


async def test_server_killed_and_restarted(org: Org, journal: SqliteJournal) -> None:
    sent = org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        await org.kill()
        sent += org.publish(5)
        await until(lambda: subscriber.state.failures_in_a_row >= 3)
        assert subscriber.state.last_error_class is ErrorClass.TRANSIENT
        await org.start()
        await until(lambda: subscriber.kept == sent)
        sent += org.publish(5)
        await until(lambda: subscriber.kept == sent)


@pytest.mark.parametrize("kind", ["lose_reply", "truncate", "malformed", "timeout_after"])
async def test_a_reply_with_events_is_lost_on_the_way(org: Org, journal: SqliteJournal, kind: str) -> None:
    async with running(Subscriber(org, journal, config=IMPATIENT)) as subscriber:
        await until(lambda: subscriber.listening)
        fault = org.faults.add(system="salesforce", operation="cometd.connect", kind=kind)
        sent = org.publish(3)
        await until(lambda: subscriber.kept == sent)
        assert fault.used == 1
        assert subscriber.state.failures == 1
        sent += org.publish(3)
        await until(lambda: subscriber.kept == sent)


async def test_expired_session(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        org.control.expire_sessions()
        sent = org.publish(3)
        await until(lambda: subscriber.kept == sent)
        assert subscriber.state.last_error.endswith("403::Unknown client")
        assert subscriber.tokens.logins == 1  # the token is still good: no login for an expiry (D15)


async def test_revoked_token_while_the_login_fails(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        subscriber.tokens.fail = LoginFailed(System.SALESFORCE, "invalid_grant", "no client credentials user enabled")
        org.control.revoke_tokens()
        sent = org.publish(3)
        await until(lambda: subscriber.tokens.asked >= 5)
        assert subscriber.state.phase in (Phase.WAITING, Phase.OPENING)
        assert subscriber.state.last_error_class is ErrorClass.CONFIG
        assert "no client credentials user enabled" in subscriber.state.last_error
        assert journal.uuids() == []
        subscriber.tokens.fail = None
        await until(lambda: subscriber.kept == sent)
        assert subscriber.tokens.logins == 2


@pytest.mark.parametrize("operation", ["cometd.handshake", "cometd.connect", "cometd.subscribe"])
async def test_http_401_renews_the_token(org: Org, journal: SqliteJournal, operation: str) -> None:
    for kind in ("http_401", "http_401_html"):
        org.faults.add(system="salesforce", operation=operation, kind=kind)
    sent = org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        assert subscriber.tokens.logins == 3
        assert subscriber.state.failures_by_code == {"http_401": 2}


async def test_expired_cursor_is_a_gap_and_everything_retained_comes_again(org: Org, journal: SqliteJournal) -> None:
    sent = org.publish(4)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
    [lost] = [row[0] for row in journal.rows("SELECT replay_id FROM cursor")]
    ids = [event.replay_id for event in org.bus.read(CHANNEL)]
    org.bus.trim(CHANNEL, ids[1])
    org.faults.add(system="salesforce", operation="cometd.subscribe", kind="expire_replay")
    sent += org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        [(cursor, reason)] = journal.gaps()
        assert cursor == lost
        assert reason.startswith(f"400::The replayId {{{lost}}} you provided was invalid.")
        assert subscriber.gaps == [(CHANNEL, reason)]
        state = subscriber.state
        assert (state.intake.gaps, state.intake.events, state.intake.duplicates) == (1, 4, 2)
        assert state.failures == 0


async def test_a_quiet_channel_whose_cursor_aged_out(org: Org, journal: SqliteJournal) -> None:
    sent = org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
    org.bus.trim(CHANNEL)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        sent += org.publish(2)
        await until(lambda: subscriber.kept == sent)
        assert len(journal.gaps()) == 1


async def test_the_bus_that_refuses_even_everything_does_not_loop_at_once(org: Org, journal: SqliteJournal) -> None:
    text = "400::The replayId {-2} you provided was invalid."
    org.faults.add(system="salesforce", operation="cometd.subscribe", kind="refuse", count=3, options={"text": text})
    sent = org.publish()
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        assert subscriber.state.failures == 3
        assert journal.gaps() == []


async def test_duplicates_are_counted_and_dropped(org: Org, journal: SqliteJournal) -> None:
    org.faults.add(system="salesforce", operation="cometd.connect", kind="duplicate", count=2)
    sent = org.publish(3)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        sent += org.publish(2)
        await until(lambda: subscriber.kept == sent and subscriber.state.intake.duplicates == 5)


@pytest.mark.parametrize(
    "message",
    [
        {"data": "not an object"},
        {"data": None},
        {"data": {"payload": [], "event": {"replayId": True, "EventUuid": 7}}},
        {"data": {"payload": {"OrderId__c": "\ud800"}, "event": "x", "schema": 1}},
        {},
    ],
)
async def test_a_malformed_event_is_kept_and_reading_goes_on(
    org: Org, journal: SqliteJournal, message: dict[str, Any]
) -> None:
    org.faults.add(
        system="salesforce", operation="cometd.connect", kind="malformed_event", options={"message": message}
    )
    sent = org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: len(subscriber.kept) == 3)
        sent += org.publish()
        await until(lambda: len(subscriber.kept) == 4)
        [poison, *good] = journal.uuids()
        assert poison.startswith("sha256:")
        assert good == sent
        [(problem, cursor)] = journal.rows("SELECT problem, replay_id FROM events WHERE problem != ''")
        assert problem
        assert cursor == "-2"
        assert subscriber.state.failures == 0


@pytest.mark.parametrize("operation", ["cometd.handshake", "cometd.connect", "cometd.subscribe"])
async def test_a_stalled_channel_ends_the_session_in_time(org: Org, journal: SqliteJournal, operation: str) -> None:
    fault = org.faults.add(system="salesforce", operation=operation, kind="timeout_before")
    sent = org.publish(2)
    async with running(Subscriber(org, journal, config=IMPATIENT)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        assert fault.used == 1
        assert subscriber.state.failures_by_code.keys() == {"timeout"}


async def test_a_stalled_poll_ends_a_session_that_listens(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal, config=IMPATIENT)) as subscriber:
        await until(lambda: subscriber.listening)
        fault = org.faults.add(system="salesforce", operation="cometd.connect", kind="timeout_before")
        await until(lambda: fault.used)
        sent = org.publish(2)
        await until(lambda: subscriber.kept == sent)
        assert "no answer within 1.1 s" in subscriber.state.last_error


@pytest.mark.parametrize("kind", ["http_503", "http_500", "http_403", "http_429", "html", "reset", "cut"])
@pytest.mark.parametrize("operation", ["cometd.handshake", "cometd.connect", "cometd.subscribe"])
async def test_http_trouble(org: Org, journal: SqliteJournal, operation: str, kind: str) -> None:
    org.faults.add(system="salesforce", operation=operation, kind=kind, count=2)
    sent = org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.kept == sent)
        assert subscriber.state.failures == 2
        assert subscriber.state.last_error_class is ErrorClass.TRANSIENT
        assert subscriber.tokens.logins == 1
        assert "<" not in subscriber.state.last_error or "HTTP" in subscriber.state.last_error


async def test_the_interval_is_in_milliseconds(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        org.faults.add(system="salesforce", operation="cometd.connect", kind="advice", options={"interval": 300})
        started = time.monotonic()
        sent = org.publish()
        await until(lambda: org.control.counts["events"] == 1)
        sent += org.publish()
        await until(lambda: subscriber.kept == sent)
        assert time.monotonic() - started > 0.25
        assert subscriber.state.failures == 0


@pytest.mark.parametrize("advice", [{"reconnect": "none"}, {"reconnect": "handshake"}])
async def test_advice_other_than_retry_ends_the_session_not_the_events(
    org: Org, journal: SqliteJournal, advice: dict[str, str]
) -> None:
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        org.faults.add(system="salesforce", operation="cometd.connect", kind="advice", options=dict(advice))
        sent = org.publish(2)
        await until(lambda: subscriber.kept == sent)
        await until(lambda: subscriber.state.failures == 1)
        sent += org.publish(2)
        await until(lambda: subscriber.kept == sent)


async def test_a_poll_cancelled_by_nobody_we_know_ends_the_session(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)

        def polls() -> list[asyncio.Task[Any]]:
            return [task for task in asyncio.all_tasks() if "StrictLongPolling._next_poll" in repr(task)]

        await until(polls)  # between two of them there is none for a moment
        [poll] = polls()
        poll.cancel()
        await until(lambda: subscriber.state.failures == 1)
        sent = org.publish(2)
        await until(lambda: subscriber.kept == sent)


async def test_two_channels_each_with_its_cursor(org: Org, journal: SqliteJournal) -> None:
    channels = (CHANNEL, OTHER)
    async with running(Subscriber(org, journal, channels=channels)) as subscriber:
        await until(lambda: subscriber.listening)
        sent: list[str] = []
        for number in range(20):
            sent += org.publish(1, channels[number % 2])
            if number % 7 == 3:
                org.faults.add(system="salesforce", operation="cometd.connect", kind="lose_reply")
            await asyncio.sleep(0.01)
        await until(lambda: sorted(subscriber.kept) == sorted(sent))
        assert subscriber.state.failures >= 1
        for channel in channels:
            kept = [
                row[0] for row in journal.rows("SELECT event_uuid FROM events WHERE channel=? ORDER BY seq", channel)
            ]
            assert kept == [event.uuid for event in org.bus.read(channel)]


async def test_the_journal_that_takes_nothing_stops_reading(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        journal.fail = sqlite3.OperationalError("database or disk is full")
        sent = org.publish(2)
        await until(lambda: subscriber.state.failures >= 3 and subscriber.state.phase is Phase.JOURNAL_FAILED)
        state = subscriber.state
        assert "database or disk is full" in state.intake.journal_error
        assert (subscriber.woken, state.intake.events) == (0, 0)
        journal.fail = None
        await until(lambda: subscriber.kept == sent)
        await until(lambda: subscriber.listening)
        assert subscriber.state.intake.journal_error == ""


async def test_cancel_during_a_commit_finishes_the_commit(org: Org, journal: SqliteJournal) -> None:
    journal.slow = 0.2
    sent = org.publish(2)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: journal.asked == 1)
        assert subscriber.kept == []
    assert journal.uuids() == sent


@pytest.mark.parametrize("operation", ["cometd.handshake", "cometd.connect", "cometd.subscribe"])
async def test_cancel_amid_opening_leaves_nothing(org: Org, journal: SqliteJournal, operation: str) -> None:
    fault = org.faults.add(system="salesforce", operation=operation, kind="timeout_before")
    limits = WireLimits(
        open=3600.0, connect=3600.0, control=3600.0, goodbye=0.2
    )  # whoever waited for one would not end
    async with running(Subscriber(org, journal, config=CometdConfig(limits=limits))):
        await until(lambda: fault.used)
    await asyncio.sleep(0.05)
    asked = len(org.operations())
    await asyncio.sleep(0.25)
    assert len(org.operations()) == asked


async def test_cancel_with_a_dead_server_and_in_a_pause(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        await org.kill()
        await until(lambda: subscriber.state.phase is Phase.WAITING)
    assert subscriber.state.retry_at is None


async def test_an_unknown_channel_and_a_used_up_limit_are_told_apart(org: Org, journal: SqliteJournal) -> None:
    async with running(Subscriber(org, journal, channels=("/event/Missing__e",))) as subscriber:
        await until(lambda: subscriber.state.failures)
        assert subscriber.state.last_error_class is ErrorClass.CONFIG
        assert "/event/Missing__e" in subscriber.state.last_error
    for text in (
        "403::Organization concurrent user limit exceeded",
        "403::Organization total events daily limit exceeded",
    ):
        org.faults.add(system="salesforce", operation="cometd.handshake", kind="refuse", options={"text": text})
        pauses: list[float] = []

        async def sleep(seconds: float, pauses: list[float] = pauses) -> None:
            pauses.append(seconds)
            await asyncio.sleep(0.05)

        async with running(Subscriber(org, journal, sleep=sleep)) as subscriber:
            await until(lambda: Phase.LIMITED in subscriber.phases)
            assert text in subscriber.state.last_error
            assert subscriber.state.last_error_class is ErrorClass.CAPACITY
            await until(lambda: subscriber.listening)
        assert 60 <= pauses[0] <= 120
        assert subscriber.tokens.logins == 1


async def test_by_host_name(org: Org, journal: SqliteJournal) -> None:
    sent = org.publish(2)
    async with running(Subscriber(org, journal, tokens=OrgTokens(org, "localhost"))) as subscriber:
        await until(lambda: subscriber.kept == sent)
