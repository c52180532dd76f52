"""Group commit: many changes share a transaction, one that fails undoes only itself, and nobody waits for ever."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import meta
from storage.errors import Stale, StorageError, StoreDamaged
from storage.journal import Journal

FILL = "INSERT INTO meta VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"


def put(key: str, value: str = "x") -> Callable[[sqlite3.Connection], None]:
    return lambda db: meta.put(db, key, value)


async def keys(journal: Journal) -> set[str]:
    rows = await journal.read(lambda db: db.execute("SELECT key FROM meta").fetchall())
    return {row[0] for row in rows}


async def test_changes_that_wait_share_commits(journal: Journal) -> None:
    commits = 0

    def counted() -> None:
        nonlocal commits
        commits += 1

    journal.on_commit(counted)
    await asyncio.gather(*(journal.write(put(f"k{i}")) for i in range(400)))
    assert len(await keys(journal)) >= 400
    assert commits < 200, "four hundred changes at once must not take four hundred commits"


async def test_one_failing_change_undoes_only_itself(journal: Journal) -> None:
    def half_then_stale(db: sqlite3.Connection) -> None:
        meta.put(db, "half", "written")
        raise Stale("changed meanwhile")

    def breaks_a_constraint(db: sqlite3.Connection) -> None:
        meta.put(db, "other half", "written")
        db.execute("INSERT INTO meta VALUES ('a', 'twice')")

    results = await asyncio.gather(
        journal.write(put("a")),
        journal.write(half_then_stale),
        journal.write(put("b")),
        journal.write(breaks_a_constraint),
        journal.write(put("c")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), Stale, type(None), sqlite3.IntegrityError, type(None)]
    assert {"a", "b", "c"} <= await keys(journal)
    assert not {"half", "other half"} & await keys(journal)


async def test_results_come_back_to_whoever_asked(journal: Journal) -> None:
    async def echo(i: int) -> int:
        return await journal.write(lambda db: i * i)

    assert await asyncio.gather(*(echo(i) for i in range(50))) == [i * i for i in range(50)]


async def test_a_cancelled_caller_does_not_take_its_change_back(journal: Journal) -> None:
    task = asyncio.create_task(journal.write(put("kept")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await journal.write(put("next"))
    assert {"kept", "next"} <= await keys(journal)


async def test_changes_are_made_in_the_order_they_were_asked_for(journal: Journal) -> None:
    await journal.write(lambda db: db.execute("CREATE TABLE t (n INTEGER)"))
    insert = [(lambda db, n=n: db.execute("INSERT INTO t VALUES (?)", (n,))) for n in range(200)]
    await asyncio.gather(*(journal.write(change) for change in insert))
    assert await journal.read(lambda db: [row[0] for row in db.execute("SELECT n FROM t ORDER BY rowid")]) == [
        *range(200)
    ]


async def test_readers_never_wait_for_a_writer(journal: Journal) -> None:
    held, go_on = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> None:
        meta.put(db, "slow", "1")
        held.set()
        assert go_on.wait(60), "the reader waited for the writer"

    def elsewhere() -> str | None:
        assert held.wait(60)
        other = sqlite3.connect(f"{journal.path.as_uri()}?mode=ro", uri=True, timeout=0)
        seen = meta.get(other, "slow")
        other.close()
        go_on.set()
        return seen

    reading = asyncio.get_running_loop().run_in_executor(None, elsewhere)
    await journal.write(slow)
    assert await reading is None, "an uncommitted change must not be seen"
    assert await journal.read(lambda db: meta.get(db, "slow")) == "1"
    assert journal.peek(lambda db: meta.get(db, "slow")) == "1"


async def test_a_reading_is_of_one_moment(journal: Journal) -> None:
    begun, written = threading.Event(), threading.Event()

    def twice(db: sqlite3.Connection) -> tuple[int, int]:
        first = db.execute("SELECT COUNT(*) FROM meta").fetchone()[0]
        begun.set()
        assert written.wait(30)
        return first, db.execute("SELECT COUNT(*) FROM meta").fetchone()[0]

    reading = asyncio.create_task(journal.read(twice))
    assert await asyncio.to_thread(begun.wait, 30)
    await journal.write(put("between"))
    written.set()
    first, second = await reading
    assert first == second
    assert "between" in await keys(journal)


async def test_a_foreign_lock_only_delays(journal: Journal) -> None:
    other = sqlite3.connect(journal.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(journal.write(put("late")))
    for _ in range(10):
        await asyncio.sleep(0.01)
    assert not writing.done()  # and the loop did not wait for the lock: nobody lifts it but the next line
    other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(60):
        await writing
    assert "late" in await keys(journal)


async def test_a_broken_listener_does_not_stop_the_writer(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("listener")

    stop = journal.on_commit(broken)
    async with asyncio.timeout(60):
        await journal.write(put("a"))
        await asyncio.gather(journal.write(put("b")), journal.write(put("c")))
    stop()
    assert {"a", "b", "c"} <= await keys(journal)
    assert "listener" in caplog.text


async def test_what_is_queued_at_close_is_written_and_answered(path: Path) -> None:
    journal = Journal.open(path)
    waiting = [asyncio.ensure_future(journal.write(put(f"k{i}"))) for i in range(20)]
    await asyncio.sleep(0)
    journal.close()
    async with asyncio.timeout(60):
        await asyncio.gather(*waiting)
    again = Journal.open(path)
    found = await keys(again)
    again.close()
    assert {f"k{i}" for i in range(20)} <= found


async def test_writing_after_close_is_refused_at_once(path: Path) -> None:
    journal = Journal.open(path)
    journal.close()
    journal.close()
    with pytest.raises(StorageError, match="closed"):
        async with asyncio.timeout(60):
            await journal.write(put("never"))


async def test_a_damaged_file_is_named_as_such(path: Path) -> None:
    journal = Journal.open(path)
    await journal.write(lambda db: db.executemany(FILL, [(f"k{i}", "x" * 500) for i in range(300)]))
    journal.close()
    with path.open("r+b") as file:
        for page in range(3, 40):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    try:
        journal = Journal.open(path)
    except StoreDamaged:
        return
    try:
        with pytest.raises(StoreDamaged, match="restore"):
            await journal.write(lambda db: db.executemany(FILL, [(f"k{i}", "y" * 500) for i in range(300)]))
    finally:
        journal.close()
