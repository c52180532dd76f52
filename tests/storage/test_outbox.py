"""Status writes: one row an order, the latest wins, one in flight, and none newer before the older is settled."""

from typing import Any

from storage import outbox
from storage.journal import Journal
from storage.outbox import OutboxRow

ORDER = "801A"


async def put(journal: Journal, now: float = 1.0, **fields: Any) -> None:
    await journal.write(lambda db: outbox.put(db, ORDER, fields, now))


def row(journal: Journal) -> OutboxRow:
    found = journal.peek(lambda db: outbox.get(db, ORDER))
    assert found is not None
    return found


async def test_the_latest_replaces_what_waits(journal: Journal) -> None:
    await put(journal, Status="Failed")
    await put(journal, Status="Cancelled")
    assert (row(journal).fields, row(journal).version, row(journal).state) == ({"Status": "Cancelled"}, 2, "waiting")


async def test_one_in_flight_and_only_the_version_that_was_read(journal: Journal) -> None:
    await put(journal, Status="Failed")
    assert not await journal.write(lambda db: outbox.intend(db, ORDER, 7, 2.0))
    assert await journal.write(lambda db: outbox.intend(db, ORDER, 1, 2.0))
    assert not await journal.write(lambda db: outbox.intend(db, ORDER, 1, 2.0))
    await put(journal, 3.0, Status="Cancelled")
    assert not await journal.write(lambda db: outbox.intend(db, ORDER, 2, 3.0)), "the older one is not settled"
    assert (row(journal).state, row(journal).in_flight, row(journal).fields) == (
        "in_flight", {"Status": "Failed"}, {"Status": "Cancelled"},
    )  # fmt: skip


async def test_what_is_settled_makes_way_for_the_newer(journal: Journal) -> None:
    await put(journal, Status="Failed")
    await journal.write(lambda db: outbox.intend(db, ORDER, 1, 2.0))
    await put(journal, 3.0, Status="Cancelled")
    await journal.write(lambda db: outbox.settle(db, ORDER, 1, 4.0))
    assert (row(journal).state, row(journal).in_flight) == ("waiting", None)
    assert [r.order_id for r in journal.peek(lambda db: outbox.due(db, 4.0))] == [ORDER]
    await journal.write(lambda db: outbox.intend(db, ORDER, 2, 5.0))
    await journal.write(lambda db: outbox.settle(db, ORDER, 2, 6.0))
    assert row(journal).state == "settled"
    assert journal.peek(lambda db: outbox.due(db, 1e9)) == [] and journal.peek(outbox.next_due) is None


async def test_a_write_in_flight_is_not_dropped(journal: Journal) -> None:
    await put(journal, Status="Failed")
    await journal.write(lambda db: outbox.intend(db, ORDER, 1, 2.0))
    assert not await journal.write(lambda db: outbox.drop(db, ORDER))
    await journal.write(lambda db: outbox.again(db, ORDER, 9.0, "it did not arrive", 3.0, clear=True))
    assert await journal.write(lambda db: outbox.drop(db, ORDER))
    assert journal.peek(lambda db: outbox.get(db, ORDER)) is None


async def test_trying_later_keeps_what_is_unknown_in_flight(journal: Journal) -> None:
    await put(journal, Status="Failed")
    await journal.write(lambda db: outbox.intend(db, ORDER, 1, 2.0))
    await journal.write(lambda db: outbox.again(db, ORDER, 9.0, "no answer", 3.0, clear=False))
    assert (row(journal).state, row(journal).next_at, row(journal).error) == ("in_flight", 9.0, "no answer")
    assert journal.peek(lambda db: outbox.due(db, 8.9)) == []


async def test_what_was_given_up_is_shown_and_a_newer_one_begins_anew(journal: Journal) -> None:
    await put(journal, Status="Failed")
    await journal.write(lambda db: outbox.intend(db, ORDER, 1, 2.0))
    await journal.write(lambda db: outbox.give_up(db, ORDER, "a validation rule", 3.0))
    assert [r.error for r in journal.peek(outbox.stuck)] == ["a validation rule"]
    await put(journal, 4.0, Status="Cancelled")
    assert (row(journal).state, row(journal).tries, row(journal).error) == ("waiting", 0, None)
