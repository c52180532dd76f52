"""GET /orders/{order}/records: what each system says about an order now, side by side."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from fastapi import APIRouter

from console.api.access import Api, Services
from console.api.asking import Asked, ask
from console.api.comparing import Rules, Sides, compare
from console.api.detail import Named
from console.api.identity import Viewer
from console.api.mask import Masker
from console.api.naming import find_order
from console.schema.records import Fetched, Records
from integrations.errors import CallFailed, ErrorClass, System
from integrations.salesforce.models import OrderBundle
from integrations.whmcs.models import ClientDetails, Invoice, Service, WhmcsOrder
from storage import calls, orders, profiles
from storage.profiles import ProfileRow

router = APIRouter(tags=["orders"])
T = TypeVar("T")
JOURNALED = "as journaled here: the provider has no way to ask for a profile"


class _Whmcs:
    """What WHMCS has of one order; each part may be missing."""

    def __init__(self) -> None:
        self.order: WhmcsOrder | None = None
        self.client: ClientDetails | None = None
        self.services: tuple[Service, ...] = ()
        self.invoice: Invoice | None = None
        self.choices: dict[tuple[int, str], str] = {}


@router.get("/orders/{order}/records")
async def records(caller: Viewer, api: Services, order: Named) -> Records:
    """Read now. A system that is down, paused or low on quota is named with its reason; the others are shown."""
    order_id = await find_order(api, order)
    known = await api.read(lambda db: _known(db, order_id))
    salesforce = await ask(api.engine, System.SALESFORCE, lambda: api.engine.salesforce.read_order(order_id))
    bundle = salesforce.answer
    whmcs_id = (bundle.order.whmcs_order_id if bundle else None) or known.whmcs_order_id
    client_id = (bundle.account.whmcs_client_id if bundle and bundle.account else None) or known.client_id
    whmcs = await ask(api.engine, System.WHMCS, lambda: _read_whmcs(api, whmcs_id, client_id))
    found = whmcs.answer or _Whmcs()
    sides = Sides(bundle, found.order, found.client, found.services, found.invoice, known.profiles, found.choices)
    mask = api.masker(caller, _names(sides))
    lines = compare(sides, _rules(api), mask)
    fetched = [
        _fetched(salesforce, _salesforce_record(bundle, mask) if bundle else {}, mask),
        _fetched(whmcs, _whmcs_record(found, mask), mask, missing=_missing(whmcs_id, client_id, found)),
        _esim(api, known.profiles, mask),
    ]
    number = bundle.order.number if bundle else known.number
    return Records(
        order_id=order_id, number=number, fetched=fetched, lines=lines, differences=sum(x.same is False for x in lines)
    )


class _Known:
    """What the journal knows about where to look."""

    def __init__(self, row: orders.OrderRow | None, whmcs_order_id: str | None, held: list[ProfileRow]) -> None:
        self.number = row.number if row else None
        self.client_id = row.client_id if row else None
        self.whmcs_order_id = whmcs_order_id
        self.profiles = held


def _known(db: sqlite3.Connection, order_id: str) -> _Known:
    added = calls.find(db, order_id, "whmcs.AddOrder")
    made = str((added.output or {}).get("order_id") or "") if added is not None else ""
    return _Known(orders.get(db, order_id), made or None, profiles.of_order(db, order_id))


async def _read_whmcs(api: Api, order_id: str | None, client_id: str | None) -> _Whmcs:
    """Client and order at once, then the services and the invoice."""
    whmcs, found = api.engine.whmcs, _Whmcs()

    async def client() -> None:
        if client_id:
            found.client = await _if_there("client_not_found", lambda: whmcs.get_client(client_id))

    async def order() -> None:
        if order_id:
            found.order = await whmcs.get_order(order_id)

    await asyncio.gather(client(), order())
    if found.order is not None:
        listing = await whmcs.list_services(found.order.client_id)
        if not listing.complete:
            raise CallFailed(
                System.WHMCS, "whmcs.GetClientsProducts", ErrorClass.TRANSIENT, "incomplete", listing.reason
            )
        found.services = tuple(service for service in listing.rows if service.order_id == found.order.id)
        found.choices = await _choices(api, found.services)
        if found.order.invoice_id:
            found.invoice = await whmcs.get_invoice(found.order.invoice_id)
    return found


async def _choices(api: Api, services: Sequence[Service]) -> dict[tuple[int, str], str]:
    """(option, choice) → the choice's label, of the products of these services: an order names a choice by its id."""
    pids = sorted({service.pid for service in services if service.options})
    products = await api.engine.whmcs.get_products(pids) if pids else {}
    return {
        (option.id, str(choice.id)): choice.name
        for product in products.values()
        for option in product.options
        for choice in option.choices
    }


async def _if_there(code: str, fetch: Callable[[], Awaitable[T]]) -> T | None:
    try:
        return await fetch()
    except CallFailed as error:
        if error.code == code:
            return None
        raise


def _missing(order_id: str | None, client_id: str | None, found: _Whmcs) -> str:
    said = []
    if client_id and found.client is None:
        said.append(f"WHMCS has no client {client_id}")
    if not client_id:
        said.append("the account names no WHMCS client")
    if order_id and found.order is None:
        said.append(f"WHMCS has no order {order_id}")
    if not order_id:
        said.append("not ordered in WHMCS yet")
    return "; ".join(said)


def _fetched(asked: Asked[Any], record: dict[str, Any], mask: Masker, *, missing: str = "") -> Fetched:
    ok = asked.answer is not None
    note = mask.text(missing if ok else asked.note) or ""
    return Fetched(system=asked.system, ok=ok, at=asked.at, took=asked.took, note=note, record=record if ok else {})


def _salesforce_record(bundle: OrderBundle, mask: Masker) -> dict[str, Any]:
    order = bundle.order.model_dump(mode="json", exclude={"recipient_email", "esim_iccid"})
    order["esim_iccid"] = mask.iccid(bundle.order.esim_iccid)
    items = [
        {**item.model_dump(mode="json", exclude={"esim_iccid", "esim_eid"}), "esim_iccid": mask.iccid(item.esim_iccid),
         "esim_eid": mask.eid(item.esim_eid)}
        for item in bundle.items
    ]  # fmt: skip
    account = bundle.account
    shown = None
    if account is not None:
        shown = {"id": account.id, "name": mask.name(account.name), "number": account.number,
                 "whmcs_client_id": account.whmcs_client_id, "phone": mask.phone(account.phone)}  # fmt: skip
    return {"order": mask.value(order), "items": mask.value(items), "account": shown}


def _whmcs_record(found: _Whmcs, mask: Masker) -> dict[str, Any]:
    """Allow-listed: no notes, custom fields or descriptions, which may hold anything."""
    order, invoice = found.order, found.invoice
    return {
        "order": {"id": order.id, "number": order.number, "status": order.status, "amount": str(order.amount),
                  "invoice_id": order.invoice_id, "payment_status": order.payment_status, "date": order.date,
                  "gateway": order.gateway} if order else None,
        "client": {"id": found.client.id, "status": found.client.status, "language": found.client.language,
                   "default_gateway": found.client.default_gateway} if found.client else None,
        "services": [
            {"id": s.id, "pid": s.pid, "name": mask.text(s.name), "status": s.status, "quantity": s.quantity,
             "first_amount": str(s.first_amount), "recurring_amount": str(s.recurring_amount), "cycle": s.cycle,
             "options": dict(s.options.values())}
            for s in found.services
        ],
        "invoice": {"id": invoice.id, "status": invoice.status, "total": str(invoice.total),
                    "balance": str(invoice.balance)} if invoice else None,
    }  # fmt: skip


def _esim(api: Api, held: list[ProfileRow], mask: Masker) -> Fetched:
    """From the journal and the devices' reports: ES2+ as agreed has no function that reads a profile."""
    newest = max((row.updated_at for row in held), default=api.now())
    record = {
        "profiles": [
            {"iccid": mask.iccid(row.iccid), "type": row.type, "state": row.state, "reported": row.shown_state}
            for row in held
        ]
    }
    note = JOURNALED if held else "no profile is held for this order"
    return Fetched(system=System.ESIM, ok=True, at=newest, note=note, record=record)


def _rules(api: Api) -> Rules:
    whmcs = api.settings.whmcs
    return Rules(
        tax=whmcs.tax, customer_number_field=whmcs.customer_number_field_id, marker_fields=whmcs.marker_fields,
        iccid_fields=whmcs.iccid_fields, marker_root=api.engine.marker_root,
    )  # fmt: skip


def _names(sides: Sides) -> list[str | None]:
    client = sides.client
    account = sides.order.account if sides.order else None
    names = [account.name if account else None]
    if client is not None:
        names += [client.first_name, client.last_name, client.company]
    return names
