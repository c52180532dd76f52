"""Schema migrations: numbered SQL files, run forward on start through sqlite-utils, after a backup of the file."""

import os
import sqlite3
from importlib.resources import files
from pathlib import Path

from sqlite_utils import Database, Migrations

from storage.errors import SchemaTooNew


def migration_names() -> tuple[str, ...]:
    """Names of all migrations this version knows, oldest first."""
    folder = files("storage") / "migrations"
    return tuple(sorted(f.name.removesuffix(".sql") for f in folder.iterdir() if f.name.endswith(".sql")))


def _statements(script: str) -> list[str]:
    found, start = [], 0
    for i, character in enumerate(script):
        if character == ";" and sqlite3.complete_statement(script[start : i + 1]):
            found.append(script[start : i + 1])
            start = i + 1
    return found


def _migrations() -> Migrations:
    known = Migrations("portal")
    for name in migration_names():
        script = (files("storage") / "migrations" / f"{name}.sql").read_text(encoding="utf-8")

        def run(db: Database, script: str = script) -> None:
            for statement in _statements(script):  # not executescript: it would commit half a migration
                db.conn.execute(statement)

        known(name=name)(run)
    return known


def migrate(connection: sqlite3.Connection, path: Path) -> tuple[str, ...]:
    """Bring the schema of ``connection`` up to date and return the names of what was applied.

    An existing file is copied to ``<file>.before-<migration>`` first. Raises SchemaTooNew when the file has a
    migration this version does not know.
    """
    db = Database(connection, execute_plugins=False)
    known = _migrations()
    applied = [m.name for m in known.applied(db)]
    if unknown := sorted(set(applied) - set(migration_names())):
        raise SchemaTooNew(
            f"{path.name} was written by a newer version (schema {unknown[-1]}, this version knows up to "
            f"{migration_names()[-1]}): run the newer version, or restore a backup made by this one"
        )
    pending = [m.name for m in known.pending(db)]
    if pending and applied:
        _copy(connection, path.with_name(f"{path.name}.before-{pending[0]}"))
    known.apply(db)
    return tuple(pending)


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """A copy of the whole file, mode 0600; it takes the place of one that an earlier attempt left."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # VACUUM INTO takes an empty file
    connection.execute("VACUUM INTO ?", (str(part),))
    part.replace(target)
