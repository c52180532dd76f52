"""The one writer: a thread that runs queued changes and lets all that wait share one fsync (group commit)."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storage.errors import StorageError, StoreFull

MAX_BATCH = 500


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the writing connection. A change that raises undoes only itself; it may be run twice, so it must only write."""

    def __init__(self, connection: sqlite3.Connection, committed: Callable[[], None]) -> None:
        self._connection = connection
        self._committed = committed
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> "asyncio.Future[Any]":
        """Queue one change; the future ends when it is durable. Must be called in an event loop.

        A caller that is cancelled does not take its change back: it is committed or not as a whole.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, then stop."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            batch: list[_Job] = []
            job = self._jobs.get()
            while True:
                if job is None:
                    ended = True
                    break
                batch.append(job)
                if len(batch) >= MAX_BATCH or self._jobs.empty():
                    break
                job = self._jobs.get()
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[_Job]) -> None:
        try:
            if not self._commit_plainly(batch):
                self._commit_one_by_one(batch)
        except BaseException as error:  # noqa: BLE001 - handed to every waiting caller
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            failure = _translated(error)
            for job in batch:
                job.error = job.error or failure
        for loop in {job.loop for job in batch}:
            mine = [job for job in batch if job.loop is loop]
            try:
                loop.call_soon_threadsafe(_settle, mine)
            except RuntimeError:  # that loop has ended; its callers are gone and the change stands
                continue
        self._committed()

    def _commit_plainly(self, batch: list[_Job]) -> bool:
        """The usual case: nothing raises, and no savepoints are needed. False when something did and all is undone."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in batch:
            try:
                job.result = job.work(self._connection)
            except BaseException as error:
                if isinstance(error, sqlite3.OperationalError) and _concerns_all(error):
                    raise
                execute("ROLLBACK")
                return False
        execute("COMMIT")
        return True

    def _commit_one_by_one(self, batch: list[_Job]) -> None:
        """Each change again in its own savepoint: one that raises undoes only itself."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for job in batch:
            execute("SAVEPOINT job")
            try:
                job.result = job.work(self._connection)
            except BaseException as error:
                if isinstance(error, sqlite3.OperationalError) and _concerns_all(error):
                    raise
                execute("ROLLBACK TO job")
                job.error = error
            execute("RELEASE job")
        execute("COMMIT")


def _concerns_all(error: sqlite3.OperationalError) -> bool:
    return any(word in str(error) for word in ("full", "disk I/O", "readonly", "locked", "malformed"))


def _translated(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.OperationalError):
        if "full" in str(error) or "disk I/O" in str(error):
            return StoreFull(f"the journal cannot grow ({error}): free disk space; work resumes by itself")
        return StorageError(f"the journal refused a change: {error}")
    return error


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.cancelled():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
