"""One order with everything the journal knows about it."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from console.api.access import Api, Services
from console.api.history import history
from console.api.identity import Caller, Viewer
from console.api.lines import line
from console.api.mask import Masker
from console.api.naming import find_order
from console.api.problems import not_found
from console.api.saying import say
from console.commands.facts import Possible
from console.commands.mending import editable
from console.commands.words import Role
from console.engine.commanding.commander import Offer
from console.engine.commanding.errors import BadArgument
from console.engine.conditions import describe
from console.engine.fallout import advice
from console.schema import detail as schema
from integrations.errors import System
from storage import book, calls, desk, feed, inbox, mail, orders, profiles, runs
from storage.calls import Call, Send
from storage.runs import Run, Step

router = APIRouter(tags=["orders"])
Named = Annotated[str, Path(max_length=100)]


@router.get("/orders/{order}")
async def order_detail(
    caller: Viewer, api: Services, order: Named, masked: Annotated[bool, Query()] = False
) -> schema.OrderDetail:
    """By Salesforce id or order number. An order that was never read here (one in review) is read now.

    ``masked``: as a viewer sees it, whoever asks: for what is copied or written to a file.
    """
    order_id = await find_order(api, order)
    commands = await _commands(api, caller, order_id)
    found = await api.read(lambda db: _gather(db, order_id, api.now()))
    return _view(api, api.masker(caller, [found.order.customer_name], masked=masked), found, commands)


@router.get("/orders/{order}/commands")
async def possible(caller: Viewer, api: Services, order: Named) -> list[schema.PossibleCommand]:
    """Every command, whether this order can take it now from you, and if not, why. Orders never read here are read."""
    return await _commands(api, caller, await find_order(api, order))


@router.get("/system/commands")
async def possible_for_system(caller: Viewer, api: Services) -> list[schema.PossibleCommand]:
    """Every command on the system as a whole (pause, resume, brake, recovery): possible now from you, or why not."""
    return [_offer(offer, {}) for offer in await api.services.commander.possible_for_system(caller.actor)]


async def _commands(api: Api, caller: Caller, order_id: str) -> list[schema.PossibleCommand]:
    """Raises 404 when Salesforce has no such order, 503 when it is not known here and cannot be read."""
    try:
        facts = await api.services.commander.facts(order_id, caller.actor)
    except BadArgument as error:
        raise not_found("order", order_id, f": {error.why}") from error
    offers = await api.services.commander.possible(order_id, caller.actor)
    choices = {"order.edit": {"field": list(editable(facts, Role(caller.role)))}}
    return [_offer(offer, choices) for offer in offers]


def _offer(offer: Offer, choices: dict[str, dict[str, list[str]]]) -> schema.PossibleCommand:
    found: Possible = offer.possible
    return schema.PossibleCommand(
        id=offer.command.id, title=offer.command.title, possible=found.ok, reason=found.reason, never=found.never,
        choices=choices.get(offer.command.id, {}),
    )  # fmt: skip


@dataclass(frozen=True)
class Gathered:
    """One reading of the journal."""

    seq: int
    row: tuple[Any, ...]
    order: orders.OrderRow
    runs: Sequence[Run]
    steps: dict[int, list[Step]]
    calls: Sequence[Call]
    sends: dict[int, list[Send]]
    history: list[schema.HistoryItem]
    events: Sequence[inbox.Event]
    mails: Sequence[mail.MailRow]
    profiles: Sequence[profiles.ProfileRow]
    take: desk.Take | None
    waits_for: str | None


def _gather(db: sqlite3.Connection, order_id: str, now: float) -> Gathered:
    order = orders.get(db, order_id)
    assert order is not None
    _, seq, _ = feed.bounds(db)
    found = runs.of_order(db, order_id)
    sends: defaultdict[int, list[Send]] = defaultdict(list)
    for send in calls.sends_of_order(db, order_id):
        sends[send.call_id].append(send)
    latest = runs.latest_of_order(db, order_id)
    other = runs.get(db, latest.waits_for) if latest is not None and latest.waits_for is not None else None
    return Gathered(
        seq=seq, row=book.rows_of(db, [order_id])[order_id], order=order, runs=found,
        steps={run.id: runs.steps(db, run.id) for run in found}, calls=calls.of_order(db, order_id), sends=sends,
        history=history(db, order_id), events=inbox.of_order(db, order_id), mails=mail.of_order(db, order_id),
        profiles=profiles.of_order(db, order_id), take=desk.taken(db, order_id, now),
        waits_for=other.order_number if other is not None else None,
    )  # fmt: skip


def _view(api: Api, mask: Masker, found: Gathered, commands: list[schema.PossibleCommand]) -> schema.OrderDetail:
    shown = line(found.row, found.order.customer_name, api.hub.packer, mask)
    own = [run for run in found.runs if run.workflow == "provision_order"]
    views = [_run(run, found, mask) for run in own]
    order, latest = found.order, own[-1] if own else None
    return schema.OrderDetail(
        seq=found.seq, at=api.now(), order=shown, customer=customer(order, mask), effective_date=order.effective_date,
        placed_by=order.placed_by, approved_by=order.approved_by, read_at=order.read_at,
        run=views[-1] if views else None, earlier=views[-2::-1],
        calls=[_call(api, call, found.sends.get(call.id, []), mask) for call in found.calls],
        history=[_masked(item, mask) for item in found.history],
        events=[{"seq": e.seq, "event_uuid": e.event_uuid, "received_at": e.received_at, "state": e.state,
                 "reason": mask.text(e.reason), "run_id": e.run_id} for e in found.events],
        mails=[mail_view(row, order.number, mask) for row in found.mails],
        profiles=[profile_view(row, mask) for row in found.profiles],
        take=schema.TakeView(actor=found.take.actor, at=found.take.at, expires_at=found.take.expires_at)
        if found.take else None,
        standing=_standing(found.calls, mask), advice=advice(latest.error_code, latest.error_class) if latest else "",
        say=say(shown, api.settings.whmcs.time_zone, api.now()), commands=commands, links=_links(api, found),
    )  # fmt: skip


def _links(api: Api, found: Gathered) -> dict[str, str]:
    """Addresses of settings with ids: nothing that an outside system answered becomes part of a link."""
    links = {"salesforce": f"{api.settings.salesforce.login_url.rstrip('/')}/{found.order.order_id}"}
    web = api.settings.whmcs.web_url.rstrip("/")
    added = next((call.output for call in found.calls if call.operation == "whmcs.AddOrder" and call.output), {})
    number, client = str(added.get("order_id") or ""), found.order.client_id or ""
    if web and number.isascii() and number.isdigit():
        links["whmcs"] = f"{web}/orders.php?action=view&id={number}"
    if web and client.isascii() and client.isdigit():
        links["client"] = f"{web}/clientssummary.php?userid={client}"
    return links


def customer(order: orders.OrderRow, mask: Masker) -> dict[str, Any]:
    return {
        "name": mask.name(order.customer_name), "number": order.customer_number, "client_id": order.client_id,
        "account_id": order.account_id, "phone": mask.phone(order.phone), "email": mask.email(order.email),
    }  # fmt: skip


def _run(run: Run, found: Gathered, mask: Masker) -> schema.RunView:
    return schema.RunView(
        id=run.id, state=run.state, version=run.version, step=run.step, wait=run.wait,
        wait_reason=mask.text(run.wait_reason), until=run.wait_until, next_at=run.next_at if run.open else None,
        condition=describe(run.condition) or None, tries=run.tries, attempt=run.attempt, look_first=run.look_first,
        unknown=run.unknown_open, cancel_asked=run.cancel_asked, waits_for=run.waits_for,
        waits_for_order=found.waits_for if run.waits_for is not None else None, retry_of=run.retry_of, source=run.source,
        error_class=run.error_class, error_system=run.error_system, error_operation=run.error_operation,
        error_code=run.error_code, error_message=mask.text(run.error_message), error_step=run.error_step,
        cause=run.fingerprint, created_at=run.created_at, updated_at=run.updated_at, started_at=run.started_at,
        ended_at=run.ended_at, steps=[_step(step, mask) for step in found.steps[run.id]],
    )  # fmt: skip


def _step(step: Step, mask: Masker) -> schema.StepView:
    seconds = step.ended_at - step.started_at if step.ended_at and step.started_at else None
    return schema.StepView(
        name=step.name, state=step.state, tries=step.tries, started_at=step.started_at, ended_at=step.ended_at,
        seconds=seconds, output=mask.value(step.output) if step.output is not None else None, note=mask.text(step.note),
    )  # fmt: skip


def _call(api: Api, call: Call, sends: Sequence[Send], mask: Masker) -> schema.CallView:
    late = call.wait_from + api.engine.late_after(System(call.system)) if call.wait_from else None
    return schema.CallView(
        id=call.id, run_id=call.run_id, step=call.step, operation=call.operation, item=_item(call, mask),
        system=call.system, effect=call.effect, state=call.state, sends_count=call.sends, input=mask.value(call.input),
        output=mask.value(call.output) if call.output is not None else None, marker=call.marker,
        first_at=call.first_intent_at, at=call.intent_at, deadline=call.deadline, wait_from=call.wait_from,
        late_until=late if call.state == "unknown" else None, settled_at=call.settled_at, settled_by=call.settled_by,
        sends=[_send(send, mask) for send in sends],
    )  # fmt: skip


def _item(call: Call, mask: Masker) -> str:
    """The item of a profile's call is its ICCID."""
    return (mask.iccid(call.item) or "") if call.system == System.ESIM and call.item.isdigit() else call.item


def _send(send: Send, mask: Masker) -> schema.SendView:
    return schema.SendView(
        id=send.id, n=send.n, kind=send.kind, run_id=send.run_id, at=send.intent_at, deadline=send.deadline,
        ended_at=send.ended_at, seconds=send.ended_at - send.intent_at if send.ended_at is not None else None,
        outcome=send.outcome, error_class=send.error_class, code=send.code, message=mask.text(send.message),
        evidence=mask.value(send.evidence) if send.evidence is not None else None, correlation=send.correlation,
    )  # fmt: skip


def _masked(item: schema.HistoryItem, mask: Masker) -> schema.HistoryItem:
    changed = {"what": mask.text(item.what) or "", "reason": mask.text(item.reason)}
    detail = mask.value(item.detail) if item.detail is not None else None
    return item.model_copy(update={**changed, "detail": detail})


def mail_view(row: mail.MailRow, number: str | None, mask: Masker) -> schema.MailView:
    return schema.MailView(
        id=row.id, order_id=row.order_id, number=number, kind=row.kind, language=row.language, state=row.state,
        recipient=mask.email(row.recipient), resend=row.resend, tries=row.tries, error=mask.text(row.error),
        queued_at=row.queued_at, sent_at=row.sent_at, queued_by=row.queued_by, message_id=row.message_id,
    )  # fmt: skip


def profile_view(row: profiles.ProfileRow, mask: Masker) -> schema.ProfileView:
    return schema.ProfileView(
        iccid=mask.iccid(row.iccid) or "", type=row.type, state=row.state, shown_state=row.shown_state,
        order_id=row.order_id, order_item_id=row.order_item_id, eid=mask.eid(row.eid), updated_at=row.updated_at,
    )  # fmt: skip


_WORDS = {
    "salesforce.claim": "claimed in Salesforce",
    "whmcs.AddOrder": "WHMCS order {order_id}",
    "whmcs.AcceptOrder": "accepted in WHMCS",
    "esim.downloadOrder": "eSIM profile {item} ordered",
    "esim.confirmOrder": "eSIM profile {item} confirmed",
    "esim.releaseProfile": "eSIM profile {item} released",
    "salesforce.activate": "activated in Salesforce",
    "mail.send": "mail sent",
}


def _standing(found: Sequence[Call], mask: Masker) -> list[str]:
    """Effects that stand outside or may stand, in words."""
    words: list[str] = []
    for call in found:
        form = _WORDS.get(call.operation)
        unsure = call.state in ("intended", "unknown") and call.effect != "read"
        if form is None or not (call.state == "done" or unsure):
            continue
        order_id = str((call.output or {}).get("order_id") or "")
        text = form.format(order_id=order_id, item=_item(call, mask)).strip()
        words.append(f"{text} (outcome not known)" if unsure else text)
    return words
