"""Retry, retry from a step, skip, go on now: none of them re-sends what was done, and none shortens late landing."""

import sqlite3

from console.commands.words import STEPS
from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument
from console.engine.commanding.newrun import new_run, wake_run
from console.engine.commanding.plans import Applied, Prepared
from console.engine.commanding.sheet import Sheet, stands_at
from console.engine.conditions import describe
from console.engine.states import CallState, Effect, RunState, StepState
from integrations.errors import ErrorClass
from storage import runs


class Retry(Act):
    id = "order.retry"
    follows = True

    async def prepare(self, request: Request) -> Prepared:
        return Prepared((_how(request.order), *_stands(request.order)), _in_vain(request.order))

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        run, now = request.run, self.engine.clock.now()

        def write(db: sqlite3.Connection) -> int:
            if run.open:
                wake_run(db, now, run)
                return run.id
            return new_run(self.engine, db, now, run)

        run_id = await self.engine.journal.write(write)
        self.engine.wake()
        return Applied("requested", f"{request.order.number} is tried again", run_id)


class Unpark(Retry):
    id = "order.unpark"


class RetryStep(Act):
    id = "order.retry_step"
    follows = True

    async def prepare(self, request: Request) -> Prepared:
        step, stopped = str(request.arguments["step"]), stands_at(request.order)
        last = STEPS.index(stopped) if stopped in STEPS else 0
        if STEPS.index(step) > last:
            raise BadArgument("step", f"the order has not got to {step} yet", f"one of {', '.join(STEPS[: last + 1])}")
        again = " → ".join(("load", *(name for name in STEPS[1:] if STEPS.index(name) >= STEPS.index(step))))
        return Prepared((f"a new run: {again}", *_stands(request.order)))

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        run, now, step = request.run, self.engine.clock.now(), str(request.arguments["step"])
        run_id = await self.engine.journal.write(lambda db: new_run(self.engine, db, now, run, before=step))
        self.engine.wake()
        return Applied("requested", f"{request.order.number} is tried again from {step}", run_id)


class Skip(Act):
    id = "order.skip"
    follows = True

    async def prepare(self, request: Request) -> Prepared:
        step = stands_at(request.order)
        words = {
            "payment": "goes on without a check of the pay method: WHMCS bills, and the charge may fail",
            "email": "goes on without queueing mails: the customer is not told",
        }[str(step)]
        return Prepared((f"{step} is marked skipped", words), decisive={"step": step})

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        run, now, step = request.run, self.engine.clock.now(), str(stands_at(request.order))
        note = f"skipped by {request.actor.name}: {request.reason}"

        def write(db: sqlite3.Connection) -> int:
            run_id = run.id
            if run.open:
                wake_run(db, now, run)
            else:
                run_id = new_run(self.engine, db, now, run, before=step)
            runs.set_step(db, run_id, step, StepState.SKIPPED, ended_at=now, output={}, note=note)
            return run_id

        run_id = await self.engine.journal.write(write)
        self.engine.wake()
        return Applied("requested", f"{request.order.number} goes on without {step}", run_id)


def _how(sheet: Sheet) -> str:
    run = sheet.need_run()
    if not run.open:
        return f"a new run, attempt {run.attempt + 1}, from load"
    where = f"run {run.id} goes on at {stands_at(sheet) or 'load'} now"
    if sheet.unknown is not None:
        return f"{where}: {sheet.unknown.operation} is looked for, and sent again only when it is certainly absent"
    return where


def _in_vain(sheet: Sheet) -> tuple[str, ...]:
    """What waits for somebody else's act is not helped by trying again."""
    run = sheet.need_run()
    if run.state != RunState.PARKED or run.error_class not in (ErrorClass.CAPACITY, ErrorClass.CUSTOMER):
        return ()
    return (
        f"it waits {describe(run.condition)}: until then it will stop there again"
        if run.condition
        else "it will stop there again",
    )


def _stands(sheet: Sheet) -> tuple[str, ...]:
    """Finished guarded calls: read again, not sent again."""
    done = [c.operation for c in sheet.calls if c.effect == Effect.GUARDED and c.state == CallState.DONE]
    return (f"done before, only read again: {', '.join(done)}",) if done else ()
