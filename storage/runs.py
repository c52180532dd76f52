"""Runs and their steps: the durable state of every workflow."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from storage import causes
from storage.errors import Stale
from storage.packing import pack, unpack

OPEN_STATES = ("queued", "running", "retrying", "parked", "held")


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt to serve one subject. Times are seconds since 1970; see the migration for the meaning of states."""

    id: int
    workflow: str
    workflow_steps: str
    subject: str
    order_id: str | None
    order_number: str | None
    state: str
    step: str | None
    wait: str | None
    wait_reason: str | None
    wait_until: float | None
    condition: dict[str, Any] | None
    next_at: float
    tries: int
    lock_key: str | None
    lock_held: bool
    waits_for: int | None
    error_class: str | None
    error_system: str | None
    error_operation: str | None
    error_code: str | None
    error_message: str | None
    fingerprint: str | None
    error_step: str | None
    version: int
    attempt: int
    look_first: bool
    unknown_open: bool
    cancel_asked: bool
    retry_of: int | None
    source: str
    taken_by: str | None
    taken_at: float | None
    state_data: dict[str, Any] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class Step:
    run_id: int
    position: int
    name: str
    state: str
    tries: int
    started_at: float | None
    ended_at: float | None
    output: dict[str, Any] | None
    note: str | None


_COLUMNS = ", ".join(f.name for f in fields(Run))
_JSON = ("condition", "state_data")
_FLAGS = ("lock_held", "look_first", "unknown_open", "cancel_asked")
_NAMES = tuple(f.name for f in fields(Run))
# The condition of the partial index runs_open, word for word: SQLite takes an index only then.
_STANDING = "state IN ('running', 'parked', 'held')"
_CHANGEABLE = frozenset(_NAMES) - {"id", "version", "workflow", "subject", "created_at"}
_AT = {name: i for i, name in enumerate(_NAMES)}


def _run(row: Sequence[Any]) -> Run:
    values = list(row)
    for name in _FLAGS:
        values[_AT[name]] = bool(values[_AT[name]])
    condition, data = values[_AT["condition"]], values[_AT["state_data"]]
    values[_AT["condition"]] = unpack(condition) if condition else None
    values[_AT["state_data"]] = unpack(data) if data != "{}" else {}
    return Run(*values)


def insert(db: sqlite3.Connection, step_names: Sequence[str], now: float, **values: Any) -> int:
    """Add a run with its steps and return its id. Raises Stale when the subject has an open run already."""
    values.setdefault("workflow_steps", " ".join(step_names))
    values.setdefault("next_at", now)
    row = {**values, "created_at": now, "updated_at": now}
    row["state_data"] = pack(row.get("state_data") or {})
    if row.get("condition") is not None:
        row["condition"] = pack(row["condition"])
    names = ", ".join(row)
    try:
        cursor = db.execute(
            f"INSERT INTO runs ({names}) VALUES ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )
    except sqlite3.IntegrityError as error:
        raise Stale(f"{values.get('subject')} has an open run already") from error
    run_id = cursor.lastrowid
    assert run_id is not None
    db.executemany(
        "INSERT INTO steps (run_id, position, name) VALUES (?, ?, ?)",
        [(run_id, i, name) for i, name in enumerate(step_names)],
    )
    if row.get("fingerprint"):
        causes.met(db, row["fingerprint"], run_id, row.get("order_id"), now)
    if row.get("order_id") and values.get("workflow") == "provision_order":
        db.execute("UPDATE orders SET run_id = ? WHERE order_id = ?", (run_id, row["order_id"]))
    return run_id


def get(db: sqlite3.Connection, run_id: int) -> Run | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (run_id,)).fetchone()
    return _run(row) if row else None


STRIP_LETTERS = (
    "CASE s.state WHEN 'pending' THEN '.' WHEN 'running' THEN '>' WHEN 'waiting' THEN '~' WHEN 'done' THEN 'v'"
    " WHEN 'failed' THEN 'x' WHEN 'skipped' THEN 's' ELSE '-' END"
)
_SHOWN = {
    "workflow": "workflow", "number": "order_number", "state": "state", "wait": "wait", "wait_reason": "wait_reason",
    "until": "wait_until", "next_at": "CASE state WHEN 'retrying' THEN next_at END", "waits_for": "waits_for", "step": "step",
    "tries": "tries", "attempt": "attempt", "version": "version", "class": "error_class", "system": "error_system",
    "code": "error_code", "cause": "fingerprint", "error_step": "error_step", "unknown": "unknown_open",
    "updated": "updated_at", "order_id": "order_id", "cancel": "cancel_asked",
    "strip": f"(SELECT group_concat({STRIP_LETTERS}, '') FROM steps s WHERE s.run_id = runs.id)",
}  # fmt: skip
_SHOWN_COLUMNS = ", ".join(_SHOWN.values())


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    return {name: value for name, value in zip(_SHOWN, row, strict=True) if value}


def shown(db: sqlite3.Connection, run_id: int) -> dict[str, Any]:
    """A run as the feed shows it: ids, states and causes (empty values left out), with its step strip."""
    return _shown(db.execute(f"SELECT {_SHOWN_COLUMNS} FROM runs WHERE id = ?", (run_id,)).fetchone())


def change(
    db: sqlite3.Connection, run_id: int, now: float, *, expect_version: int | None = None, **values: Any
) -> dict[str, Any]:
    """Set columns, count the version up and return the run as ``shown``.

    Raises Stale when ``expect_version`` is not the row's.
    """
    if not _CHANGEABLE.issuperset(values):
        raise ValueError(f"not columns of runs: {sorted(set(values) - _CHANGEABLE)}")
    for name in _JSON:
        if values.get(name) is not None:
            values[name] = pack(values[name])
    assignments = "".join([f", {name} = ?" for name in values])
    where, extra = ("", ()) if expect_version is None else (" AND version = ?", (expect_version,))
    changed = db.execute(  # and then a reading: RETURNING costs twice as much
        f"UPDATE runs SET version = version + 1, updated_at = ?{assignments} WHERE id = ?{where}",
        (now, *values.values(), run_id, *extra),
    )
    if not changed.rowcount:
        raise Stale(f"run {run_id} changed meanwhile")
    told = shown(db, run_id)
    if values.get("fingerprint"):
        causes.met(db, values["fingerprint"], run_id, told.get("order_id"), now)
    return told


def latest_of_order(db: sqlite3.Connection, order_id: str, workflow: str = "provision_order") -> Run | None:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM runs WHERE order_id = ? AND workflow = ? ORDER BY id DESC LIMIT 1",
        (order_id, workflow),
    ).fetchone()
    return _run(row) if row else None


def of_order(db: sqlite3.Connection, order_id: str) -> list[Run]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM runs WHERE order_id = ? ORDER BY id", (order_id,))
    return [_run(row) for row in rows]


def open_of_subject(db: sqlite3.Connection, workflow: str, subject: str) -> Run | None:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM runs WHERE workflow = ? AND subject = ?"
        " AND state IN ('queued', 'running', 'retrying', 'parked', 'held')",
        (workflow, subject),
    ).fetchone()
    return _run(row) if row else None


def open_orders(db: sqlite3.Connection) -> set[str]:
    """Ids of all orders with an open provisioning run."""
    rows = db.execute(
        "SELECT order_id FROM runs WHERE workflow = 'provision_order'"
        " AND state IN ('queued', 'running', 'retrying', 'parked', 'held')"
    )
    return {row[0] for row in rows}


def in_state(db: sqlite3.Connection, *states: str) -> list[Run]:
    marks = ", ".join("?" * len(states))
    opened = (
        f"INDEXED BY runs_one_open WHERE state IN {OPEN_STATES} AND" if set(states) <= set(OPEN_STATES) else "WHERE"
    )
    rows = db.execute(f"SELECT {_COLUMNS} FROM runs {opened} state IN ({marks}) ORDER BY id", states)
    return [_run(row) for row in rows]


def parked_on_condition(db: sqlite3.Connection) -> list[Run]:
    """Runs parked on a condition, oldest first."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM runs WHERE {_STANDING} AND state = 'parked' AND wait = 'condition'"
        " AND condition IS NOT NULL ORDER BY id"
    )
    return [_run(row) for row in rows]


def causes_needing_person(db: sqlite3.Connection) -> set[str]:
    """ "failed:<fingerprint>" and "parked:<fingerprint>" of orders whose latest run stands so."""
    rows = db.execute(
        "SELECT DISTINCT r.state || ':' || r.fingerprint FROM runs r CROSS JOIN orders o"
        " WHERE r.fingerprint IS NOT NULL AND r.state IN ('failed', 'parked') AND o.order_id = r.order_id AND o.run_id = r.id"
        " UNION SELECT DISTINCT state || ':' || fingerprint FROM runs WHERE workflow <> 'provision_order'"
        " AND state IN ('failed', 'parked') AND fingerprint IS NOT NULL"
    )
    return {row[0] for row in rows}


def distrust(db: sqlite3.Connection, since: float) -> int:
    """The journal may be older than the world: every open run looks before it makes a guarded call (rules §5.3)."""
    return db.execute(
        "UPDATE runs SET look_first = 1, state_data = json_set(state_data, '$.foreign_since', ?)"
        " WHERE state IN ('queued', 'running', 'retrying', 'parked', 'held')",
        (since,),
    ).rowcount


def refresh_unknown(db: sqlite3.Connection, run_id: int, order_id: str) -> None:
    """Keep the run's flag "a guarded outcome is not known" in step with the order's calls."""
    db.execute(
        "UPDATE runs SET unknown_open = EXISTS (SELECT 1 FROM calls WHERE order_id = ? AND effect <> 'read'"
        " AND state = 'unknown' AND effect = 'guarded' AND wait_from > 0) WHERE id = ?",
        (order_id, run_id),
    )


def started_since(db: sqlite3.Connection, since: float) -> int:
    """Provisioning runs that came in by event or poll and were not held, since then."""
    row = db.execute(
        "SELECT COUNT(*) FROM runs WHERE created_at >= ? AND workflow = 'provision_order' AND state <> 'held'"
        " AND source IN ('event', 'poll', 'sweep')",
        (since,),
    ).fetchone()
    return int(row[0])


def steps(db: sqlite3.Connection, run_id: int) -> list[Step]:
    rows = db.execute(
        "SELECT run_id, position, name, state, tries, started_at, ended_at, output, note FROM steps"
        " WHERE run_id = ? ORDER BY position",
        (run_id,),
    )
    return [Step(*[*row[:7], unpack(row[7]) if row[7] else None, row[8]]) for row in rows]


def cancel_asked(db: sqlite3.Connection, run_id: int) -> bool:
    row = db.execute("SELECT cancel_asked FROM runs WHERE id = ?", (run_id,)).fetchone()
    return bool(row and row[0])


def strips(db: sqlite3.Connection, run_ids: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    """(name, state) of the steps of many runs, in order."""
    found: dict[int, list[tuple[str, str]]] = {}
    for run_id in run_ids:
        rows = db.execute("SELECT name, state FROM steps WHERE run_id = ? ORDER BY position", (run_id,))
        found[run_id] = [(row[0], row[1]) for row in rows]
    return found


def set_step(
    db: sqlite3.Connection,
    run_id: int,
    name: str,
    state: str,
    *,
    started_at: float | None = None,
    ended_at: float | None = None,
    output: Mapping[str, Any] | None = None,
    note: str | None = None,
) -> None:
    """Move a step; a start counts a try, an output given replaces the old one."""
    assignments = ""
    values: list[Any] = []
    if started_at is not None:
        assignments = ", tries = tries + 1, started_at = ?"
        values.append(started_at)
    if output is not None:
        assignments += ", output = ?"
        values.append(pack(output))
    db.execute(
        f"UPDATE steps SET state = ?, ended_at = ?, note = ?{assignments} WHERE run_id = ? AND name = ?",
        (state, ended_at, note, *values, run_id, name),
    )


def replace_steps(db: sqlite3.Connection, run_id: int, names: Sequence[str], known: Mapping[str, Step]) -> None:
    """Give a run the steps ``names``, each with the state it had under the same name."""
    db.execute("DELETE FROM steps WHERE run_id = ?", (run_id,))
    for position, name in enumerate(names):
        db.execute("INSERT INTO steps (run_id, position, name) VALUES (?, ?, ?)", (run_id, position, name))
        if name in known:
            old = known[name]
            db.execute(
                "UPDATE steps SET state = ?, tries = ?, started_at = ?, ended_at = ?, output = ?, note = ?"
                " WHERE run_id = ? AND position = ?",
                (
                    old.state, old.tries, old.started_at, old.ended_at,
                    pack(old.output) if old.output is not None else None, old.note, run_id, position,
                ),
            )  # fmt: skip
    db.execute("UPDATE runs SET workflow_steps = ? WHERE id = ?", (" ".join(names), run_id))


def copy_steps(db: sqlite3.Connection, source: int, target: int, before: str) -> None:
    """Carry the finished steps in front of ``before`` over from another run (retry from a step)."""
    for step in steps(db, source):
        if step.name == before:
            return
        if step.state in ("done", "skipped", "not_needed"):
            set_step(
                db, target, step.name, step.state, ended_at=step.ended_at, output=step.output or {}, note=step.note
            )


def counts(db: sqlite3.Connection) -> dict[str, int]:
    """Open runs and failed ones by state."""
    rows = db.execute(
        "SELECT state, COUNT(*) FROM runs WHERE state IN ('queued', 'running', 'retrying', 'parked', 'held')"
        " GROUP BY state"
    )
    return {str(state): int(count) for state, count in rows}


def held_by_reason(db: sqlite3.Connection) -> dict[str, int]:
    """How many runs wait for a person to start them, by why (before_start, four_eyes, approved_again, observing)."""
    rows = db.execute(
        f"SELECT COALESCE(error_code, ''), COUNT(*) FROM runs WHERE {_STANDING} AND state = 'held' GROUP BY error_code"
    )
    return {str(reason): int(count) for reason, count in rows}


def waiting_for_systems(db: sqlite3.Connection) -> dict[str, int]:
    """System → runs that are parked until it works again or is resumed."""
    rows = db.execute(
        "SELECT json_extract(condition, '$.argument'), COUNT(*) FROM runs WHERE state = 'parked' AND wait = 'condition'"
        " AND json_extract(condition, '$.kind') IN ('up', 'resumed') GROUP BY 1"
    )
    return {str(system): int(count) for system, count in rows}
