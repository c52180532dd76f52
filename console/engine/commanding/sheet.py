"""Everything the journal knows about one order that decides what people may do with it."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from console.commands.facts import Facts, RunWord, WaitWord
from console.engine import recovery
from console.engine.clock import as_datetime
from console.engine.runner import standing_effects
from console.engine.services import Engine
from console.engine.states import CallState, Effect, RunState, Wait
from integrations.errors import ErrorClass, System
from storage import calls, desk, mail, orders, runs
from storage.audit import Actor
from storage.calls import Call
from storage.desk import Take
from storage.mail import MailRow
from storage.orders import OrderRow, fold
from storage.runs import Run, Step

MAY_STAND = (CallState.DONE, CallState.UNKNOWN, CallState.INTENDED)


@dataclass(frozen=True)
class Sheet:
    """``run`` is the order's latest provisioning run, ``unknown`` the oldest call whose outcome a person must settle."""

    order_id: str
    row: OrderRow | None
    run: Run | None
    steps: Sequence[Step]
    calls: Sequence[Call]
    unknown: Call | None
    take: Take | None
    mails: Sequence[MailRow]
    effects: tuple[str, ...]

    @property
    def number(self) -> str:
        return self.row.number if self.row else (self.run.order_number or "" if self.run else "")

    def call(self, operation: str, item: str = "") -> Call | None:
        return next((c for c in self.calls if c.operation == operation and c.item == item), None)

    def output_of(self, step: str) -> dict[str, Any]:
        return next((s.output or {} for s in self.steps if s.name == step), {})

    def need_run(self) -> Run:
        assert self.run is not None, "the table offers this only for an order with a run"
        return self.run


def gather(db: sqlite3.Connection, order_id: str, now: float) -> Sheet:
    run = runs.latest_of_order(db, order_id)
    effects = calls.effects(db, order_id)
    return Sheet(
        order_id=order_id,
        row=orders.get(db, order_id),
        run=run,
        steps=runs.steps(db, run.id) if run else (),
        calls=effects,
        unknown=_unknown(run, effects),
        take=desk.taken(db, order_id, now),
        mails=mail.of_order(db, order_id),
        effects=tuple(standing_effects(db, order_id)),
    )


def _unknown(run: Run | None, effects: Sequence[Call]) -> Call | None:
    """A guarded call of unknown outcome that was sent; or, for a run parked for a person, that cannot be looked up."""
    open_calls = [c for c in effects if c.effect == Effect.GUARDED and c.state == CallState.UNKNOWN]
    sent = [c for c in open_calls if c.wait_from]
    if sent or run is None:
        return sent[0] if sent else None
    waits = run.state == RunState.PARKED and run.wait == Wait.PERSON and run.error_class == ErrorClass.OUTCOME_UNKNOWN
    if not waits:
        return None
    return next((c for c in open_calls if c.operation == run.error_operation), open_calls[0] if open_calls else None)


def facts_of(engine: Engine, sheet: Sheet, actor: Actor, *, bulk: bool = False) -> Facts:
    """The table's view of an order, for this person."""
    run, row, now = sheet.run, sheet.row, engine.clock.now()
    late = sheet.unknown.wait_from if sheet.unknown else None
    until = late + engine.late_after(System(sheet.unknown.system)) if late and sheet.unknown else None
    mine = fold(actor.name)
    four_eyes = engine.settings.approve.four_eyes
    return Facts(
        status=row.sf_status if row else None,
        run=cast(RunWord, str(run.state)) if run else None,
        wait=cast(WaitWord, str(run.wait)) if run and run.wait else None,
        step=stands_at(sheet),
        code=run.error_code if run else None,
        unknown=sheet.unknown.operation if sheet.unknown else None,
        late_until=until if until is not None and until > now else None,
        effects=sheet.effects,
        billed=any(c.operation == "whmcs.AddOrder" and c.state in MAY_STAND for c in sheet.calls),
        esim=_esim(sheet),
        future=_future(engine, sheet),
        amount=row.amount if row else None,
        limit=limit_of(engine, actor),
        placed_by_me=bool(four_eyes and row and row.placed_by and fold(row.placed_by) == mine),
        approved_by_me=bool(four_eyes and row and row.approved_by and fold(row.approved_by) == mine),
        taken="nobody" if sheet.take is None else "me" if sheet.take.actor == actor.name else "another",
        mails=frozenset(m.state for m in sheet.mails),
        services=_pending_services(sheet),
        bulk=bulk,
        mode=mode_of(engine),
        recovery=engine.recovery,
    )


def stands_at(sheet: Sheet) -> str | None:
    """The step at which the run stands: where it failed or waits; for one that failed to cancel, the first open step."""
    run = sheet.run
    if run is None:
        return None
    step = run.step or run.error_step
    if step is not None and step != "cancel":
        return step
    return next((s.name for s in sheet.steps if s.state not in ("done", "skipped", "not_needed")), None)


def limit_of(engine: Engine, actor: Actor) -> int | None:
    """The most yen this person's role may approve; None: no limit."""
    return {str(role): most for role, most in engine.settings.approve.limit_yen.items()}.get(actor.role)


def mode_of(engine: Engine) -> Literal["working", "observing", "disowned"]:
    if engine.observe:
        return "observing"
    return "disowned" if "ownership" in engine.holds.reasons() else "working"


def system_facts(engine: Engine, db: sqlite3.Connection) -> Facts:
    """What decides about commands on the system as a whole."""
    pauses = desk.pauses(db)
    present = recovery.present(db)
    return Facts(
        mode=mode_of(engine),
        recovery=present is not None,
        listed=present is not None and present.changed is not None,
        brake="intake" in pauses,
        paused=frozenset(pauses) - {"intake"},
    )


def _esim(sheet: Sheet) -> Literal["none", "open", "ordered"]:
    """Whether some profile may still be chosen otherwise; the act looks at each item."""
    if sheet.row is None or "eSIM" not in (sheet.row.kind or ""):
        return "none"
    finished = any(s.name == "esim" and s.state in ("done", "skipped") for s in sheet.steps)
    return "ordered" if finished else "open"


def _future(engine: Engine, sheet: Sheet) -> str | None:
    """EffectiveDate, when the run has not begun and the day has not come in the install's zone."""
    if sheet.row is None or not sheet.row.effective_date or sheet.run is None or sheet.run.started_at is not None:
        return None
    today = as_datetime(engine.clock.now()).astimezone(ZoneInfo(engine.settings.whmcs.time_zone)).date()
    return sheet.row.effective_date if date.fromisoformat(sheet.row.effective_date) > today else None


def _pending_services(sheet: Sheet) -> tuple[str, ...]:
    if sheet.run is None or sheet.run.error_code != "service_pending":
        return ()
    return tuple(sorted(map(str, sheet.output_of("billing").get("services", {}).values())))
