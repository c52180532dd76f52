"""What waits for a person, straight from the journal: one query a kind, oldest first."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order's run that waits for a person; ``since``: when it came to stand so."""

    order_id: str
    number: str
    run_id: int
    state: str
    wait: str | None
    reason: str | None
    error_class: str | None
    code: str | None
    message: str | None
    step: str | None
    unknown: bool
    until: float | None
    since: float


_COLUMNS = (
    "o.order_id, o.number, r.id, r.state, r.wait, r.wait_reason, r.error_class, r.error_code, r.error_message,"
    " COALESCE(r.step, r.error_step), r.unknown_open, r.wait_until, r.updated_at"
)
# By the partial indexes of runs, not through all orders: it is asked every few seconds. Their conditions stand word for word.
_LATEST = "CROSS JOIN orders o WHERE o.order_id = r.order_id AND o.run_id = r.id"


def runs_for_a_person(db: sqlite3.Connection, park_ending_before: float, limit: int = 2000) -> list[Waiting]:
    """Failed, held or parked for a person; and parks whose limit comes before the moment given."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM runs r {_LATEST} AND r.state = 'failed'"
        f" UNION ALL SELECT {_COLUMNS} FROM runs r {_LATEST} AND r.state IN ('running', 'parked', 'held')"
        " AND (r.state = 'held' OR (r.state = 'parked' AND (r.wait = 'person'"
        " OR (r.wait = 'condition' AND r.wait_until <= ?)))) ORDER BY 13 LIMIT ?",
        (park_ending_before, limit),
    )
    return [Waiting(*[*row[:10], bool(row[10]), *row[11:]]) for row in rows]
