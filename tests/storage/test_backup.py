"""Backup while the daemon writes; restore while it does not, always into a recovery (rules §5.3, §13)."""

import asyncio
import functools
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from storage import backup, feed, meta
from storage.errors import StorageError, StoreDamaged, StoreInUse
from storage.journal import Journal

STAMP = "20261123T090000"


def read(path: Path, key: str) -> str | None:
    db = sqlite3.connect(path)
    found = meta.get(db, key)
    db.close()
    return found


def kept_in(path: Path) -> set[str]:
    db = sqlite3.connect(path)
    found = {row[0] for row in db.execute("SELECT key FROM meta")}
    db.close()
    return found


async def made(path: Path, **values: str) -> None:
    journal = Journal.open(path)
    await journal.write(meta.identity)
    for key, value in values.items():
        await journal.write(lambda db, key=key, value=value: meta.put(db, key, value))  # type: ignore[misc]
    journal.close()


async def test_a_backup_while_writing_is_whole_and_soon_done(journal: Journal, tmp_path: Path) -> None:
    """Larger than one piece of copying, and never quiet: the copy must not begin anew at each commit."""
    pad = "x" * 4000
    await journal.write(lambda db: [feed.append(db, 0.0, "pad", {"pad": pad}) for _ in range(6000)][-1])
    target, stop = tmp_path / "copy.db", asyncio.Event()

    def both(n: int, db: sqlite3.Connection) -> None:
        meta.put(db, f"a{n}", "1")
        meta.put(db, f"b{n}", "1")

    async def writing() -> int:
        n = 0
        while not stop.is_set():
            await journal.write(functools.partial(both, n))
            n += 1
        return n

    task = asyncio.create_task(writing())
    await asyncio.sleep(0.05)
    size = await asyncio.to_thread(backup.backup, journal.path, target)
    stop.set()
    written = await task
    assert size == target.stat().st_size and stat.S_IMODE(target.stat().st_mode) == 0o600
    kept = kept_in(target)
    assert written > 0
    assert {k[1:] for k in kept if k[0] == "a" and k[1:].isdigit()} == {
        k[1:] for k in kept if k[0] == "b" and k[1:].isdigit()
    }
    assert not list(tmp_path.glob("copy.db?*")), "one file, nothing beside it"


async def test_a_backup_holds_what_was_committed_before_it(journal: Journal, tmp_path: Path) -> None:
    await journal.write(lambda db: meta.put(db, "before", "1"))
    backup.backup(journal.path, tmp_path / "copy.db")
    await journal.write(lambda db: meta.put(db, "after", "1"))
    assert "before" in kept_in(tmp_path / "copy.db")
    assert "after" not in kept_in(tmp_path / "copy.db")


def test_a_backup_replaces_nothing(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        backup.backup(journal.path, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_what_an_earlier_attempt_left_is_no_obstacle(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "copy.db.part").write_bytes(b"half a file" * 1000)
    backup.backup(journal.path, tmp_path / "copy.db")
    backup.check(tmp_path / "copy.db")


def test_no_place_for_it_leaves_nothing(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be written"):
        backup.backup(journal.path, tmp_path / "no folder" / "copy.db")
    with pytest.raises(StorageError, match="no journal"):
        backup.backup(tmp_path / "nowhere.db", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


# Restore ----------------------------------------------------------------------------------------------------------------


async def test_restoring_makes_a_new_journal_that_must_recover(path: Path, tmp_path: Path) -> None:
    await made(path, what="old", recovery_begun="1.0", recovery="an earlier one")
    copy = tmp_path / "copy.db"
    backup.backup(path, copy)
    old_id = read(path, "journal_id")
    await made(path, what="new")
    kept = backup.restore(copy, path, lambda: STAMP)
    assert kept == path.with_name(f"journal.db.replaced-{STAMP}")
    assert (read(path, "what"), read(kept, "what")) == ("old", "new")
    assert read(path, "journal_id") not in (None, old_id)
    assert read(path, "recovery") == f"restored {STAMP}"
    assert read(path, "recovery_begun") is None, "the recovery of a copy that was made in one begins anew"
    assert {stat.S_IMODE(p.stat().st_mode) for p in (path, kept)} == {0o600}
    assert read(copy, "recovery") == "an earlier one", "the backup itself is only read"
    Journal.open(path).close()


async def test_the_replaced_file_keeps_what_its_write_ahead_log_held(path: Path, tmp_path: Path) -> None:
    await made(path)
    copy = tmp_path / "copy.db"
    backup.backup(path, copy)
    journal = Journal.open(path)
    await journal.write(lambda db: meta.put(db, "only in the log", "1"))
    crashed = tmp_path / "crashed"
    shutil.copytree(path.parent, crashed)  # as after kill -9: the log was never folded in
    journal.close()
    kept = backup.restore(copy, crashed / "journal.db", lambda: STAMP)
    assert kept is not None and "only in the log" in kept_in(kept)
    assert "only in the log" not in kept_in(crashed / "journal.db")


async def test_a_damaged_journal_can_be_replaced_and_is_kept(path: Path, tmp_path: Path) -> None:
    """That is when people restore."""
    await made(path, what="old")
    copy = tmp_path / "copy.db"
    backup.backup(path, copy)
    path.write_bytes(b"\xff" * 50_000)
    kept = backup.restore(copy, path, lambda: STAMP)
    assert kept is not None and kept.read_bytes() == b"\xff" * 50_000
    journal = Journal.open(path)
    assert await journal.read(lambda db: meta.get(db, "what")) == "old"
    journal.close()


async def test_restoring_where_there_was_nothing(path: Path, tmp_path: Path) -> None:
    await made(path, what="old")
    target = tmp_path / "elsewhere.db"
    assert backup.restore(path, target, lambda: STAMP) is None
    assert read(target, "what") == "old"


async def test_restoring_under_a_running_daemon_is_refused(path: Path, tmp_path: Path) -> None:
    await made(path)
    copy = tmp_path / "copy.db"
    backup.backup(path, copy)
    journal = Journal.open(path)
    with pytest.raises(StoreInUse, match="portal daemon"):
        backup.restore(copy, path, lambda: STAMP)
    await journal.write(lambda db: meta.put(db, "untouched", "1"))
    journal.close()


@pytest.mark.parametrize("content", [b"", b"garbage" * 5000])
async def test_what_is_no_journal_is_refused_and_nothing_is_touched(path: Path, tmp_path: Path, content: bytes) -> None:
    await made(path, what="mine")
    bad = tmp_path / "bad.db"
    bad.write_bytes(content)
    with pytest.raises(StoreDamaged):
        backup.restore(bad, path, lambda: STAMP)
    assert read(path, "what") == "mine"
    assert not list(path.parent.glob("*.part"))


async def test_a_damaged_backup_is_refused(path: Path, tmp_path: Path) -> None:
    await made(path, **{f"k{i}": "x" * 2000 for i in range(60)})
    copy = tmp_path / "copy.db"
    backup.backup(path, copy)
    with copy.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096 * 20)
    with pytest.raises(StoreDamaged):
        backup.restore(copy, path, lambda: STAMP)
    assert read(path, "k1") == "x" * 2000


async def test_a_file_of_that_name_is_never_overwritten(path: Path, tmp_path: Path) -> None:
    await made(path, what="mine")
    copy = tmp_path / "copy.db"
    backup.backup(path, copy)
    path.with_name(f"journal.db.replaced-{STAMP}").write_text("the first one")
    with pytest.raises(StorageError, match="exists already"):
        backup.restore(copy, path, lambda: STAMP)
    assert read(path, "what") == "mine"
    assert not list(path.parent.glob("*.part*"))
