"""Who did what, why, and what came of it: an intent row before the effect, an outcome row after it; never changed.

Each row is announced on the feed in the same transaction: whoever looks at what was acted on reads it again.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage import feed
from storage.packing import pack, unpack
from storage.wanted import Wanted, where


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person's name with the role the daemon gave, and how they came in."""

    name: str
    role: str
    peer: str | None = None
    token_id: int | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    id: int
    at: float
    phase: str
    intent_id: int | None
    actor: str
    peer: str | None
    token_id: int | None
    role: str | None
    command: str
    plan_hash: str | None
    subjects: list[str]
    reason: str | None
    outcome: str | None
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Act:
    """An intent with what came of it. ``outcome`` None: it is under way, or the daemon was killed meanwhile."""

    intent: AuditRow
    ended_at: float | None
    outcome: str | None
    result: dict[str, Any] | None


UNDER_WAY = "under_way"
_ORDER_ID = re.compile(r"801[0-9A-Za-z]{15}")  # Salesforce's key prefix of Order
_OF_ORDER = (
    "EXISTS (SELECT 1 FROM json_each(a.subjects) s LEFT JOIN orders n ON n.order_id = s.value"
    " WHERE ? IN (fold(s.value), ltrim(n.number, '0')))"
)
ACTS: dict[str, str] = {
    "who": "fold(a.actor) = ?",
    "role": "a.role = ?",
    "command": "instr(fold(a.command), ?) > 0",
    "order": _OF_ORDER,
    "reason": "instr(fold(COALESCE(a.reason, '')), ?) > 0",
    "outcome": f"COALESCE(o.outcome, '{UNDER_WAY}') = ?",
    "since": "a.at >= ?",
    "until": "a.at < ?",
    "word": f"instr(fold(a.actor || ' ' || a.command || ' ' || COALESCE(a.reason, '')), ?) > 0 OR {_OF_ORDER}",
}
_FROM_ACTS = "audit a LEFT JOIN audit o ON o.intent_id = a.id AND o.phase = 'outcome' WHERE a.phase = 'intent'"

_COLUMNS = (
    "id, at, phase, intent_id, actor, peer, token_id, role, command, plan_hash, subjects, reason, outcome, detail"
)


def intent(
    db: sqlite3.Connection,
    now: float,
    actor: Actor,
    command: str,
    subjects: Sequence[str],
    *,
    plan_hash: str | None = None,
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    cursor = db.execute(
        "INSERT INTO audit (at, phase, actor, peer, token_id, role, command, plan_hash, subjects, reason, detail)"
        " VALUES (?, 'intent', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            now, actor.name, actor.peer, actor.token_id, actor.role, command, plan_hash,
            pack(list(subjects)), reason, pack(detail) if detail else None,
        ),
    )  # fmt: skip
    assert cursor.lastrowid is not None
    _announce(db, now, cursor.lastrowid, command, subjects, None)
    return cursor.lastrowid


def outcome(
    db: sqlite3.Connection, intent_id: int, now: float, outcome: str, detail: Mapping[str, Any] | None = None
) -> None:
    """``outcome``: done, unknown (sent, not confirmed), failed, refused, partly (of many) or interrupted."""
    db.execute(
        "INSERT INTO audit (at, phase, intent_id, actor, peer, token_id, role, command, plan_hash, subjects, reason, outcome,"
        " detail) SELECT ?, 'outcome', id, actor, peer, token_id, role, command, plan_hash, subjects, reason, ?, ?"
        " FROM audit WHERE id = ?",
        (now, outcome, pack(detail) if detail else None, intent_id),
    )
    known = db.execute("SELECT command, subjects FROM audit WHERE id = ?", (intent_id,)).fetchone()
    if known is not None:
        _announce(db, now, intent_id, known[0], unpack(known[1]), outcome)


def _announce(
    db: sqlite3.Connection, now: float, intent_id: int, command: str, subjects: Sequence[str], outcome: str | None
) -> None:
    """Of the subjects only the one order: others may name a person. An act on many orders is told order by order."""
    one = subjects[0] if len(subjects) == 1 and _ORDER_ID.fullmatch(subjects[0]) else None
    body = {"audit": intent_id, "command": command, **({"outcome": outcome} if outcome is not None else {})}
    feed.append(db, now, "audit", body, order_id=one)


def unfinished(db: sqlite3.Connection) -> list[AuditRow]:
    """Intents without an outcome: commands that were under way when the process ended."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM audit a WHERE phase = 'intent'"
        " AND NOT EXISTS (SELECT 1 FROM audit o WHERE o.intent_id = a.id) ORDER BY id"
    )
    return [_row(row) for row in rows]


def newest(
    db: sqlite3.Connection,
    limit: int = 200,
    *,
    before: int | None = None,
    actor: str | None = None,
    command: str | None = None,
    subject: str | None = None,
) -> list[AuditRow]:
    where, values = ["id < ?"], [before if before is not None else 2**62]
    filters: list[Any] = list(values)
    for column, value in (("actor = ?", actor), ("command = ?", command)):
        if value is not None:
            where.append(column)
            filters.append(value)
    if subject is not None:
        where.append("EXISTS (SELECT 1 FROM json_each(audit.subjects) WHERE value = ?)")
        filters.append(subject)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
        (*filters, limit),
    )
    return [_row(row) for row in rows]


def acts(
    db: sqlite3.Connection, wanted: Sequence[Wanted] = (), limit: int = 200, *, before: int | None = None
) -> list[Act]:
    """Newest first; ``wanted`` names conditions of ``ACTS``; ``before``: an intent's id to go on from."""
    condition, bound = where(wanted, ACTS)
    columns = ", ".join(f"a.{name.strip()}" for name in _COLUMNS.split(","))
    rows = db.execute(
        f"SELECT {columns}, o.at, o.outcome, o.detail FROM {_FROM_ACTS} AND a.id < ? AND {condition}"
        " ORDER BY a.id DESC LIMIT ?",
        (before if before is not None else 2**62, *bound, limit),
    )
    return [Act(_row(row[:14]), row[14], row[15], unpack(row[16]) if row[16] else None) for row in rows]


def count_acts(db: sqlite3.Connection, wanted: Sequence[Wanted] = ()) -> int:
    condition, bound = where(wanted, ACTS)
    return int(db.execute(f"SELECT COUNT(*) FROM {_FROM_ACTS} AND {condition}", bound).fetchone()[0])


def _row(row: tuple[Any, ...]) -> AuditRow:
    values = [*row[:10], unpack(row[10]), row[11], row[12], unpack(row[13]) if row[13] else None]
    return AuditRow(*values)
