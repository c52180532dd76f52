"""Backups of the journal: daily, each checked, the newest kept, and an alarm when the last one is too old (rules §13)."""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from console.engine.services import Engine
from storage import backup, meta
from storage.errors import StorageError, StoreDamaged

log = logging.getLogger(__name__)
AGAIN_AFTER = 600.0  # a copy of a large journal is no small matter: not at every round
MEGABYTE = 1_048_576
HOUR = 3600.0


class Backups:
    """``damaged`` is told when a copy is not sound: then the journal itself must be looked at."""

    def __init__(
        self, engine: Engine, damaged: Callable[[str], None], free: Callable[[Path], int] | None = None
    ) -> None:
        self._engine = engine
        self._damaged = damaged
        self._free = free or (lambda folder: shutil.disk_usage(folder).free)
        self._not_before = 0.0
        self.last_error: str | None = None

    @property
    def folder(self) -> Path:
        return self._engine.settings.housekeeping.backup_dir or self._engine.journal.path.parent / "backups"

    @property
    def last_at(self) -> float | None:
        """When the last good backup was begun."""
        at = self._engine.journal.peek(lambda db: meta.get(db, "backup_at"))
        return float(at) if at is not None else None

    async def when_due(self) -> Path | None:
        """Make one when the last is old enough; returns it. Raises and clears the alarm ``backup``."""
        now, last = self._engine.clock.now(), self.last_at
        made = None
        due = last is None or now - last >= self._engine.settings.housekeeping.backup_every or last > now + HOUR
        if due and self._engine.clock.monotonic() >= self._not_before:
            made = await self._try(now)
        await self._judge(now)
        return made

    async def _try(self, now: float) -> Path | None:
        try:
            made = await asyncio.to_thread(self._make, now)
        except (OSError, StorageError) as error:
            self._not_before = self._engine.clock.monotonic() + AGAIN_AFTER
            self.last_error = str(error)
            log.error("the backup failed, it is tried again in %.0f minutes: %s", AGAIN_AFTER / 60, error)
            if isinstance(error, StoreDamaged):
                self._damaged(str(error))
            return None
        self.last_error = None
        await self._engine.journal.write(lambda db: meta.put(db, "backup_at", str(now)))
        log.info("backup %s", made.name)
        return made

    def _make(self, now: float) -> Path:
        """In a thread: copy, check (a full integrity_check), and let the oldest go."""
        folder, path = self.folder, self._engine.journal.path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        needed = path.stat().st_size + self._engine.settings.housekeeping.disk_stop_mb * MEGABYTE
        if (free := self._free(folder)) < needed:
            raise StorageError(f"{folder} has {free // MEGABYTE} MB free, a backup needs {needed // MEGABYTE} MB")
        target = folder / f"journal-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}.db"
        for part in folder.glob("journal-*.db.part"):  # of a process that was killed meanwhile
            part.unlink(missing_ok=True)
        backup.backup(path, target)
        kept = self._engine.settings.housekeeping.backups_kept
        for old in sorted(folder.glob("journal-*.db"))[:-kept]:
            old.unlink(missing_ok=True)
        return target

    async def _judge(self, now: float) -> None:
        since = self.last_at or self._engine.journal.peek(_created_at)
        problem = None
        if now - since > self._engine.settings.alerts.backup_age:
            problem = f"the last backup is {(now - since) / HOUR:.0f} hours old"
            if self.last_at is None:
                problem = f"there is no backup of this journal, which is {(now - since) / HOUR:.0f} hours old"
            if self.last_error is not None:
                problem += f": {self.last_error}"
        await self._engine.alarms.watch("backup", problem, severity="critical")


def _created_at(db: sqlite3.Connection) -> float:
    return float(meta.get(db, "created_at") or 0.0)
