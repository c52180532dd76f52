"""The queue of runs: what is due, who waits for whose lock, what is claimed next."""

import sqlite3

from storage import runs
from storage.runs import Run

# The condition of the partial index runs_due, word for word: SQLite takes an index only then.
_DUE = "state IN ('queued', 'retrying')"


def any_due(db: sqlite3.Connection, now: float) -> bool:
    """Is a run due? (One that waits for its customer's lock counts.)"""
    query = "SELECT 1 FROM runs WHERE state IN ('queued', 'retrying') AND next_at <= ? LIMIT 1"
    return db.execute(query, (now,)).fetchone() is not None


def next_due(db: sqlite3.Connection, after: float) -> float | None:
    """When the next run becomes due, later than ``after``."""
    row = db.execute(
        "SELECT MIN(next_at) FROM runs WHERE state IN ('queued', 'retrying') AND next_at > ?", (after,)
    ).fetchone()
    return float(row[0]) if row[0] is not None else None


def oldest_queued(db: sqlite3.Connection) -> float | None:
    """When the oldest queued provisioning run came in."""
    row = db.execute(
        f"SELECT MIN(+created_at) FROM runs WHERE {_DUE} AND state = 'queued' AND workflow = 'provision_order'"
        " AND started_at IS NULL"
    ).fetchone()
    return float(row[0]) if row[0] is not None else None


def name_holders(db: sqlite3.Connection, now: float) -> list[int]:
    """Due runs whose customer's lock another run holds name that run; returns those for which that is news."""
    rows = db.execute(  # from the few holders to who waits for them, not the other way round: a queue may be long
        "SELECT h.id, q.id FROM runs h CROSS JOIN runs q WHERE h.lock_held = 1 AND q.lock_key = h.lock_key"
        " AND q.state IN ('queued', 'retrying') AND q.lock_held = 0 AND q.next_at <= ? AND q.waits_for IS NOT h.id",
        (now,),
    ).fetchall()
    db.executemany("UPDATE runs SET wait = 'lock', waits_for = ? WHERE id = ?", rows)
    return [waiting for _, waiting in rows]


def claim_due(db: sqlite3.Connection, now: float, limit: int) -> list[Run]:
    """Turn up to ``limit`` due runs into running ones that hold their customer's lock, oldest due first.

    A due run whose lock another run holds stays where it is.
    """
    rows = db.execute(
        "SELECT id, lock_key FROM runs WHERE state IN ('queued', 'retrying') AND next_at <= ?"
        " AND (lock_held = 1 OR NOT EXISTS (SELECT 1 FROM runs h WHERE h.lock_key = runs.lock_key AND h.lock_held = 1))"
        " ORDER BY next_at, id LIMIT ?",
        (now, limit * 4 + 64),
    ).fetchall()
    claimed: list[Run] = []
    taken: set[str] = set()
    for run_id, key in rows:
        if len(claimed) >= limit:
            break
        if key is not None:
            if key in taken:
                continue
            taken.add(key)
        db.execute(
            "UPDATE runs SET state = 'running', lock_held = ?, waits_for = NULL, wait = NULL, wait_reason = NULL,"
            " wait_until = NULL, version = version + 1, updated_at = ?, started_at = COALESCE(started_at, ?) WHERE id = ?",
            (int(key is not None), now, now, run_id),
        )
        run = runs.get(db, run_id)
        assert run is not None
        claimed.append(run)
    return claimed


def shift_times(db: sqlite3.Connection, seconds: float, now: float, noticed_within: float) -> None:
    """The wall clock jumped to ``now``: waiting runs keep the wait they had left (rules §10).

    What counts from a moment moves along; a day that an order names (a condition without a limit) stays that day. A row
    that was written after the jump, at most ``noticed_within`` seconds ago, is in the new time already.
    """
    before = "NOT (updated_at BETWEEN ? AND ?)"
    since = (now - noticed_within, now + noticed_within)
    db.execute(
        "UPDATE runs SET condition = json_set(condition, '$.since', json_extract(condition, '$.since') + ?)"
        " WHERE state IN ('queued', 'running', 'retrying', 'parked') AND json_extract(condition, '$.since') IS NOT NULL"
        f" AND {before}",
        (seconds, *since),
    )
    db.execute(
        "UPDATE runs SET condition = json_set(condition, '$.argument', CAST(json_extract(condition, '$.argument') + ? AS TEXT))"
        " WHERE state = 'parked' AND json_extract(condition, '$.kind') = 'after'"
        f" AND json_extract(condition, '$.limit') IS NOT NULL AND {before}",
        (seconds, *since),
    )
    db.execute(
        "UPDATE runs SET next_at = next_at + ?, wait_until = wait_until + ? WHERE state IN ('queued', 'retrying', 'parked')"
        f" AND {before}",
        (seconds, seconds, *since),
    )
    db.execute(
        f"UPDATE outbox SET next_at = next_at + ? WHERE state IN ('waiting', 'in_flight') AND {before}",
        (seconds, *since),
    )
