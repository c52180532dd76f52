"""cancel: settle what is unknown, undo what stands, and end the run (rules §8 cancel). Undo calls are guarded calls."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from console.engine import transitions
from console.engine.calls import PROVED_BY_REFUSAL
from console.engine.clock import as_datetime
from console.engine.failures import MakingSure, NeedsPerson, conflict
from console.engine.looks import Absent, Found, Look, Unknown
from console.engine.states import CallState, RunState
from console.engine.steps import billing
from console.engine.steps.accept import look_at_order
from console.engine.steps.context import WITHDRAWN, Provisioning
from console.engine.steps.esim import ALREADY_TAKEN
from console.engine.steps.pending import change_pending
from console.engine.steps.plan import Edits, build_plan, check_client, client_id_of
from integrations.errors import IntegrationError, System
from storage import calls, desk, outbox, profiles
from storage.calls import Call, Send

UNANSWERED = ("unknown", "interrupted")
UNINVOICED = ("cancelled", "refunded", "draft")


async def cancel(context: Provisioning) -> None:
    """Ends the run as cancelled when nothing stands any more; raises what keeps it from that."""
    await _read(context)
    context.calls.before_guarded = context.still_owner
    await _settle_unknown(context)
    if _order_call(context) is not None:
        await _undo_billing(context)
    await _undo_esim(context)
    await context.ledger.commit(lambda db: _end(db, context))


async def _read(context: Provisioning) -> None:
    """The plan is needed for looks in WHMCS; where nothing was asked of it, an order need not be one that can be planned."""
    context.bundle = await context.read_order()
    made = context.engine.journal.peek(lambda db: calls.effects(db, context.order_id))
    if not any(call.system == System.WHMCS for call in made):
        return
    client_id = client_id_of(context.bundle)
    client = await context.calls.read(
        System.WHMCS, "whmcs.GetClientsDetails", lambda: context.engine.whmcs.get_client(client_id)
    )
    check_client(context.bundle, client, context.engine.settings)
    pids = sorted({i.whmcs_product_id for i in context.bundle.items if i.whmcs_product_id is not None})
    catalog = await context.engine.catalog.products(context.calls, pids)
    edits: dict[str, dict[str, str]] = {}
    for edit in context.engine.journal.peek(lambda db: desk.edits(db, context.order_id)):
        edits.setdefault(edit.item, {})[edit.field] = edit.new or ""
    context.plan_ = build_plan(context.bundle, client, catalog, context.engine.settings, Edits(edits))


async def _settle_unknown(context: Provisioning) -> None:
    """First settle the call in flight: what cannot be told cannot be undone."""
    for call in context.engine.journal.peek(lambda db: calls.open_effects(db, context.order_id)):
        match call.operation, call.effect:
            case "whmcs.AddOrder", _:
                await _settle(context, call, lambda: billing.look_for_order(context))
            case "whmcs.AcceptOrder", _:
                await _settle(context, call, lambda number=call.item: look_at_order(context, number))
            case "esim.downloadOrder", "guarded":
                raise NeedsPerson(
                    call.operation, "whether the provider took a profile cannot be told: resolve it first"
                )


async def _settle(context: Provisioning, call: Call, look: Any) -> None:
    found = await context.calls.look_until_certain(System(call.system), call, look)
    state = CallState.DONE if found is not None else CallState.ABSENT
    now = context.engine.clock.now()
    await context.ledger.commit(lambda db: calls.settle(db, call.id, state, now, output=found, by="look for cancel"))


def _order_call(context: Provisioning) -> Call | None:
    call = context.engine.journal.peek(lambda db: calls.find(db, context.order_id, "whmcs.AddOrder"))
    return call if call is not None and call.state == CallState.DONE else None


async def _undo_billing(context: Provisioning) -> None:
    added = _order_call(context)
    assert added is not None and added.output is not None
    order_id = str(added.output["order_id"])
    order = await billing.read_order(context, order_id)
    if order.status.casefold() == "active":
        raise conflict(
            "cannot_undo", f"WHMCS order {order_id} is Active: its services must be ended in WHMCS", system="whmcs"
        )
    if order.status.casefold() == "pending":
        await _cancel_order(context, order_id)
    if order.invoice_id:
        await _cancel_invoice(context, order.invoice_id)
    now = context.engine.clock.now()
    await context.ledger.commit(lambda db: calls.undone(db, added, context.run.id, now, by="cancel"))


async def _cancel_order(context: Provisioning, order_id: str) -> None:
    async def look() -> Look:
        order = await context.engine.whmcs.get_order(order_id)
        if order is None:
            return Unknown(f"WHMCS does not show order {order_id}")
        if order.status.casefold() == "cancelled":
            return Found({"order_id": order_id}, {"status": order.status})
        return Absent({"status": order.status})

    refused = await change_pending(context, "whmcs.CancelOrder", order_id, context.engine.whmcs.cancel_order, look)
    if refused is not None and (await billing.read_order(context, order_id)).status.casefold() != "cancelled":
        raise refused


async def _cancel_invoice(context: Provisioning, invoice_id: str) -> None:
    invoice = await billing.read_invoice(context, invoice_id)
    if invoice.status.casefold() in UNINVOICED:
        return
    if invoice.status.casefold() == "paid":
        raise conflict("cannot_undo", f"invoice {invoice_id} is paid: refund it in WHMCS first", system="whmcs")

    async def send() -> Mapping[str, Any]:
        await context.engine.whmcs.cancel_invoice(invoice_id)
        return {"invoice_id": invoice_id}

    async def standing() -> Mapping[str, Any] | None:
        current = await context.engine.whmcs.get_invoice(invoice_id)
        return {"invoice_id": invoice_id} if current.status.casefold() == "cancelled" else None

    await context.calls.keyed(
        System.WHMCS, "whmcs.CancelInvoice", send, standing=standing, item=invoice_id, request={"invoiceid": invoice_id}
    )


async def _undo_esim(context: Provisioning) -> None:
    """Give ordered profiles back to the provider, and all to the stock once Salesforce names none of them any more."""
    rows = context.engine.journal.peek(lambda db: profiles.of_order(db, context.order_id))
    for row in rows:
        await _take_back(context, row)
    if rows:
        await _clear_iccids(context)
    for row in rows:
        await _free(context, row)


async def _clear_iccids(context: Provisioning) -> None:
    """A profile that goes back to the stock will be another order's: no two orders may name it."""
    bundle = context.bundle
    assert bundle is not None
    items = {item.id: {"ESIM_ICCID__c": None} for item in bundle.items if item.esim_iccid}
    fields = {"ESIM_ICCID__c": None} if bundle.order.esim_iccid else {}
    if not items and not fields:
        return

    async def send() -> Mapping[str, Any]:
        await context.engine.salesforce.patch_order(context.order_id, fields, items=items)
        return {"cleared": sorted(items)}

    await context.calls.keyed(System.SALESFORCE, "salesforce.clear_iccids", send, fresh=True)
    context.bundle = await context.read_order()


def _calls_of(db: sqlite3.Connection, context: Provisioning, row: profiles.ProfileRow) -> list[Call]:
    made = calls.effects(db, context.order_id)
    return [call for call in made if call.system == System.ESIM and call.item in (row.iccid, row.order_item_id)]


async def _take_back(context: Provisioning, row: profiles.ProfileRow) -> None:
    mine = context.engine.journal.peek(lambda db: _calls_of(db, context, row))
    ordered = any(
        call.operation == "esim.downloadOrder"
        and call.state not in (CallState.REFUSED, CallState.UNDONE, CallState.ABSENT)
        for call in mine
    )
    if ordered:
        if any(c.operation == "esim.downloadOrder" and c.effect == "refusable" and c.state == "unknown" for c in mine):
            await _settle_download(context, row)
        confirm = next((call for call in mine if call.operation == "esim.confirmOrder"), None)
        if confirm is not None and confirm.state == CallState.UNKNOWN:
            confirmed = await _settle_confirm(context, row)
        else:
            confirmed = confirm is not None and confirm.state == CallState.DONE
    _let_lost_orders_land(context, row)
    if ordered:
        await _cancel_profile(context, row, confirmed=confirmed)


def _let_lost_orders_land(context: Provisioning, row: profiles.ProfileRow) -> None:
    """A downloadOrder whose answer was lost may still arrive, and would take a profile that was given back (rules §3.3).

    Raises MakingSure until it cannot any more. The one that a refusal of its repeat proved has arrived.
    """
    lost, proved = context.engine.journal.peek(lambda db: _lost_orders(db, context, row))
    if len(lost) <= proved:
        return
    due = max(send.intent_at for send in lost) + context.engine.late_after(System.ESIM)
    if context.engine.clock.now() < due:
        raise MakingSure("esim.downloadOrder", "a lost order of this profile may still arrive", due, due)


def _lost_orders(db: sqlite3.Connection, context: Provisioning, row: profiles.ProfileRow) -> tuple[list[Send], int]:
    """The sends of this profile's downloadOrder that nobody answered, and how many of them are known to stand."""
    made = [call for call in _calls_of(db, context, row) if call.operation == "esim.downloadOrder"]
    lost = [send for call in made for send in calls.since_undone(db, call.id) if send.outcome in UNANSWERED]
    return lost, sum(call.settled_by == PROVED_BY_REFUSAL for call in made)


async def _free(context: Provisioning, row: profiles.ProfileRow) -> None:
    now = context.engine.clock.now()
    unfit = context.engine.journal.peek(lambda db: _unfit(db, context, row))

    def write(db: sqlite3.Connection) -> None:
        for call in _calls_of(db, context, row):
            calls.undone(db, call, context.run.id, now, by="cancel")
        profiles.free(db, row.iccid, now, context.order_id, usable=not unfit)

    await context.ledger.commit(write)


def _unfit(db: sqlite3.Connection, context: Provisioning, row: profiles.ProfileRow) -> bool:
    """Did the provider refuse this very ICCID (in use elsewhere, unknown)? The next order must not be given it."""
    ordered = [call for call in _calls_of(db, context, row) if call.operation == "esim.downloadOrder"]
    refused = [call for call in ordered if call.state == CallState.REFUSED]
    return any((calls.sends(db, call.id)[-1].code or "").startswith("8.2.1/") for call in refused)


def _bound_eid(mine: Sequence[Call], row: profiles.ProfileRow) -> str | None:
    """The EID as it was sent; the profile's row does not know of one that was adopted or edited later."""
    sent = [call.input["eid"] for call in mine if call.operation == "esim.downloadOrder" and "eid" in call.input]
    return sent[-1] if sent else row.eid


async def _settle_download(context: Provisioning, row: profiles.ProfileRow) -> None:
    """A lost downloadOrder is sent again with the same ICCID: done, or refused in the way that proves the first.

    cancelOrder of a profile that was never ordered would be refused for ever, and a late order could still land.
    """
    mine = context.engine.journal.peek(lambda db: _calls_of(db, context, row))
    eid, item_id = _bound_eid(mine, row), row.order_item_id or ""

    async def send() -> Mapping[str, Any]:
        name = f"{context.run.order_number}-{item_id[-6:]}-download"
        await context.engine.esim.download(iccid=row.iccid, profile_type=row.type, eid=eid, call_id=name)
        return {"iccid": row.iccid}

    await context.calls.refusable(
        System.ESIM, "esim.downloadOrder", send, proves=lambda error: error.code in ALREADY_TAKEN,
        proved={"iccid": row.iccid}, item=row.iccid, request={"iccid": row.iccid, "type": row.type, "eid": eid},
    )  # fmt: skip


async def _settle_confirm(context: Provisioning, row: profiles.ProfileRow) -> bool:
    """Whether an unknown confirm stands decides what cancelOrder must carry: confirm again, with the same values."""
    kept = context.engine.journal.peek(lambda db: profiles.activation(db, context.order_id, row.order_item_id or ""))
    if kept is None:
        return False
    eid = _bound_eid(context.engine.journal.peek(lambda db: _calls_of(db, context, row)), row)

    async def send() -> Mapping[str, Any]:
        name = f"{context.run.order_number}-{(row.order_item_id or '')[-6:]}-confirm"
        await context.engine.esim.confirm(iccid=row.iccid, matching_id=kept.matching_id, eid=eid, call_id=name)
        return {"iccid": row.iccid, "confirmed": True}

    await context.calls.keyed(System.ESIM, "esim.confirmOrder", send, item=row.iccid, request={"iccid": row.iccid})
    return True


async def _cancel_profile(context: Provisioning, row: profiles.ProfileRow, *, confirmed: bool) -> None:
    """With the bound EID and matching id (facts/esim.md §1.3), back to Available."""
    item_id = row.order_item_id or ""
    kept = context.engine.journal.peek(lambda db: profiles.activation(db, context.order_id, item_id))
    matching_id = kept.matching_id if kept is not None and confirmed else None
    eid = _bound_eid(context.engine.journal.peek(lambda db: _calls_of(db, context, row)), row)

    async def send() -> Mapping[str, Any]:
        name = f"{context.run.order_number}-{item_id[-6:]}-cancel"
        await context.engine.esim.cancel(iccid=row.iccid, eid=eid, matching_id=matching_id, call_id=name)
        return {"iccid": row.iccid}

    def proves(error: IntegrationError) -> bool:
        return error.code == "8.2.1/3.5"  # a repeat: the profile is not ordered any more

    await context.calls.refusable(
        System.ESIM, "esim.cancelOrder", send, proves=proves, proved={"iccid": row.iccid}, item=row.iccid,
        request={"iccid": row.iccid},
    )  # fmt: skip


def _end(db: sqlite3.Connection, context: Provisioning) -> None:
    """⊘ only when nothing stands; Salesforce is told unless a person withdrew the order there."""
    now, run = context.engine.clock.now(), context.run
    assert context.bundle is not None
    if context.bundle.order.status not in WITHDRAWN:
        fields = {
            "Status": "Cancelled",
            "Provisioning_Status__c": "Not Started",
            "Provisioning_Error_Code__c": None,
            "Provisioning_Error_Message__c": None,
            "Last_Provisioning_At__c": as_datetime(now).isoformat(timespec="seconds"),
        }
        outbox.put(db, context.order_id, fields, now)
    transitions.move(
        db, now, run.id, state=RunState.CANCELLED, wait=None, wait_reason=None, wait_until=None, condition=None,
        lock_held=False, cancel_asked=False, ended_at=now, error_class=None, error_code=None, error_message=None, fingerprint=None,
    )  # fmt: skip
