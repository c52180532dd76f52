"""What is known about a cause over all runs, past ones included."""

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple


class Standing(NamedTuple):
    """An order whose latest run stands at a cause; the book's words, without what nobody needs to group by it."""

    order_id: str
    number: str
    amount: int | None
    sf: str
    run_id: int
    state: str
    wait: str | None
    wait_reason: str | None
    step: str | None
    error_step: str | None
    error_class: str | None
    system: str | None
    code: str | None
    cause: str
    message: str | None
    unknown: bool
    updated: float


_STANDING = (
    "SELECT o.order_id, o.number, o.amount, o.sf_status, r.id, r.state, r.wait, r.wait_reason, r.step, r.error_step,"
    " r.error_class, r.error_system, r.error_code, r.fingerprint, r.error_message, r.unknown_open, r.updated_at"
    " FROM orders o JOIN runs r ON r.id = o.run_id LEFT JOIN takes t ON t.order_id = o.order_id"
)


def standing(db: sqlite3.Connection, where: str, parameters: Sequence[Any], limit: int) -> list[Standing]:
    """The orders that stand at any cause, the newest first; ``where`` comes from the compiled filter only.

    Tables: o = orders, r = runs (the order's latest provisioning run), t = takes.
    """
    rows = db.execute(
        f"{_STANDING} WHERE ({where}) AND r.fingerprint IS NOT NULL ORDER BY r.updated_at DESC LIMIT ?",
        (*parameters, limit),
    )
    return [Standing._make(row) for row in rows]


def met(db: sqlite3.Connection, fingerprint: str, run_id: int, order_id: str | None, now: float) -> None:
    """A run has come to stand at a cause. It is counted once, however often it is tried again."""
    db.execute(
        "INSERT INTO causes_met VALUES (?, ?, ?, ?, ?) ON CONFLICT(fingerprint, run_id) DO UPDATE SET last_at = excluded.last_at",
        (fingerprint, run_id, order_id, now, now),
    )


def met_since(db: sqlite3.Connection, fingerprint: str, since: float) -> list[float]:
    """When runs came to stand at this cause for the first time, since then."""
    rows = db.execute("SELECT first_at FROM causes_met WHERE fingerprint = ? AND first_at >= ?", (fingerprint, since))
    return [row[0] for row in rows]


def first_met(db: sqlite3.Connection, fingerprint: str) -> float | None:
    """When it was seen for the first time, as far back as the journal knows."""
    row = db.execute("SELECT MIN(first_at) FROM causes_met WHERE fingerprint = ?", (fingerprint,)).fetchone()
    return float(row[0]) if row[0] is not None else None


def ended_before(
    db: sqlite3.Connection, fingerprint: str, but: Sequence[int], limit: int = 500
) -> tuple[dict[str, int], float | None]:
    """How the orders of earlier runs with this cause stand now (state of their latest run → how many), and when the
    newest of those runs stood there. ``but``: runs that stand at the cause now; their orders have not ended, however often
    they were tried.
    """
    rows = db.execute(
        "SELECT run_id, order_id, last_at FROM causes_met WHERE fingerprint = ? ORDER BY last_at DESC LIMIT ?",
        (fingerprint, limit + len(but)),
    ).fetchall()
    present = set(but)
    standing_now = {row[1] for row in rows if row[0] in present} | {None}
    earlier = {row[1]: row[2] for row in reversed(rows) if row[0] not in present and row[1] not in standing_now}
    counts: dict[str, int] = {}
    for order_id in earlier:
        row = db.execute(
            "SELECT r.state FROM orders o JOIN runs r ON r.id = o.run_id WHERE o.order_id = ?", (order_id,)
        ).fetchone()
        if row is not None:
            counts[row[0]] = counts.get(row[0], 0) + 1
    return counts, max(earlier.values(), default=None)


def forget(db: sqlite3.Connection, before: float, limit: int = 500) -> int:
    """Delete what was last met before then and stands nowhere any more."""
    return db.execute(
        "DELETE FROM causes_met WHERE (fingerprint, run_id) IN (SELECT c.fingerprint, c.run_id FROM causes_met c"
        " WHERE c.last_at < ? AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = c.run_id AND r.fingerprint = c.fingerprint)"
        " LIMIT ?)",
        (before, limit),
    ).rowcount
