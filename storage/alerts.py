"""Alerts that are open, one row a cause, and what each channel was last told about it."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

Phase = Literal["open", "cleared"]


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

    @property
    def phase(self) -> Phase:
        return "open" if self.cleared_at is None else "cleared"


_COLUMNS = "cause, severity, message, order_id, first_at, last_at, count, sent_at, cleared_at"


def raise_(
    db: sqlite3.Connection, cause: str, severity: str, message: str, now: float, order_id: str | None = None
) -> bool:
    """Note a finding, counting it; True when the cause is new (or had been cleared)."""
    if is_open(db, cause):
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


def reword(db: sqlite3.Connection, cause: str, message: str, now: float) -> None:
    """A state that is watched goes on and reads differently now; it is no further finding."""
    db.execute(
        "UPDATE alerts SET message = ?, last_at = ? WHERE cause = ? AND cleared_at IS NULL", (message, now, cause)
    )


def clear(db: sqlite3.Connection, cause: str, now: float) -> bool:
    return (
        db.execute("UPDATE alerts SET cleared_at = ? WHERE cause = ? AND cleared_at IS NULL", (now, cause)).rowcount > 0
    )


def get(db: sqlite3.Connection, cause: str) -> Alert | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM alerts WHERE cause = ?", (cause,)).fetchone()
    return Alert(*row) if row else None


def is_open(db: sqlite3.Connection, cause: str) -> bool:
    return db.execute("SELECT 1 FROM alerts WHERE cause = ? AND cleared_at IS NULL", (cause,)).fetchone() is not None


def open_alerts(db: sqlite3.Connection) -> list[Alert]:
    return [
        Alert(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM alerts WHERE cleared_at IS NULL ORDER BY first_at")
    ]


def open_causes(db: sqlite3.Connection, prefix: str) -> set[str]:
    """Open causes of a family, such as ``stock:``."""
    rows = db.execute(
        "SELECT cause FROM alerts WHERE cleared_at IS NULL AND substr(cause, 1, ?) = ?", (len(prefix), prefix)
    )
    return {row[0] for row in rows}


def untold(db: sqlite3.Connection, channel: str, settled: float, forgotten: float) -> list[Alert]:
    """What ``channel`` has yet to hear, oldest first: open causes it was not told of, and cleared ones.

    A cause counts as cleared when that was before ``settled`` (one that comes and goes is told once), and is not told
    any more when it was before ``forgotten``. One that came and went untold is told when it is over.
    """
    rows = db.execute(
        f"SELECT {', '.join('a.' + name for name in _COLUMNS.split(', '))} FROM alerts a"
        " LEFT JOIN alert_told t ON t.cause = a.cause AND t.channel = ?"
        " WHERE (a.cleared_at IS NULL AND t.phase IS NOT 'open')"
        " OR (a.cleared_at <= ? AND a.cleared_at > ? AND (t.phase IS NOT 'cleared' OR t.at < a.first_at))"
        " ORDER BY a.first_at",
        (channel, settled, forgotten),
    )
    return [Alert(*row) for row in rows]


def told(db: sqlite3.Connection, cause: str, channel: str, phase: Phase, now: float) -> None:
    db.execute(
        "INSERT INTO alert_told VALUES (?, ?, ?, ?) ON CONFLICT(cause, channel) DO UPDATE SET phase = excluded.phase,"
        " at = excluded.at",
        (cause, channel, phase, now),
    )
    db.execute("UPDATE alerts SET sent_at = COALESCE(sent_at, ?) WHERE cause = ?", (now, cause))


def forget(db: sqlite3.Connection, before: float, limit: int = 200) -> int:
    """Delete what was cleared before then."""
    gone = db.execute(
        "DELETE FROM alerts WHERE cause IN (SELECT cause FROM alerts WHERE cleared_at < ? LIMIT ?)", (before, limit)
    ).rowcount
    if gone:
        db.execute("DELETE FROM alert_told WHERE cause NOT IN (SELECT cause FROM alerts)")
    return gone
