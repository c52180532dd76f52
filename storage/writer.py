"""The one writer: changes that wait share one transaction and one fsync (group commit).

The statements run on the event loop's thread, where the changes are made (a second Python thread would fight it for
the interpreter at every statement: measured, it halves the throughput); only COMMIT, with its fsync, leaves the loop.
A batch is bounded in time, so that the loop never stalls for long: to twice what the last commit took, so that a slow
disk is asked less often for more changes, and to some milliseconds in any case.
"""

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from storage.errors import StorageError, StoreDamaged, StoreFull

log = logging.getLogger(__name__)
SHORTEST_BATCH, LONGEST_BATCH = 0.004, 0.02
LOCKED_AGAIN = 0.02
LOCKED_FOR = 10.0


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the writing connection. A change that raises undoes only itself; it may be run twice, so it must only write."""

    def __init__(self, connection: sqlite3.Connection, committed: Callable[[], None]) -> None:
        connection.execute("PRAGMA busy_timeout=0")  # the loop must not wait inside SQLite for a foreign lock
        self._connection = connection
        self._committed = committed
        self._waiting: deque[_Job] = deque()
        self._thread = ThreadPoolExecutor(1, "journal-commit")
        self._committing: Future[float] | None = None
        self._batch_for = SHORTEST_BATCH
        self._turn_planned = False
        self._locked_since: float | None = None
        self._closed = False
        self.trouble: StorageError | None = None  # what the last batch met; None when it was committed

    @property
    def idle(self) -> sqlite3.Connection | None:
        """The connection, for a query on the event loop's thread, while no change is under way on it."""
        return self._connection if self._committing is None and not self._connection.in_transaction else None

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> "asyncio.Future[Any]":
        """Queue one change; the future ends when it is durable. Must be called in the event loop.

        A caller that is cancelled does not take its change back: it is committed or not as a whole. Raises
        StorageError after ``close``.
        """
        if self._closed:
            raise StorageError("the journal is closed")
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future())
        self._waiting.append(job)
        if self._committing is None and not self._turn_planned:
            self._turn_planned = True
            loop.call_soon(self._turn, loop)
        return job.future

    def close(self) -> None:
        """Finish what is queued, then stop. Call from the event loop, or when it has ended."""
        self._closed = True
        self._thread.shutdown(wait=True)
        self._committing = None
        while self._waiting:
            batch = self._batch()
            try:
                self._run(batch)
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._undo(batch, error)
            _settle([job for job in batch if not job.future.get_loop().is_closed()])

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run what waits and hand the commit to the thread; the next turn comes when it is done."""
        self._turn_planned = False
        if not self._waiting or self._committing is not None:
            return
        batch = self._batch()
        try:
            self._run(batch)
        except sqlite3.Error as error:
            if self._locked(error):
                self._waiting.extendleft(reversed(batch))
                self._turn_planned = True
                loop.call_later(LOCKED_AGAIN, self._turn, loop)
                return
            self._undo(batch, error)
            _settle(batch)
            self._plan(loop)
            return
        self._committing = self._thread.submit(self._commit)
        self._committing.add_done_callback(lambda done: loop.call_soon_threadsafe(self._ended, loop, batch, done))

    def _commit(self) -> float:
        """In the thread; returns the seconds it took."""
        began = time.perf_counter()
        self._connection.execute("COMMIT")
        return time.perf_counter() - began

    def _ended(self, loop: asyncio.AbstractEventLoop, batch: list[_Job], done: "Future[float]") -> None:
        self._committing = None
        if (error := done.exception()) is not None:
            self._undo(batch, error)
        else:
            self.trouble = None
            self._batch_for = min(LONGEST_BATCH, max(SHORTEST_BATCH, 2 * done.result()))
        if self._waiting and not self._closed:
            self._turn(loop)  # those whose changes are durable go on while the disk works for the next batch
        _settle(batch)
        try:
            self._committed()
        except Exception:  # a listener's trouble must not stop the only writer
            log.exception("a listener to commits failed")

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting and not self._turn_planned:
            self._turn_planned = True
            loop.call_soon(self._turn, loop)

    def _batch(self) -> list[_Job]:
        batch = list(self._waiting)
        self._waiting.clear()
        return batch

    def _run(self, batch: list[_Job]) -> None:
        """The usual case first: nothing raises, and no savepoints are needed. What time does not allow for goes back."""
        if not self._run_plainly(batch):
            self._run_one_by_one(batch)

    def _run_plainly(self, batch: list[_Job]) -> bool:
        """False when a change raised and everything is undone."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._locked_since = None
        end = time.perf_counter() + self._batch_for
        for i, job in enumerate(batch):
            try:
                job.result = job.work(self._connection)
            except BaseException as error:
                if _concerns_all(error):
                    raise
                self._connection.execute("ROLLBACK")
                return False
            if time.perf_counter() > end and i + 1 < len(batch):
                self._waiting.extendleft(reversed(batch[i + 1 :]))
                del batch[i + 1 :]
                break
        return True

    def _run_one_by_one(self, batch: list[_Job]) -> None:
        """Each change in its own savepoint: one that raises undoes only itself."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in batch:
            execute("SAVEPOINT job")
            try:
                job.result = job.work(self._connection)
            except BaseException as error:
                if _concerns_all(error):
                    raise
                execute("ROLLBACK TO job")
                job.error = error
            execute("RELEASE job")

    def _locked(self, error: sqlite3.Error) -> bool:
        """Does somebody else hold the file for a moment? (Only BEGIN meets that; nothing has been run yet.)"""
        if "locked" not in str(error) or self._connection.in_transaction:
            return False
        now = time.monotonic()
        self._locked_since = self._locked_since or now
        return now - self._locked_since < LOCKED_FOR

    def _undo(self, batch: list[_Job], error: BaseException) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("a batch could not be rolled back")
        failure = _translated(error)
        self.trouble = failure if isinstance(failure, StorageError) else StorageError(str(failure))
        for job in batch:
            job.error = job.error or failure


def _concerns_all(error: BaseException) -> bool:
    """Trouble with the file, after which SQLite may have rolled everything back by itself."""
    if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)):
        return False
    words = ("full", "disk I/O", "readonly", "locked", "malformed", "not a database")
    return isinstance(error, sqlite3.DatabaseError) and any(word in str(error) for word in words)


def _translated(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.OperationalError):
        if "full" in str(error) or "disk I/O" in str(error):
            return StoreFull(f"the journal cannot grow ({error}): free disk space; work resumes by itself")
        return StorageError(f"the journal refused a change: {error}")
    if _concerns_all(error):
        return StoreDamaged(f"the journal is damaged ({error}): restore a backup with `portal restore`")
    return error


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.cancelled():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
