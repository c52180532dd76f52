"""What people leave at an order: notes, who took it, edits; what they paused, and what they have seen."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    id: int
    order_id: str
    at: float
    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class Take:
    order_id: str
    actor: str
    at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Edit:
    order_id: str
    at: float
    actor: str
    item: str
    field: str
    old: str | None
    new: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    subject: str
    actor: str
    reason: str
    at: float
    automatic: bool


def add_note(db: sqlite3.Connection, order_id: str, now: float, actor: str, text: str) -> int:
    cursor = db.execute(
        "INSERT INTO notes (order_id, at, actor, text) VALUES (?, ?, ?, ?)", (order_id, now, actor, text)
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def notes(db: sqlite3.Connection, order_id: str) -> list[Note]:
    rows = db.execute("SELECT id, order_id, at, actor, text FROM notes WHERE order_id = ? ORDER BY id", (order_id,))
    return [Note(*row) for row in rows]


def take(db: sqlite3.Connection, order_id: str, actor: str, now: float, expires_at: float) -> None:
    db.execute(
        "INSERT INTO takes VALUES (?, ?, ?, ?) ON CONFLICT(order_id) DO UPDATE SET actor = excluded.actor,"
        " at = excluded.at, expires_at = excluded.expires_at",
        (order_id, actor, now, expires_at),
    )


def drop(db: sqlite3.Connection, order_id: str) -> None:
    db.execute("DELETE FROM takes WHERE order_id = ?", (order_id,))


def taken(db: sqlite3.Connection, order_id: str, now: float) -> Take | None:
    row = db.execute(
        "SELECT order_id, actor, at, expires_at FROM takes WHERE order_id = ? AND expires_at > ?", (order_id, now)
    ).fetchone()
    return Take(*row) if row else None


def all_taken(db: sqlite3.Connection, now: float) -> dict[str, Take]:
    rows = db.execute("SELECT order_id, actor, at, expires_at FROM takes WHERE expires_at > ?", (now,))
    return {row[0]: Take(*row) for row in rows}


def add_edit(db: sqlite3.Connection, edit: Edit) -> None:
    db.execute(
        "INSERT INTO edits (order_id, at, actor, item, field, old, new, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (edit.order_id, edit.at, edit.actor, edit.item, edit.field, edit.old, edit.new, edit.reason),
    )


def edits(db: sqlite3.Connection, order_id: str) -> list[Edit]:
    rows = db.execute(
        "SELECT order_id, at, actor, item, field, old, new, reason FROM edits WHERE order_id = ? ORDER BY id",
        (order_id,),
    )
    return [Edit(*row) for row in rows]


def pause(
    db: sqlite3.Connection, subject: str, actor: str, reason: str, now: float, *, automatic: bool = False
) -> None:
    """``subject`` is a system ("whmcs"), "intake", or a product ("product:21")."""
    db.execute(
        "INSERT INTO pauses VALUES (?, ?, ?, ?, ?) ON CONFLICT(subject) DO NOTHING",
        (subject, actor, reason, now, int(automatic)),
    )


def resume(db: sqlite3.Connection, subject: str) -> bool:
    return db.execute("DELETE FROM pauses WHERE subject = ?", (subject,)).rowcount > 0


def pauses(db: sqlite3.Connection) -> dict[str, Pause]:
    rows = db.execute("SELECT subject, actor, reason, at, automatic FROM pauses")
    return {row[0]: Pause(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows}


def see(db: sqlite3.Connection, subject: str, actor: str, now: float) -> bool:
    """Put aside something that waited for a look (``gap:3``, ``mail:17``); False when somebody has done so."""
    added = db.execute("INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT(subject) DO NOTHING", (subject, actor, now))
    return added.rowcount > 0


def seen_by(db: sqlite3.Connection, subject: str) -> str | None:
    row = db.execute("SELECT actor FROM seen WHERE subject = ?", (subject,)).fetchone()
    return str(row[0]) if row else None
