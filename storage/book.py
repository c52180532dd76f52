"""The book: one compact row for each order, with its latest run, its take and its mails. No names, phones, addresses."""

import sqlite3
from collections.abc import Sequence
from typing import Any

COLUMNS = (
    "order_id", "number", "account", "kind", "plan", "amount", "sf", "read_at",
    "run_id", "version", "state", "wait", "wait_reason", "until", "next_at", "waits_for", "step", "strip", "tries", "attempt",
    "class", "system", "code", "cause", "error_step", "message", "unknown", "parked", "created", "updated", "mail", "owner", "owner_until",
)  # fmt: skip

PARKED = (
    "CASE WHEN r.state = 'parked' AND r.condition IS NOT NULL THEN"
    " json_extract(r.condition, '$.kind') || '(' || json_extract(r.condition, '$.argument') || ')' END"
)
CREATED = "COALESCE(r.created_at, o.sf_modified_at, o.read_at)"
UPDATED = "COALESCE(r.updated_at, o.read_at)"
_STRIP = (
    "COALESCE((SELECT group_concat(letter, '') FROM (SELECT CASE s.state WHEN 'pending' THEN '.' WHEN 'running' THEN '>'"
    " WHEN 'waiting' THEN '~' WHEN 'done' THEN 'v' WHEN 'failed' THEN 'x' WHEN 'skipped' THEN 's' ELSE '-' END AS letter"
    " FROM steps s WHERE s.run_id = r.id ORDER BY s.position)), '')"
)
# Of several mails the one that most needs to be seen.
_MAIL = (
    "(SELECT m.state FROM mail m WHERE m.order_id = o.order_id ORDER BY CASE m.state WHEN 'maybe_sent' THEN 0"
    " WHEN 'failed' THEN 1 WHEN 'held' THEN 2 WHEN 'sending' THEN 3 WHEN 'queued' THEN 4 ELSE 5 END, m.id DESC LIMIT 1)"
)
_SELECT = (
    "SELECT o.order_id, o.number, o.customer_number, o.kind, o.plan, o.amount, o.sf_status, o.read_at,"
    " r.id, r.version, COALESCE(r.state, 'none'), r.wait, r.wait_reason, r.wait_until,"
    " CASE WHEN r.state IN ('queued', 'retrying') THEN r.next_at END, r.waits_for, r.step,"
    f" {_STRIP}, COALESCE(r.tries, 0), COALESCE(r.attempt, 0), r.error_class, r.error_system, r.error_code,"
    " r.fingerprint, r.error_step, r.error_message, COALESCE(r.unknown_open, 0),"
    f" {PARKED}, {CREATED}, {UPDATED}, {_MAIL}, t.actor, t.expires_at"
    " FROM orders o LEFT JOIN runs r ON r.id = o.run_id LEFT JOIN takes t ON t.order_id = o.order_id"
)


def after(db: sqlite3.Connection, order_id: str, limit: int) -> list[tuple[Any, ...]]:
    """The next rows by order id, in the order of ``COLUMNS``."""
    return db.execute(f"{_SELECT} WHERE o.order_id > ? ORDER BY o.order_id LIMIT ?", (order_id, limit)).fetchall()


def before(db: sqlite3.Connection, order_id: str, limit: int) -> list[tuple[Any, ...]]:
    """The same downwards: ids grow with time, so these are the newest orders first. ``order_id`` "~" begins."""
    return db.execute(f"{_SELECT} WHERE o.order_id < ? ORDER BY o.order_id DESC LIMIT ?", (order_id, limit)).fetchall()


def unfinished_before(db: sqlite3.Connection, order_id: str, limit: int) -> list[tuple[Any, ...]]:
    """As ``before``, only orders whose latest run is neither done nor cancelled."""
    query = f"{_SELECT} WHERE o.order_id < ? AND r.state NOT IN ('done', 'cancelled') ORDER BY o.order_id DESC LIMIT ?"
    return db.execute(query, (order_id, limit)).fetchall()


def rows_of(db: sqlite3.Connection, order_ids: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """The present rows of some orders, by id."""
    found: dict[str, tuple[Any, ...]] = {}
    for start in range(0, len(order_ids), 500):
        part = order_ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        found.update((row[0], row) for row in db.execute(f"{_SELECT} WHERE o.order_id IN ({marks})", tuple(part)))
    return found


def count(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT COUNT(*) FROM orders").fetchone()
    return int(row[0])
