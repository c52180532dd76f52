"""Commands: the table, what would happen, doing it once, and batches."""

import sqlite3
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Path
from fastapi.responses import Response

from console.api.access import Api, Services
from console.api.idempotency import KEY_PATTERN, Keys
from console.api.identity import Caller, Viewer
from console.api.mask import Masker
from console.api.naming import ids_of
from console.api.plans import plan_view
from console.api.problems import forbidden, not_found
from console.commands import table
from console.commands.command import Command
from console.commands.words import Role, Scope
from console.engine.commanding.commander import SECRET_ARGUMENTS
from console.engine.commanding.plans import Submitted
from console.schema import commands as schema
from storage import batches, orders

router = APIRouter(tags=["commands"])
Name = Annotated[str, Path(max_length=60)]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=KEY_PATTERN)]
MOST_BATCHES = 200


@router.get("/commands")
async def command_table(caller: Viewer) -> list[schema.CommandInfo]:
    """Every command there is; ``allowed`` says whether your role may ever give it."""
    role = Role(caller.role)
    return [_info(command, allowed=role.at_least(command.role)) for command in table.COMMANDS]


@router.post("/commands/{command}/plan")
async def plan(caller: Viewer, api: Services, command: Name, asked: schema.PlanRequest) -> schema.Plan:
    """What the command would do to these orders, in words and amounts. Changes nothing."""
    known = _known(command, caller)
    chosen = await ids_of(api, caller, known, asked.orders, asked.filter)
    made = await api.services.commander.plan(
        known.id, caller.actor, order_ids=chosen.order_ids, arguments=asked.arguments, bulk=chosen.bulk
    )
    return plan_view(made, api.masker(caller))


@router.post("/commands/{command}/submit", response_model=schema.Submitted)
async def submit(caller: Viewer, api: Services, command: Name, asked: schema.SubmitRequest, key: Key) -> Response:
    """Do what was planned, once: the same key and body get the stored answer for 24 h."""
    known = _known(command, caller)
    keys = Keys(api.journal, caller.owner, api.engine.clock, api.under_way)
    return await keys.once(key, f"{known.id}\n{asked.model_dump_json()}", lambda: _submit(api, caller, known, asked))


async def _submit(api: Api, caller: Caller, command: Command, asked: schema.SubmitRequest) -> schema.Submitted:
    chosen = await ids_of(api, caller, command, asked.orders, asked.filter)
    done = await api.services.commander.submit(
        asked.plan_hash, command.id, caller.actor, asked.reason or None, order_ids=chosen.order_ids,
        arguments=asked.arguments, bulk=chosen.bulk, pace=asked.pace, stop_after=asked.stop_after,
    )  # fmt: skip
    return _submitted(command, done, api.masker(caller).value(dict(done.detail)))


@router.get("/commands/results/{key}", response_model=schema.Submitted)
async def result(caller: Viewer, api: Services, key: Annotated[str, Path(pattern=KEY_PATTERN)]) -> Response:
    """What your submit with this key came to: its answer, 409 while it is worked on, 404 when it never came in."""
    return await Keys(api.journal, caller.owner, api.engine.clock, api.under_way).answer(key)


@router.get("/batches")
async def list_batches(caller: Viewer, api: Services) -> schema.BatchList:
    """The newest bulk acts, without their orders."""
    mask = api.masker(caller)

    def read(db: sqlite3.Connection) -> list[schema.BatchView]:
        rows = batches.newest(db, MOST_BATCHES)
        counts = batches.counts(db, [row.id for row in rows])
        return [_batch(row, counts[row.id], api.now(), mask) for row in rows]

    return schema.BatchList(batches=await api.read(read))


@router.get("/batches/{batch_id}")
async def one_batch(
    caller: Viewer, api: Services, batch_id: Annotated[str, Path(max_length=64)], after: float | None = None
) -> schema.BatchView:
    """A bulk act with what came of each of its orders; ``after``: only those that changed then or later."""

    def read(db: sqlite3.Connection) -> schema.BatchView | None:
        row = batches.get(db, batch_id)
        if row is None:
            return None
        found = batches.items(db, row.id, after=after)
        known = orders.get_many(db, [item.order_id for item in found])
        mask = api.masker(caller, (order.customer_name for order in known.values()))
        view = _batch(row, batches.counts(db, [row.id])[row.id], api.now(), mask)
        return view.model_copy(update={"items": [_batch_item(item, known, mask) for item in found]})

    view = await api.read(read)
    if view is None:
        raise not_found("batch", batch_id)
    return view


def _known(name: str, caller: Caller) -> Command:
    command = table.find(name)
    if command is None:
        raise not_found("command", name, ": GET /commands lists them")
    if not Role(caller.role).at_least(command.role):
        raise forbidden(f"{command.title} needs the role {command.role}; yours is {caller.role}")
    return command


def _info(command: Command, *, allowed: bool) -> schema.CommandInfo:
    return schema.CommandInfo(
        id=command.id, verb=command.verb, title=command.title, description=command.description, keys=command.keys,
        group=command.group, role=command.role, risk=command.risk, needs_reason=command.reason, allowed=allowed,
        scope=[str(scope.name).lower() for scope in Scope if scope in command.scope],
        arguments=[
            schema.ArgumentInfo(
                name=a.name, kind=a.kind, help=a.help, required=a.required, choices=list(a.choices)
            ) for a in command.arguments
        ],
    )  # fmt: skip


def _submitted(command: Command, done: Submitted, detail: dict[str, object]) -> schema.Submitted:
    return schema.Submitted(
        command=command.id, outcome=done.outcome, message=done.message, audit_id=done.audit_id, run_id=done.run_id,
        batch_id=done.batch_id, detail=detail,
    )  # fmt: skip


def _batch(row: batches.Batch, counts: dict[str, int], now: float, mask: Masker) -> schema.BatchView:
    command = table.BY_ID.get(row.command)
    given = {key: value for key, value in row.arguments["arguments"].items() if key not in SECRET_ARGUMENTS}
    return schema.BatchView(
        id=row.id, command=row.command, title=command.title if command else row.command, actor=row.actor,
        reason=mask.text(row.reason), arguments=given, state=row.state, pace=row.pace, stop_after=row.stop_after,
        at=now, created_at=row.created_at, ended_at=row.ended_at, counts=counts,
    )  # fmt: skip


def _batch_item(item: batches.Item, known: Mapping[str, orders.OrderRow], mask: Masker) -> schema.BatchItem:
    order, result = known.get(item.order_id), item.result or {}
    return schema.BatchItem(
        position=item.position, order_id=item.order_id, state=item.state, at=item.at,
        number=order.number if order else None,
        message=mask.text(str(result.get("reason") or result.get("message") or "")) or "",
        result=mask.value(item.result) if item.result is not None else None,
    )  # fmt: skip
