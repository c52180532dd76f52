"""Schema migrations: numbered SQL files, run forward on start through sqlite-utils, after a backup of the file."""

import os
import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import SchemaTooNew

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

SET = "portal"  # our name in sqlite-utils' table of what was applied


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


def _applied(connection: sqlite3.Connection) -> frozenset[str]:
    """Names of what this file has had, as sqlite-utils keeps them; none for a new file."""
    try:
        rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (SET,)).fetchall()
    except sqlite3.OperationalError:
        return frozenset()
    return frozenset(str(row[0]) for row in rows)


def _migrations() -> "Migrations":
    from sqlite_utils import Migrations

    known = Migrations(SET)
    for name in migration_names():
        script = (files("storage") / "migrations" / f"{name}.sql").read_text(encoding="utf-8")

        def run(db: "Database", script: str = script) -> None:
            for statement in _statements(script):  # not executescript: it would commit half a migration
                db.conn.execute(statement)

        known(name=name)(run)
    return known


def migrate(connection: sqlite3.Connection, path: Path) -> tuple[str, ...]:
    """Bring the schema of ``connection`` up to date and return the names of what was applied.

    An existing file is copied to ``<file>.before-<migration>`` first. Raises SchemaTooNew when the file has a
    migration this version does not know.
    """
    applied = _applied(connection)
    if unknown := sorted(set(applied) - set(migration_names())):
        raise SchemaTooNew(
            f"{path.name} was written by a newer version (schema {unknown[-1]}, this version knows up to "
            f"{migration_names()[-1]}): run the newer version, or restore a backup made by this one"
        )
    pending = tuple(name for name in migration_names() if name not in applied)
    if pending:
        from sqlite_utils import Database  # only needed then, and it takes its time to load

        if applied:
            _copy(connection, path.with_name(f"{path.name}.before-{pending[0]}"))
        _migrations().apply(Database(connection, execute_plugins=False))
    return pending


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """A copy of the whole file, mode 0600; it takes the place of one that an earlier attempt left."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # VACUUM INTO takes an empty file
    connection.execute("VACUUM INTO ?", (str(part),))
    part.replace(target)
