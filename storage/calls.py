"""Calls and their sends: an intent is committed before each request leaves, the outcome after it (rules §2)."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.packing import pack, unpack


@dataclass(frozen=True, slots=True)
class Call:
    """One outside effect (shared by all runs of its order) or one read of one run."""

    id: int
    run_id: int
    order_id: str
    step: str
    operation: str
    item: str
    system: str
    effect: str
    marker: str | None
    state: str
    sends: int
    input: dict[str, Any]
    output: dict[str, Any] | None
    first_intent_at: float
    intent_at: float
    deadline: float
    wait_from: float | None
    absent_at: float | None
    settled_at: float | None
    settled_by: str | None


@dataclass(frozen=True, slots=True)
class Send:
    id: int
    call_id: int
    run_id: int
    n: int
    kind: str
    intent_at: float
    deadline: float
    ended_at: float | None
    outcome: str | None
    error_class: str | None
    code: str | None
    message: str | None
    evidence: dict[str, Any] | None
    correlation: str | None


_CALL = (
    "id, run_id, order_id, step, operation, item, system, effect, marker, state, sends, input, output,"
    " first_intent_at, intent_at, deadline, wait_from, absent_at, settled_at, settled_by"
)
_SEND = "id, call_id, run_id, n, kind, intent_at, deadline, ended_at, outcome, error_class, code, message, evidence, correlation"

_INTEND = (
    "INSERT INTO calls (run_id, order_id, step, operation, item, system, effect, marker, state, sends, input,"
    " first_intent_at, intent_at, deadline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intended', 1, ?, ?, ?, ?) ON CONFLICT {}"
)
_INTEND_ANEW = _INTEND.format("DO NOTHING")
_INTEND_AGAIN = _INTEND.format(
    "{} DO UPDATE SET state = 'intended', sends = sends + 1, run_id = excluded.run_id, step = excluded.step,"
    " input = excluded.input, intent_at = excluded.intent_at, deadline = excluded.deadline, wait_from = NULL,"
    " absent_at = NULL, settled_at = NULL RETURNING id, sends"
)
_EFFECT_AGAIN = _INTEND_AGAIN.format("(order_id, operation, item) WHERE effect <> 'read'")
_READ_AGAIN = _INTEND_AGAIN.format("(run_id, operation, item) WHERE effect = 'read'")


def _call(row: tuple[Any, ...]) -> Call:
    values = [*row[:11], unpack(row[11]), unpack(row[12]) if row[12] else None, *row[13:]]
    return Call(*values)


def _send(row: tuple[Any, ...]) -> Send:
    values = [*row[:12], unpack(row[12]) if row[12] else None, row[13]]
    return Send(*values)


def find(db: sqlite3.Connection, order_id: str, operation: str, item: str = "") -> Call | None:
    """The effect call of an order, whichever run made it."""
    row = db.execute(
        f"SELECT {_CALL} FROM calls WHERE order_id = ? AND operation = ? AND item = ? AND effect <> 'read'",
        (order_id, operation, item),
    ).fetchone()
    return _call(row) if row else None


def get(db: sqlite3.Connection, call_id: int) -> Call | None:
    row = db.execute(f"SELECT {_CALL} FROM calls WHERE id = ?", (call_id,)).fetchone()
    return _call(row) if row else None


def of_order(db: sqlite3.Connection, order_id: str) -> list[Call]:
    """Every effect call of an order and the reads of its runs, oldest first."""
    rows = db.execute(
        f"SELECT {_CALL} FROM calls WHERE order_id = ? AND effect <> 'read' UNION ALL"
        f" SELECT {_CALL} FROM calls WHERE effect = 'read' AND run_id IN (SELECT id FROM runs WHERE order_id = ?) ORDER BY id",
        (order_id, order_id),
    )
    return [_call(row) for row in rows]


def effects(db: sqlite3.Connection, order_id: str) -> list[Call]:
    rows = db.execute(
        f"SELECT {_CALL} FROM calls WHERE order_id = ? AND effect <> 'read' ORDER BY id",
        (order_id,),
    )
    return [_call(row) for row in rows]


def intend(
    db: sqlite3.Connection,
    *,
    run_id: int,
    order_id: str,
    step: str,
    operation: str,
    item: str,
    system: str,
    effect: str,
    marker: str | None,
    request: Mapping[str, Any],
    now: float,
    deadline: float,
    correlation: str,
) -> tuple[int, int]:
    """Commit "this call is about to be made"; returns (call id, send id)."""
    values = (run_id, order_id, step, operation, item, system, effect, marker, pack(request), now, now, deadline)
    made = db.execute(_INTEND_ANEW, values)  # most calls are made once, and RETURNING costs as much as the rest
    if made.rowcount:
        call_id, n = made.lastrowid, 1
    else:
        call_id, n = db.execute(_READ_AGAIN if effect == "read" else _EFFECT_AGAIN, values).fetchone()
    cursor = db.execute(
        "INSERT INTO sends (call_id, run_id, n, kind, intent_at, deadline, correlation) VALUES (?, ?, ?, 'send', ?, ?, ?)",
        (call_id, run_id, n, now, deadline, correlation),
    )
    assert call_id is not None
    assert cursor.lastrowid is not None
    return call_id, cursor.lastrowid


def intend_look(
    db: sqlite3.Connection, call_id: int, run_id: int, now: float, deadline: float, correlation: str
) -> int:
    cursor = db.execute(
        "INSERT INTO sends (call_id, run_id, n, kind, intent_at, deadline, correlation)"
        " VALUES (?, ?, (SELECT COUNT(*) + 1 FROM sends WHERE call_id = ? AND kind = 'look'), 'look', ?, ?, ?)",
        (call_id, run_id, call_id, now, deadline, correlation),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def end_send(
    db: sqlite3.Connection,
    send_id: int,
    now: float,
    outcome: str,
    *,
    error_class: str | None = None,
    code: str | None = None,
    message: str | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    packed = pack(evidence) if evidence is not None else None
    db.execute(
        "UPDATE sends SET ended_at = ?, outcome = ?, error_class = ?, code = ?, message = ?, evidence = ? WHERE id = ?",
        (now, outcome, error_class, code, message, packed, send_id),
    )


def settle(
    db: sqlite3.Connection,
    call_id: int,
    state: str,
    now: float,
    *,
    output: Mapping[str, Any] | None = None,
    by: str = "answer",
) -> None:
    """Record what a call came to: done, refused, resolved_absent, undone (an output given replaces the old one)."""
    packed = pack(output) if output is not None else None
    db.execute(
        "UPDATE calls SET state = ?, output = COALESCE(?, output), settled_at = ?, settled_by = ?, wait_from = NULL,"
        " absent_at = NULL WHERE id = ?",
        (state, packed, now, by, call_id),
    )


def unknown(db: sqlite3.Connection, call_id: int) -> None:
    """The outcome cannot be told; late landing is waited for from the intent on (rules §3.3)."""
    db.execute(
        "UPDATE calls SET state = 'unknown', wait_from = COALESCE(wait_from, intent_at), settled_at = NULL WHERE id = ?",
        (call_id,),
    )


def undone(db: sqlite3.Connection, call: Call, run_id: int, now: float, by: str) -> None:
    """The effect was taken back. What was sent before says nothing any more about the call's next life."""
    settle(db, call.id, "undone", now, by=by)
    db.execute(
        "INSERT INTO sends (call_id, run_id, n, kind, intent_at, deadline, ended_at, outcome)"
        " VALUES (?, ?, ?, 'undo', ?, ?, ?, 'undone')",
        (call.id, run_id, call.sends, now, now, now),
    )


def since_undone(db: sqlite3.Connection, call_id: int) -> list[Send]:
    """The sends of a call since its effect was last undone, oldest first."""
    rows = db.execute(
        f"SELECT {_SEND} FROM sends WHERE call_id = ?1 AND kind = 'send' AND id > (SELECT COALESCE(MAX(id), 0) FROM sends"
        " WHERE call_id = ?1 AND kind = 'undo') ORDER BY id",
        (call_id,),
    )
    return [_send(row) for row in rows]


def outcomes(db: sqlite3.Connection, call_id: int) -> list[str | None]:
    """What became of each of these sends (None: under way)."""
    return [send.outcome for send in since_undone(db, call_id)]


def open_unknown(
    db: sqlite3.Connection,
    *,
    run_id: int,
    order_id: str,
    step: str,
    operation: str,
    item: str,
    system: str,
    effect: str,
    marker: str | None,
    wait_from: float,
) -> int:
    """A call that may have been made elsewhere (another journal, an older backup): unknown without an intent of ours."""
    row = db.execute(
        "INSERT INTO calls (run_id, order_id, step, operation, item, system, effect, marker, state, first_intent_at,"
        " intent_at, deadline, wait_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'unknown', ?, ?, ?, ?)"
        " ON CONFLICT (order_id, operation, item) WHERE effect <> 'read' DO UPDATE SET state = 'unknown',"
        " wait_from = excluded.wait_from, run_id = excluded.run_id RETURNING id",
        (run_id, order_id, step, operation, item, system, effect, marker, wait_from, wait_from, wait_from, wait_from),
    ).fetchone()
    return int(row[0])


def absent_seen(db: sqlite3.Connection, call_id: int, at: float | None) -> None:
    db.execute("UPDATE calls SET absent_at = ? WHERE id = ?", (at, call_id))


_OPEN = "state IN ('intended', 'unknown')"  # in the words of the index of open calls: else SQLite reads all there are


def restart_waits(db: sqlite3.Connection, now: float) -> int:
    """After a clock jump every wait for late landing starts again, also of calls under way (rules §10)."""
    db.execute(f"UPDATE calls SET intent_at = ? WHERE state = 'intended' AND {_OPEN}", (now,))
    waiting = f"UPDATE calls SET wait_from = ?, absent_at = NULL WHERE state = 'unknown' AND {_OPEN}"
    return db.execute(waiting, (now,)).rowcount


def interrupt(db: sqlite3.Connection, now: float) -> int:
    """At start: what was under way when the process ended has an unknown outcome. Returns how many effect calls."""
    db.execute(
        "UPDATE sends SET outcome = 'interrupted', ended_at = ? WHERE ended_at IS NULL"
        " AND call_id IN (SELECT id FROM calls WHERE state IN ('intended', 'unknown'))",
        (now,),
    )
    db.execute(
        f"UPDATE calls SET state = 'refused', settled_at = ? WHERE state = 'intended' AND effect = 'read' AND {_OPEN}",
        (now,),
    )
    cursor = db.execute(
        "UPDATE calls SET state = 'unknown', wait_from = COALESCE(wait_from, MIN(intent_at, ?))"
        f" WHERE state = 'intended' AND {_OPEN}",
        (now,),
    )
    return cursor.rowcount


def interrupt_run(db: sqlite3.Connection, run_id: int, now: float) -> None:
    """The same for one run whose outcomes could not be written."""
    db.execute(
        "UPDATE sends SET outcome = 'interrupted', ended_at = ? WHERE ended_at IS NULL AND run_id = ?"
        " AND call_id IN (SELECT id FROM calls WHERE state IN ('intended', 'unknown'))",
        (now, run_id),
    )
    db.execute(
        "UPDATE calls SET state = CASE effect WHEN 'read' THEN 'refused' ELSE 'unknown' END,"
        " wait_from = CASE effect WHEN 'read' THEN NULL ELSE COALESCE(wait_from, intent_at) END"
        " WHERE run_id = ? AND state = 'intended'",
        (run_id,),
    )


def open_effects(db: sqlite3.Connection, order_id: str) -> list[Call]:
    """Effect calls of an order whose outcome is not known."""
    return [call for call in effects(db, order_id) if call.state in ("intended", "unknown")]


def sends(db: sqlite3.Connection, call_id: int) -> list[Send]:
    rows = db.execute(f"SELECT {_SEND} FROM sends WHERE call_id = ? ORDER BY id", (call_id,))
    return [_send(row) for row in rows]


def sends_of_order(db: sqlite3.Connection, order_id: str) -> list[Send]:
    """The sends and looks of all calls of an order, oldest first."""
    return sorted((send for call in of_order(db, order_id) for send in sends(db, call.id)), key=lambda send: send.id)


def owners(db: sqlite3.Connection, operation: str, key: str, value: str) -> list[str]:
    """Orders whose call of this operation made (or adopted) the thing ``value``, as its output names it under ``key``."""
    rows = db.execute(
        "SELECT DISTINCT order_id FROM calls WHERE operation = ? AND effect <> 'read' AND state = 'done'"
        " AND json_extract(output, '$.' || ?) = ?",
        (operation, key, value),
    )
    return [row[0] for row in rows]


def note_resolution(
    db: sqlite3.Connection, call_id: int, run_id: int, now: float, outcome: str, evidence: Mapping[str, Any]
) -> None:
    """What a person decided about a call (found or absent) and on what evidence, beside its sends and looks."""
    db.execute(
        "INSERT INTO sends (call_id, run_id, n, kind, intent_at, deadline, ended_at, outcome, evidence)"
        " VALUES (?, ?, 1, 'resolve', ?, ?, ?, ?, ?)",
        (call_id, run_id, now, now, now, outcome, pack(evidence)),
    )


def looks_without_answer(db: sqlite3.Connection, call_id: int) -> int:
    """How many looks in a row, newest first, could not tell."""
    rows = db.execute(
        "SELECT outcome FROM sends WHERE call_id = ? AND kind = 'look' ORDER BY id DESC LIMIT 50", (call_id,)
    )
    count = 0
    for (outcome,) in rows:
        if outcome in ("found", "absent"):
            break
        count += 1
    return count


def trim(db: sqlite3.Connection, before: float, limit: int = 500) -> int:
    """Orders whose run was done before ``before`` are cut to effects and ids: no inputs, no reads (rules §13)."""
    rows = db.execute(
        "SELECT id, COALESCE(order_id, subject) FROM runs WHERE state = 'done' AND state_data <> '{}' AND ended_at < ?"
        " ORDER BY ended_at LIMIT ?",
        (before, limit),
    ).fetchall()
    for run_id, order_id in rows:
        done = "SELECT id FROM runs WHERE order_id = ? AND state = 'done' AND ended_at < ?"
        db.execute(
            f"DELETE FROM sends WHERE call_id IN (SELECT id FROM calls WHERE effect = 'read' AND run_id IN ({done}))",
            (order_id, before),
        )
        db.execute(f"DELETE FROM calls WHERE effect = 'read' AND run_id IN ({done})", (order_id, before))
        db.execute("UPDATE calls SET input = '{}' WHERE order_id = ? AND effect <> 'read'", (order_id,))
        db.execute("UPDATE steps SET output = NULL WHERE run_id = ?", (run_id,))
        db.execute("UPDATE runs SET state_data = '{}' WHERE id = ?", (run_id,))
    return len(rows)
