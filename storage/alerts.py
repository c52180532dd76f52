"""Alerts that are open, one row a cause: repeated findings count up and are sent once."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alert:
    cause: str
    severity: str
    message: str
    order_id: str | None
    first_at: float
    last_at: float
    count: int
    sent_at: float | None
    cleared_at: float | None


_COLUMNS = "cause, severity, message, order_id, first_at, last_at, count, sent_at, cleared_at"


def raise_(
    db: sqlite3.Connection, cause: str, severity: str, message: str, now: float, order_id: str | None = None
) -> bool:
    """Note a finding; True when it is new (or had been cleared)."""
    row = db.execute("SELECT cleared_at FROM alerts WHERE cause = ?", (cause,)).fetchone()
    if row and row[0] is None:
        db.execute(
            "UPDATE alerts SET last_at = ?, count = count + 1, message = ? WHERE cause = ?", (now, message, cause)
        )
        return False
    db.execute(
        "INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, 1, NULL, NULL) ON CONFLICT(cause) DO UPDATE SET severity = excluded.severity,"
        " message = excluded.message, order_id = excluded.order_id, first_at = excluded.first_at, last_at = excluded.last_at,"
        " count = 1, sent_at = NULL, cleared_at = NULL",
        (cause, severity, message, order_id, now, now),
    )
    return True


def clear(db: sqlite3.Connection, cause: str, now: float) -> bool:
    return (
        db.execute("UPDATE alerts SET cleared_at = ? WHERE cause = ? AND cleared_at IS NULL", (now, cause)).rowcount > 0
    )


def clear_like(db: sqlite3.Connection, prefix: str, keep: set[str], now: float) -> int:
    """Clear the open alerts of a family that were not found again."""
    gone = [a.cause for a in open_alerts(db) if a.cause.startswith(prefix) and a.cause not in keep]
    for cause in gone:
        clear(db, cause, now)
    return len(gone)


def open_alerts(db: sqlite3.Connection) -> list[Alert]:
    return [
        Alert(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM alerts WHERE cleared_at IS NULL ORDER BY first_at")
    ]


def unsent(db: sqlite3.Connection) -> list[Alert]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM alerts WHERE cleared_at IS NULL AND sent_at IS NULL ORDER BY first_at")
    return [Alert(*row) for row in rows]


def sent(db: sqlite3.Connection, cause: str, now: float) -> None:
    db.execute("UPDATE alerts SET sent_at = ? WHERE cause = ?", (now, cause))
