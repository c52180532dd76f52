"""Fill an empty installation from the sandbox's world."""

import dataclasses
import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs.billing import bill_order, pay
from integrations.sandbox.whmcs.calls import Call
from integrations.sandbox.whmcs.catalog import CARD_GATEWAY, money
from integrations.sandbox.whmcs.clients import new_client
from integrations.sandbox.whmcs.paymethods import new_card
from integrations.sandbox.whmcs.periods import later
from integrations.sandbox.whmcs.services import new_service
from integrations.sandbox.world import PastOrder, Person, Product, World

MARKER_FIELD = "Portal Order Ref"
ICCID_FIELD = "ICCID"
GROUPS = {"Internet": 1, "SIM": 2, "VPN": 3, "Other": 4}
QUANTITY = 2  # allowqty: one service whose price is multiplied
NO_CARD_BUT_INVOICE = ("banktransfer", "mailin")


def load_world(call: Call, world: World) -> None:
    """Clients, products and past orders, through the same doors as the API's own. Call inside a transaction."""
    percent = (world.tax_rate * 100).quantize(Decimal("0.001"))
    call.records.setup.put("tax", {"percent": str(percent)})
    call.records.setup.put("client_fields", {"ids": [world.customer_number_field_id]})
    for product in world.products:
        call.records.products.put(_product(product))
    for person in world.people:
        _person(call, person, world.customer_number_field_id)
    pids = {product.sku: product.whmcs_pid for product in world.products}
    clients = {person.number: person.whmcs_client_id for person in world.people}
    for order in world.past_orders:
        if order.status != "Rejected":
            _past_order(call, order, clients[order.person_number], [pids[sku] for sku in order.skus])


def _product(product: Product) -> Document:
    fields: list[dict[str, Any]] = []
    if product.marker_field_id:
        fields.append({"id": product.marker_field_id, "name": MARKER_FIELD, "marker": True, "shown": False})
    if product.iccid_field_id:
        fields.append({"id": product.iccid_field_id, "name": ICCID_FIELD, "marker": False, "shown": True})
    return {
        "id": product.whmcs_pid, "sku": product.sku, "gid": GROUPS.get(product.category, GROUPS["Other"]),
        "group": product.category, "name": product.name_ja or product.name,
        "slug": re.sub(r"[^a-z0-9]+", "-", product.name.lower()).strip("-"),
        "description": f"<p>{product.name}</p>", "module": product.module, "autosetup": True,
        "paytype": "onetime" if product.cycle == "onetime" else "recurring",
        "allowqty": 0 if product.sim_form == "eSIM" else QUANTITY, "price": money(product.price),
        "setup": money(product.setup_fee), "cycle": product.cycle, "fields": fields,
        "options": [
            {"id": option.id, "name": option.name, "kind": option.kind,
             "choices": {str(choice): label for choice, label in option.choices.items()}}
            for option in product.options
        ],
    }  # fmt: skip


def _person(call: Call, person: Person, number_field: int) -> None:
    gateway = NO_CARD_BUT_INVOICE[person.whmcs_client_id % 2] if person.pays_by == "invoice" else CARD_GATEWAY
    new_client(
        call,
        {
            "firstname": person.first_name, "lastname": person.last_name, "companyname": person.company,
            "email": person.email, "phonenumber": person.phone, "postcode": person.postcode,
            "address1": person.address, "city": person.city, "state": person.state, "country": "JP",
            "language": person.language, "status": person.status, "defaultgateway": gateway,
            "fields": {str(number_field): person.number},
        },
        person.whmcs_client_id,
    )  # fmt: skip
    if person.pays_by in ("card", "expired"):
        years = 2 + person.whmcs_client_id % 3 if person.pays_by == "card" else -1
        expiry = later(call.now.date(), 12 * years)
        new_card(call, person.whmcs_client_id, f"{expiry:%m/%y}", f"{call.draw.randrange(10_000):04d}")


def _past_order(call: Call, past: PastOrder, clientid: int, pids: list[int]) -> None:
    """An order that went through long ago: services Active and the bill paid, or everything Cancelled."""
    then = dataclasses.replace(call, now=_moment(past.placed_on, call.now))
    client = call.records.clients.get(clientid)
    assert client is not None
    state = "Active" if past.status == "Activated" else "Cancelled"
    order: Document = {
        "id": call.records.number("order"), "ordernum": 4_000_000_000 + call.draw.randrange(900_000_000),
        "userid": clientid, "date": then.stamp, "paymentmethod": client["defaultgateway"], "status": state,
        "ipaddress": call.address, "promocode": "", "notes": "", "past": True,
    }  # fmt: skip
    services = [_past_service(then, order, pid, place, state) for place, pid in enumerate(pids, 1)]
    order["services"] = [service["id"] for service in services]
    invoice = bill_order(then, client, order, services)
    order |= {"invoiceid": invoice["id"] if invoice else 0, "amount": invoice["total"] if invoice else "0.00"}
    call.records.orders.put(order)
    if invoice and state == "Active":
        transid = f"past-{order['id']}"
        pay(then, invoice, Decimal(invoice["total"]), order["paymentmethod"], transid, then.stamp, "0.00")
    elif invoice:
        call.records.invoices.change(invoice, status="Cancelled", date_cancelled=then.stamp)


def _past_service(call: Call, order: Document, pid: int, place: int, state: str) -> Document:
    product = call.records.products.get(pid)
    assert product is not None
    options = {
        str(option["id"]): next(iter(option["choices"]), "0") for option in product["options"]
    }  # fmt: skip
    service = new_service(
        call, order, product, quantity=1, price=Decimal(product["price"]), setup=Decimal(product["setup"]),
        place=place, fields={}, options=options,
    )  # fmt: skip
    return call.records.services.change(service, status=state)


def _moment(day: date, now: datetime) -> datetime:
    return datetime.combine(day, time(10, 30), tzinfo=now.tzinfo)
