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


def runs_for_a_person(db: sqlite3.Connection, park_ending_before: float, limit: int = 2000) -> list[Waiting]:
    """Failed, held or parked for a person; and parks whose limit comes before the moment given."""
    rows = db.execute(
        "SELECT o.order_id, o.number, r.id, r.state, r.wait, r.wait_reason, r.error_class, r.error_code, r.error_message,"
        " COALESCE(r.step, r.error_step), r.unknown_open, r.wait_until, r.updated_at"
        " FROM runs r JOIN orders o ON o.run_id = r.id"
        " WHERE r.state IN ('held', 'failed') OR (r.state = 'parked' AND (r.wait = 'person'"
        " OR (r.wait = 'condition' AND r.wait_until <= ?))) ORDER BY r.updated_at LIMIT ?",
        (park_ending_before, limit),
    )
    return [Waiting(*[*row[:10], bool(row[10]), *row[11:]]) for row in rows]
