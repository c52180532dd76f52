"""Staff tokens (hashed) and idempotency keys."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    id: int
    name: str
    role: str
    prefix: str
    hash: str
    created_at: float
    expires_at: float
    revoked_at: float | None
    last_used_at: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a key was answered: ``state`` in_flight or done."""

    body_hash: str
    state: str
    status: int | None
    response: str | None


_COLUMNS = "id, name, role, prefix, hash, created_at, expires_at, revoked_at, last_used_at"


def add(
    db: sqlite3.Connection,
    name: str,
    role: str,
    prefix: str,
    hashed: str,
    now: float,
    expires_at: float,
    created_by: str,
) -> int:
    cursor = db.execute(
        "INSERT INTO tokens (name, role, prefix, hash, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (name, role, prefix, hashed, now, created_by, expires_at),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def by_prefix(db: sqlite3.Connection, prefix: str) -> Token | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM tokens WHERE prefix = ?", (prefix,)).fetchone()
    return Token(*row) if row else None


def get(db: sqlite3.Connection, token_id: int) -> Token | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM tokens WHERE id = ?", (token_id,)).fetchone()
    return Token(*row) if row else None


def every(db: sqlite3.Connection) -> list[Token]:
    return [Token(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM tokens ORDER BY id")]


def revoke(db: sqlite3.Connection, token_id: int, now: float) -> bool:
    return (
        db.execute("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, token_id)).rowcount > 0
    )


def revoke_all(db: sqlite3.Connection, now: float) -> int:
    return db.execute("UPDATE tokens SET revoked_at = ? WHERE revoked_at IS NULL", (now,)).rowcount


def used(db: sqlite3.Connection, token_id: int, now: float) -> None:
    db.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (now, token_id))


def begin(db: sqlite3.Connection, owner: str, key: str, body_hash: str, now: float) -> Answer | None:
    """Take a key: None when it is ours now, else what is known of its first use."""
    row = db.execute(
        "SELECT body_hash, state, status, response FROM idempotency WHERE owner = ? AND key = ?", (owner, key)
    ).fetchone()
    if row:
        return Answer(*row)
    db.execute(
        "INSERT INTO idempotency (owner, key, body_hash, state, at) VALUES (?, ?, ?, 'in_flight', ?)",
        (owner, key, body_hash, now),
    )
    return None


def answer(db: sqlite3.Connection, owner: str, key: str) -> Answer | None:
    row = db.execute(
        "SELECT body_hash, state, status, response FROM idempotency WHERE owner = ? AND key = ?", (owner, key)
    ).fetchone()
    return Answer(*row) if row else None


def finish(db: sqlite3.Connection, owner: str, key: str, status: int, response: str) -> None:
    db.execute(
        "UPDATE idempotency SET state = 'done', status = ?, response = ? WHERE owner = ? AND key = ?",
        (status, response, owner, key),
    )


def forget(db: sqlite3.Connection, owner: str, key: str) -> None:
    """Nothing was done under this key: it may be used again."""
    db.execute("DELETE FROM idempotency WHERE owner = ? AND key = ?", (owner, key))


def expire(db: sqlite3.Connection, before: float) -> int:
    return db.execute("DELETE FROM idempotency WHERE at < ?", (before,)).rowcount


def void_keys(db: sqlite3.Connection) -> int:
    return db.execute("DELETE FROM idempotency").rowcount
