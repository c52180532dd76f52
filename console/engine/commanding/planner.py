"""Making plans: for each order what would happen or why not, and a hash over everything that decides (rules §8)."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from console.commands import table
from console.commands.command import Command, over_limit
from console.commands.facts import Facts
from console.commands.words import Role, Scope
from console.engine.commanding.act import Act, Request
from console.engine.commanding.ahead import BILLS, calls_ahead, in_order
from console.engine.commanding.errors import BadArgument, CommandError, NotPossible, OutsideTrouble
from console.engine.commanding.plans import Plan, PlanItem, Prepared, digest, plan_hash
from console.engine.commanding.reading import Reader
from console.engine.commanding.sheet import Sheet, facts_of, gather, limit_of, system_facts
from console.engine.fallout import generalise
from console.engine.services import Engine
from integrations.salesforce.ids import norm_id
from integrations.salesforce.models import OrderBundle
from storage.audit import Actor

AT_ONCE = 4
MOST = 5000
FRESH_FOR = 60.0  # an order read this recently is not read again for the plan of many

Found = tuple[PlanItem, Request, Prepared]


@dataclass(frozen=True)
class Planned:
    """A plan; for a single command also what ``apply`` needs."""

    plan: Plan
    request: Request
    prepared: Prepared


def order_id_of(text: str) -> str:
    """The 18-character id of a Salesforce order. Raises BadArgument."""
    try:
        return norm_id(str(text).strip(), "801")
    except ValueError as error:
        raise BadArgument("order", f"{str(text)[:40]!r} is not an order's id", "give the Salesforce id") from error


class Planner:
    """Reads, judges by the table, and asks the command's act what it would do. Changes nothing."""

    def __init__(self, engine: Engine, reader: Reader, acts: Mapping[str, Act]) -> None:
        self._engine = engine
        self._reader = reader
        self._acts = acts

    async def facts(self, order_id: str, actor: Actor, *, bulk: bool) -> Facts:
        sheet = await self._sheet(order_id)
        if sheet.row is None:
            await self._reader.order(order_id)
            sheet = await self._sheet(order_id)
        return facts_of(self._engine, sheet, actor, bulk=bulk)

    async def request(self, command: Command, actor: Actor, order_id: str) -> Request:
        """The order read live, as a person sees it who is about to give this command. Raises NotPossible, OutsideTrouble."""
        bundle = await self._reader.order(order_id)
        sheet = await self._sheet(order_id)
        facts, role = facts_of(self._engine, sheet, actor), Role(actor.role)
        possible = table.possible(command, role, facts)
        if not possible.ok:
            raise NotPossible(possible.reason)
        return Request(actor, role, {}, facts, sheet, bundle)

    async def plan(
        self, command: Command, actor: Actor, order_ids: Sequence[str], arguments: Mapping[str, Any], bulk: bool | None
    ) -> Planned:
        """Raises BadArgument, OutsideTrouble; what is not possible for an order is said in its item."""
        if Scope.ORDER not in command.scope:
            if order_ids:
                raise BadArgument("order", f"{command.title} is not for an order", "leave the orders out")
            done = [await self._system(command, actor, arguments)]
            return self._finished(command, actor, arguments, done, bulk=False)
        ids = list(dict.fromkeys(order_id_of(text) for text in order_ids))
        if not ids:
            raise BadArgument("order", "no order is given", "name at least one order")
        if len(ids) > MOST:
            raise BadArgument("order", f"{len(ids):,} orders", f"at most {MOST:,} at once")
        many = len(ids) > 1 if bulk is None else bulk
        if many and Scope.BULK not in command.scope:
            raise NotPossible(f"{command.title} is done for one order at a time")
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(order_id: str) -> Found:
            async with limit:
                return await self.one(command, actor, order_id, arguments, bulk=many, fresh=not many)

        done = list(await asyncio.gather(*(one(order_id) for order_id in ids)))
        return self._finished(command, actor, arguments, done, bulk=many)

    async def one(
        self, command: Command, actor: Actor, order_id: str, arguments: Mapping[str, Any], *, bulk: bool, fresh: bool
    ) -> Found:
        """One order's item, with what ``apply`` needs. ``fresh``: read it from Salesforce if the act wants that."""
        act, role = self._acts[command.id], Role(actor.role)
        sheet = await self._sheet(order_id)
        bundle: OrderBundle | None = None
        if sheet.row is None or (act.live and (fresh or self._old(sheet))):
            bundle = await self._reader.order(order_id)
            sheet = await self._sheet(order_id)
        facts = facts_of(self._engine, sheet, actor, bulk=bulk)
        request = Request(actor, role, arguments, facts, sheet, bundle, bulk)
        possible = table.possible(command, role, facts)
        prepared = Prepared(blocked=possible.reason)
        if possible.ok:
            prepared = await self._prepare(act, request)
        return self._item(act, request, prepared), request, prepared

    async def _prepare(self, act: Act, request: Request) -> Prepared:
        """In a bulk act an order that cannot be planned is left out; alone, its trouble is the answer."""
        try:
            return await act.prepare(request)
        except (NotPossible, OutsideTrouble) as trouble:
            if isinstance(trouble, OutsideTrouble) and not request.bulk:
                raise
            return Prepared(blocked=str(trouble))
        except CommandError as error:
            if not request.bulk:
                raise
            return Prepared(blocked=str(error))

    def _item(self, act: Act, request: Request, prepared: Prepared) -> PlanItem:
        sheet, facts, run = request.order, request.facts, request.order.run
        will_do = not prepared.blocked
        decides = [will_do, run.id if run else None, act.version(request)]
        return PlanItem(
            order_id=sheet.order_id, number=sheet.number, will_do=will_do, reason=prepared.blocked or "",
            status=facts.status, run_id=run.id if run else None, run_version=run.version if run else None,
            run_state=run.state if run else None, amount=facts.amount,
            taken_by=sheet.take.actor if sheet.take and facts.taken == "another" else None, words=prepared.words,
            warnings=prepared.warnings, effects=prepared.effects, compared=prepared.compared,
            calls=calls_ahead(act.id, sheet) if will_do else (),
            digest=digest([*decides, dict(prepared.decisive)]),
        )  # fmt: skip

    async def _system(self, command: Command, actor: Actor, arguments: Mapping[str, Any]) -> Found:
        facts = await self._engine.journal.read(lambda db: system_facts(self._engine, db))
        role = Role(actor.role)
        request = Request(actor, role, arguments, facts)
        possible = table.possible(command, role, facts)
        prepared = Prepared(blocked=possible.reason)
        if possible.ok:
            prepared = await self._acts[command.id].prepare(request)
        item = PlanItem(
            order_id="", number=str(arguments.get("subject", "")), will_do=not prepared.blocked,
            reason=prepared.blocked or "", status=None, run_id=None, run_version=None, run_state=None, amount=None,
            taken_by=None, words=prepared.words, warnings=prepared.warnings,
            digest=digest([not prepared.blocked, dict(prepared.decisive)]),
        )  # fmt: skip
        return item, request, prepared

    def _finished(
        self, command: Command, actor: Actor, arguments: Mapping[str, Any], done: Sequence[Found], *, bulk: bool
    ) -> Planned:
        items = tuple(item for item, _, _ in done)
        amounts = [item.amount or 0 for item in items if item.will_do]
        plan = Plan(
            command=command.id, title=command.title, actor=actor.name, arguments=arguments, items=items, bulk=bulk,
            risk=str(command.risk), needs_reason=command.needs_reason(bulk=bulk), amount_sum=sum(amounts),
            amount_largest=max(amounts, default=0), refusal=None, words=(), at=self._engine.clock.now(),
            hash=plan_hash(command.id, actor.name, arguments, items),
        )  # fmt: skip
        plan = replace(plan, refusal=self._refusal(command, actor, plan), words=_summary(command, plan))
        return Planned(plan, done[0][1], done[0][2])

    def _refusal(self, command: Command, actor: Actor, plan: Plan) -> str | None:
        if not plan.doing:
            return plan.items[0].reason if len(plan.items) == 1 else f"none of the {len(plan.items)} orders can be done"
        if command.id == "order.approve" and plan.bulk:
            over = over_limit(plan.amount_sum, limit_of(self._engine, actor))
            return f"the sum {over}" if over else None
        return None

    async def _sheet(self, order_id: str) -> Sheet:
        now = self._engine.clock.now()
        return await self._engine.journal.read(lambda db: gather(db, order_id, now))

    def _old(self, sheet: Sheet) -> bool:
        return sheet.row is None or sheet.row.read_at < self._engine.clock.now() - FRESH_FOR


def _summary(command: Command, plan: Plan) -> tuple[str, ...]:
    if not plan.bulk:
        return ()
    left_out = f", {len(plan.excluded)} left out" if plan.excluded else ""
    words = [f"{command.title}: {len(plan.doing)} {'order' if len(plan.doing) == 1 else 'orders'}{left_out}"]
    calls = Counter(call for item in plan.doing for call in item.calls)
    if calls:
        words.append("outside calls: " + ", ".join(f"{call} ×{calls[call]}" for call in in_order(calls)))
    undone = Counter(
        effect.undo for item in plan.doing for effect in item.effects if effect.undo and plan.arguments.get("undo")
    )
    words += [f"{generalise(undo)} ×{count}" for undo, count in undone.items()]
    billed = [item for item in plan.doing if BILLS in item.calls]
    if billed:
        sum_yen = sum(item.amount or 0 for item in billed)
        words.append(
            f"WHMCS bills ¥{sum_yen:,} for {len(billed)} {'order' if len(billed) == 1 else 'orders'}, before tax"
        )
    owners = sorted({item.taken_by for item in plan.doing if item.taken_by})
    if owners:
        words.append(f"some are taken by {', '.join(owners)}")
    return (*words, *_for_all(plan))


def _for_all(plan: Plan) -> list[str]:
    """What happens to every one of them alike: also for many it is said that a rejection cannot be undone."""
    doing = plan.doing
    return [word for word in doing[0].words if all(word in item.words for item in doing)] if doing else []
