"""The inbox: each event once, its cursor in the same transaction, poison visible, gaps kept until they are reconciled."""

import sqlite3
from typing import Any

import pytest

from storage import inbox
from storage.inbox import Incoming
from storage.journal import Journal

ORG, WAY, CHANNEL = "00D", "cometd", "/event/OrderProvisionRequested__e"


def event(uuid: str, replay: int, order: str | None = "801A", **values: Any) -> Incoming:
    given: dict[str, Any] = {
        "channel": CHANNEL, "replay_id": str(replay), "event_uuid": uuid, "order_id": order, "idem_key": "k",
        "payload": {"OrderId__c": order}, "received_at": float(replay),
    }  # fmt: skip
    return Incoming(**{**given, **values})


async def take(journal: Journal, *events: Incoming) -> int:
    return await journal.write(lambda db: inbox.append(db, ORG, WAY, events))


def cursor(journal: Journal) -> str | None:
    return journal.peek(lambda db: inbox.cursor(db, ORG, WAY, CHANNEL))


async def test_an_event_is_kept_once_and_a_repeat_still_moves_the_cursor(journal: Journal) -> None:
    assert await take(journal, event("a", 1), event("b", 2)) == 2
    assert cursor(journal) == "2"
    assert await take(journal, event("b", 2), event("a", 3)) == 0
    assert cursor(journal) == "3"
    assert [e.event_uuid for e in journal.peek(inbox.waiting)] == ["a", "b"]


async def test_events_and_cursor_are_one_transaction(journal: Journal) -> None:
    await take(journal, event("a", 1))

    def half(db: sqlite3.Connection) -> None:
        inbox.append(db, ORG, WAY, [event("b", 2), event("c", 3)])
        raise RuntimeError("the process dies before the commit")

    with pytest.raises(RuntimeError):
        await journal.write(half)
    assert cursor(journal) == "1"
    assert [e.event_uuid for e in journal.peek(inbox.waiting)] == ["a"]


async def test_a_cursor_belongs_to_org_transport_and_channel(journal: Journal) -> None:
    await take(journal, event("a", 1))
    await journal.write(lambda db: inbox.append(db, ORG, "pubsub", [event("b", 9)]))
    await journal.write(lambda db: inbox.append(db, "00X", WAY, [event("c", 8)]))
    await take(journal, event("d", 7, channel="/event/Other__e"))
    assert cursor(journal) == "1"
    assert len(journal.peek(inbox.cursors)) == 4


async def test_a_malformed_event_is_visible_and_reading_goes_on(journal: Journal) -> None:
    bad = event("bad", 2, None, problem="OrderId__c is missing", payload={"malformed": "{"})
    assert await take(journal, event("a", 1), bad, event("b", 3)) == 3
    assert cursor(journal) == "3"
    assert [e.event_uuid for e in journal.peek(inbox.waiting)] == ["a", "b"]
    (row,) = journal.peek(inbox.poison)
    assert (row["reason"], row["event_uuid"], row["replay_id"]) == ("OrderId__c is missing", "bad", "2")


@pytest.mark.parametrize("text", ["\ud800", "\udfff tail", "nul \x00 byte", "😀", "\u202e", "'; DROP TABLE inbox; --"])
async def test_no_text_stops_the_batch(journal: Journal, text: str) -> None:
    """JSON can bring half a surrogate pair, which no database takes as text."""
    odd = event("odd" + text, 2, idem_key=text, payload={text: [text, {"deep": text}]})
    assert await take(journal, event("a", 1), odd, event("b", 3)) == 3
    assert cursor(journal) == "3"
    kept = [e for e in journal.peek(inbox.waiting) if e.event_uuid.startswith("odd")]
    assert len(kept) == 1
    if "\ud800" not in text and "\udfff" not in text:
        assert kept[0].payload == odd.payload and kept[0].idem_key == text


async def test_heartbeats_are_kept_but_wait_for_nobody(journal: Journal) -> None:
    await take(journal, event("h", 1, heartbeat=True))
    assert journal.peek(inbox.waiting) == []
    assert cursor(journal) == "1"
    assert journal.peek(inbox.last_received) == 1.0


async def test_what_was_handled_says_what_was_done(journal: Journal) -> None:
    await take(journal, event("a", 1), event("b", 2))
    one, two = (e.seq for e in journal.peek(inbox.waiting))
    await journal.write(lambda db: inbox.handled(db, [one], "started", 5.0, reason="run 1 (event)", run_id=1))
    await journal.write(lambda db: inbox.handled(db, [one, two], "closed", 6.0, reason="the order is Draft"))
    kept = {e.event_uuid: (e.state, e.reason, e.run_id) for e in journal.peek(lambda db: inbox.of_order(db, "801A"))}
    assert kept == {"a": ("started", "run 1 (event)", 1), "b": ("closed", "the order is Draft", None)}


async def test_a_gap_takes_the_cursor_with_it_until_it_is_reconciled(journal: Journal) -> None:
    await take(journal, event("a", 7))
    await journal.write(lambda db: inbox.gap(db, ORG, WAY, CHANNEL, "the replay id has expired", 100.0))
    assert cursor(journal) is None
    (gap,) = journal.peek(lambda db: inbox.gaps(db, open_only=True))
    assert (gap.lost_cursor, gap.cursor_at, gap.reason) == ("7", 7.0, "the replay id has expired")
    assert await journal.write(lambda db: inbox.reconcile_gaps(db, 99.0, 101.0)) == 0, "that poll began before the gap"
    assert await journal.write(lambda db: inbox.reconcile_gaps(db, 100.0, 160.0)) == 1
    assert journal.peek(lambda db: inbox.gaps(db, open_only=True)) == []
    assert journal.peek(inbox.gaps)[0].reconciled_at == 160.0


async def test_an_event_is_known_for_its_order_from_a_moment_on(journal: Journal) -> None:
    await take(journal, event("a", 50))
    assert journal.peek(lambda db: inbox.seen_for(db, "801A", 50.0))
    assert not journal.peek(lambda db: inbox.seen_for(db, "801A", 50.1))
    assert not journal.peek(lambda db: inbox.seen_for(db, "801B", 0.0))
