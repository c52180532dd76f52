"""Single values of the journal: who it is, its epoch, how it was last stopped."""

import secrets
import sqlite3
import time


def get(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else None


def put(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value", (key, value))


def delete(db: sqlite3.Connection, key: str) -> None:
    db.execute("DELETE FROM meta WHERE key = ?", (key,))


def identity(db: sqlite3.Connection) -> str:
    """This journal's id (random, made once). A restored copy gets a new one by ``portal restore``."""
    known = get(db, "journal_id")
    if known is None:
        known = secrets.token_hex(16)
        put(db, "journal_id", known)
        put(db, "created_at", str(time.time()))
        put(db, "epoch", "1")
    return known


def epoch(db: sqlite3.Connection) -> int:
    return int(get(db, "epoch") or 1)
