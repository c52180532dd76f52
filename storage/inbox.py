"""Platform events as they came in, the cursor that belongs to them, gaps and poison (rules §4)."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.packing import pack, storable, unpack
from storage.wanted import Wanted, where


@dataclass(frozen=True, slots=True)
class Event:
    seq: int
    channel: str
    replay_id: str
    event_uuid: str
    order_id: str | None
    idem_key: str | None
    payload: dict[str, Any]
    received_at: float
    state: str
    reason: str | None
    run_id: int | None
    handled_at: float | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event to be journaled; ``problem`` makes it a poison row."""

    channel: str
    replay_id: str
    event_uuid: str
    order_id: str | None
    idem_key: str | None
    payload: dict[str, Any]
    received_at: float
    problem: str | None = None
    heartbeat: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    id: int
    channel: str
    lost_cursor: str | None
    cursor_at: float | None
    at: float
    reason: str
    reconciled_at: float | None


_EVENT = (
    "seq, channel, replay_id, event_uuid, order_id, idem_key, payload, received_at, state, reason, run_id, handled_at"
)


def _event(row: tuple[Any, ...]) -> Event:
    values = [*row[:6], unpack(row[6]), *row[7:]]
    return Event(*values)


def append(db: sqlite3.Connection, org: str, transport: str, events: Sequence[Incoming]) -> int:
    """Store a batch and move the cursor to its last event, in the caller's transaction; returns how many were new."""
    new = 0
    for event in events:
        state = "poison" if event.problem else "heartbeat" if event.heartbeat else "new"
        cursor = db.execute(
            "INSERT INTO inbox (org, transport, channel, replay_id, event_uuid, order_id, idem_key, payload, received_at,"
            " state, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(event_uuid) DO NOTHING",
            (
                org, transport, event.channel, event.replay_id, storable(event.event_uuid), event.order_id,
                storable(event.idem_key) if event.idem_key is not None else None, pack(event.payload), event.received_at, state, event.problem,
            ),
        )  # fmt: skip
        if cursor.rowcount:
            new += 1
            if event.problem:
                db.execute(
                    "INSERT INTO poison (inbox_seq, at, reason) VALUES (?, ?, ?)",
                    (cursor.lastrowid, event.received_at, event.problem),
                )
    last = {event.channel: event for event in events}
    db.executemany(
        "INSERT INTO cursors VALUES (?, ?, ?, ?, ?) ON CONFLICT(org, transport, channel)"
        " DO UPDATE SET replay_id = excluded.replay_id, at = excluded.at",
        [(org, transport, event.channel, event.replay_id, event.received_at) for event in last.values()],
    )
    return new


def cursor(db: sqlite3.Connection, org: str, transport: str, channel: str) -> str | None:
    row = db.execute(
        "SELECT replay_id FROM cursors WHERE org = ? AND transport = ? AND channel = ?", (org, transport, channel)
    ).fetchone()
    return str(row[0]) if row else None


def cursors(db: sqlite3.Connection) -> list[tuple[str, str, str, str, float]]:
    return list(db.execute("SELECT org, transport, channel, replay_id, at FROM cursors"))


def gap(db: sqlite3.Connection, org: str, transport: str, channel: str, reason: str, now: float) -> int:
    """Move the cursor into the gaps: events may have been missed since it was written."""
    row = db.execute(
        "DELETE FROM cursors WHERE org = ? AND transport = ? AND channel = ? RETURNING replay_id, at",
        (org, transport, channel),
    ).fetchone()
    lost, at = row or (None, None)
    added = db.execute(
        "INSERT INTO gaps (org, transport, channel, lost_cursor, cursor_at, at, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (org, transport, channel, lost, at, now, reason),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def gaps(db: sqlite3.Connection, *, open_only: bool = False) -> list[Gap]:
    where = " WHERE reconciled_at IS NULL" if open_only else ""
    rows = db.execute(
        f"SELECT id, channel, lost_cursor, cursor_at, at, reason, reconciled_at FROM gaps{where} ORDER BY id"
    )
    return [Gap(*row) for row in rows]


def unseen_gaps(db: sqlite3.Connection, limit: int = 200) -> list[Gap]:
    """Those nobody has looked at, closed by a poll or not; oldest first."""
    rows = db.execute(
        "SELECT id, channel, lost_cursor, cursor_at, at, reason, reconciled_at FROM gaps g"
        " WHERE NOT EXISTS (SELECT 1 FROM seen s WHERE s.subject = 'gap:' || g.id) ORDER BY id LIMIT ?",
        (limit,),
    )
    return [Gap(*row) for row in rows]


def get_gap(db: sqlite3.Connection, gap_id: int) -> Gap | None:
    row = db.execute(
        "SELECT id, channel, lost_cursor, cursor_at, at, reason, reconciled_at FROM gaps WHERE id = ?", (gap_id,)
    ).fetchone()
    return Gap(*row) if row else None


def reconcile_gaps(db: sqlite3.Connection, up_to: float, now: float) -> int:
    """A poll that began at ``up_to`` has read everything: gaps noted before it are closed."""
    return db.execute(
        "UPDATE gaps SET reconciled_at = ? WHERE reconciled_at IS NULL AND at <= ?", (now, up_to)
    ).rowcount


def waiting(db: sqlite3.Connection, limit: int = 500) -> list[Event]:
    rows = db.execute(f"SELECT {_EVENT} FROM inbox WHERE state = 'new' ORDER BY seq LIMIT ?", (limit,))
    return [_event(row) for row in rows]


def handled(
    db: sqlite3.Connection,
    seqs: Sequence[int],
    state: str,
    now: float,
    *,
    reason: str | None = None,
    run_id: int | None = None,
) -> None:
    db.executemany(
        "UPDATE inbox SET state = ?, reason = ?, run_id = ?, handled_at = ? WHERE seq = ? AND state = 'new'",
        [(state, reason, run_id, now, seq) for seq in seqs],
    )


def seen_for(db: sqlite3.Connection, order_id: str, since: float) -> bool:
    """Has an event for this order come in since then?"""
    return (
        db.execute("SELECT 1 FROM inbox WHERE order_id = ? AND received_at >= ? LIMIT 1", (order_id, since)).fetchone()
        is not None
    )


def of_order(db: sqlite3.Connection, order_id: str) -> list[Event]:
    rows = db.execute(f"SELECT {_EVENT} FROM inbox WHERE order_id = ? ORDER BY seq", (order_id,))
    return [_event(row) for row in rows]


_OF_ORDER = (
    "fold(inbox.order_id) = ?"
    " OR EXISTS (SELECT 1 FROM orders n WHERE n.order_id = inbox.order_id AND ltrim(n.number, '0') = ?)"
)
CONDITIONS: dict[str, str] = {
    "state": "state = ?",
    "order": _OF_ORDER,
    "channel": "instr(fold(channel), ?) > 0",
    "reason": "instr(fold(COALESCE(reason, '')), ?) > 0",
    "event": "fold(event_uuid) = ?",
    "since": "received_at >= ?",
    "until": "received_at < ?",
    "word": f"instr(fold(COALESCE(reason, '') || ' ' || event_uuid), ?) > 0 OR {_OF_ORDER}",
}


def newest(
    db: sqlite3.Connection, limit: int = 200, before: int | None = None, wanted: Sequence[Wanted] = ()
) -> list[Event]:
    """``wanted`` names ``CONDITIONS``; ``before``: a sequence number to go on from."""
    condition, bound = where(wanted, CONDITIONS)
    rows = db.execute(
        f"SELECT {_EVENT} FROM inbox WHERE seq < ? AND {condition} ORDER BY seq DESC LIMIT ?",
        (before if before is not None else 2**62, *bound, limit),
    )
    return [_event(row) for row in rows]


def spoil(db: sqlite3.Connection, seqs: Sequence[int], now: float, reason: str) -> None:
    """Events that led nowhere: poison rows, for a person to look at."""
    handled(db, seqs, "poison", now, reason=reason)
    db.executemany("INSERT INTO poison (inbox_seq, at, reason) VALUES (?, ?, ?)", [(seq, now, reason) for seq in seqs])


def poison(db: sqlite3.Connection, limit: int = 200) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT p.id, p.at, p.reason, i.channel, i.replay_id, i.event_uuid, i.payload, p.seen_by FROM poison p"
        " JOIN inbox i ON i.seq = p.inbox_seq ORDER BY p.id DESC LIMIT ?",
        (limit,),
    )
    names = ("id", "at", "reason", "channel", "replay_id", "event_uuid", "payload", "seen_by")
    return [dict(zip(names, row, strict=True)) for row in rows]


def unseen_poison(db: sqlite3.Connection, limit: int = 200) -> list[tuple[int, float, str, str, str]]:
    """(id, at, reason, channel, replay id) of malformed events that nobody has looked at, oldest first."""
    return db.execute(
        "SELECT p.id, p.at, p.reason, i.channel, i.replay_id FROM poison p JOIN inbox i ON i.seq = p.inbox_seq"
        " WHERE p.seen_by IS NULL ORDER BY p.id LIMIT ?",
        (limit,),
    ).fetchall()


def poison_seen_by(db: sqlite3.Connection, poison_id: int) -> tuple[str, str | None] | None:
    """(reason, who has seen it) of a malformed event; None: there is no such row."""
    row = db.execute("SELECT reason, seen_by FROM poison WHERE id = ?", (poison_id,)).fetchone()
    return (str(row[0]), row[1]) if row else None


def see_poison(db: sqlite3.Connection, poison_id: int, actor: str, now: float) -> bool:
    """Somebody has looked at it; False when it was seen before."""
    return (
        db.execute(
            "UPDATE poison SET seen_by = ?, seen_at = ? WHERE id = ? AND seen_by IS NULL", (actor, now, poison_id)
        ).rowcount
        > 0
    )


def last_received(db: sqlite3.Connection) -> float | None:
    row = db.execute("SELECT received_at FROM inbox ORDER BY seq DESC LIMIT 1").fetchone()
    return float(row[0]) if row else None


def seen_key(db: sqlite3.Connection, idem_key: str) -> bool:
    """Did a heartbeat with this key come in?"""
    query = "SELECT 1 FROM inbox WHERE state = 'heartbeat' AND idem_key = ? LIMIT 1"
    return db.execute(query, (idem_key,)).fetchone() is not None


def oldest_unserved(db: sqlite3.Connection) -> float | None:
    """When the oldest event came in that waits for the door and whose order has no open run either."""
    row = db.execute(
        "SELECT MIN(received_at) FROM inbox i WHERE state = 'new' AND NOT EXISTS (SELECT 1 FROM runs r"
        " WHERE r.order_id = i.order_id AND r.state IN ('queued', 'running', 'retrying', 'parked', 'held'))"
    ).fetchone()
    return float(row[0]) if row[0] is not None else None


def waiting_count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT COUNT(*) FROM inbox WHERE state = 'new'").fetchone()[0])


def poison_count(db: sqlite3.Connection) -> int:
    """Malformed events that nobody has looked at."""
    return int(db.execute("SELECT COUNT(*) FROM poison WHERE seen_by IS NULL").fetchone()[0])
