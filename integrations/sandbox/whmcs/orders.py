"""The life of an order: listed, accepted, cancelled, marked as fraud, set back, deleted (facts/whmcs.md §6.3)."""

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs.answers import Answer, ApiError, Rows
from integrations.sandbox.whmcs.calls import Call, page
from integrations.sandbox.whmcs.catalog import CYCLE_NAMES, GATEWAYS, PREFIX, SUFFIX, with_currency
from integrations.sandbox.whmcs.clients import full_name
from integrations.sandbox.whmcs.modules import run_module
from integrations.sandbox.whmcs.phpvalues import truthy
from integrations.sandbox.whmcs.stale import without_newest

NOT_PENDING = "Order ID not found or Status not Pending"
STATUSES = ("Pending", "Active", "Fraud", "Cancelled")


def get_orders(call: Call) -> Answer:
    """id, userid (the client), requestor_id, status; there is no filter on notes or date."""
    records = call.records
    if call.integer("id"):
        order = records.orders.get(call.integer("id"))
        found = [order] if order else []
    else:
        found = records.orders.of(call.integer("userid")) if call.integer("userid") else records.orders.all()
    for name in ("userid", "requestor_id"):
        if call.integer(name):
            found = [order for order in found if order["userid"] == call.integer(name)]
    if call.text("status"):
        found = [order for order in found if order["status"].lower() == call.text("status").lower()]
    found = without_newest(call, found, "id")
    return page(call, found, "orders", "order", lambda order: _row(call, order))


def _row(call: Call, order: Document) -> Answer:
    client = call.records.clients.get(order["userid"])
    invoice = call.records.invoices.get(order["invoiceid"])
    return {
        "id": order["id"], "ordernum": order["ordernum"], "userid": order["userid"], "contactid": 0,
        "requestor_id": order["userid"], "admin_requestor_id": 1, "date": order["date"], "nameservers": "",
        "transfersecret": "", "renewals": "", "renewalsByType": {"domains": [], "services": [], "addons": []},
        "promocode": order["promocode"], "promotype": "", "promovalue": "", "orderdata": "}",
        "amount": order["amount"], "paymentmethod": order["paymentmethod"], "invoiceid": order["invoiceid"],
        "status": order["status"], "ipaddress": order["ipaddress"], "fraudmodule": "", "fraudoutput": "",
        "notes": order["notes"], "paymentmethodname": GATEWAYS[order["paymentmethod"]],
        "paymentstatus": invoice["status"] if invoice else "", "name": full_name(client) if client else "",
        "currencyprefix": PREFIX, "currencysuffix": SUFFIX, "frauddata": "", "validationdata": "",
        "lineitems": Rows("lineitem", [_line_item(call, s) for s in call.records.services_of(order)]),
    }  # fmt: skip


def _line_item(call: Call, service: Document) -> Answer:
    amount = service["firstpaymentamount"]
    return {
        "type": "product", "relid": service["id"], "producttype": "Other Product/Service",
        "product": f"{service['group']} - {service['name']}", "domain": service["domain"],
        "billingcycle": CYCLE_NAMES[service["cycle"]],
        "amount": with_currency(amount) if call.switches.lineitem_currency else amount, "status": service["status"],
    }  # fmt: skip


def accept_order(call: Call) -> Answer:
    """Run the modules of the order's Pending services. A module's own error is the answer's message; what the order
    is then differs between installs (``after_module_failure``)."""
    order = _pending(call)
    problems = []
    for service in call.records.services_of(order):
        if service["status"] == "Pending":
            problem = _set_up(call, service)
            problems += [problem] if problem else []
    if not problems or call.switches.after_module_failure == "active":
        call.records.orders.change(order, status="Active")
    if problems:
        raise ApiError(problems[0])
    return {}


def _set_up(call: Call, service: Document) -> str:
    """Make one service Active, or say why its module did not. The request's autosetup overrides the product's."""
    product = call.records.products.get(service["pid"])
    assert product is not None
    wanted = call.form.get("autosetup")
    manual = not product["module"] and call.switches.without_module == "pending"
    automatic = product["autosetup"] and not manual if wanted is None else truthy(wanted)
    if not automatic:
        return ""
    problem = run_module(call, service, "Create") if product["module"] else ""
    if problem:
        return problem
    call.records.services.change(service, status="Active")
    welcome = call.switches.welcome_mails if call.form.get("sendemail") is None else call.flag("sendemail")
    if welcome:
        call.mail("Product Welcome Email", service["clientid"], service["id"])
    return ""


def cancel_order(call: Call) -> Answer:
    """The invoice stays as it is: cancelling it is a call of its own."""
    return _close(call, _pending(call), "Cancelled")


def fraud_order(call: Call) -> Answer:
    return _close(call, _existing(call), "Fraud")


def pending_order(call: Call) -> Answer:
    return _close(call, _existing(call), "Pending")


def delete_order(call: Call) -> Answer:
    """Only a Cancelled or Fraud order; its services and its invoice go with it."""
    order = call.records.orders.get(call.integer("orderid"))
    if order is None:
        raise ApiError("Order ID not found")
    if order["status"] not in ("Cancelled", "Fraud"):
        raise ApiError("The order status must be in Cancelled or Fraud to be deleted")
    for service in order["services"]:
        call.records.services.delete(service)
    call.records.invoices.delete(order["invoiceid"])
    call.records.orders.delete(order["id"])
    return {}


def get_order_statuses(call: Call) -> Answer:
    counts = dict.fromkeys(STATUSES, 0)
    for order in call.records.orders.all():
        counts[order["status"]] += 1
    rows = [{"title": title, "count": count} for title, count in counts.items()]
    return {"totalresults": len(rows), "statuses": Rows("status", rows)}


def _pending(call: Call) -> Document:
    order = call.records.orders.get(call.integer("orderid"))
    if order is None or order["status"] != "Pending":
        raise ApiError(NOT_PENDING)
    return order


def _existing(call: Call) -> Document:
    order = call.records.orders.get(call.integer("orderid"))
    if order is None:
        raise ApiError("Order ID Not Found")
    return order


def _close(call: Call, order: Document, status: str) -> Answer:
    for service in call.records.services_of(order):
        call.records.services.change(service, status=status)
    call.records.orders.change(order, status=status)
    return {}


ACTIONS = {
    "AcceptOrder": accept_order,
    "CancelOrder": cancel_order,
    "DeleteOrder": delete_order,
    "FraudOrder": fraud_order,
    "GetOrderStatuses": get_order_statuses,
    "GetOrders": get_orders,
    "PendingOrder": pending_order,
}
