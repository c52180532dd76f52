"""Resolve: a person settles what the engine cannot tell (rules §8)."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from console.engine import transitions
from console.engine.commanding.act import Act, Request
from console.engine.commanding.looking import look
from console.engine.commanding.matching import Matcher
from console.engine.commanding.newrun import wake_run
from console.engine.commanding.plans import Applied, Prepared
from console.engine.states import CallState, RunState
from storage import calls, runs
from storage.calls import Call
from storage.errors import Stale


class ResolveIs(Act):
    id = "order.resolve_is"
    live = True
    follows = True

    async def prepare(self, request: Request) -> Prepared:
        call = _unknown(request)
        matcher = Matcher(self.engine, self.reader)
        match = await matcher.match(request, call, str(request.arguments["identifier"]))
        words = (
            f"recorded as what {call.operation} made: {_shown(match.output)}",
            _then(request, "it is not sent again"),
        )
        decisive = {"call": call.id, "output": match.output, "compared": [[c.field, c.theirs] for c in match.compared]}
        return Prepared(
            words, (), decisive, compared=match.compared, blocked=_not_ours(match.why_not), data=match.output
        )

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        evidence = {c.field: c.theirs for c in prepared.compared}
        await _settle(self, request, CallState.DONE, dict(prepared.data), "found", evidence)
        return Applied("requested", f"{request.order.number}: recorded {_shown(prepared.data)}", request.run.id)


class ResolveAbsent(Act):
    id = "order.resolve_absent"
    live = True
    follows = True

    async def prepare(self, request: Request) -> Prepared:
        call = _unknown(request)
        seen = await look(self.engine, self.reader, request, call)
        earlier = self.engine.journal.peek(lambda db: calls.sends(db, call.id))
        looks = [s for s in earlier if s.kind == "look" and s.ended_at is not None]
        words = list(seen.words)
        if looks:
            often = "once" if len(looks) == 1 else f"{len(looks)} times"
            words.append(f"looked for {often} before; the last look said {looks[-1].outcome}")
        words.append(f"{call.operation} is recorded as not made")
        words.append(_then(request, f"{call.operation} is sent once more"))
        warnings = (f"if {call.operation} was made after all, the customer gets it twice",)
        blocked = f"it is there: {seen.there}" if seen.there else None
        return Prepared(tuple(words), warnings, {"call": call.id}, blocked=blocked, data=dict(seen.evidence))

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        await _settle(self, request, CallState.ABSENT, None, "absent", prepared.data)
        return Applied("requested", f"{request.order.number}: recorded as not made", request.run.id)


async def _settle(
    act: Act, request: Request, state: CallState, output: Mapping[str, Any] | None, outcome: str, evidence: Any
) -> None:
    call, run, now = _unknown(request), request.run, act.engine.clock.now()
    by = f"resolve: {request.actor.name}"

    def write(db: sqlite3.Connection) -> None:
        current = calls.get(db, call.id)
        if current is None or current.state != CallState.UNKNOWN:
            raise Stale(f"{call.operation} is {current.state if current else 'gone'} meanwhile")
        calls.note_resolution(db, call.id, run.id, now, outcome, evidence)
        calls.settle(db, call.id, state, now, output=output, by=by)
        if run.state == RunState.PARKED:
            wake_run(db, now, run)
        else:
            transitions.move(db, now, run.id, expect_version=run.version)
        runs.refresh_unknown(db, run.id, request.order.order_id)

    await act.engine.journal.write(write)
    act.engine.wake()


def _unknown(request: Request) -> Call:
    assert request.order.unknown is not None, "the table offers this only while an outcome is unknown"
    return request.order.unknown


def _then(request: Request, what: str) -> str:
    if request.run.state == RunState.PARKED:
        return f"the order goes on: {what}"
    return f"then retry the order: {what}"


def _not_ours(why: str | None) -> str | None:
    return f"it does not match: {why}" if why else None


def _shown(output: Mapping[str, Any]) -> str:
    names = {"order_id": "WHMCS order", "iccid": "ICCID", "service_id": "service"}
    return ", ".join(f"{word} {output[key]}" for key, word in names.items() if output.get(key))
