"""What a running daemon does for its own health: disk and store, backups, forgetting, and looking for alarms (rules §13)."""

import asyncio
import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from console.engine.backups import Backups
from console.engine.services import Engine
from console.engine.watch import Watch
from storage import alerts, backup, calls, causes, feed, meta, tokens
from storage.errors import StorageError, StoreFull

log = logging.getLogger(__name__)
EVERY = 15.0
EVERY_IN_TROUBLE = 2.0
FORGET_EVERY = 600.0
DAY = 86_400.0
FEED_KEPT = 30 * DAY
ALERTS_KEPT = 90 * DAY
CAUSES_KEPT = 365 * DAY
KEYS_KEPT = DAY
MEGABYTE = 1_048_576
LOW_DISK = "disk"
STORE = "store"
DAMAGED = "damaged"
RESUME_ABOVE = 1.1  # times disk_stop_mb, so that intake does not flutter around one figure
AT_ONCE = 20  # runs trimmed in one transaction, which runs where everything else waits

DiskUsage = Callable[[Path], tuple[int, int, int]]


class Housekeeping:
    """``blocked`` is shared with intake and dispatcher: a reason in it stops orders from coming in and runs from going on.

    ``disk_usage`` answers (total, used, free) in bytes.
    """

    def __init__(
        self, engine: Engine, blocked: dict[str, str], watch: Watch, disk_usage: DiskUsage = shutil.disk_usage
    ) -> None:
        self._engine = engine
        self._blocked = blocked
        self._disk_usage = disk_usage
        self._checking: asyncio.Task[None] | None = None
        self._forgotten_at: float | None = None
        self._next_round = 0.0
        self.watch = watch
        self.backups = Backups(engine, self._look_for_damage, lambda folder: disk_usage(folder)[2])
        self.last_error: str | None = None
        self.last_at: float | None = None
        self.disk: tuple[int, int] | None = None  # free and total bytes when last looked

    async def run(self) -> None:
        """Until cancelled. Trouble with the store is shown, and looked at again soon."""
        try:
            while True:
                if self._in_trouble or self._engine.clock.monotonic() >= self._next_round:
                    self._next_round = self._engine.clock.monotonic() + EVERY
                    await self._once_safely()
                await asyncio.sleep(EVERY_IN_TROUBLE)
        finally:
            if self._checking is not None:
                self._checking.cancel()

    @property
    def _in_trouble(self) -> bool:
        return bool(self._blocked or self.last_error or self._engine.journal.trouble)

    async def _once_safely(self) -> None:
        try:
            await self.once()
            self.last_error, self.last_at = None, self._engine.clock.now()
        except (StorageError, OSError) as error:
            if self.last_error is None:
                log.error("housekeeping waits: %s", error)
            self.last_error = str(error)

    async def once(self) -> None:
        """One round of everything; each part is cheap when there is nothing to do. Raises StorageError, OSError."""
        self.watch_disk()
        await self.watch_store()
        await self._tell_disk()
        await self.watch.once()
        if await self.backups.when_due() is not None and DAMAGED not in self._engine.holds.reasons():
            await self._engine.alarms.clear("journal_damaged")  # a sound copy of it was just made
        await self.forget_when_due()

    # Disk and store ---------------------------------------------------------------------------------------------------

    def watch_disk(self) -> None:
        """Below disk_stop_mb no order comes in and no run goes on; it resumes by itself."""
        total, _, free = self._disk_usage(self._engine.journal.path.parent)
        self.disk = (free, total)
        least = self._engine.settings.housekeeping.disk_stop_mb * MEGABYTE
        if free < least * (RESUME_ABOVE if LOW_DISK in self._blocked else 1.0):
            stop_at = f"housekeeping.disk_stop_mb is {least // MEGABYTE}"
            self._block(LOW_DISK, f"only {free // MEGABYTE} MB of disk are free ({stop_at})")
        else:
            self._unblock(LOW_DISK)

    async def watch_store(self) -> None:
        """Can the journal be written? It is tried, so that the end of the trouble is noticed. Raises StorageError."""
        now = self._engine.clock.now()
        try:
            await self._engine.journal.write(lambda db: meta.put(db, "alive_at", str(now)))
        except StoreFull as error:
            self._block(STORE, str(error))
            raise
        self._unblock(STORE)

    async def _tell_disk(self) -> None:
        assert self.disk is not None
        percent = 100.0 * self.disk[0] / self.disk[1] if self.disk[1] else 0.0
        problem = self._blocked.get(LOW_DISK)
        if problem is not None:
            problem = f"intake and new calls are stopped: {problem}"
        elif percent < self._engine.settings.alerts.disk_free_percent:
            problem = f"{percent:.1f} % of the disk is free"
        await self._engine.alarms.watch("disk", problem, severity="critical")

    def _block(self, name: str, reason: str) -> None:
        if name not in self._blocked:
            log.error("intake and new calls stop: %s", reason)
        self._blocked[name] = reason
        self._engine.holds.set(name, reason)

    def _unblock(self, name: str) -> None:
        if self._blocked.pop(name, None) is not None:
            log.warning("intake and calls go on (%s)", name)
            self._engine.holds.lift(name)
            self._engine.wake()

    def _look_for_damage(self, found: str) -> None:
        """A copy was not sound: is it the journal or the copy? Looked at beside everything else."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check_journal(found), name="journal-check")

    async def _check_journal(self, found: str) -> None:
        try:
            await asyncio.to_thread(backup.check, self._engine.journal.path)
        except StorageError as error:
            self._engine.holds.set(DAMAGED, f"the journal is damaged: {error}")
            log.critical("the journal is damaged: %s", error)
            with contextlib.suppress(StorageError):  # it is damaged: the hold and the log say so in any case
                await self._engine.alarms.raise_("journal_damaged", str(error), severity="critical")
        else:
            log.error("the journal is sound, its copy was not: %s", found)

    # Forgetting -------------------------------------------------------------------------------------------------------

    async def forget_when_due(self) -> None:
        """Every ten minutes: trim done runs, drop old feed rows, idempotency keys and cleared alerts, in small steps."""
        steady = self._engine.clock.monotonic()
        if self._forgotten_at is not None and steady - self._forgotten_at < FORGET_EVERY:
            return
        self._forgotten_at = steady
        now, kept = self._engine.clock.now(), self._engine.settings.housekeeping.trim_after
        await self._step_by_step(lambda db: calls.trim(db, now - kept, AT_ONCE))
        await self._step_by_step(lambda db: feed.prune(db, now - FEED_KEPT, limit=500))
        await self._step_by_step(lambda db: alerts.forget(db, now - ALERTS_KEPT))
        await self._step_by_step(lambda db: causes.forget(db, now - CAUSES_KEPT))
        await self._engine.journal.write(lambda db: tokens.expire(db, now - KEYS_KEPT))

    async def _step_by_step(self, step: Callable[[sqlite3.Connection], int]) -> None:
        """Repeat until it finds nothing, letting others write in between."""
        found = 1
        while found:
            found = await self._engine.journal.write(step)
