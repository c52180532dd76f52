"""Backup while the daemon runs, restore while it does not (rules §13)."""

import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from storage import meta
from storage.errors import StorageError, StoreDamaged
from storage.journal import connect
from storage.lock import FileLock
from storage.migrate import migrate


def backup(source: Path, target: Path) -> int:
    """Copy a journal (also one in use) to ``target``, mode 0600, and check the copy. Returns its size in bytes.

    Raises StorageError when the target exists or cannot be written, StoreDamaged when the copy is not sound.
    """
    if target.exists():
        raise StorageError(f"{target} exists already: name another file")
    if not source.exists():
        raise StorageError(f"there is no journal at {source}")
    part = target.with_name(target.name + ".part")
    old_mask = os.umask(0o177)
    try:
        reading, writing = connect(source, read_only=True), sqlite3.connect(part)
        try:
            reading.backup(writing, pages=2000, sleep=0.005)
            writing.execute("PRAGMA journal_mode=DELETE")
        finally:
            writing.close()
            reading.close()
        check(part)
        part.rename(target)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"the backup could not be written to {target}: {error}") from error
    finally:
        os.umask(old_mask)
    return target.stat().st_size


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
    try:
        part = target.with_name(target.name + ".part")
        part.unlink(missing_ok=True)
        backup(source, part)
        connection = connect(part)
        try:
            migrate(connection, part)
            connection.execute("BEGIN IMMEDIATE")
            meta.put(connection, "journal_id", secrets.token_hex(16))
            meta.put(connection, "recovery", f"restored {stamp()}")
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=DELETE")
        finally:
            connection.close()
        kept: Path | None = None
        if target.exists():
            kept = target.with_name(f"{target.name}.replaced-{stamp()}")
            backup(target, kept)
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        part.replace(target)
        return kept
    finally:
        lock.release()
