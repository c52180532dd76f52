"""The feed: numbers that only grow, epochs, and forgetting the oldest."""

import sqlite3

import pytest

from storage import feed, meta
from storage.journal import Journal


async def add(journal: Journal, count: int, at: float = 0.0) -> int:
    return await journal.write(lambda db: [feed.append(db, at, "run", {"n": n}) for n in range(count)][-1])


async def test_numbers_grow_by_one_and_rows_are_read_in_order(journal: Journal) -> None:
    await journal.write(meta.identity)
    last = await add(journal, 5)
    rows = journal.peek(lambda db: feed.after(db, last - 5))
    assert [row.seq for row in rows] == list(range(last - 4, last + 1))
    assert [row.body for row in rows] == [{"n": n} for n in range(5)]
    assert {row.epoch for row in rows} == {1}
    assert journal.peek(lambda db: feed.after(db, last)) == []
    assert len(journal.peek(lambda db: feed.after(db, 0, limit=2))) == 2


async def test_a_change_that_is_undone_leaves_no_gap(journal: Journal) -> None:
    last = await add(journal, 1)

    def fails(db: sqlite3.Connection) -> None:
        feed.append(db, 0.0, "run", {})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await journal.write(fails)
    assert await add(journal, 1) == last + 1


async def test_numbers_are_never_given_out_twice(journal: Journal) -> None:
    last = await add(journal, 10)
    await journal.write(lambda db: db.execute("DELETE FROM feed"))
    assert journal.peek(feed.highest) == last
    assert journal.peek(feed.bounds) == (last + 1, last, 1)
    assert await add(journal, 1) == last + 1


async def test_a_recovered_journal_goes_on_above_what_the_world_has_seen(journal: Journal) -> None:
    await journal.write(meta.identity)
    last = await add(journal, 3)
    await journal.write(lambda db: feed.continue_above(db, last + 1000))
    assert journal.peek(feed.highest) == last + 1000
    assert await add(journal, 1) == last + 1001
    row = journal.peek(lambda db: feed.after(db, last))[0]
    assert (row.seq, row.epoch) == (last + 1001, 2)
    assert journal.peek(feed.bounds) == (1, last + 1001, 2)


async def test_a_new_journal_may_begin_above_too(journal: Journal) -> None:
    await journal.write(lambda db: feed.continue_above(db, 500))
    assert await add(journal, 1) == 501


async def test_going_on_never_goes_back(journal: Journal) -> None:
    last = await add(journal, 50)
    await journal.write(lambda db: feed.continue_above(db, 10))
    assert await add(journal, 1) == last + 1


async def test_the_oldest_rows_are_forgotten_but_never_the_newest(journal: Journal) -> None:
    await add(journal, 100, at=10.0)
    await add(journal, 100, at=20.0)
    assert await journal.write(lambda db: feed.prune(db, 15.0, keep=150)) == 50
    assert await journal.write(lambda db: feed.prune(db, 15.0, keep=10)) == 50
    assert await journal.write(lambda db: feed.prune(db, 15.0, keep=10)) == 0
    oldest, newest, _ = journal.peek(feed.bounds)
    assert (oldest, newest) == (101, 200)


async def test_forgetting_is_done_in_pieces(journal: Journal) -> None:
    await add(journal, 100, at=10.0)
    counts = [await journal.write(lambda db: feed.prune(db, 15.0, keep=0, limit=30)) for _ in range(5)]
    assert counts == [30, 30, 30, 10, 0]


async def test_rows_of_an_order(journal: Journal) -> None:
    for n in range(6):
        await journal.write(lambda db, n=n: feed.append(db, 0.0, "run", {"n": n}, order_id=f"o{n % 2}"))  # type: ignore[misc]
    assert [row.body["n"] for row in journal.peek(lambda db: feed.of_order(db, "o1"))] == [1, 3, 5]
    assert [row.body["n"] for row in journal.peek(lambda db: feed.of_order(db, "o1", limit=2))] == [3, 5]
