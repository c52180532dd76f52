"""What a running daemon does for its own health: disk, backups, trimming, stock, and the alarms of rules §13."""

import asyncio
import logging
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from console.engine.services import Engine
from storage import alerts, backup, calls, feed, meta, profiles, runs, tokens
from storage.errors import StorageError

log = logging.getLogger(__name__)
EVERY = 15.0
DAY = 86_400.0
FEED_KEPT = 30 * DAY
MEGABYTE = 1_048_576
LOW_DISK = "disk"


class Housekeeping:
    """``blocked`` is shared with the intake: a reason in it stops orders from coming in."""

    def __init__(self, engine: Engine, blocked: dict[str, str]) -> None:
        self._engine = engine
        self._blocked = blocked
        self.last_backup: datetime | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.once()
            except StorageError as error:
                log.error("housekeeping waits for the journal: %s", error)
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """One round of everything; each part is cheap when there is nothing to do."""
        await self.watch_disk()
        await self.watch_orders()
        await self.watch_stock()
        await self.back_up_when_due()
        await self._engine.journal.write(self._forget)

    async def watch_disk(self) -> None:
        """Below disk_stop_mb no order comes in and no guarded call leaves; it resumes by itself."""
        settings = self._engine.settings
        usage = shutil.disk_usage(self._engine.journal.path.parent)
        free_mb = usage.free / MEGABYTE
        if free_mb < settings.housekeeping.disk_stop_mb:
            reason = f"only {free_mb:.0f} MB of disk are free (housekeeping.disk_stop_mb is {settings.housekeeping.disk_stop_mb})"
            self._blocked[LOW_DISK] = reason
            self._engine.holds.set(LOW_DISK, reason)
        elif self._blocked.pop(LOW_DISK, None):
            self._engine.holds.lift(LOW_DISK)
            self._engine.wake()
        percent = 100.0 * usage.free / usage.total
        if percent < settings.alerts.disk_free_percent or LOW_DISK in self._blocked:
            await self._engine.alarms.raise_("disk", f"{percent:.1f} % of the disk is free", severity="critical")
        else:
            await self._engine.alarms.clear("disk")

    async def watch_orders(self) -> None:
        """The oldest approved order that nothing began with, and alarms of runs that are over."""
        now, limit = self._engine.clock.now(), self._engine.settings.alerts.oldest_approved
        waiting = self._engine.journal.peek(runs.oldest_queued)
        if waiting is not None and now - waiting > limit:
            await self._engine.alarms.raise_(
                "oldest_approved", f"an approved order waits for {(now - waiting) / 60:.0f} minutes"
            )
        else:
            await self._engine.alarms.clear("oldest_approved")

        def clear_ended(db: sqlite3.Connection) -> None:
            open_causes = runs.causes_needing_person(db)
            for prefix in ("failed:", "parked:"):
                alerts.clear_like(db, prefix, {c for c in open_causes if c.startswith(prefix)}, now)

        await self._engine.journal.write(clear_ended)

    async def watch_stock(self) -> None:
        """Fewer free profiles of a type than esim.low_water names."""
        for kind, least in self._engine.settings.esim.low_water.items():
            free = self._engine.journal.peek(lambda db, kind=kind: profiles.free_count(db, kind))  # type: ignore[misc]
            if free < least:
                await self._engine.alarms.raise_(
                    f"stock:{kind}", f"{free} free profiles of type {kind} (low water is {least})"
                )
            else:
                await self._engine.alarms.clear(f"stock:{kind}")

    async def back_up_when_due(self) -> Path | None:
        """A checked copy in backup_dir when the last one is old; the oldest copies beyond backups_kept go."""
        settings, now = self._engine.settings.housekeeping, self._engine.clock.now()
        last = float(self._engine.journal.peek(lambda db: meta.get(db, "backup_at")) or 0.0)
        if now - last < settings.backup_every:
            await self._engine.alarms.clear("backup")
            return None
        folder = settings.backup_dir or self._engine.journal.path.parent / "backups"
        target = folder / f"journal-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}.db"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            await asyncio.to_thread(backup.backup, self._engine.journal.path, target)
        except (OSError, StorageError) as error:
            log.error("the backup failed: %s", error)
            if last and now - last > self._engine.settings.alerts.backup_age:
                await self._engine.alarms.raise_("backup", f"the last backup is too old: {error}", severity="critical")
            return None
        await self._engine.journal.write(lambda db: meta.put(db, "backup_at", str(now)))
        for old in sorted(folder.glob("journal-*.db"))[: -settings.backups_kept]:
            old.unlink(missing_ok=True)
        return target

    def _forget(self, db: sqlite3.Connection) -> None:
        now = self._engine.clock.now()
        calls.trim(db, now - self._engine.settings.housekeeping.trim_after)
        feed.prune(db, now - FEED_KEPT)
        tokens.expire(db, now - DAY)
