"""Orders that a person cancels or rejects in Salesforce while their run waits (rules §9): the run learns of it."""

import sqlite3

from console.engine import transitions
from console.engine.runner import standing_effects
from console.engine.services import Engine
from console.engine.states import RunState, Wait
from console.engine.steps.context import WITHDRAWN
from integrations.errors import System
from storage import runs
from storage.runs import Run


class Withdrawals:
    """A parked or held run reads nothing by itself; what the poll's list does not name any more is read for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._read: dict[str, int] = {}

    async def look(self, listed: set[str], *, sweep: bool) -> int:
        """Let waiting runs go on whose order is withdrawn; ``listed`` are the orders that are Approved or Provisioning.

        An order that is neither is read once, and again at each sweep. Returns how many went on. With little of
        the allowance left nothing is read. Raises IntegrationError, NotNow.
        """
        if self._engine.quota.low:
            return 0
        if sweep:
            self._read.clear()
        gone = [run for run in self._engine.journal.peek(_waiting) if run.order_id not in listed]
        going = 0
        for run in gone:
            assert run.order_id is not None
            if self._read.get(run.order_id) == run.id:
                continue
            gate = self._engine.gates[System.SALESFORCE]
            gate.check()
            async with gate.enter():
                bundle = await self._engine.salesforce.read_order(run.order_id)
            self._read[run.order_id] = run.id
            if bundle.order.status in WITHDRAWN:
                going += await self._engine.journal.write(lambda db, run=run: self._let_go(db, run))  # type: ignore[misc]  # mypy infers no lambda with a default
        if going:
            self._engine.wake()
        return going

    def _let_go(self, db: sqlite3.Connection, seen: Run) -> int:
        """Where nothing stands the run only gives back what it reserved; else its first step finds what stands."""
        run, now = runs.get(db, seen.id), self._engine.clock.now()
        if run is None or run.version != seen.version:
            return 0
        assert run.order_id is not None
        transitions.move(
            db, now, run.id, state=RunState.QUEUED, next_at=now, wait=None, wait_reason=None, wait_until=None,
            condition=None, cancel_asked=not standing_effects(db, run.order_id),
        )  # fmt: skip
        return 1


def _waiting(db: sqlite3.Connection) -> list[Run]:
    """Runs that nothing but a condition or a person's start would wake; one with an unknown outcome is a person's."""
    return [
        run
        for run in runs.in_state(db, "parked", "held")
        if run.workflow == "provision_order"
        and not run.unknown_open
        and (run.state == "held" or run.wait != Wait.PERSON)
    ]
