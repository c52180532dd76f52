"""Orders as last read from Salesforce: the read model behind board and find. Salesforce stays the truth."""

import functools
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

from storage.packing import storable


@dataclass(frozen=True, slots=True)
class OrderRow:
    """``amount`` in whole yen; ``kind`` Internet, SIM, eSIM, VPN, … joined by "+"."""

    order_id: str
    number: str
    account_id: str | None
    customer_number: str | None
    customer_name: str | None
    client_id: str | None
    phone: str | None
    email: str | None
    kind: str | None
    plan: str | None
    amount: int | None
    sf_status: str
    placed_by: str | None
    approved_by: str | None
    effective_date: str | None
    sf_modified_at: float | None
    read_at: float


LONGEST_NAME = 200  # nothing longer is a name, and SQLite's patterns and expressions have limits
_NAMES = tuple(f.name for f in fields(OrderRow))
_COLUMNS = ", ".join(_NAMES)


def fold(text: str) -> str:
    """The form both sides of a search are compared in: NFKC, casefolded, single spaces, nothing SQLite cannot compare."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\x00", "\ufffd")
    return " ".join(storable(plain).split())


@functools.lru_cache(maxsize=16_384)
def folded(text: str | None) -> str | None:
    """SQL's ``fold``: what the filter compares stands in few different values, so it is worth remembering."""
    return None if text is None else fold(str(text))


def digits(text: str) -> str:
    """The digits of a phone number in any spelling; a leading 81 is written 0."""
    found = "".join(c for c in unicodedata.normalize("NFKC", text) if c in "0123456789")
    found = next((found[len(dialled) - 2 :] for dialled in ("01081", "0081") if found.startswith(dialled)), found)
    if found.startswith("810") and len(found) in (12, 13):  # +81 (0)90-…
        return found[2:]
    return "0" + found[2:] if found.startswith("81") and len(found) in (11, 12) else found


def put(db: sqlite3.Connection, row: OrderRow, keys: Iterable[tuple[str, str]] = ()) -> None:
    """Insert or refresh an order; ``keys`` are further (kind, value) pairs that find looks up exactly."""
    search = fold(" ".join(filter(None, (row.customer_name, row.customer_number, row.plan))))
    kept = "order_id = order_id"
    updates = ", ".join(
        f"{name} = COALESCE(excluded.{name}, {name})"
        if name in ("phone", "email", "client_id", "approved_by")
        else f"{name} = excluded.{name}"
        for name in _NAMES
        if name != "order_id"
    )
    db.execute(
        f"INSERT INTO orders ({_COLUMNS}, search) VALUES ({', '.join('?' * len(_NAMES))}, ?)"
        f" ON CONFLICT(order_id) DO UPDATE SET {updates or kept}, search = excluded.search",
        (*(storable(value) if isinstance(value, str) else value for value in astuple(row)), search),
    )
    own = [("number", row.number.lstrip("0") or "0"), ("customer", row.customer_number), ("client", row.client_id)]
    own += [("phone", digits(row.phone) if row.phone else None), ("email", row.email.casefold() if row.email else None)]
    add_keys(db, row.order_id, [(kind, value) for kind, value in own if value] + list(keys))


def add_keys(db: sqlite3.Connection, order_id: str, keys: Iterable[tuple[str, str]]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO order_keys VALUES (?, ?, ?)", [(kind, fold(value), order_id) for kind, value in keys]
    )


def set_status(db: sqlite3.Connection, order_id: str, status: str, now: float) -> None:
    db.execute("UPDATE orders SET sf_status = ?, read_at = ? WHERE order_id = ?", (status, now, order_id))


def get(db: sqlite3.Connection, order_id: str) -> OrderRow | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM orders WHERE order_id = ?", (order_id,)).fetchone()
    return OrderRow(*row) if row else None


def get_many(db: sqlite3.Connection, order_ids: Sequence[str]) -> dict[str, OrderRow]:
    found: dict[str, OrderRow] = {}
    for start in range(0, len(order_ids), 500):
        part = order_ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        rows = db.execute(f"SELECT {_COLUMNS} FROM orders WHERE order_id IN ({marks})", tuple(part))
        found.update({row[0]: OrderRow(*row) for row in rows})
    return found


def by_status(db: sqlite3.Connection, *statuses: str) -> list[OrderRow]:
    marks = ", ".join("?" * len(statuses))
    rows = db.execute(f"SELECT {_COLUMNS} FROM orders WHERE sf_status IN ({marks}) ORDER BY number", statuses)
    return [OrderRow(*row) for row in rows]


def by_key(db: sqlite3.Connection, kind: str, value: str, limit: int = 50) -> list[str]:
    """Orders with exactly this key, the newest first."""
    rows = db.execute(
        "SELECT order_id FROM order_keys LEFT JOIN orders USING (order_id) WHERE order_keys.kind = ? AND value = ?"
        " ORDER BY number DESC LIMIT ?",
        (kind, fold(value), limit),
    )
    return [row[0] for row in rows]


def by_joined_name(db: sqlite3.Connection, text: str, limit: int = 50) -> list[str]:
    """The same, written without the spaces: 田中花子 for 田中 花子."""
    joined = fold(text).replace(" ", "")
    if not joined:
        return []
    rows = db.execute(
        "SELECT order_id FROM orders WHERE instr(replace(search, ' ', ''), ?) > 0 ORDER BY number DESC LIMIT ?",
        (joined, limit),
    )
    return [row[0] for row in rows]


def recipients(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """(order id, mail address, folded) of every order whose customer's address was read; the newest first."""
    rows = db.execute(
        "SELECT order_id, json_extract(state_data, '$.recipient') AS email FROM runs"
        " WHERE order_id IS NOT NULL AND state_data LIKE '%\"recipient\"%' ORDER BY id DESC"
    )
    return [(row[0], fold(str(row[1]))) for row in rows if row[1]]


def by_profile(db: sqlite3.Connection, iccid: str) -> list[str]:
    """The order that holds a profile now."""
    rows = db.execute("SELECT order_id FROM profiles WHERE iccid = ? AND order_id IS NOT NULL", (iccid,))
    return [row[0] for row in rows]


def by_name(db: sqlite3.Connection, text: str, limit: int = 50) -> list[str]:
    """Orders whose customer name, number or plan holds every word of ``text`` (folded)."""
    words = list(dict.fromkeys(fold(text[: LONGEST_NAME + 1]).split()))
    if not words or len(text) > LONGEST_NAME:
        return []
    where = " AND ".join("search LIKE ? ESCAPE '!'" for _ in words)
    patterns = ["%" + w.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%" for w in words]
    rows = db.execute(
        f"SELECT order_id FROM orders WHERE {where} ORDER BY number DESC LIMIT ?",
        (*patterns, limit),
    )
    return [row[0] for row in rows]


def select_ids(
    db: sqlite3.Connection, where: str, parameters: Sequence[Any], order_by: str, limit: int, offset: int
) -> list[str]:
    """Ids of orders joined with their latest run; ``where`` and ``order_by`` come from the compiled filter only.

    Tables: o = orders, r = runs (the order's latest provisioning run, may be null), t = takes.
    """
    rows = db.execute(
        "SELECT o.order_id FROM orders o LEFT JOIN runs r ON r.id = o.run_id LEFT JOIN takes t ON t.order_id = o.order_id"
        f" WHERE {where} ORDER BY {order_by} LIMIT ? OFFSET ?",
        (*parameters, limit, offset),
    )
    return [row[0] for row in rows]


def count(db: sqlite3.Connection, where: str, parameters: Sequence[Any]) -> int:
    row = db.execute(
        "SELECT COUNT(*) FROM orders o LEFT JOIN runs r ON r.id = o.run_id LEFT JOIN takes t ON t.order_id = o.order_id"
        f" WHERE {where}",
        tuple(parameters),
    ).fetchone()
    return int(row[0])
