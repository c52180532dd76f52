"""Cancel: what stands, its undo or that there is none; then undo by the engine, or leave it as it is (rules §8)."""

import asyncio
import sqlite3
from typing import Any

from console.engine import transitions
from console.engine.clock import as_datetime
from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument
from console.engine.commanding.plans import Applied, EffectLine, Prepared
from console.engine.commanding.statuswrite import StatusWrite, write_status
from console.engine.commanding.undo import effect_lines
from console.engine.fallout import cause_of
from console.engine.states import RunState
from integrations.errors import ErrorClass
from storage import outbox, runs

LOOK_EVERY = 0.2


class Cancel(Act):
    id = "order.cancel"
    live = True
    follows = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._watching: set[asyncio.Task[None]] = set()

    def version(self, request: Request) -> tuple[str, int] | None:
        """The effects decide, not at which try the run is."""
        run = request.sheet.run if request.sheet else None
        return (run.state, run.version) if run and not run.open else None

    async def prepare(self, request: Request) -> Prepared:
        undo, leave = bool(request.arguments.get("undo")), bool(request.arguments.get("leave_as_is"))
        if undo and leave:
            raise BadArgument("undo", "undo and leave_as_is exclude each other", "choose one")
        lines = await effect_lines(self.engine, self.reader, request.order)
        decisive: dict[str, Any] = {"effects": [[line.what, line.undo] for line in lines]}
        if request.order.run is None:
            decisive["status"] = request.facts.status
        words = [f"{line.what}: {line.undo or 'cannot be undone, ' + line.why}" for line in lines]
        blocked = _blocked(request, lines, undo=undo, leave=leave)
        if leave:
            words = [f"{line.what} stays as it is" for line in lines]
            words.append("the run is closed as failed; Salesforce shows Failed with what stands")
        else:
            words.append("Salesforce: Cancelled")
        return Prepared(tuple(words), (), decisive, tuple(lines), blocked=blocked, data=[x.what for x in lines])

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        run = request.order.run
        if run is None:
            write = StatusWrite({"Status": "Cancelled"}, reached=("Cancelled",))
            return await write_status(self.engine, self.reader, request.live, write, self.id)
        if request.arguments.get("leave_as_is"):
            return await self._leave(request, list(prepared.data))
        if run.state == RunState.RUNNING:
            now = self.engine.clock.now()
            await self.engine.journal.write(lambda db: transitions.move(db, now, run.id, cancel_asked=True))
            self._watch(run.id)
            return Applied("requested", f"{request.order.number} is cancelled as soon as its call has ended", run.id)
        await self.engine.journal.write(lambda db: self._ask(db, run.id, run.version))
        self.engine.wake()
        return Applied("requested", f"{request.order.number} is being cancelled", run.id)

    def _ask(self, db: sqlite3.Connection, run_id: int, version: int | None) -> None:
        now = self.engine.clock.now()
        transitions.move(
            db, now, run_id, expect_version=version, state=RunState.QUEUED, cancel_asked=True, next_at=now, wait=None,
            wait_reason=None, wait_until=None, condition=None, ended_at=None,
        )  # fmt: skip

    def _watch(self, run_id: int) -> None:
        """The runner sees the wish between two steps; a step that stops instead leaves it to us."""
        task = asyncio.create_task(self._when_stopped(run_id), name=f"cancel-{run_id}")
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _when_stopped(self, run_id: int) -> None:
        while True:
            run = self.engine.journal.peek(lambda db: runs.get(db, run_id))
            if run is None or run.state != RunState.RUNNING:
                break
            await asyncio.sleep(LOOK_EVERY)
        waits = run is not None and run.state in (RunState.RETRYING, RunState.PARKED, RunState.FAILED)
        if waits and run is not None and run.cancel_asked and run.step != "cancel":
            await self.engine.journal.write(lambda db: self._ask(db, run_id, None))
            self.engine.wake()

    async def _leave(self, request: Request, stands: list[str]) -> Applied:
        run, now = request.run, self.engine.clock.now()
        what = ", ".join(stands) or "nothing"
        message = f"left as it is by {request.actor.name} ({request.reason}); stands: {what}"
        fields = {
            "Status": "Failed", "Provisioning_Status__c": "Failed", "Provisioning_Error_Code__c": "left_as_is",
            "Provisioning_Error_Message__c": f"closed as it is; stands: {what}",
            "Last_Provisioning_At__c": as_datetime(now).isoformat(timespec="seconds"),
        }  # fmt: skip

        def write(db: sqlite3.Connection) -> None:
            transitions.move(
                db, now, run.id, expect_version=run.version, state=RunState.FAILED, wait=None, wait_reason=None,
                wait_until=None, condition=None, lock_held=False, cancel_asked=False, ended_at=now,
                error_class=ErrorClass.CONFLICT, error_system="portal", error_operation=None, error_code="left_as_is",
                error_message=message, fingerprint=cause_of("cancel", "portal", "left_as_is", "").fingerprint,
            )  # fmt: skip
            assert run.order_id is not None
            outbox.put(db, run.order_id, fields, now)

        await self.engine.journal.write(write)
        self.engine.wake()
        return Applied("done", f"{request.order.number} is closed; stands: {what}", run.id)


def _blocked(request: Request, lines: list[EffectLine], *, undo: bool, leave: bool) -> str | None:
    run = request.order.run
    stands = ", ".join(line.what for line in lines)
    if leave:
        if run is None:
            return "no run is here that could be closed"
        if run.state == RunState.RUNNING:
            return "a call is under way: try again in a moment"
        if request.facts.unknown:
            return f"the outcome of {request.facts.unknown} is not known: what stands cannot be said yet"
        return None
    if request.facts.code == "approved_again" and not undo:
        return "it was provisioned before: close it with leave as is"
    if not undo:
        return f"effects stand: {stands}; choose undo, or leave as is with a reason" if lines else None
    final = [f"{line.what}: {line.why}" for line in lines if line.undo is None]
    return f"cannot be undone: {'; '.join(final)}" if final else None
