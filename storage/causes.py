"""What is known about a cause over all runs, past ones included."""

import sqlite3
from collections.abc import Sequence


def met_since(db: sqlite3.Connection, fingerprint: str, since: float) -> list[float]:
    """When runs that stand at this cause last changed, since then."""
    rows = db.execute("SELECT updated_at FROM runs WHERE fingerprint = ? AND updated_at >= ?", (fingerprint, since))
    return [row[0] for row in rows]


def ended_before(
    db: sqlite3.Connection, fingerprint: str, but: Sequence[int], limit: int = 500
) -> tuple[dict[str, int], float | None]:
    """How the orders of earlier runs with this cause stand now (state of their latest run → how many), and when the
    newest of those runs ended. ``but``: runs that stand at the cause now.
    """
    rows = db.execute(
        "SELECT r.id, r.order_id, r.updated_at FROM runs r WHERE r.fingerprint = ? ORDER BY r.updated_at DESC LIMIT ?",
        (fingerprint, limit),
    ).fetchall()
    present = set(but)
    earlier = {row[1]: row[2] for row in reversed(rows) if row[0] not in present and row[1] is not None}
    counts: dict[str, int] = {}
    for order_id in earlier:
        row = db.execute(
            "SELECT r.state FROM orders o JOIN runs r ON r.id = o.run_id WHERE o.order_id = ?", (order_id,)
        ).fetchone()
        if row is not None:
            counts[row[0]] = counts.get(row[0], 0) + 1
    return counts, max(earlier.values(), default=None)
