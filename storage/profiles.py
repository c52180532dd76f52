"""eSIM profiles, whom they are reserved for, and their activation data (rules §6 esim, §12 at rest)."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProfileRow:
    iccid: str
    type: str
    state: str
    shown_state: str | None
    order_id: str | None
    order_item_id: str | None
    eid: str | None
    updated_at: float


@dataclass(frozen=True, slots=True)
class Activation:
    """What takes over a line. Read by mail and by the audited reveal, by nobody else."""

    order_id: str
    order_item_id: str
    matching_id: str
    smdp_address: str | None


_PROFILE = "iccid, type, state, shown_state, order_id, order_item_id, eid, updated_at"


def history(
    db: sqlite3.Connection, iccid: str, now: float, what: str, order_id: str | None = None, detail: str | None = None
) -> None:
    db.execute(
        "INSERT INTO profile_history (iccid, at, what, order_id, detail) VALUES (?, ?, ?, ?, ?)",
        (iccid, now, what, order_id, detail),
    )


def add(db: sqlite3.Connection, rows: Iterable[tuple[str, str]], batch: str, now: float) -> tuple[int, list[str]]:
    """Import (iccid, type) rows; returns how many are new and which ICCIDs stand already with another type."""
    new, clashes = 0, []
    for iccid, kind in rows:
        cursor = db.execute(
            "INSERT INTO profiles (iccid, type, state, batch, imported_at, updated_at) VALUES (?, ?, 'free', ?, ?, ?)"
            " ON CONFLICT(iccid) DO NOTHING",
            (iccid, kind, batch, now, now),
        )
        if cursor.rowcount:
            new += 1
            history(db, iccid, now, "imported", detail=batch)
        elif db.execute("SELECT type FROM profiles WHERE iccid = ?", (iccid,)).fetchone()[0] != kind:
            clashes.append(iccid)
    return new, clashes


def reserve(db: sqlite3.Connection, order_id: str, item_id: str, kind: str, eid: str | None, now: float) -> str | None:
    """The ICCID reserved for an order item (the one it has already, else a free one), or None when the stock is empty."""
    held = db.execute("SELECT iccid FROM profiles WHERE order_item_id = ?", (item_id,)).fetchone()
    if held:
        db.execute("UPDATE profiles SET eid = COALESCE(?, eid) WHERE iccid = ?", (eid, held[0]))
        return str(held[0])
    row = db.execute(
        "UPDATE profiles SET state = 'reserved', order_id = ?, order_item_id = ?, eid = ?, updated_at = ? WHERE iccid ="
        " (SELECT iccid FROM profiles WHERE type = ? AND state = 'free' ORDER BY iccid LIMIT 1) RETURNING iccid",
        (order_id, item_id, eid, now, kind),
    ).fetchone()
    if row is None:
        return None
    history(db, row[0], now, "reserved", order_id, item_id)
    return str(row[0])


def adopt(db: sqlite3.Connection, iccid: str, order_id: str, item_id: str, kind: str, now: float) -> str | None:
    """Tie an ICCID that Salesforce names to its order item; returns whose it is when it is somebody else's."""
    row = db.execute("SELECT order_item_id, state FROM profiles WHERE iccid = ?", (iccid,)).fetchone()
    if row and row[0] == item_id:
        return None
    if row and row[0] is not None:
        return str(row[0])
    db.execute(
        "INSERT INTO profiles (iccid, type, state, order_id, order_item_id, imported_at, updated_at)"
        " VALUES (?, ?, 'reserved', ?, ?, ?, ?) ON CONFLICT(iccid) DO UPDATE SET state = 'reserved',"
        " order_id = excluded.order_id, order_item_id = excluded.order_item_id, updated_at = excluded.updated_at",
        (iccid, kind, order_id, item_id, now, now),
    )
    history(db, iccid, now, "adopted from Salesforce", order_id, item_id)
    return None


def loosen(db: sqlite3.Connection, iccid: str, now: float, order_id: str) -> None:
    """Untie a reserved profile from its item; it stays the order's until ``free`` gives it back."""
    db.execute("UPDATE profiles SET order_item_id = NULL, eid = NULL, updated_at = ? WHERE iccid = ?", (now, iccid))
    history(db, iccid, now, "let go", order_id)


def reserved_here(db: sqlite3.Connection, iccid: str, order_id: str) -> bool:
    """Did we take it out of stock for this order, rather than find it named in Salesforce?"""
    query = "SELECT 1 FROM profile_history WHERE iccid = ? AND order_id = ? AND what = 'reserved' LIMIT 1"
    return db.execute(query, (iccid, order_id)).fetchone() is not None


def set_state(
    db: sqlite3.Connection, iccid: str, state: str, now: float, order_id: str | None, detail: str | None = None
) -> None:
    db.execute("UPDATE profiles SET state = ?, updated_at = ? WHERE iccid = ?", (state, now, iccid))
    history(db, iccid, now, state, order_id, detail)


def free(db: sqlite3.Connection, iccid: str, now: float, order_id: str | None, *, usable: bool) -> None:
    """Give a reserved profile back (or set it aside when the provider may have used it)."""
    state = "free" if usable else "unusable"
    db.execute(
        "UPDATE profiles SET state = ?, order_id = NULL, order_item_id = NULL, eid = NULL, updated_at = ? WHERE iccid = ?",
        (state, now, iccid),
    )
    history(db, iccid, now, f"given back ({state})", order_id)


def quarantine_free(db: sqlite3.Connection, now: float) -> int:
    """In recovery a free ICCID may have been used since the backup (rules §5.3)."""
    return db.execute("UPDATE profiles SET state = 'quarantined', updated_at = ? WHERE state = 'free'", (now,)).rowcount


def release_quarantine(db: sqlite3.Connection, used: Iterable[str], now: float) -> tuple[int, int]:
    """Compared with Salesforce and WHMCS: those in ``used`` become unusable, the rest free; returns both counts."""
    bad = 0
    for iccid in used:
        bad += db.execute(
            "UPDATE profiles SET state = 'unusable', updated_at = ? WHERE iccid = ? AND state = 'quarantined'",
            (now, iccid),
        ).rowcount
    good = db.execute("UPDATE profiles SET state = 'free', updated_at = ? WHERE state = 'quarantined'", (now,)).rowcount
    return good, bad


def of_order(db: sqlite3.Connection, order_id: str) -> list[ProfileRow]:
    rows = db.execute(f"SELECT {_PROFILE} FROM profiles WHERE order_id = ? ORDER BY iccid", (order_id,))
    return [ProfileRow(*row) for row in rows]


def get(db: sqlite3.Connection, iccid: str) -> ProfileRow | None:
    row = db.execute(f"SELECT {_PROFILE} FROM profiles WHERE iccid = ?", (iccid,)).fetchone()
    return ProfileRow(*row) if row else None


def history_of(db: sqlite3.Connection, iccid: str) -> list[tuple[float, str, str | None, str | None]]:
    return list(
        db.execute("SELECT at, what, order_id, detail FROM profile_history WHERE iccid = ? ORDER BY id", (iccid,))
    )


def stock(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(type, state, count)."""
    return list(db.execute("SELECT type, state, COUNT(*) FROM profiles GROUP BY type, state ORDER BY type, state"))


def listed(db: sqlite3.Connection, kind: str | None, state: str | None, limit: int) -> list[ProfileRow]:
    """Profiles of a type and a state (None: any), the last changed first."""
    rows = db.execute(
        f"SELECT {_PROFILE} FROM profiles WHERE (?1 IS NULL OR type = ?1) AND (?2 IS NULL OR state = ?2)"
        " ORDER BY updated_at DESC, iccid LIMIT ?3",
        (kind, state, limit),
    )
    return [ProfileRow(*row) for row in rows]


def free_count(db: sqlite3.Connection, kind: str) -> int:
    row = db.execute("SELECT COUNT(*) FROM profiles WHERE type = ? AND state = 'free'", (kind,)).fetchone()
    return int(row[0])


def activation(db: sqlite3.Connection, order_id: str, item_id: str) -> Activation | None:
    row = db.execute(
        "SELECT order_id, order_item_id, matching_id, smdp_address FROM activation WHERE order_id = ? AND order_item_id = ?",
        (order_id, item_id),
    ).fetchone()
    return Activation(*row) if row else None


def activations(db: sqlite3.Connection, order_id: str) -> Sequence[Activation]:
    rows = db.execute(
        "SELECT order_id, order_item_id, matching_id, smdp_address FROM activation WHERE order_id = ? ORDER BY order_item_id",
        (order_id,),
    )
    return [Activation(*row) for row in rows]


def store_matching_id(
    db: sqlite3.Connection, order_id: str, item_id: str, matching_id: str, now: float, *, replace: bool = False
) -> str:
    """Keep the matching id of an item before its first use; the one kept already wins unless ``replace``."""
    action = "UPDATE SET matching_id = excluded.matching_id" if replace else "NOTHING"
    db.execute(
        "INSERT INTO activation (order_id, order_item_id, matching_id, created_at) VALUES (?, ?, ?, ?)"
        f" ON CONFLICT(order_id, order_item_id) DO {action}",
        (order_id, item_id, matching_id, now),
    )
    kept = activation(db, order_id, item_id)
    assert kept is not None
    return kept.matching_id


def store_confirmation(
    db: sqlite3.Connection, order_id: str, item_id: str, matching_id: str, smdp_address: str | None
) -> None:
    """The reply's matching id is the one that counts (facts: a server may make its own)."""
    db.execute(
        "UPDATE activation SET matching_id = ?, smdp_address = COALESCE(?, smdp_address) WHERE order_id = ? AND order_item_id = ?",
        (matching_id, smdp_address, order_id, item_id),
    )


def add_progress(
    db: sqlite3.Connection,
    dedupe: str,
    iccid: str,
    now: float,
    point: int | None,
    status: str | None,
    reported_at: float | None,
    body: str,
) -> bool:
    """Store a provider's call-back; False when it is a repeat. An unknown ICCID is kept for review."""
    known = get(db, iccid) is not None
    cursor = db.execute(
        "INSERT INTO progress (dedupe, iccid, at, point, status, reported_at, body, known) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(dedupe) DO NOTHING",
        (dedupe, iccid, now, point, status, reported_at, body, int(known)),
    )
    return cursor.rowcount > 0


def show_state(db: sqlite3.Connection, iccid: str, shown: str, at: float, now: float) -> bool:
    """Move the shown state forward; an older report never moves it back. A call-back touches nothing else."""
    cursor = db.execute(
        "UPDATE profiles SET shown_state = ?, shown_at = ? WHERE iccid = ? AND (shown_at IS NULL OR shown_at <= ?)",
        (shown, at, iccid, at),
    )
    if cursor.rowcount:
        history(db, iccid, now, f"device: {shown}")
    return cursor.rowcount > 0
