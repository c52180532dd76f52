"""The mail queue and sent log: one row per (order, kind, resend); what was rendered is not stored (rules §6 email)."""

import sqlite3
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MailRow:
    id: int
    order_id: str
    kind: str
    language: str
    message_id: str
    resend: int
    run_id: int | None
    state: str
    recipient: str | None
    tries: int
    error: str | None
    queued_at: float
    sent_at: float | None
    queued_by: str


_COLUMNS = "id, order_id, kind, language, message_id, resend, run_id, state, recipient, tries, error, queued_at, sent_at, queued_by"


def queue(
    db: sqlite3.Connection,
    order_id: str,
    kind: str,
    language: str,
    message_id: str,
    now: float,
    *,
    by: str = "engine",
    state: str = "queued",
    resend: int = 0,
) -> int | None:
    """Add a mail; None when this order's mail of that kind (and resend number) is queued or sent already."""
    row = db.execute(
        "INSERT INTO mail (order_id, kind, language, message_id, resend, state, queued_at, queued_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(order_id, kind, resend) DO NOTHING RETURNING id",
        (order_id, kind, language, message_id, resend, state, now, by),
    ).fetchone()
    return int(row[0]) if row else None


def change(db: sqlite3.Connection, mail_id: int, **values: Any) -> None:
    """Set columns of one mail (state, run_id, recipient, tries, error, sent_at)."""
    if unknown := set(values) - {"state", "run_id", "recipient", "tries", "error", "sent_at"}:
        raise ValueError(f"not changeable: {sorted(unknown)}")
    assignments = ", ".join(f"{name} = ?" for name in values)
    db.execute(f"UPDATE mail SET {assignments} WHERE id = ?", (*values.values(), mail_id))


def hold_queued(db: sqlite3.Connection) -> int:
    """In recovery no mail leaves without a person: what waits may have been sent since the backup (rules §5.3)."""
    return db.execute("UPDATE mail SET state = 'held' WHERE state IN ('queued', 'sending')").rowcount


def get(db: sqlite3.Connection, mail_id: int) -> MailRow | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM mail WHERE id = ?", (mail_id,)).fetchone()
    return MailRow(*row) if row else None


def of_order(db: sqlite3.Connection, order_id: str) -> list[MailRow]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM mail WHERE order_id = ? ORDER BY id", (order_id,))
    return [MailRow(*row) for row in rows]


def in_state(db: sqlite3.Connection, *states: str, limit: int = 500) -> list[MailRow]:
    marks = ", ".join("?" * len(states))
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM mail WHERE state IN ({marks}) ORDER BY id DESC LIMIT ?",
        (*states, limit),
    )
    return [MailRow(*row) for row in rows]


def unsettled(db: sqlite3.Connection, limit: int = 500) -> list[MailRow]:
    """Maybe sent, failed or held, oldest first: the newest of its order and kind, not seen by anybody."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM mail m WHERE state IN ('maybe_sent', 'failed', 'held')"
        " AND NOT EXISTS (SELECT 1 FROM mail n WHERE n.order_id = m.order_id AND n.kind = m.kind AND n.resend > m.resend)"
        " AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.subject = 'mail:' || m.id) ORDER BY id LIMIT ?",
        (limit,),
    )
    return [MailRow(*row) for row in rows]


def newest(db: sqlite3.Connection, limit: int = 200) -> list[MailRow]:
    return [MailRow(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM mail ORDER BY id DESC LIMIT ?", (limit,))]


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Mails that are not sent, by state (queued, sending, maybe_sent, failed, held)."""
    rows = db.execute("SELECT state, COUNT(*) FROM mail WHERE state <> 'sent' GROUP BY state")
    return {str(state): int(count) for state, count in rows}
