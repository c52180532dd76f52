"""Invoices and what is paid on them (facts/whmcs.md §6.5)."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs.answers import UNSET_TIME, Answer, ApiError, Rows
from integrations.sandbox.whmcs.calls import Call, page
from integrations.sandbox.whmcs.catalog import CURRENCY, CYCLES, GATEWAYS, PREFIX, SUFFIX, money
from integrations.sandbox.whmcs.periods import later
from integrations.sandbox.whmcs.phpvalues import decimal, integer, truthy
from integrations.sandbox.whmcs.stale import without_newest

STATUSES = (
    "Draft", "Unpaid", "Paid", "Cancelled", "Refunded", "Collections", "Payment Pending",
)  # fmt: skip
NOT_FOUND = "Invoice ID Not Found"
DUE_DAYS = 14
SORT_KEYS = {
    "id": "id", "invoicenumber": "invoicenum", "date": "date", "duedate": "duedate", "total": "total",
    "status": "status",
}  # fmt: skip


def bill_order(call: Call, client: Document, order: Document, services: Iterable[Document]) -> Document | None:
    """The invoice of a new order: a line a service and one for each setup fee; None when there is nothing to pay."""
    lines = []
    for service in services:
        setup = Decimal(service["setup"])
        lines.append(_line("Hosting", service["id"], _described(call, service),
                           Decimal(service["firstpaymentamount"]) - setup, True))  # fmt: skip
        if setup:
            lines.append(_line("Setup", service["id"], f"{service['name']} Setup Fee", setup, True))
    if not any(Decimal(line["amount"]) for line in lines):
        return None
    return new_invoice(call, client, lines, order["paymentmethod"], "Unpaid", orderid=order["id"], past=order["past"])


def _described(call: Call, service: Document) -> str:
    months = CYCLES.get(service["cycle"])
    if not months:
        return str(service["name"])
    start = call.now.date()
    end = later(start, months) - timedelta(days=1)
    return f"{service['name']} ({start:%d/%m/%Y} - {end:%d/%m/%Y})"


def _line(kind: str, relid: int, description: str, amount: Decimal, taxed: bool) -> dict[str, Any]:
    return {"type": kind, "relid": relid, "description": description, "amount": money(amount), "taxed": int(taxed)}


def new_invoice(
    call: Call, client: Document, lines: list[dict[str, Any]], gateway: str, status: str, *,
    orderid: int = 0, notes: str = "", day: str = "", due: str = "", past: bool = False,
) -> Document:  # fmt: skip
    """Store and return an invoice with numbered lines and its tax."""
    number = call.records.number("invoice")
    for line in lines:
        line["id"] = call.records.number("item")
    invoice: Document = {
        "id": number, "userid": client["id"], "orderid": orderid, "invoicenum": "", "date": day or call.today,
        "duedate": due or (call.now.date() + timedelta(days=DUE_DAYS)).isoformat(), "datepaid": UNSET_TIME,
        "date_cancelled": UNSET_TIME, "credit": "0.00", "paid": "0.00",
        "taxrate": "0.000" if client["taxexempt"] else call.records.tax_percent, "status": status,
        "paymentmethod": gateway, "notes": notes, "items": lines, "created_at": call.stamp, "updated_at": call.stamp,
        "past": past,
    }  # fmt: skip
    invoice |= _sums(invoice)
    call.records.invoices.put(invoice)
    return invoice


def _sums(invoice: Document) -> dict[str, str]:
    """Subtotal, tax and total. Prices are without tax; the tax is whole yen, what is below one yen is dropped."""
    subtotal = sum((Decimal(line["amount"]) for line in invoice["items"]), Decimal(0))
    taxable = sum((Decimal(line["amount"]) for line in invoice["items"] if line["taxed"]), Decimal(0))
    tax = (taxable * Decimal(invoice["taxrate"]) / 100).quantize(Decimal(1), ROUND_DOWN)
    return {"subtotal": money(subtotal), "tax": money(tax), "total": money(subtotal + tax - Decimal(invoice["credit"]))}


def create_invoice(call: Call) -> Answer:
    """userid is the client. Lines come as flat keys itemdescription1, itemamount1, itemtaxed1, …"""
    client = call.records.clients.get(call.integer("userid"))
    if client is None:
        raise ApiError("Client ID Not Found")
    draft = call.flag("draft") or call.text("status").lower() == "draft"
    if draft and call.flag("sendinvoice"):
        raise ApiError(
            "Cannot create and send a draft invoice in a single API request. Please create and send separately."
        )
    lines: list[dict[str, Any]] = []
    while call.text(f"itemdescription{len(lines) + 1}") or call.text(f"itemamount{len(lines) + 1}"):
        n = len(lines) + 1
        amount = decimal(call.form.get(f"itemamount{n}")) or Decimal(0)
        lines.append(_line("", 0, call.text(f"itemdescription{n}"), amount, call.flag(f"itemtaxed{n}")))
    status = "Draft" if draft else call.text("status").title() or "Unpaid"
    gateway = call.text("paymentmethod") or client["defaultgateway"] or next(iter(GATEWAYS))
    invoice = new_invoice(
        call, client, lines, gateway, status, notes=call.text("notes"), day=call.text("date"), due=call.text("duedate")
    )
    if call.flag("sendinvoice"):
        call.mail("Invoice Created", client["id"], invoice["id"])
    return {"invoiceid": invoice["id"], "status": status}


def get_invoice(call: Call) -> Answer:
    invoice = _invoice(call)
    paid = [_transaction(t) for t in call.records.transactions.of(invoice["userid"]) if t["invoiceid"] == invoice["id"]]
    items = [{key: line[key] for key in ("id", "type", "relid", "description", "amount", "taxed")}
             for line in invoice["items"]]  # fmt: skip
    return {
        "invoiceid": invoice["id"], "invoicenum": invoice["invoicenum"], "userid": invoice["userid"],
        "date": invoice["date"], "duedate": invoice["duedate"], "datepaid": invoice["datepaid"],
        "lastcaptureattempt": UNSET_TIME, "subtotal": invoice["subtotal"], "credit": invoice["credit"],
        "tax": invoice["tax"], "tax2": "0.00", "total": invoice["total"], "balance": _balance(invoice),
        "taxrate": invoice["taxrate"], "taxrate2": "0.000", "status": invoice["status"],
        "paymentmethod": invoice["paymentmethod"], "notes": invoice["notes"], "ccgateway": False,
        "items": Rows("item", items), "transactions": Rows("transaction", paid) if paid else "",
    }  # fmt: skip


def _balance(invoice: Document) -> str:
    return money(Decimal(invoice["total"]) - Decimal(invoice["paid"]))


def get_invoices(call: Call) -> Answer:
    """userid, status (also Overdue), orderby with order."""
    records = call.records
    found = records.invoices.of(call.integer("userid")) if call.integer("userid") else records.invoices.all()
    status = call.text("status").lower()
    if status == "overdue":
        found = [i for i in found if i["status"] == "Unpaid" and i["duedate"] < call.today]
    elif status:
        found = [i for i in found if i["status"].lower() == status]
    key = SORT_KEYS.get(call.text("orderby").lower())
    found = without_newest(call, found, "orderid")
    if key:
        found.sort(key=lambda i: Decimal(i[key]) if key == "total" else i[key])
        if call.text("order").lower() == "desc":
            found.reverse()
    return page(call, found, "invoices", "invoice", lambda invoice: _row(call, invoice), as_given=bool(key))


def _row(call: Call, invoice: Document) -> Answer:
    client = call.records.clients.get(invoice["userid"]) or {}
    return {
        "id": invoice["id"], "userid": invoice["userid"], "firstname": client.get("firstname", ""),
        "lastname": client.get("lastname", ""), "companyname": client.get("companyname", ""),
        "invoicenum": invoice["invoicenum"], "date": invoice["date"], "duedate": invoice["duedate"],
        "datepaid": invoice["datepaid"], "last_capture_attempt": UNSET_TIME, "date_refunded": UNSET_TIME,
        "date_cancelled": invoice["date_cancelled"], "subtotal": invoice["subtotal"], "credit": invoice["credit"],
        "tax": invoice["tax"], "tax2": "0.00", "total": invoice["total"], "taxrate": invoice["taxrate"],
        "taxrate2": "0.000", "status": invoice["status"], "paymentmethod": invoice["paymentmethod"],
        "paymethodid": None, "notes": invoice["notes"], "created_at": invoice["created_at"],
        "updated_at": invoice["updated_at"], "currencycode": CURRENCY, "currencyprefix": PREFIX,
        "currencysuffix": SUFFIX,
    }  # fmt: skip


def update_invoice(call: Call) -> Answer:
    """Status, gateway, notes, dates, lines and publishing. In 9.0 lines can be changed on drafts only."""
    invoice = _invoice(call)
    status = call.text("status")
    if status and status not in STATUSES:
        raise ApiError(f"Invalid status {status}")
    publish = call.flag("publish") or call.flag("publishandsendemail")
    if publish and invoice["status"] != "Draft":
        raise ApiError("Invoice must be in Draft status to be published")
    lines = _changed_lines(call, invoice)
    changes: dict[str, Any] = {key: call.text(key) for key in ("paymentmethod", "notes", "duedate") if call.text(key)}
    if publish:
        changes["status"] = "Unpaid"
    elif status:
        changes["status"] = status
        if status == "Cancelled":
            changes["date_cancelled"] = call.stamp
        elif status == "Paid" and invoice["status"] != "Paid":
            changes |= {"datepaid": call.stamp, "paid": invoice["total"]}
    changed = {**invoice, **changes, "items": lines, "updated_at": call.stamp}
    call.records.invoices.put(changed | _sums(changed))
    if call.flag("publishandsendemail"):
        call.mail("Invoice Created", invoice["userid"], invoice["id"])
    return {"invoiceid": call.text("invoiceid")}


def _changed_lines(call: Call, invoice: Document) -> list[dict[str, Any]]:
    described, amounts, taxed = (call.array(f"item{part}") for part in ("description", "amount", "taxed"))
    added, removed = call.array("newitemdescription"), call.array("deletelineids")
    if set(described) - (set(amounts) & set(taxed)):
        raise ApiError(
            "Missing Variables: itemdescription, itemamount and itemtaxed are required for each item being changed"
        )
    if (described or added or removed) and call.switches.version == "9.0" and invoice["status"] != "Draft":
        raise ApiError("The invoice is not a draft and cannot be changed")
    gone = {integer(number) for number in removed.values()}
    lines = []
    for line in invoice["items"]:
        key = str(line["id"])
        if key in described:
            new = {"description": str(described[key]), "amount": money(decimal(amounts[key]) or 0)}
            line = {**line, **new, "taxed": int(truthy(taxed[key]))}
        if line["id"] not in gone:
            lines.append(line)
    for key, text in added.items():
        amount = decimal(call.array("newitemamount").get(key)) or Decimal(0)
        line = _line("", 0, str(text), amount, truthy(call.array("newitemtaxed").get(key)))
        lines.append({"id": call.records.number("item"), **line})
    return lines


def pay(call: Call, invoice: Document, amount: Decimal, gateway: str, transid: str, stamp: str, fees: str) -> None:
    """Record one payment; the invoice is Paid when nothing is left of its balance."""
    call.records.transactions.put(
        {
            "id": call.records.number("transaction"), "userid": invoice["userid"], "currency": 0, "gateway": gateway,
            "date": stamp, "description": "Invoice Payment", "amountin": money(amount), "fees": fees,
            "amountout": "0.00", "rate": "1.00000", "transid": transid, "invoiceid": invoice["id"], "refundid": 0,
        }
    )  # fmt: skip
    changed = {**invoice, "paid": money(Decimal(invoice["paid"]) + amount), "updated_at": call.stamp}
    if Decimal(_balance(changed)) <= 0:
        changed |= {"status": "Paid", "datepaid": stamp}
    call.records.invoices.put(changed)


def add_invoice_payment(call: Call) -> Answer:
    """Without an amount the whole balance. A transid that is used already is taken again (facts/whmcs.md §12)."""
    invoice = _invoice(call)
    if invoice["status"] == "Cancelled":
        raise ApiError("It is not possible to add a payment to an invoice that is Cancelled")
    amount = decimal(call.form.get("amount")) or Decimal(_balance(invoice))
    gateway = call.text("gateway") or invoice["paymentmethod"]
    fees = money(decimal(call.form.get("fees")) or 0)
    pay(call, invoice, amount, gateway, call.text("transid"), call.text("date") or call.stamp, fees)
    if not call.flag("noemail"):
        call.mail("Invoice Payment Confirmation", invoice["userid"], invoice["id"])
    return {}


def capture_payment(call: Call) -> Answer:
    """Charge the client's stored card; a client without a usable one is declined."""
    invoice = call.records.invoices.get(call.integer("invoiceid"))
    if invoice is None or invoice["status"] != "Unpaid":
        raise ApiError("Invoice Not Found or Not Unpaid")
    cards = [m for m in call.records.pay_methods.of(invoice["userid"]) if _usable(m, call.now.date())]
    if not cards:
        raise ApiError("Payment Attempt Failed")
    amount = Decimal(_balance(invoice))
    transid = f"ch_{call.draw.getrandbits(64):016x}"
    pay(call, invoice, amount, str(cards[0]["gateway"]), transid, call.stamp, "0.00")
    call.mail("Credit Card Payment Confirmation", invoice["userid"], invoice["id"])
    return {}


def _usable(method: Document, today: date) -> bool:
    month, _, year = str(method["expiry"]).partition("/")
    return (2000 + int(year), int(month)) >= (today.year, today.month)


def get_transactions(call: Call) -> Answer:
    """invoiceid, clientid, transid; no paging parameters, all of them at once."""
    records = call.records
    found = (
        records.transactions.of(call.integer("clientid")) if call.integer("clientid") else records.transactions.all()
    )
    if call.integer("invoiceid"):
        found = [t for t in found if t["invoiceid"] == call.integer("invoiceid")]
    if call.text("transid"):
        found = [t for t in found if t["transid"] == call.text("transid")]
    rows = [_transaction(transaction) for transaction in found]
    totals = {"totalresults": len(rows), "startnumber": 0, "numreturned": len(rows)}
    return {**totals, "transactions": Rows("transaction", rows)}


def _transaction(transaction: Document) -> Answer:
    return dict(transaction)


def add_billable_item(call: Call) -> Answer:
    """The documented answer has ``status`` where others have ``result``."""
    if call.records.clients.get(call.integer("clientid")) is None:
        raise ApiError("Client ID not Found")
    if not call.text("description"):
        raise ApiError("You must provide a description")
    if call.text("unit") and call.text("unit") not in ("hours", "quantity"):
        raise ApiError("Invalid Unit, please specify either 'hours' or 'quantity'")
    amount = money(decimal(call.form.get("amount")) or 0)
    item = {
        "id": call.records.number("billable_item"), "userid": call.integer("clientid"),
        "description": call.text("description"), "amount": amount,
    }  # fmt: skip
    call.records.billable_items.put(item)
    return {"billableid": item["id"]}


def _invoice(call: Call) -> Document:
    invoice = call.records.invoices.get(call.integer("invoiceid"))
    if invoice is None:
        raise ApiError(NOT_FOUND)
    return invoice


ACTIONS = {
    "AddBillableItem": add_billable_item,
    "AddInvoicePayment": add_invoice_payment,
    "CapturePayment": capture_payment,
    "CreateInvoice": create_invoice,
    "GetInvoice": get_invoice,
    "GetInvoices": get_invoices,
    "GetTransactions": get_transactions,
    "UpdateInvoice": update_invoice,
}
