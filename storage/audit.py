"""Who did what, why, and what came of it: an intent row before the effect, an outcome row after it; never changed."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.packing import pack, unpack


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


def _row(row: tuple[Any, ...]) -> AuditRow:
    values = [*row[:10], unpack(row[10]), row[11], row[12], unpack(row[13]) if row[13] else None]
    return AuditRow(*values)
