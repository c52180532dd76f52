"""Moving a run: the state row and its feed row are always one transaction."""

import sqlite3
from typing import Any

from console.engine.states import STRIP, StepState
from storage import feed, runs


def strip_of(db: sqlite3.Connection, run_id: int) -> str:
    """The step strip: one letter a step (see STRIP)."""
    return "".join(STRIP[StepState(step.state)] for step in runs.steps(db, run_id))


def announce(db: sqlite3.Connection, now: float, run_id: int, kind: str = "run", **extra: Any) -> int:
    """Append the run's present state to the feed: ids, states, causes; no personal data."""
    run = runs.get(db, run_id)
    assert run is not None
    body = {
        "workflow": run.workflow,
        "number": run.order_number,
        "state": run.state,
        "wait": run.wait,
        "wait_reason": run.wait_reason,
        "until": run.wait_until,
        "next_at": run.next_at if run.state == "retrying" else None,
        "waits_for": run.waits_for,
        "step": run.step,
        "strip": strip_of(db, run_id),
        "tries": run.tries,
        "attempt": run.attempt,
        "version": run.version,
        "class": run.error_class,
        "system": run.error_system,
        "code": run.error_code,
        "cause": run.fingerprint,
        "error_step": run.error_step,
        "unknown": run.unknown_open,
        "updated": run.updated_at,
        **extra,
    }
    short = {key: value for key, value in body.items() if value not in (None, False, 0, "")}
    return feed.append(db, now, kind, short, order_id=run.order_id, run_id=run_id)


def move(db: sqlite3.Connection, now: float, run_id: int, *, expect_version: int | None = None, **values: Any) -> int:
    """Change a run and announce it; returns the new version. Raises Stale when it is not at ``expect_version``."""
    version = runs.change(db, run_id, now, expect_version=expect_version, **values)
    announce(db, now, run_id)
    return version
