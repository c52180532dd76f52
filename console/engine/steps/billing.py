"""billing: one WHMCS order for the whole Salesforce order, marked, read back and compared before it is accepted (rules §6)."""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from console.engine.failures import conflict
from console.engine.looks import Absent, Found, Look, Unknown
from console.engine.steps.bill import compare, side_by_side
from console.engine.steps.context import Provisioning
from console.engine.steps.plan import OrderPlan, PlannedItem
from console.engine.workflow import StepResult
from integrations.errors import CallFailed, ErrorClass, System
from integrations.whmcs.models import Invoice, NewLine, NewOrder, Service, WhmcsOrder
from storage import calls

GONE = ("cancelled", "fraud")
STALE_READS = 3
FULL_MARKER = re.compile(r"p1:[A-Za-z0-9]{15}:[A-Za-z0-9]{18}")


async def billing(context: Provisioning) -> StepResult:
    """Raises conflict ``bill_differs`` when WHMCS would bill something else than was approved."""
    added = await context.calls.guarded(
        System.WHMCS,
        "whmcs.AddOrder",
        lambda: _add_order(context),
        lambda: look_for_order(context),
        marker=context.marker,
        request=order_request(context, context.plan),
    )
    order_id = str(added["order_id"])
    order = await read_back(context, order_id)
    services = await order_services(context, order)
    matched, unmarked = match_services(context, services)
    await _remember_markers(context, order, services, unmarked)
    invoice = await _invoice(context, order.invoice_id or added.get("invoice_id"))
    differences = compare(context.plan, matched, invoice, context.engine.settings.whmcs.tax)
    extra = [s.id for s in services if s.id not in {m.id for m in matched.values()}]
    if differences or extra:
        told = [str(d) for d in differences] + [f"service {sid} belongs to no item" for sid in extra]
        context.data["differences"] = side_by_side(differences)
        raise conflict("bill_differs", "; ".join(told), system="whmcs", order_id=order_id)
    context.data.pop("differences", None)
    return StepResult(
        {
            "order_id": order_id,
            "invoice_id": invoice.id if invoice else None,
            "total": str(invoice.total) if invoice else None,
            "services": {item: service.id for item, service in matched.items()},
            "unmarked": unmarked,
        }
    )


def order_request(context: Provisioning, plan: OrderPlan) -> dict[str, Any]:
    """What AddOrder is asked for, as the journal keeps it and as a later reading is compared with."""
    return {
        "client_id": plan.client.id,
        "gateway": plan.gateway,
        "lines": [
            {
                "item": item.id,
                "pid": item.pid,
                "quantity": item.quantity,
                "cycle": item.cycle,
                "unit_price": f"{item.unit_price.normalize():f}",
                "options": {str(o.option_id): o.value for o in item.options},
            }
            for item in plan.items
        ],
    }


async def _add_order(context: Provisioning) -> Mapping[str, Any]:
    """One product entry an item, in item order; our marker in the notes and in each service's marker field."""
    lines = tuple(
        NewLine(
            pid=item.pid,
            quantity=item.quantity,
            cycle=item.cycle,
            custom_fields={item.marker_field: context.item_marker(item)} if item.marker_field is not None else {},
            options={option.option_id: option.value for option in item.options},
        )
        for item in context.plan.items
    )
    order = NewOrder(context.plan.client.id, context.plan.gateway, lines, notes=context.marker)
    added = await context.engine.whmcs.add_order(order)
    return {"order_id": added.order_id, "service_ids": list(added.service_ids), "invoice_id": added.invoice_id}


async def look_for_order(context: Provisioning) -> Look:
    """Is there a WHMCS order with our marker, in its notes or on one of its services? (rules §3.2, §3.4)"""
    client = context.plan.client.id
    if (sent_for := _sent_for_another(context, client)) is not None:
        reason = f"it was sent for WHMCS client {sent_for}, the account names client {client} now: set the account back"
        return Unknown(reason, final=True, evidence={"client": client, "sent_for": sent_for})
    orders = await context.engine.whmcs.list_orders(client)
    services = await context.engine.whmcs.list_services(client)
    evidence = {"orders_read": len(orders.rows), "services_read": len(services.rows), "marker": context.marker}
    ours = {o.id for o in orders.rows if _marked(context, o.notes) and o.status.casefold() not in GONE}
    gone = {o.id for o in orders.rows if o.status.casefold() in GONE}
    marked = [s for s in services.rows if _service_marked(context, s)]
    ours |= {s.order_id for s in marked if s.order_id and s.order_id not in gone and s.status.casefold() not in GONE}
    if len(ours) > 1:
        return Unknown(
            f"{len(ours)} WHMCS orders carry our marker: {', '.join(sorted(ours))}", final=True, evidence=evidence
        )
    if ours:
        order_id = ours.pop()
        invoice = next((o.invoice_id for o in orders.rows if o.id == order_id), None)
        ids = [s.id for s in services.rows if s.order_id == order_id]
        return Found({"order_id": order_id, "service_ids": ids, "invoice_id": invoice}, evidence)
    named = context.bundle.order.whmcs_order_id if context.bundle is not None else None
    if named and named not in gone and not _of_another(named, orders.rows, services.rows):
        reason = f"Salesforce names WHMCS order {named}, which does not carry our marker: it may be this order's"
        return Unknown(reason, final=True, evidence=evidence)
    for listing in (orders, services):
        if not listing.complete:
            return Unknown(f"the list could not be read completely: {listing.reason}", evidence=evidence)
    unprovable = _markers_that_do_not_survive(context)
    if unprovable:
        pids = ", ".join(map(str, sorted(unprovable)))
        return Unknown(
            f"markers do not survive on product {pids}: absence cannot be shown", final=True, evidence=evidence
        )
    if (twin := _unmarked_twin(context, orders.rows, services.rows)) is not None:
        return Unknown(
            f"WHMCS order {twin} has the same products and no mark: it may be ours, its mark lost",
            final=True,
            evidence=evidence,
        )
    return Absent(evidence)


def _sent_for_another(context: Provisioning, client: str) -> str | None:
    """Whom an AddOrder of unknown outcome was sent for, when the account names another client since then."""

    def query(db: sqlite3.Connection) -> str | None:
        call = calls.find(db, context.order_id, "whmcs.AddOrder")
        if call is None or all(outcome == "refused" for outcome in calls.outcomes(db, call.id)):
            return None
        return str(call.input.get("client_id") or client)

    sent_for = context.engine.journal.peek(query)
    return sent_for if sent_for != client else None


def _unmarked_twin(context: Provisioning, orders: Sequence[WhmcsOrder], services: Sequence[Service]) -> str | None:
    """An order of the same products that carries nobody's mark: every doubt is unknown (rules §3.1, §3.4).

    Where marks were seen to survive only one that is still Pending is a doubt (the marker field may be gone since then).
    """
    pids = {item.pid for item in context.plan.items}
    proved = context.engine.settings.whmcs.notes_proved or bool(pids & context.engine.markers.proved())
    for order in orders:
        own = [service for service in services if service.order_id == order.id]
        status = order.status.casefold()
        if status in GONE or (proved and status != "pending") or _of_another(order.id, orders, services):
            continue
        if {service.pid for service in own} == pids:
            return order.id
    return None


def _of_another(order_id: str, orders: Sequence[WhmcsOrder], services: Sequence[Service]) -> bool:
    """Does a WHMCS order that is not ours carry a whole marker, so that it is provably another order's?"""
    own = [service for service in services if service.order_id == order_id]
    texts = [order.notes for order in orders if order.id == order_id]
    texts += [text for service in own for text in (service.notes, *service.custom_fields.values())]
    return any(FULL_MARKER.search(text) for text in texts)


def _marked(context: Provisioning, notes: str) -> bool:
    return any(word == context.marker or word.startswith(context.marker + ":") for word in notes.split())


def _service_marked(context: Provisioning, service: Service) -> bool:
    values = [*service.custom_fields.values(), *service.custom_fields_by_name.values()]
    return _marked(context, service.notes) or any(_marked(context, value) for value in values)


def _markers_that_do_not_survive(context: Provisioning) -> set[int]:
    """Products whose marker was seen not to survive on this install, where no other item's marker could show the order.

    What was seen counts, whatever the settings say was proved (rules §3.4).
    """
    lost = context.engine.markers.lost()
    pids = {item.pid for item in context.plan.items}
    return pids & lost if pids <= lost else set()


async def read_order(context: Provisioning, order_id: str) -> WhmcsOrder:
    """A WHMCS order that is known to stand, as WHMCS has it now; raises transient where it does not show it."""
    order = await context.calls.read(
        System.WHMCS,
        "whmcs.GetOrders",
        lambda: context.engine.whmcs.get_order(order_id),
        item=order_id,
        request={"id": order_id},
        summary=lambda o: {"found": o is not None, "status": o.status if o else None},
    )
    if order is None:  # we know that it stands: a reading that does not show it is the one in doubt
        message = f"WHMCS does not show order {order_id} although it was placed"
        raise CallFailed(System.WHMCS, "GetOrders", ErrorClass.TRANSIENT, "order_not_shown", message)
    return order


async def read_back(context: Provisioning, order_id: str) -> WhmcsOrder:
    """The order as WHMCS has it now; raises conflict for one that is gone or another client's."""
    order = await read_order(context, order_id)
    if order.client_id != context.plan.client.id:
        raise conflict("wrong_client", f"WHMCS order {order_id} belongs to client {order.client_id}", system="whmcs")
    if order.status.casefold() in GONE:
        raise conflict(
            "whmcs_order_gone", f"WHMCS order {order_id} is {order.status}", system="whmcs", order_id=order_id
        )
    return order


async def order_services(context: Provisioning, order: WhmcsOrder) -> list[Service]:
    """The services of one order (GetClientsProducts has no such filter).

    Raises transient when the list is incomplete, and a few times when it does not show a service that the order names:
    the list was read where the order has not arrived yet, and would count as a bill that differs.
    """
    listing = await context.calls.read(
        System.WHMCS,
        "whmcs.GetClientsProducts",
        lambda: context.engine.whmcs.list_services(order.client_id),
        pages=8,
        item=order.id,
        request={"clientid": order.client_id},
        summary=lambda found: {"read": len(found.rows), "complete": found.complete},
    )
    if not listing.complete:
        raise CallFailed(System.WHMCS, "GetClientsProducts", ErrorClass.TRANSIENT, "incomplete_list", listing.reason)
    unseen = set(order.service_ids) - {service.id for service in listing.rows}
    if unseen and context.run.tries < STALE_READS:
        said = f"service {', '.join(sorted(unseen))} of order {order.id} is not in the client's list"
        raise CallFailed(System.WHMCS, "GetClientsProducts", ErrorClass.TRANSIENT, "stale_list", said)
    return [service for service in listing.rows if service.order_id == order.id]


def match_services(context: Provisioning, services: Sequence[Service]) -> tuple[dict[str, Service], list[int]]:
    """Order item id → service, by marker and never by position. An item whose marker did not survive is matched only
    where its product leaves no choice. Returns also the product ids that are unmarked.
    """
    matched: dict[str, Service] = {}
    for item in context.plan.items:
        marker = context.item_marker(item)
        own = [
            s
            for s in services
            if marker in (*s.custom_fields.values(), *s.custom_fields_by_name.values(), s.notes.strip())
        ]
        if len(own) == 1:
            matched[item.id] = own[0]
    unmarked = [item for item in context.plan.items if item.id not in matched]
    taken = {service.id for service in matched.values()}
    for item in unmarked:
        rest = [s for s in services if s.id not in taken and s.pid == item.pid]
        rivals = [other for other in unmarked if other.pid == item.pid]
        if len(rest) == 1 and len(rivals) == 1:
            matched[item.id] = rest[0]
        elif len(rest) == len(rivals) and _interchangeable(rivals, rest):
            for other, service in zip(rivals, rest, strict=True):
                matched.setdefault(other.id, service)
    return matched, sorted({item.pid for item in unmarked})


def _interchangeable(items: Sequence[PlannedItem], services: Sequence[Service]) -> bool:
    """Equal in everything that is billed or made ready: then it does not matter which is which."""
    same_items = (
        len({(i.quantity, i.unit_price, i.cycle, i.options, i.is_esim) for i in items}) == 1 and not items[0].is_esim
    )
    same_services = (
        len(
            {
                (s.quantity, s.first_amount, s.recurring_amount, s.cycle, str(sorted(s.options.items())))
                for s in services
            }
        )
        == 1
    )
    return same_items and same_services


async def _remember_markers(
    context: Provisioning, order: WhmcsOrder, services: Sequence[Service], unmarked: Sequence[int]
) -> None:
    """Which marker survived on this install, for each product (rules §3.4)."""
    notes_kept = _marked(context, order.notes)
    for item in context.plan.items:
        await context.engine.markers.seen(item.pid, survived=notes_kept or item.pid not in unmarked)


async def _invoice(context: Provisioning, invoice_id: Any) -> Invoice | None:
    return await read_invoice(context, str(invoice_id)) if invoice_id and str(invoice_id) != "0" else None


async def read_invoice(context: Provisioning, invoice_id: str) -> Invoice:
    return await context.calls.read(
        System.WHMCS,
        "whmcs.GetInvoice",
        lambda: context.engine.whmcs.get_invoice(invoice_id),
        item=invoice_id,
        request={"invoiceid": invoice_id},
        summary=lambda found: {"status": found.status, "total": str(found.total)},
    )


def finished_order(context: Provisioning) -> str | None:
    """The WHMCS order of this Salesforce order, if AddOrder is known to stand."""
    call = context.engine.journal.peek(lambda db: calls.find(db, context.order_id, "whmcs.AddOrder"))
    return str(call.output["order_id"]) if call is not None and call.state == "done" and call.output else None
