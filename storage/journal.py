"""The journal: one SQLite file (WAL, synchronous=FULL), one writer, readers that never block.

Every SQL statement of the product stands in this package, as functions on a connection; the engine composes them:
``await journal.write(lambda db: runs.insert(db, …))`` is one durable transaction.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from storage.errors import StorageError, StoreDamaged
from storage.lock import FileLock
from storage.migrate import migrate
from storage.orders import folded
from storage.writer import Writer

T = TypeVar("T")
BUSY_MS = 10_000
WRITER_CACHE, READER_CACHE = 8000, 2000  # KiB; what is not there stands in the system's own cache


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the product's settings. Autocommit: transactions are written out."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000, cached_statements=512
    )
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    if not read_only:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{READER_CACHE if read_only else WRITER_CACHE}")
    connection.create_function("fold", 1, folded, deterministic=True)
    return connection


def make_private(path: Path) -> None:
    """Make ``path`` where it is missing and close it to others, with SQLite's files beside it (which take its mode).

    No umask: that is the whole process's, also of threads that make folders meanwhile.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for suffix in ("", "-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.chmod(0o600)


class Journal:
    """An open journal. ``write`` is durable when it returns; ``read`` runs in a thread; ``peek`` is for tiny look-ups."""

    def __init__(self, path: Path, lock: FileLock, connection: sqlite3.Connection) -> None:
        self.path = path
        self._lock = lock
        self._connection = connection
        self._listeners: list[Callable[[], None]] = []
        self._writer = Writer(connection, self._announce)
        self._readers = ThreadPoolExecutor(2, "journal-reader")
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._peek = self._reader()
        self._closed = False

    @classmethod
    def open(cls, path: Path, purpose: str = "portal daemon") -> "Journal":
        """Open (or make) the file, alone: mode 0600, locked, migrated.

        Raises StoreInUse, SchemaTooNew, StoreDamaged, StorageError (folder not writable).
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(path)
            lock.acquire(purpose)
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}") from error
        connection: sqlite3.Connection | None = None
        try:
            make_private(path)
            connection = connect(path)
            migrate(connection, path)
            return cls(path, lock, connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            lock.release()
            if isinstance(error, OSError):
                raise StorageError(f"cannot open {path}: {error.strerror}") from error
            if isinstance(error, sqlite3.DatabaseError):
                raise StoreDamaged(
                    f"{path} is not a sound journal ({error}): restore a backup with `portal restore`"
                ) from error
            raise

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction and return its result once it is on disk. Raises StoreFull, and what it raises."""
        result: T = await self._writer.submit(work)
        return result

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run queries on a reader thread, all of one moment; they see every change that was committed before the call."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._at_one_moment, work)

    def peek(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query of a few rows by key right here (tens of microseconds); event loop thread only."""
        # between two batches the writer's connection knows the pages that others must read again after every commit
        return work(self._writer.idle or self._peek)

    @property
    def trouble(self) -> StorageError | None:
        """Why the last change could not be written (a full disk, say); None once one was written again."""
        return self._writer.trouble

    def on_commit(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` on the event loop after each commit; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Finish queued writes, checkpoint, and let the file go."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._readers.shutdown(wait=True)
        for reader in self._reading:
            reader.close()
        try:
            self._connection.execute("PRAGMA optimize")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.close()
            self._lock.release()

    def _at_one_moment(self, work: Callable[[sqlite3.Connection], T]) -> T:
        reader = self._reader()
        reader.execute("BEGIN")
        try:
            return work(reader)
        finally:
            if reader.in_transaction:
                reader.execute("ROLLBACK")

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self.path, read_only=True)
            self._local.connection = connection
            self._reading.append(connection)
        return connection

    def _announce(self) -> None:
        for listener in list(self._listeners):
            listener()
