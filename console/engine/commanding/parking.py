"""Park until a condition comes true."""

import sqlite3
from typing import Any

from console.engine import transitions
from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument
from console.engine.commanding.newrun import new_run
from console.engine.commanding.plans import Applied, Prepared
from console.engine.commanding.until import Until, parse_period, parse_until
from console.engine.conditions import describe
from console.engine.states import RunState, Wait
from storage import profiles

LIMIT = 86400.0


class Park(Act):
    id = "order.park"

    async def prepare(self, request: Request) -> Prepared:
        until, limit = self._until(request), self._limit(request)
        warnings = []
        if until.kind == "stock":
            known = {kind for kind, _, _ in self.engine.journal.peek(profiles.stock)}
            if until.argument not in known:
                raise BadArgument(
                    "until", f"there are no profiles of type {until.argument[:40]!r}",
                    f"one of {', '.join(sorted(known))}" if known else "import stock first",
                )  # fmt: skip
            if free := self.engine.journal.peek(lambda db: profiles.free_count(db, until.argument)):
                warnings.append(f"{free} profiles of type {until.argument} are free: the order goes on at once")
        if request.order.unknown is not None:
            warnings.append(f"the outcome of {request.order.unknown.operation} stays unknown meanwhile")
        return Prepared(
            (f"waits {describe({'kind': until.kind, 'argument': until.argument})}, at most {_hours(limit)}",),
            tuple(warnings),
        )

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        run, now = request.run, self.engine.clock.now()
        until, limit = self._until(request), self._limit(request)
        words = f"parked by {request.actor.name}" + (f": {request.reason}" if request.reason else "")
        values: dict[str, Any] = {
            "state": RunState.PARKED, "wait": Wait.CONDITION, "wait_reason": words, "wait_until": now + limit,
            "condition": {"kind": until.kind, "argument": until.argument, "since": now, "limit": limit},
        }  # fmt: skip

        def write(db: sqlite3.Connection) -> int:
            if not run.open:
                return new_run(self.engine, db, now, run, **values)
            held = bool(run.lock_key) and run.lock_held and run.unknown_open
            transitions.move(db, now, run.id, expect_version=run.version, lock_held=held, **values)
            return run.id

        run_id = await self.engine.journal.write(write)
        self.engine.wake()
        return Applied("done", f"{request.order.number} waits {describe(values['condition'])}", run_id)

    def _until(self, request: Request) -> Until:
        zone = self.engine.settings.whmcs.time_zone
        until = parse_until(str(request.arguments["until"]), self.engine.clock.now(), zone)
        if until.kind != "paymethod":
            return until
        own = request.order.row.client_id if request.order.row else None
        if until.argument and own and until.argument != own:
            raise BadArgument("until", f"client {until.argument} is not this order's", f"write paymethod({own})")
        if not (own or until.argument):
            raise BadArgument("until", "the order's WHMCS client is not known", "write paymethod(CLIENT)")
        return Until(until.kind, until.argument or str(own))

    def _limit(self, request: Request) -> float:
        text = request.arguments.get("limit")
        return parse_period(str(text), "limit") if text else LIMIT


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
