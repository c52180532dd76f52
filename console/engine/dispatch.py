"""Which run is worked on when: the only place that wakes runs. In one process now; a distributed one takes its place.

Nothing here is state: what is due, who holds which customer's lock and what waits stand in the journal.
"""

import asyncio
import functools
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from console.engine import transitions
from console.engine.clock import Clock
from storage import calls, queue, runs
from storage.errors import StorageError
from storage.journal import Journal
from storage.runs import Run

log = logging.getLogger(__name__)
LONGEST_SLEEP = 5.0


class Dispatcher:
    """Claims due runs, oldest first, and hands each to ``advance`` in a task of its own."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        advance: Callable[[Run], Awaitable[None]],
        most: int,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        """``paused``: no run may be claimed now (the disk is full, say); asked again every few seconds."""
        self._paused = paused
        self._journal = journal
        self._clock = clock
        self._advance = advance
        self._most = most
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._stopping = False
        self._full_until = 0.0

    @property
    def working_on(self) -> int:
        return len(self._tasks)

    def wake(self) -> None:
        """Something became due; call from the event loop."""
        self._woken.set()

    async def resume(self) -> int:
        """At start: what was running when the process ended goes back to the queue, its calls to unknown outcomes."""
        now = self._clock.now()

        def write(db: sqlite3.Connection) -> int:
            calls.interrupt(db, now)
            interrupted = runs.in_state(db, "running")
            for i, run in enumerate(interrupted):
                runs.refresh_unknown(db, run.id, run.order_id or run.subject)
                transitions.move(db, now, run.id, state="queued", next_at=now + i * 0.01, wait=None)
            return len(interrupted)

        return await self._journal.write(write)

    async def run(self) -> None:
        """Work until ``drain``; raises nothing but cancellation. A full disk pauses it and it resumes by itself."""
        while not self._stopping:
            self._woken.clear()
            try:
                full = await self._claim()
            except StorageError as error:
                log.error("the journal cannot be written, no run is started: %s", error)
                await asyncio.sleep(LONGEST_SLEEP)
                continue
            if full and len(self._tasks) < self._most:
                continue
            await self._sleep()

    async def _claim(self) -> bool:
        room = self._most - len(self._tasks)
        if room <= 0 or self._paused():
            return False
        now = self._clock.now()

        def write(db: sqlite3.Connection) -> list[Run]:
            queueing = queue.name_holders(db, now)
            claimed = queue.claim_due(db, now, room)
            for run_id in dict.fromkeys([*queueing, *(run.id for run in claimed)]):
                transitions.announce(db, now, run_id)
            return claimed

        due = self._journal.peek(lambda db: queue.any_due(db, now))
        claimed = await self._journal.write(write) if due else []
        if self._stopping:  # drained meanwhile: nothing of them has begun, the next start resumes them
            return False
        for run in claimed:
            task = asyncio.create_task(self._work(run), name=f"run-{run.id}")
            self._tasks[run.id] = task
            task.add_done_callback(functools.partial(self._ended, run.id))
        return len(claimed) == room

    async def _work(self, run: Run) -> None:
        try:
            await self._advance(run)
        except StorageError as error:
            log.error("run %s stays where the journal has it: %s", run.id, error)
            await self._put_back(run)
        except Exception:
            log.exception("run %s ended in a defect of the engine; it is tried again", run.id)
            await self._put_back(run)

    async def _put_back(self, run: Run) -> None:
        """After trouble with the store: queue the run again as soon as the store takes writes."""
        while not self._stopping:
            await asyncio.sleep(LONGEST_SLEEP)
            now = self._clock.now()

            def write(db: sqlite3.Connection, now: float = now) -> None:
                calls.interrupt_run(db, run.id, now)
                runs.refresh_unknown(db, run.id, run.order_id or run.subject)
                transitions.move(db, now, run.id, state="queued", next_at=now)

            try:
                await self._journal.write(write)
            except StorageError:
                continue
            return

    def _ended(self, run_id: int, task: asyncio.Task[None]) -> None:
        if self._tasks.get(run_id) is task:  # the run may have been claimed again before its old task was over
            del self._tasks[run_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("run %s ended in a defect of the engine", run_id, exc_info=error)
        self._woken.set()

    async def _sleep(self) -> None:
        now = self._clock.now()
        due = self._journal.peek(lambda db: queue.next_due(db, now))
        wait = min(LONGEST_SLEEP, max(0.005, due - now)) if due is not None else LONGEST_SLEEP
        try:
            async with asyncio.timeout(wait):
                await self._woken.wait()
        except TimeoutError:
            return

    async def drain(self, seconds: float) -> int:
        """Start nothing new and let what runs go on for ``seconds``; what is left is cut off and resumes at the next start.

        Returns how many were cut off.
        """
        self._stopping = True
        self._woken.set()
        tasks = list(self._tasks.values())
        if not tasks:
            return 0
        _, left = await asyncio.wait(tasks, timeout=seconds)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=2.0)
        return len(left)
