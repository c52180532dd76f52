"""A further run of an order whose last one has failed: it looks first, and never re-sends what stands."""

import sqlite3
from typing import Any

from console.engine import transitions
from console.engine.services import Engine
from console.engine.states import RunState, StepState
from console.engine.workflows.provision_order import PROVISION_ORDER
from storage import runs
from storage.errors import Stale
from storage.runs import Run

KEPT = ("sf_modified", "foreign_since", "recipient")


def new_run(
    engine: Engine, db: sqlite3.Connection, now: float, old: Run, *, before: str | None = None, **values: Any
) -> int:
    """Add a run after the failed ``old`` and return its id. ``before``: finished steps in front of it are carried over;
    skipped ones always are. Raises Stale when ``old`` is not the order's latest run at its version any more.
    """
    assert old.order_id is not None
    latest = runs.latest_of_order(db, old.order_id)
    if latest is None or (latest.id, latest.version) != (old.id, old.version):
        raise Stale(
            f"run {latest.id if latest else '?'} of this order is {latest.state if latest else 'gone'} meanwhile"
        )
    given = {"state": RunState.QUEUED, "next_at": now} | values
    kept = {key: old.state_data[key] for key in KEPT if key in old.state_data}
    if engine.recovery:  # what was done since the backup may still land late
        kept["foreign_since"] = now
    run_id = runs.insert(
        db, PROVISION_ORDER.names, now, workflow=PROVISION_ORDER.name, subject=old.subject, order_id=old.order_id,
        order_number=old.order_number, source="command", lock_key=old.lock_key, look_first=True, retry_of=old.id,
        state_data=kept, **given,
    )  # fmt: skip
    for step in runs.steps(db, old.id):
        if step.state == StepState.SKIPPED:
            runs.set_step(db, run_id, step.name, StepState.SKIPPED, ended_at=step.ended_at, output={}, note=step.note)
    if before is not None:
        runs.copy_steps(db, old.id, run_id, before)
    runs.refresh_unknown(db, run_id, old.order_id)
    transitions.announce(db, now, run_id)
    return run_id


def wake_run(db: sqlite3.Connection, now: float, run: Run) -> None:
    """Let an open run go on now. Raises Stale when it moved meanwhile."""
    transitions.move(
        db, now, run.id, expect_version=run.version, state=RunState.QUEUED, next_at=now, wait=None, wait_reason=None,
        wait_until=None,
    )  # fmt: skip
