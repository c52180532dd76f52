"""The feed: append-only rows of ids, states and causes. Its sequence number is the only clock a console knows."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage import meta
from storage.packing import pack, unpack


@dataclass(frozen=True, slots=True)
class FeedRow:
    seq: int
    epoch: int
    at: float
    kind: str
    order_id: str | None
    run_id: int | None
    body: dict[str, Any]


def append(
    db: sqlite3.Connection,
    at: float,
    kind: str,
    body: Mapping[str, Any],
    *,
    order_id: str | None = None,
    run_id: int | None = None,
) -> int:
    """Add one row in the caller's transaction and return its sequence number. ``body`` carries no personal data."""
    cursor = db.execute(
        "INSERT INTO feed (epoch, at, kind, order_id, run_id, body)"
        " VALUES (COALESCE((SELECT value FROM meta WHERE key = 'epoch'), '1'), ?, ?, ?, ?, ?)",
        (at, kind, order_id, run_id, pack(body)),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def after(db: sqlite3.Connection, seq: int, limit: int = 1000) -> list[FeedRow]:
    rows = db.execute(
        "SELECT seq, epoch, at, kind, order_id, run_id, body FROM feed WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
    )
    return [_row(row) for row in rows]


def before(db: sqlite3.Connection, seq: int) -> int:
    """The number of the row before ``seq``; where that was pruned, what it must have been."""
    row = db.execute("SELECT MAX(seq) FROM feed WHERE seq < ?", (seq,)).fetchone()
    return int(row[0]) if row[0] is not None else seq - 1


def oldest(db: sqlite3.Connection) -> int:
    """The oldest number that can still be read; that of the next row when there is none."""
    row = db.execute("SELECT MIN(seq) FROM feed").fetchone()
    return int(row[0]) if row[0] is not None else highest(db) + 1


def of_order(db: sqlite3.Connection, order_id: str, limit: int = 200) -> list[FeedRow]:
    """The newest rows of one order, oldest first."""
    rows = db.execute(
        "SELECT seq, epoch, at, kind, order_id, run_id, body FROM feed WHERE order_id = ? ORDER BY seq DESC LIMIT ?",
        (order_id, limit),
    )
    return [_row(row) for row in rows][::-1]


def bounds(db: sqlite3.Connection) -> tuple[int, int, int]:
    """(oldest kept, newest, epoch); oldest is newest + 1 when the feed is empty."""
    # each asked for by itself is one look into the index, both together are a walk through the table
    first, last = db.execute("SELECT (SELECT MIN(seq) FROM feed), (SELECT MAX(seq) FROM feed)").fetchone()
    top = last if last is not None else highest(db)
    return (first if first is not None else top + 1), top, meta.epoch(db)


def highest(db: sqlite3.Connection) -> int:
    """The highest number ever given out, also if its row was pruned."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'feed'").fetchone()
    return int(row[0]) if row else 0


def continue_above(db: sqlite3.Connection, seq: int) -> None:
    """Numbers go on above ``seq`` in a new epoch (rules §5.3)."""
    if db.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'feed'").fetchone():
        db.execute("UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = 'feed'", (seq,))
    else:
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('feed', ?)", (seq,))
    meta.put(db, "epoch", str(meta.epoch(db) + 1))


def prune(db: sqlite3.Connection, before: float, keep: int = 100_000, limit: int = 5000) -> int:
    """Delete up to ``limit`` rows older than ``before``, never the newest ``keep``."""
    cursor = db.execute(
        "DELETE FROM feed WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM feed ORDER BY seq LIMIT ?)"
        " WHERE at < ? AND seq <= (SELECT MAX(seq) FROM feed) - ?)",
        (limit, before, keep),
    )
    return cursor.rowcount


def _row(row: tuple[Any, ...]) -> FeedRow:
    return FeedRow(row[0], row[1], row[2], row[3], row[4], row[5], unpack(row[6]))


def last_at(db: sqlite3.Connection) -> float | None:
    """When the newest row was written."""
    row = db.execute("SELECT at FROM feed ORDER BY seq DESC LIMIT 1").fetchone()
    return float(row[0]) if row else None
