"""The subscriber and more events than fit into one reply: all are taken in, as fast as the journal takes them."""

import asyncio
from pathlib import Path

import pytest

from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.salesforce.events_rig import SqliteJournal, Subscriber, running
from tests.integrations.sandbox.salesforce.cometd_rig import Org, until


@pytest.mark.parametrize("in_subscribe_reply", [False, True])
async def test_500_retained_events_at_subscribe(tmp_path: Path, in_subscribe_reply: bool) -> None:
    org = Org(CometdOptions(poll_seconds=0.5, events_in_subscribe_reply=in_subscribe_reply))
    await org.start()
    journal = SqliteJournal(tmp_path / "journal.db")
    try:
        sent = org.publish(1200)
        async with running(Subscriber(org, journal)) as subscriber:
            await until(lambda: subscriber.kept == sent)
            assert journal.batches == [500, 500, 200]
            assert subscriber.state.failures == 0
    finally:
        journal.close()
        await org.stop()


async def test_a_backlog_that_ends_with_a_full_batch_is_told_as_well(tmp_path: Path) -> None:
    """And one whose session ends right behind it."""
    org = Org(CometdOptions(poll_seconds=0.5))
    await org.start()
    journal = SqliteJournal(tmp_path / "journal.db")
    try:
        sent = org.publish(1000)
        async with running(Subscriber(org, journal)) as subscriber:
            await until(lambda: subscriber.kept == sent)
            assert journal.batches == [500, 500]
            sent += org.publish(500)
            await until(lambda: len(journal.uuids()) == 1500)
            org.control.expire_sessions()
            await until(lambda: subscriber.kept == sent)
    finally:
        journal.close()
        await org.stop()


async def test_a_slow_journal_holds_back_the_polls_and_loses_nothing(tmp_path: Path) -> None:
    org = Org(CometdOptions(poll_seconds=0.5, events_per_reply=1000))
    await org.start()
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.slow = 0.05
    try:
        sent = org.publish(4500)
        async with running(Subscriber(org, journal)) as subscriber:
            await until(lambda: org.control.counts["events"] >= 3000)
            await asyncio.sleep(0.1)
            assert org.control.counts["events"] - len(journal.uuids()) <= 3500
            await until(lambda: subscriber.kept == sent)
            assert subscriber.state.failures == 0
    finally:
        journal.close()
        await org.stop()
