"""Commands over many orders: the batch and a result per item, so that it outlives window and process."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.packing import pack, unpack


@dataclass(frozen=True, slots=True)
class Batch:
    id: str
    command: str
    actor: str
    role: str
    reason: str | None
    arguments: dict[str, Any]
    plan_hash: str
    audit_id: int
    state: str
    pace: float
    stop_after: int
    created_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Item:
    position: int
    order_id: str
    run_version: int | None
    state: str
    result: dict[str, Any] | None
    at: float | None


_BATCH = (
    "id, command, actor, role, reason, arguments, plan_hash, audit_id, state, pace, stop_after, created_at, ended_at"
)


def insert(db: sqlite3.Connection, batch: Batch, items: Sequence[tuple[str, int | None, str | None]]) -> None:
    """``items``: (order id, run version planned on, reason of exclusion or None)."""
    db.execute(
        f"INSERT INTO batches ({_BATCH}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            batch.id, batch.command, batch.actor, batch.role, batch.reason, pack(batch.arguments),
            batch.plan_hash, batch.audit_id, batch.state, batch.pace, batch.stop_after, batch.created_at, batch.ended_at,
        ),
    )  # fmt: skip
    db.executemany(
        "INSERT INTO batch_items (batch_id, position, order_id, run_version, state, result) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                batch.id,
                i,
                order_id,
                version,
                "excluded" if why else "waiting",
                pack({"reason": why}) if why else None,
            )
            for i, (order_id, version, why) in enumerate(items)
        ],
    )


def get(db: sqlite3.Connection, batch_id: str) -> Batch | None:
    row = db.execute(f"SELECT {_BATCH} FROM batches WHERE id = ?", (batch_id,)).fetchone()
    return _batch(row) if row else None


def running(db: sqlite3.Connection) -> list[Batch]:
    """Those that have not ended; one that is stopping still follows what it began."""
    rows = db.execute(f"SELECT {_BATCH} FROM batches WHERE state IN ('running', 'stopping') ORDER BY created_at")
    return [_batch(row) for row in rows]


def ask_to_stop(db: sqlite3.Connection, batch_id: str) -> bool:
    """Nothing more of it is begun; False when it is not running."""
    return (
        db.execute("UPDATE batches SET state = 'stopping' WHERE id = ? AND state = 'running'", (batch_id,)).rowcount > 0
    )


def state(db: sqlite3.Connection, batch_id: str) -> str | None:
    """running, stopping, done, stopped (by a person) or broken_off (after failures in a row)."""
    row = db.execute("SELECT state FROM batches WHERE id = ?", (batch_id,)).fetchone()
    return str(row[0]) if row else None


def newest(db: sqlite3.Connection, limit: int = 50) -> list[Batch]:
    rows = db.execute(f"SELECT {_BATCH} FROM batches ORDER BY created_at DESC LIMIT ?", (limit,))
    return [_batch(row) for row in rows]


def counts(db: sqlite3.Connection, batch_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Batch → state of an item → how many."""
    found: dict[str, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    marks = ", ".join("?" * len(batch_ids))
    rows = db.execute(
        f"SELECT batch_id, state, COUNT(*) FROM batch_items WHERE batch_id IN ({marks}) GROUP BY batch_id, state",
        tuple(batch_ids),
    )
    for batch_id, item_state, count in rows:
        found[batch_id][item_state] = count
    return found


def items(db: sqlite3.Connection, batch_id: str, *, after: float | None = None) -> list[Item]:
    """In their order; with ``after`` only those that changed at that moment or later."""
    rows = db.execute(
        "SELECT position, order_id, run_version, state, result, at FROM batch_items WHERE batch_id = ?"
        f"{'' if after is None else ' AND at >= ?'} ORDER BY position",
        (batch_id,) if after is None else (batch_id, after),
    )
    return [_item(row) for row in rows]


def next_waiting(db: sqlite3.Connection, batch_id: str) -> Item | None:
    """The first that was not begun."""
    found = _items_where(db, "batch_id = ? AND state = 'waiting' ORDER BY position LIMIT 1", (batch_id,))
    return found[0] if found else None


def working(db: sqlite3.Connection, batch_id: str) -> list[Item]:
    """Those that were begun and have no result yet."""
    return _items_where(db, "batch_id = ? AND state = 'working' ORDER BY position", (batch_id,))


def newest_results(db: sqlite3.Connection, batch_id: str, limit: int) -> list[Item]:
    """The items that were done or failed last."""
    where = "batch_id = ? AND state IN ('done', 'failed') AND at IS NOT NULL ORDER BY at DESC, position DESC LIMIT ?"
    return _items_where(db, where, (batch_id, limit))


def _items_where(db: sqlite3.Connection, where: str, bound: tuple[Any, ...]) -> list[Item]:
    rows = db.execute(
        f"SELECT position, order_id, run_version, state, result, at FROM batch_items WHERE {where}", bound
    )
    return [_item(row) for row in rows]


def _item(row: tuple[Any, ...]) -> Item:
    return Item(*[*row[:4], unpack(row[4]) if row[4] else None, row[5]])


def set_item(
    db: sqlite3.Connection,
    batch_id: str,
    position: int,
    state: str,
    now: float,
    result: Mapping[str, Any] | None = None,
) -> None:
    packed = pack(result) if result is not None else None
    db.execute(
        "UPDATE batch_items SET state = ?, result = ?, at = ? WHERE batch_id = ? AND position = ?",
        (state, packed, now, batch_id, position),
    )


def end(db: sqlite3.Connection, batch_id: str, state: str, now: float) -> None:
    db.execute("UPDATE batches SET state = ?, ended_at = ? WHERE id = ?", (state, now, batch_id))


def _batch(row: tuple[Any, ...]) -> Batch:
    values = [*row[:5], unpack(row[5]), *row[6:]]
    return Batch(*values)
