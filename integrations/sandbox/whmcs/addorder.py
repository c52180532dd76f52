"""AddOrder: a Pending order, its services and an invoice. It never provisions (facts/whmcs.md §6.3).

Like WHMCS it is silent about what it does not understand: unknown products, option ids and custom fields are passed
over, a cycle that is not offered becomes the product's own.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs import phpvalues
from integrations.sandbox.whmcs.answers import Answer, ApiError
from integrations.sandbox.whmcs.billing import bill_order
from integrations.sandbox.whmcs.calls import Call
from integrations.sandbox.whmcs.catalog import GATEWAYS, money
from integrations.sandbox.whmcs.services import kept_fields, new_service

PER_PRODUCT = (
    "pid", "qty", "domain", "billingcycle", "hostname", "customfields", "configoptions", "priceoverride", "addons",
    "addonsqty",
)  # fmt: skip
FIRST_ORDER_NUMBER = 5_000_000_000


@dataclass(frozen=True)
class Line:
    """One product of the cart, at position ``place`` from 1."""

    place: int
    product: Document
    quantity: int
    domain: str
    fields: dict[str, str]
    options: dict[str, str]
    unit_price: Decimal
    unit_setup: Decimal


def add_order(call: Call) -> Answer:
    client = _checked_client(call)
    gateway = call.text("paymentmethod")
    if gateway not in GATEWAYS:
        raise ApiError(f"Invalid Payment Method. Valid options include {','.join(GATEWAYS)}")
    lines = _cart(call)
    _refuse_additions(call)
    if not lines:
        raise ApiError("No items added to cart so order cannot proceed")
    order = _place(call, client, gateway, lines)
    return _answer(call, order)


def _checked_client(call: Call) -> Document:
    client = call.records.clients.get(call.integer("clientid"))
    if client is None and call.text("clientemail"):
        client = call.records.client_by_email(call.text("clientemail"))
    if client is None:
        raise ApiError("Client ID Not Found")
    if client["status"] == "Closed":
        raise ApiError("Unable to add order when client status is Closed")
    return client


def _refuse_additions(call: Call) -> None:
    """This installation has no add-on products and no service that could be renewed ahead of time."""
    if call.text("addonid") or call.array("addonids"):
        raise ApiError("Addon ID invalid")
    for service in call.array("servicerenewals").values():
        raise ApiError(f"Service ID {phpvalues.integer(service)} can not be renewed at this time.")


def _cart(call: Call) -> list[Line]:
    for name in PER_PRODUCT:
        value = call.form.get(name)
        if isinstance(value, str) and value:
            raise ApiError(f"Expecting parameter '{name}' to be an array")
    lines: list[Line] = []
    for index, pid in call.array("pid").items():
        product = call.records.products.get(phpvalues.integer(pid))
        if product is not None:
            lines.append(_line(call, len(lines) + 1, index, product))
    return lines


def _line(call: Call, place: int, index: str, product: Document) -> Line:
    def given(name: str) -> phpvalues.Value:
        return call.array(name).get(index)

    quantity = max(phpvalues.integer(given("qty"), 1), 1) if product["allowqty"] else 1
    override = phpvalues.decimal(given("priceoverride"))
    price = Decimal(product["price"]) if override is None else override
    setup = Decimal(product["setup"]) if override is None else Decimal(0)
    domain = given("domain")
    return Line(
        place=place,
        product=product,
        quantity=quantity,
        domain=domain if isinstance(domain, str) else "",
        fields=kept_fields(call, product, phpvalues.serialised(given("customfields"))),
        options=_options(call, product, phpvalues.serialised(given("configoptions"))),
        unit_price=price + _drift(call, place),
        unit_setup=setup,
    )


def _drift(call: Call, place: int) -> Decimal:
    fault = call.fault
    if fault and fault.kind == "price_drift" and int(fault.options.get("item", place)) == place:
        return Decimal(str(fault.options.get("amount", 100)))
    return Decimal(call.switches.price_drift)


def _options(call: Call, product: Document, given: dict[int, Any]) -> dict[str, str]:
    """Option id → choice id or number of units; what is wrong or missing becomes the first choice or zero units."""
    ignored = call.switches.ignore_option or call.fault_kind() == "ignored_option"
    kept = {}
    for option in product["options"]:
        value = "" if ignored else phpvalues.as_text(given.get(option["id"]))
        if option["kind"] == "quantity":
            kept[str(option["id"])] = str(max(phpvalues.integer(value), 0))
        else:
            kept[str(option["id"])] = value if value in option["choices"] else next(iter(option["choices"]), "")
    return kept


def _place(call: Call, client: Document, gateway: str, lines: list[Line]) -> Document:
    records = call.records
    order: Document = {
        "id": records.number("order"),
        "ordernum": FIRST_ORDER_NUMBER + call.draw.randrange(4_000_000_000),
        "userid": client["id"],
        "date": call.stamp,
        "paymentmethod": gateway,
        "status": "Pending",
        "ipaddress": call.text("clientip") or call.address,
        "promocode": call.text("promocode"),
        "notes": call.text("notes") if call.switches.honour_order_notes in ("order", "both") else "",
        "past": False,
    }
    notes = call.text("notes") if call.switches.honour_order_notes in ("service", "both") else ""
    services = [
        new_service(
            call, order, line.product, quantity=line.quantity, price=line.unit_price, setup=line.unit_setup,
            place=line.place, domain=line.domain, fields=line.fields, options=line.options, notes=notes,
        )
        for line in lines
    ]  # fmt: skip
    order["services"] = [service["id"] for service in services]
    invoice = None if call.flag("noinvoice") else bill_order(call, client, order, services)
    order["invoiceid"] = invoice["id"] if invoice else 0
    total = invoice["total"] if invoice else money(sum(Decimal(service["firstpaymentamount"]) for service in services))
    order["amount"] = total
    records.orders.put(order)
    if not call.flag("noemail"):
        call.mail("Order Confirmation", client["id"], order["id"])
    if invoice and not call.flag("noinvoiceemail"):
        call.mail("Invoice Created", client["id"], invoice["id"])
    return order


def _answer(call: Call, order: Document) -> Answer:
    """7.8 renamed productids to serviceids; both are sent. Without an invoice the id is empty, 0 or missing."""
    ids = ",".join(str(number) for number in order["services"])
    answer: Answer = {
        "orderid": order["id"], "serviceids": ids, "productids": ids, "addonids": "", "domainids": "",
        "invoiceid": order["invoiceid"],
    }  # fmt: skip
    if not order["invoiceid"]:
        match call.switches.no_invoice:
            case "empty":
                answer["invoiceid"] = ""
            case "missing":
                del answer["invoiceid"]
    return answer


ACTIONS = {"AddOrder": add_order}
