"""Checks where the daemon lives: settings, files and their modes, disk, the journal and its backups, certificates."""

import asyncio
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from console.doctor.check import Check, Finding, bad, ok, warn
from console.settings import LoadedSettings
from integrations.errors import IntegrationError
from integrations.esim.tls import certificate_end
from storage import backup, meta
from storage.errors import StorageError
from storage.journal import connect

OTHERS = 0o077
MEGABYTE = 1_048_576


class LocalChecks:
    """``loaded``: the settings as this machine has them."""

    def __init__(self, loaded: LoadedSettings) -> None:
        self._loaded = loaded
        self._settings = loaded.settings
        self._journal = loaded.settings.daemon.data_dir / "journal.db"

    def all(self) -> list[Check]:
        return [
            Check("settings", self.settings, "The file that everything is set in; it may hold secrets."),
            Check(
                "files",
                self.files,
                "Journal and backups hold customers' data: nobody else on the machine may read them.",
            ),
            Check("disk", self.disk, "Without room for the journal no order comes in and no new call is made."),
            Check("journal", self.journal, "Everything that was done and is still to be done stands in this file."),
            Check("backups", self.backups, "What is left when the journal is lost; a restore goes on from there."),
            Check(
                "certificates",
                self.certificates,
                "With one that has run out, the eSIM provider or the API cannot be reached.",
            ),
        ]

    async def settings(self) -> Finding:
        """They were loaded already, so only the file's mode is left: it may hold secrets."""
        file = self._loaded.file
        if file is None:
            return warn("no settings file: environment and defaults only")
        if file.stat().st_mode & OTHERS and self._loaded.secrets():
            return warn(f"{file} can be read by others and holds secrets", "chmod 600")
        return ok(f"{file}: 0 problems")

    async def files(self) -> Finding:
        """Database, WAL, backups: for their owner alone (rules §12)."""
        folder = self._settings.daemon.data_dir
        if not folder.exists():
            return warn(f"{folder} does not exist yet", "start the daemon, which makes it")
        open_ = [str(path) for path in self._private() if stat.S_IMODE(path.stat().st_mode) & OTHERS]
        if open_:
            return bad(f"open to others: {', '.join(open_[:5])}", "chmod go= them")
        return ok(f"{folder} is private")

    def _private(self) -> Iterator[Path]:
        yield self._settings.daemon.data_dir
        for suffix in ("", "-wal", "-shm"):
            file = self._journal.with_name(self._journal.name + suffix)
            if file.exists():
                yield file
        yield from self._backups()

    def _backups(self) -> list[Path]:
        """Oldest first."""
        folder = self._settings.housekeeping.backup_dir or self._settings.daemon.data_dir / "backups"
        return sorted(folder.glob("journal-*.db"))

    async def disk(self) -> Finding:
        folder = self._settings.daemon.data_dir
        while not folder.exists():
            folder = folder.parent
        usage = shutil.disk_usage(folder)
        free, percent = usage.free // MEGABYTE, 100.0 * usage.free / usage.total
        said = f"{free:,} MB ({percent:.0f} %) free at {folder}"
        if free < self._settings.housekeeping.disk_stop_mb:
            return bad(f"{said}: below housekeeping.disk_stop_mb no order comes in", "make room")
        return warn(said, "make room") if percent < self._settings.alerts.disk_free_percent else ok(said)

    async def journal(self) -> Finding:
        """Soundness (the whole integrity check), schema, recovery."""
        if not self._journal.exists():
            started = self._settings.intake.start_at
            return (
                warn("no journal yet")
                if started
                else bad("no journal yet, and the first start needs intake.start_at", "set it")
            )
        try:
            await asyncio.to_thread(backup.check, self._journal)
            return await asyncio.to_thread(self._described)
        except (StorageError, sqlite3.Error) as error:
            return bad(str(error), "restore a backup with portal restore")

    def _described(self) -> Finding:
        db = connect(self._journal, read_only=True)
        try:
            recovery, org = meta.get(db, "recovery"), meta.get(db, "org_id")
        finally:
            db.close()
        size = self._journal.stat().st_size / MEGABYTE
        said = f"sound, {size:,.1f} MB, org {org or 'not known yet'}"
        return warn(f"{said}; in recovery: {recovery}", "a supervisor ends it") if recovery else ok(said)

    async def backups(self) -> Finding:
        """The newest one is opened and checked."""
        kept = self._backups()
        if not kept:
            return warn("none yet", "keep the daemon running: it makes one a day")
        newest = kept[-1]
        try:
            await asyncio.to_thread(backup.check, newest)
        except StorageError as error:
            return bad(str(error), "make another with portal backup")
        age = time.time() - newest.stat().st_mtime
        said = f"{len(kept)} kept, newest {age / 3600:.0f} h old and sound"
        return (
            bad(f"{said}: too old", "see that the daemon runs, or make one with portal backup")
            if age > self._settings.alerts.backup_age
            else ok(said)
        )

    async def certificates(self) -> Finding:
        """Ours: for the eSIM provider, its call-backs, and the API."""
        chosen = self._settings
        named = {
            "esim.client_cert": chosen.esim.client_cert,
            "esim.receiver.cert": chosen.esim.receiver.cert if chosen.esim.receiver.enabled else None,
            "daemon.tcp.cert": chosen.daemon.tcp.cert,
        }
        ends: dict[str, float] = {}
        for key, file in named.items():
            if file is not None:
                try:
                    ends[key] = (certificate_end(file) - datetime.now(UTC)).total_seconds()
                except IntegrationError as error:
                    return bad(f"{key}: {error.message}", "correct the setting or the file")
        if not ends:
            return ok("none is used")
        key, left = min(ends.items(), key=lambda item: item[1])
        said = f"{key} runs out in {left / 86_400:.0f} days" if left > 0 else f"{key} has run out"
        if left <= 0:
            return bad(said, "renew it")
        return warn(said, "renew it") if left < chosen.alerts.certificate_before else ok(said)
