"""Backup while the daemon runs, restore while it does not (rules §13)."""

import logging
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from storage import meta
from storage.errors import StorageError, StoreDamaged
from storage.journal import connect, make_private
from storage.lock import FileLock
from storage.migrate import migrate

log = logging.getLogger(__name__)


def backup(source: Path, target: Path) -> int:
    """Copy a journal (also one in use) to ``target``, mode 0600, and check the copy. Returns its size in bytes.

    Raises StorageError when the target exists or cannot be written, StoreDamaged when the copy is not sound.
    """
    if target.exists():
        raise StorageError(f"{target} exists already: name another file")
    if not source.exists():
        raise StorageError(f"there is no journal at {source}")
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        make_private(part)
        _copy(source, part)
        check(part)
        part.rename(target)
    except StorageError:
        part.unlink(missing_ok=True)
        raise
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"the backup could not be written to {target}: {error}") from error
    return target.stat().st_size


def _copy(source: Path, target: Path) -> None:
    """All pages under one read lock, which holds up no writer: a copy in pieces begins anew at every commit."""
    reading, writing = connect(source, read_only=True), sqlite3.connect(target)
    try:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE")
    finally:
        writing.close()
        reading.close()


def check(path: Path, *, quick: bool = False) -> None:
    """Raises StoreDamaged unless SQLite's integrity check (or the quick one) says ok."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            found = connection.execute("PRAGMA quick_check" if quick else "PRAGMA integrity_check").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{path} is not a sound database: {error}") from error
    if found != "ok":
        raise StoreDamaged(f"{path} fails its integrity check: {found}")


def _check_is_journal(path: Path) -> None:
    """An empty file, or another program's database, passes SQLite's checks: a journal has an id."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        known = meta.get(connection, "journal_id")
    except sqlite3.DatabaseError:
        known = None
    finally:
        connection.close()
    if known is None:
        raise StoreDamaged(f"{path} is not a backup of a journal")


def restore(source: Path, target: Path, stamp: Callable[[], str]) -> Path | None:
    """Put a backup in the journal's place; the next start is a recovery under a new journal id (rules §5.3).

    Raises StoreInUse while a daemon holds ``target``, StoreDamaged when ``source`` is no sound journal. Returns where
    the replaced file was kept, if there was one.
    """
    check(source)
    _check_is_journal(source)
    lock = FileLock(target)
    lock.acquire("portal restore")
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        backup(source, part)
        _make_new(part, stamp())
        kept = _set_aside(target, stamp()) if target.exists() else None
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        part.replace(target)
        return kept
    finally:
        part.unlink(missing_ok=True)
        lock.release()


def _make_new(path: Path, stamp: str) -> None:
    """The copy becomes a journal of its own that must recover, also when it was made during an earlier recovery."""
    connection = connect(path)
    try:
        migrate(connection, path)
        connection.execute("BEGIN IMMEDIATE")
        meta.put(connection, "journal_id", secrets.token_hex(16))
        meta.put(connection, "recovery", f"restored {stamp}")
        meta.delete(connection, "recovery_begun")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


def _set_aside(path: Path, stamp: str) -> Path:
    """Keep the file that is replaced, sound or not, with what its write-ahead log still holds."""
    kept = path.with_name(f"{path.name}.replaced-{stamp}")
    if kept.exists():
        raise StorageError(f"{kept} exists already: move it away")
    try:
        connection = connect(path)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:  # damaged: nothing can be folded in, the parts are kept as they are
        log.warning("the replaced journal is not sound: %s", error)
    path.rename(kept)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(kept.with_name(kept.name + suffix))
    return kept
