"""Carrying one run through its steps, from wherever the journal says it stands (rules §2, §7)."""

import logging
import sqlite3
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from console.engine import transitions
from console.engine.calls import CallMaker
from console.engine.clock import as_datetime
from console.engine.failures import Held, OrderWithdrawn, RunFailed, StepStop, conflict, data_error
from console.engine.ledger import Ledger
from console.engine.outcome import Decision, Situation, decide
from console.engine.services import Engine
from console.engine.states import FINISHED_STEPS, RunState, StepState
from console.engine.workflow import RunContext, StepDefinition, StepResult, Workflow
from integrations.errors import IntegrationError
from storage import calls, desk, outbox, runs
from storage.errors import StorageError
from storage.runs import Run

log = logging.getLogger(__name__)
CANCEL = "cancel"


class Runner:
    """Advances claimed runs; what it raises is only cancellation (a stop of the daemon) and trouble with the store."""

    def __init__(self, engine: Engine, workflows: Mapping[str, Workflow[Any]]) -> None:
        self._engine = engine
        self._workflows = workflows

    async def advance(self, run: Run) -> None:
        """Work on a run that ``queue.claim_due`` turned into a running one, until it ends or must wait."""
        ledger = Ledger(self._engine.journal)
        caller = CallMaker(self._engine, ledger, run)
        workflow = self._workflows.get(run.workflow) or Workflow(run.workflow, (), RunContext)
        context = workflow.context(self._engine, run, ledger, caller)
        step = run.step or next(iter(workflow.names), "")
        try:
            if not workflow.steps:
                raise _unknown_workflow(run.workflow)
            steps = await self._steps(workflow, run, ledger)
            if run.cancel_asked and workflow.cancel is not None:
                if self._engine.observe:
                    raise Held("observing", "observing: would cancel the order and undo what stands")
                step = caller.step = CANCEL
                await workflow.cancel(context)
                self._engine.wake()
                return
            for definition in workflow.steps:
                step = caller.step = definition.name
                known = steps[step]
                if known.state in FINISHED_STEPS:
                    context.outputs[step] = known.output or {}
                    if not definition.again:
                        continue
                self._begin(context, definition)
                result = await definition.run(context)
                self._end(context, definition, result, again=known.state in FINISHED_STEPS)
                if context.cancel_asked:
                    await self._hand_back(context)
                    return
            await ledger.commit(lambda db: self._finish(db, workflow, context))
        except (StepStop, IntegrationError) as stop:
            await self._stopped(workflow, context, step, stop)
        except StorageError:
            raise
        except Exception as error:
            log.exception("run %s: step %s ended in a defect of ours", run.id, step)
            defect = data_error("internal_error", f"{type(error).__name__} in step {step}: the log has the details")
            await self._stopped(workflow, context, step, defect)

    async def _steps(self, workflow: Workflow[Any], run: Run, ledger: Ledger) -> dict[str, runs.Step]:
        found = self._engine.journal.peek(lambda db: runs.steps(db, run.id))
        if tuple(step.name for step in found) != workflow.names:
            found = await ledger.commit(lambda db: _carry_over(db, workflow, run, found))
        return {step.name: step for step in found}

    def _begin(self, context: RunContext, definition: StepDefinition[Any]) -> None:
        now, run = self._engine.clock.now(), context.run

        def write(db: sqlite3.Connection) -> None:
            runs.set_step(db, run.id, definition.name, StepState.RUNNING, started_at=now)
            shown = transitions.move(db, now, run.id, step=definition.name)
            context.cancel_asked = bool(shown.get("cancel"))

        context.ledger.later(write)

    def _end(self, context: RunContext, definition: StepDefinition[Any], result: StepResult, *, again: bool) -> None:
        """A step that ends for the first time is progress: what stood in the way before is over. One that was done
        ``again`` on the way back proves nothing about the step that keeps failing: its tries and its wait go on.
        """
        now, run = self._engine.clock.now(), context.run
        output, data = dict(result.output), dict(context.data)
        values: dict[str, Any] = {"state_data": data} if data != run.state_data else {}
        if not again and (run.tries or run.error_class or run.condition):
            values |= dict.fromkeys(
                (
                    "condition", "error_class", "error_system", "error_operation", "error_code", "error_message",
                    "error_step", "fingerprint",
                )
            ) | {"tries": 0}  # fmt: skip
        context.outputs[definition.name] = output

        def write(db: sqlite3.Connection) -> None:
            runs.set_step(db, run.id, definition.name, result.state, ended_at=now, output=output, note=result.note)
            if values:
                runs.change(db, run.id, now, **values)

        context.ledger.later(write)

    def _finish(self, db: sqlite3.Connection, workflow: Workflow[Any], context: RunContext) -> None:
        now = self._engine.clock.now()
        if workflow.finish is not None:
            workflow.finish(db, context, now)
        transitions.move(
            db, now, context.run.id, state=RunState.DONE, step=None, wait=None, wait_reason=None, wait_until=None,
            lock_held=False, ended_at=now,
        )  # fmt: skip

    async def _hand_back(self, context: RunContext) -> None:
        """A person asked to cancel while a step was under way: the next turn cancels the run."""
        now, run_id = self._engine.clock.now(), context.run.id
        await context.ledger.commit(
            lambda db: transitions.move(db, now, run_id, state=RunState.QUEUED, next_at=now, lock_held=False)
        )

    async def _stopped(
        self, workflow: Workflow[Any], context: RunContext, step: str, stop: StepStop | IntegrationError
    ) -> None:
        run, now = context.run, self._engine.clock.now()
        if isinstance(stop, OrderWithdrawn):
            stop = await self._withdrawn(context, stop)
        fresh = self._engine.journal.peek(lambda db: runs.get(db, run.id)) or run

        def write(db: sqlite3.Connection) -> Decision:
            runs.refresh_unknown(db, run.id, run.order_id or run.subject)
            current = runs.get(db, run.id) or fresh
            situation = Situation(
                current, step, now, self._engine.settings.engine, self._engine.jitter, current.unknown_open,
                to_midnight=self._to_midnight(now),
            )  # fmt: skip
            decision = decide(stop, situation)
            self._apply(db, workflow, context, step, decision, now)
            if current.cancel_asked and step != CANCEL:  # whatever the step came to: the next turn cancels
                transitions.move(
                    db, now, run.id, state=RunState.QUEUED, wait=None, wait_reason=None, wait_until=None, next_at=now,
                    lock_held=False, ended_at=None,
                )  # fmt: skip
            return decision

        decision = await context.ledger.commit(write)
        await self._after(context, decision)

    def _apply(
        self,
        db: sqlite3.Connection,
        workflow: Workflow[Any],
        context: RunContext,
        step: str,
        decision: Decision,
        now: float,
    ) -> None:
        run = context.run
        runs.set_step(db, run.id, step, decision.step_state, ended_at=now, note=decision.note)
        values = dict(decision.values)
        if context.data:
            values["state_data"] = context.data
        transitions.move(db, now, run.id, step=step, **values)
        if decision.values["state"] == RunState.FAILED and workflow.failed is not None:
            workflow.failed(db, context, now)
        if (
            decision.tell_salesforce
            and run.order_id
            and workflow.name == "provision_order"
            and not self._engine.observe
        ):
            outbox.put(db, run.order_id, _for_salesforce(decision, now), now)
        if decision.pause:
            reason = f"{decision.values['error_code']}: {decision.values['error_message']}"
            desk.pause(db, decision.pause, "engine", reason, now, automatic=True)

    async def _after(self, context: RunContext, decision: Decision) -> None:
        run = context.run
        if decision.tell_salesforce:
            self._engine.wake()
        if decision.pause:
            self._engine.gates.load(self._engine.journal.peek(desk.pauses))
            await self._engine.alarms.raise_(
                f"paused:{decision.pause}", f"{decision.pause} is paused: {decision.note}", severity="critical"
            )
        if decision.alarm:
            values = decision.values
            await self._engine.alarms.raise_(
                f"{values['state']}:{values['fingerprint']}",
                f"order {run.order_number}: {values['state']} at {values['error_step']}: {values['error_code']}",
                order_id=run.order_id,
            )

    def _to_midnight(self, now: float) -> float:
        here = as_datetime(now).astimezone(ZoneInfo(self._engine.settings.whmcs.time_zone))
        return (datetime.combine(here.date() + timedelta(days=1), time.min, here.tzinfo) - here).total_seconds()

    async def _withdrawn(self, context: RunContext, stop: OrderWithdrawn) -> StepStop:
        """Cancelled or rejected meanwhile: done if nothing stands, else a person decides about what stands (rules §9)."""
        standing = self._engine.journal.peek(lambda db: standing_effects(db, context.order_id))
        if not standing:
            return stop
        names = ", ".join(sorted(standing))
        return conflict(
            "cancelled_meanwhile",
            f"{stop.status.lower()} in Salesforce, these effects stand: {names}",
            system="salesforce",
        )


def standing_effects(db: sqlite3.Connection, order_id: str) -> list[str]:
    """Outside effects of an order that stand or may stand, in words."""
    names = {
        "whmcs.AddOrder": "WHMCS order",
        "esim.downloadOrder": "eSIM profile ordered",
    }
    return [
        f"{names[call.operation]}{' (outcome unknown)' if call.state == 'unknown' else ''}"
        for call in calls.effects(db, order_id)
        if call.operation in names
        and (call.state in ("done", "intended") or (call.state == "unknown" and call.wait_from))
    ]


def _for_salesforce(decision: Decision, now: float) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "Provisioning_Error_Code__c": str(decision.values.get("error_code") or "")[:64] or None,
        "Provisioning_Error_Message__c": str(decision.note or "")[:4000] or None,
        "Last_Provisioning_At__c": as_datetime(now).isoformat(timespec="seconds"),
    }
    if decision.status is not None:
        fields |= {"Status": decision.status, "Provisioning_Status__c": "Failed"}
    return fields


def _unknown_workflow(name: str) -> RunFailed:
    return data_error(
        "workflow_changed", f"this version has no workflow {name}: finish the run with the version that began it"
    )


def _carry_over(db: sqlite3.Connection, workflow: Workflow[Any], run: Run, old: list[runs.Step]) -> list[runs.Step]:
    """The code's steps differ from the run's: steps are matched by name, a touched one that is gone stops the run."""
    gone = [s.name for s in old if s.name not in workflow.names and s.state != StepState.PENDING]
    if gone:
        raise RunFailed(
            error_class=conflict("workflow_changed", "").error_class,
            code="workflow_changed",
            message=f"this version has no step {', '.join(gone)} which the run has begun: finish it with the old version",
        )
    runs.replace_steps(db, run.id, workflow.names, {step.name: step for step in old})
    return runs.steps(db, run.id)
