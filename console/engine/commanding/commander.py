"""The one way in for what people do: what is possible, what would happen, and doing it with an audit pair (rules §8)."""

import asyncio
import difflib
import logging
import secrets
import sqlite3
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from console.commands import table
from console.commands.command import Command
from console.commands.facts import Facts, Possible
from console.commands.words import Role
from console.engine.commanding.act import Act, Hooks, Request
from console.engine.commanding.acts import make_acts
from console.engine.commanding.arguments import clean, clean_reason
from console.engine.commanding.candidates import Candidates, candidates
from console.engine.commanding.editform import Editable, edit_form
from console.engine.commanding.errors import BadArgument, Changed, CommandError, NeedsReason, NotPossible, PlanStale
from console.engine.commanding.planner import Planned, Planner, order_id_of
from console.engine.commanding.plans import Applied, Plan, PlanItem, Prepared, Submitted
from console.engine.commanding.reading import Reader
from console.engine.commanding.sheet import system_facts
from console.engine.services import Engine
from storage import audit, batches
from storage.audit import Actor
from storage.errors import Stale, StorageError

log = logging.getLogger(__name__)
T = TypeVar("T")
KEPT_ITEMS = 10_000
PACE = 2.0
STOP_AFTER = 3
SECRET_ARGUMENTS = ("value", "text")  # kept where they belong (edits, notes), not in the audit log


@dataclass(frozen=True)
class Offer:
    """One command at one order (or the system), and whether it is possible now."""

    command: Command
    possible: Possible


class Commander:
    """``plan`` and ``submit`` raise CommandError. One command at a time for an order; many orders become a batch."""

    def __init__(self, engine: Engine, hooks: Hooks | None = None) -> None:
        self._engine = engine
        self._reader = Reader(engine)
        self._acts = make_acts(engine, self._reader, hooks or Hooks())
        self._planner = Planner(engine, self._reader, self._acts)
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._batches_woken = asyncio.Event()

    # What is possible -------------------------------------------------------------------------------------------------

    async def facts(self, order_id: str, actor: Actor, *, bulk: bool = False) -> Facts:
        """What decides about this order, as the journal has it; one never seen here is read from Salesforce.

        Raises BadArgument for what is no order, OutsideTrouble when it must be read and cannot be.
        """
        return await self._planner.facts(order_id_of(order_id), actor, bulk=bulk)

    async def possible(self, order_id: str, actor: Actor, *, bulk: bool = False) -> list[Offer]:
        """Every command for orders, with whether this person may give it now, else why not in words."""
        facts, role = await self.facts(order_id, actor, bulk=bulk), Role(actor.role)
        return [Offer(command, table.possible(command, role, facts)) for command in table.for_orders()]

    async def possible_for_system(self, actor: Actor) -> list[Offer]:
        """The same for the system's commands."""
        facts = await self._engine.journal.read(lambda db: system_facts(self._engine, db))
        role = Role(actor.role)
        return [Offer(command, table.possible(command, role, facts)) for command in table.for_system()]

    async def candidates(self, order_id: str, actor: Actor) -> Candidates:
        """What the call of unknown outcome may have made, read now. Raises NotPossible where everything is known."""
        request = await self._planner.request(table.BY_ID["order.resolve_is"], actor, order_id_of(order_id))
        return await candidates(self._engine, self._reader, request)

    async def edit_form(self, order_id: str, actor: Actor) -> tuple[Editable, ...]:
        """The fields of an order and which of them this person may edit now. Raises NotPossible when none may be."""
        request = await self._planner.request(table.BY_ID["order.edit"], actor, order_id_of(order_id))
        return await edit_form(self._engine, self._reader, request)

    # Planning ---------------------------------------------------------------------------------------------------------

    async def plan(
        self,
        command: str,
        actor: Actor,
        *,
        order_ids: Sequence[str] = (),
        arguments: Mapping[str, Any] | None = None,
        bulk: bool | None = None,
    ) -> Plan:
        """What the command would do. ``bulk``: treat even one order as a bulk act (a filter found only one).

        An order that is left out is an item with ``will_do`` False and its reason; ``refusal`` says when nothing can be
        submitted. Raises BadArgument, OutsideTrouble (a system that must be read is away), NotPossible (one order at a time).
        """
        return (await self._plan(self._known(command), actor, order_ids, arguments, bulk)).plan

    # Doing ------------------------------------------------------------------------------------------------------------

    async def submit(
        self,
        plan_hash: str,
        command: str,
        actor: Actor,
        reason: str | None = None,
        *,
        order_ids: Sequence[str] = (),
        arguments: Mapping[str, Any] | None = None,
        bulk: bool | None = None,
        pace: float = PACE,
        stop_after: int = STOP_AFTER,
    ) -> Submitted:
        """Do what was planned. It is planned once more; a difference raises Changed or PlanStale and nothing is done.

        The audit intent is committed before the effect, the outcome after it, also when the caller goes away. Many
        orders become a batch (``pace`` a second, stopped after ``stop_after`` failures in a row).
        Raises every CommandError.
        """
        known, given = self._known(command), clean_reason(reason)
        order_ids = list(dict.fromkeys(order_id_of(text) for text in order_ids))
        many = bulk if bulk is not None else len(order_ids) > 1
        if known.needs_reason(bulk=many) and given is None:
            raise NeedsReason(known.title)
        async with self._alone(known, order_ids, many=many):
            old = self._plans.get(plan_hash)
            fresh = await self._plan(known, actor, order_ids, arguments, bulk)
            plan = fresh.plan
            if plan.hash != plan_hash:
                raise self._stale(old, plan)
            if plan.refusal is not None:
                raise NotPossible(plan.refusal)
            if plan.bulk:
                return await self._shielded(self._begin_batch(known, plan, actor, given, pace, stop_after))
            request = replace(fresh.request, reason=given)
            return await self._shielded(self._carry_out(known, plan, request, fresh.prepared))

    async def apply_item(
        self, command: Command, actor: Actor, order_id: str, arguments: Mapping[str, Any], reason: str | None,
        planned: str,
    ) -> Applied:  # fmt: skip
        """One order of a batch: looked at anew, done only if everything that decides is as it was planned."""
        async with self._alone(command, [order_id], many=False):
            item, request, prepared = await self._planner.one(
                command, actor, order_id, arguments, bulk=True, fresh=True
            )
            if not item.will_do:
                raise NotPossible(item.reason)
            if item.digest != planned:
                raise self._changed("it is not as it was planned any more", order_id, 0.0)
            try:
                return await self._act(command).apply(replace(request, reason=reason), prepared)
            except Stale as error:
                raise self._changed(str(error), order_id, 0.0) from error

    def follows(self, command: Command) -> bool:
        """Is its success what the engine reports of the run afterwards?"""
        return self._act(command).follows

    async def wait_for_batches(self, seconds: float) -> None:
        """Until a batch was submitted, at most ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._batches_woken.wait()
        except TimeoutError:
            return
        finally:
            self._batches_woken.clear()

    async def finish_interrupted(self) -> int:
        """At start: commands that were under way when the process ended get an outcome row. Returns how many."""
        now = self._engine.clock.now()

        def write(db: sqlite3.Connection) -> int:
            going_on = {batch.audit_id for batch in batches.running(db)}
            left = [row for row in audit.unfinished(db) if row.id not in going_on]
            for row in left:
                audit.outcome(db, row.id, now, "interrupted", {"note": "interrupted: look at the order"})
            return len(left)

        return await self._engine.journal.write(write)

    async def close(self) -> None:
        """Let commands that are under way end."""
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=self._engine.settings.daemon.drain)

    # Inside -----------------------------------------------------------------------------------------------------------

    def _known(self, name: str) -> Command:
        command = table.find(name)
        if command is None:
            near = difflib.get_close_matches(name, [*table.BY_ID, *table.BY_VERB], 1)
            remedy = f"did you mean {near[0]}?" if near else f"one of {', '.join(table.BY_ID)}"
            raise BadArgument("command", f"there is no command {name[:40]!r}", remedy)
        return command

    async def _plan(
        self, command: Command, actor: Actor, order_ids: Sequence[str], arguments: Mapping[str, Any] | None,
        bulk: bool | None,
    ) -> Planned:  # fmt: skip
        planned = await self._planner.plan(command, actor, order_ids, clean(command, arguments or {}), bulk)
        self._plans[planned.plan.hash] = planned.plan
        self._plans.move_to_end(planned.plan.hash)
        while sum(len(kept.items) for kept in self._plans.values()) > KEPT_ITEMS and len(self._plans) > 1:
            self._plans.popitem(last=False)
        return planned

    @asynccontextmanager
    async def _alone(self, command: Command, order_ids: Sequence[str], *, many: bool) -> AsyncIterator[None]:
        """One command at a time for an order, one bulk act being begun, one command for the system."""
        key = "bulk" if many else order_ids[0] if order_ids else command.id
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._waiting[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]

    def _act(self, command: Command) -> Act:
        return self._acts[command.id]

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """What has begun is ended and audited, also when the caller has gone."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _carry_out(self, command: Command, plan: Plan, request: Request, prepared: Prepared) -> Submitted:
        intent = await self._intend(command, plan, request.actor, request.reason)
        order_id = plan.items[0].order_id
        try:
            applied = await self._act(command).apply(request, prepared)
        except Stale as error:
            await self._outcome(intent, "refused", {"why": str(error)})
            raise self._changed(str(error), order_id, plan.at, but=intent) from error
        except CommandError as error:
            await self._outcome(intent, "refused", {"why": str(error)})
            raise
        except StorageError:
            raise
        except Exception as error:
            log.exception("command %s ended in a defect of ours", command.id)
            await self._outcome(intent, "failed", {"why": type(error).__name__})
            raise
        detail = {"message": applied.message, "run": applied.run_id, **applied.detail}
        await self._outcome(intent, "done" if applied.outcome != "unknown" else "unknown", detail)
        return Submitted(applied.outcome, applied.message, intent, applied.run_id, detail=applied.detail)

    async def _begin_batch(
        self, command: Command, plan: Plan, actor: Actor, reason: str | None, pace: float, stop_after: int
    ) -> Submitted:
        batch_id, now = secrets.token_hex(8), self._engine.clock.now()
        planned = {item.order_id: item.digest for item in plan.doing}
        rows = [(i.order_id, i.run_version, None if i.will_do else i.reason) for i in plan.items]

        def write(db: sqlite3.Connection) -> int:
            intent = self._write_intent(db, now, command, plan, actor, reason, batch_id)
            batch = batches.Batch(
                id=batch_id, command=command.id, actor=actor.name, role=actor.role, reason=reason,
                arguments={"arguments": dict(plan.arguments), "planned": planned}, plan_hash=plan.hash, audit_id=intent,
                state="running", pace=max(0.1, min(pace, 50.0)), stop_after=max(1, stop_after), created_at=now,
                ended_at=None,
            )  # fmt: skip
            batches.insert(db, batch, rows)
            return intent

        intent = await self._engine.journal.write(write)
        self._batches_woken.set()
        left_out = f", {len(plan.excluded)} left out" if plan.excluded else ""
        return Submitted("running", f"begun{left_out}", intent, batch_id=batch_id)

    async def _intend(self, command: Command, plan: Plan, actor: Actor, reason: str | None) -> int:
        now = self._engine.clock.now()
        return await self._engine.journal.write(
            lambda db: self._write_intent(db, now, command, plan, actor, reason, None)
        )

    def _write_intent(
        self, db: sqlite3.Connection, now: float, command: Command, plan: Plan, actor: Actor, reason: str | None,
        batch_id: str | None,
    ) -> int:  # fmt: skip
        subjects = [item.order_id for item in plan.doing] or [item.number for item in plan.doing]
        detail = {key: value for key, value in plan.arguments.items() if key not in SECRET_ARGUMENTS}
        if batch_id is not None:
            detail["batch"] = batch_id
        return audit.intent(
            db, now, actor, command.id, [s for s in subjects if s], plan_hash=plan.hash, reason=reason, detail=detail
        )

    async def _outcome(self, intent: int, outcome: str, detail: Mapping[str, Any]) -> None:
        now = self._engine.clock.now()
        await self._engine.journal.write(lambda db: audit.outcome(db, intent, now, outcome, detail))

    def _stale(self, old: Plan | None, fresh: Plan) -> CommandError:
        """What is different from the plan that was confirmed, and whose doing it is."""
        if old is None:
            return PlanStale("this plan is not known here any more")
        if (old.command, old.actor, dict(old.arguments)) != (fresh.command, fresh.actor, dict(fresh.arguments)):
            return PlanStale("the command is not the one that was planned")
        before = {item.order_id: item for item in old.items}
        for item in fresh.items:
            planned = before.get(item.order_id)
            if planned is not None and planned.digest != item.digest:
                what = what_changed(planned, item)
                return self._changed(what, item.order_id, old.at)
        return PlanStale("the set of orders is not the one that was planned")

    def _changed(self, what: str, order_id: str, since: float, *, but: int | None = None) -> Changed:
        """With who acted on this order last after ``since``, and when; the engine itself if nobody did."""
        rows = self._engine.journal.peek(lambda db: audit.newest(db, 10, subject=order_id)) if order_id else []
        act = next((row for row in rows if row.phase == "intent" and row.at >= since and row.id != but), None)
        if act is None:
            return Changed(what, "the engine or somebody in Salesforce", order_id)
        return Changed(what, act.actor, order_id, act.at)


def what_changed(planned: PlanItem, now: PlanItem) -> str:
    """The first difference that a person understands."""
    pairs = (
        ("the order", planned.status, now.status),
        ("the run", planned.run_state, now.run_state),
        ("new", planned.run_id, now.run_id),
        ("the amount", _yen(planned.amount), _yen(now.amount)),
        ("possible", planned.will_do, now.will_do),
    )
    for name, before, after in pairs:
        if before != after:
            if name == "possible":
                return now.reason or "it is possible again"
            if name == "new":
                return "a new run of it was begun"
            return f"{name} was {before or 'not there'}, now {after or 'not there'}"
    return "the order moved on since it was planned"


def _yen(amount: int | None) -> str | None:
    return None if amount is None else f"¥{amount:,}"
