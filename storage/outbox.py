"""Status writes on their way to Salesforce: one row per order, the latest wins, one in flight (rules §6 crm)."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.packing import pack, unpack


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """``fields`` is what should stand next; ``in_flight`` what a request under way (or of unknown outcome) carries."""

    order_id: str
    version: int
    fields: dict[str, Any]
    state: str
    tries: int
    next_at: float
    intent_at: float | None
    in_flight: dict[str, Any] | None
    error: str | None


_COLUMNS = "order_id, version, fields, state, tries, next_at, intent_at, in_flight, error"


def put(db: sqlite3.Connection, order_id: str, fields: Mapping[str, Any], now: float) -> None:
    """What Salesforce shall show for this order; replaces what waits, never what is in flight."""
    packed = pack(fields)
    db.execute(
        "INSERT INTO outbox (order_id, version, fields, state, next_at, updated_at, since)"
        " VALUES (?, 1, ?, 'waiting', ?, ?, ?)"
        " ON CONFLICT(order_id) DO UPDATE SET version = version + 1, fields = excluded.fields, tries = 0, error = NULL,"
        " since = CASE WHEN state IN ('waiting', 'in_flight') THEN since ELSE excluded.since END,"
        " state = CASE WHEN in_flight IS NULL THEN 'waiting' ELSE state END, next_at = excluded.next_at,"
        " updated_at = excluded.updated_at",
        (order_id, packed, now, now, now),
    )


def get(db: sqlite3.Connection, order_id: str) -> OutboxRow | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM outbox WHERE order_id = ?", (order_id,)).fetchone()
    return _row(row) if row else None


def due(db: sqlite3.Connection, now: float, limit: int = 50) -> list[OutboxRow]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM outbox WHERE state IN ('waiting', 'in_flight') AND next_at <= ? ORDER BY next_at LIMIT ?",
        (now, limit),
    )
    return [_row(row) for row in rows]


def next_due(db: sqlite3.Connection) -> float | None:
    row = db.execute("SELECT MIN(next_at) FROM outbox WHERE state IN ('waiting', 'in_flight')").fetchone()
    return float(row[0]) if row[0] is not None else None


def oldest(db: sqlite3.Connection) -> tuple[float, str] | None:
    """(since when, order id) of what has waited longest to stand in Salesforce."""
    query = "SELECT since, order_id FROM outbox WHERE state IN ('waiting', 'in_flight') ORDER BY since LIMIT 1"
    row = db.execute(query).fetchone()
    return (float(row[0]), str(row[1])) if row else None


def intend(db: sqlite3.Connection, order_id: str, version: int, now: float) -> bool:
    """Commit "this write is about to be made"; False when a newer one replaced it or one is in flight."""
    cursor = db.execute(
        "UPDATE outbox SET state = 'in_flight', in_flight = fields, intent_at = ?, tries = tries + 1, updated_at = ?"
        " WHERE order_id = ? AND version = ? AND in_flight IS NULL",
        (now, now, order_id, version),
    )
    return cursor.rowcount > 0


def settle(db: sqlite3.Connection, order_id: str, version: int, now: float) -> None:
    """The write in flight stands (or was refused for good); a newer one that waits goes next."""
    db.execute(
        "UPDATE outbox SET in_flight = NULL, intent_at = NULL, error = NULL, updated_at = ?1, next_at = ?1, since = ?1,"
        " state = CASE WHEN version = ?2 THEN 'settled' ELSE 'waiting' END WHERE order_id = ?3",
        (now, version, order_id),
    )


def again(db: sqlite3.Connection, order_id: str, next_at: float, error: str, now: float, *, clear: bool) -> None:
    """Try later. ``clear``: the write in flight provably made no effect."""
    flight = "in_flight = NULL, intent_at = NULL, state = 'waiting'," if clear else ""
    db.execute(
        f"UPDATE outbox SET {flight} next_at = ?, error = ?, updated_at = ? WHERE order_id = ?",
        (next_at, error, now, order_id),
    )


def give_up(db: sqlite3.Connection, order_id: str, error: str, now: float) -> None:
    db.execute(
        "UPDATE outbox SET state = 'given_up', in_flight = NULL, error = ?, updated_at = ? WHERE order_id = ?",
        (error, now, order_id),
    )


def drop(db: sqlite3.Connection, order_id: str) -> bool:
    """Forget what waits because a newer direct write takes its place; False while one is in flight."""
    cursor = db.execute("DELETE FROM outbox WHERE order_id = ? AND in_flight IS NULL", (order_id,))
    return cursor.rowcount > 0


def stuck(db: sqlite3.Connection) -> list[OutboxRow]:
    """What was refused for good, and what met an error and does not stand yet."""
    query = f"SELECT {_COLUMNS} FROM outbox WHERE state = 'given_up' OR (state <> 'settled' AND error IS NOT NULL)"
    return [_row(row) for row in db.execute(query)]


def _row(row: tuple[Any, ...]) -> OutboxRow:
    values = [row[0], row[1], unpack(row[2]), *row[3:7], unpack(row[7]) if row[7] else None, row[8]]
    return OutboxRow(*values)


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Status writes that are not settled, by state (waiting, in_flight, given_up)."""
    rows = db.execute("SELECT state, COUNT(*) FROM outbox WHERE state <> 'settled' GROUP BY state")
    return {str(state): int(count) for state, count in rows}
