"""What stands in WHMCS, for counting without markers (design/rules.md §14)."""

from collections import Counter
from typing import Any

from integrations.sandbox.whmcs.records import Records


def standing(records: Records) -> dict[str, Any]:
    """Flat rows of every effect, and how often each stands per client (and product).

    ``past`` marks what the world began with. ``counts`` leaves the past out: "<client>" or "<client>/<pid>" → number
    of orders, services, invoices, mails, and of module runs ("create" that succeeded).
    """
    services = {service["id"]: service for service in records.services.all()}
    orders = [_order(order, services) for order in records.orders.all()]
    runs = [
        {**run, "clientid": services[run["serviceid"]]["clientid"], "pid": services[run["serviceid"]]["pid"]}
        for run in records.module_runs.all()
        if run["serviceid"] in services
    ]
    rows: dict[str, list[dict[str, Any]]] = {
        "orders": orders,
        "services": [_service(records, service) for service in services.values()],
        "invoices": [_invoice(invoice, services) for invoice in records.invoices.all()],
        "mails": [dict(mail) for mail in records.mails.all()],
        "module_runs": runs,
        "transactions": [
            {key: t[key] for key in ("id", "userid", "invoiceid", "amountin", "gateway")}
            for t in records.transactions.all()
        ],
        "clients": [_client(records, client) for client in records.clients.all()],
    }  # fmt: skip
    return {**rows, "counts": _counts(rows)}


def _order(order: dict[str, Any], services: dict[int, dict[str, Any]]) -> dict[str, Any]:
    row = {key: order[key] for key in ("id", "ordernum", "status", "date", "amount", "invoiceid", "notes", "past")}
    pids = [services[number]["pid"] for number in order["services"] if number in services]
    return {**row, "clientid": order["userid"], "services": order["services"], "pids": pids}


def _service(records: Records, service: dict[str, Any]) -> dict[str, Any]:
    keys = (
        "id", "clientid", "orderid", "pid", "name", "qty", "cycle", "status", "firstpaymentamount", "recurringamount",
        "notes", "past",
    )  # fmt: skip
    product = records.products.get(service["pid"]) or {"fields": [], "sku": ""}
    fields = {field["name"]: service["fields"].get(str(field["id"]), "") for field in product["fields"]}
    options = {option["name"]: service["options"].get(str(option["id"]), "") for option in product.get("options", ())}
    row = {key: service[key] for key in keys}
    return {**row, "sku": product["sku"], "custom_fields": fields, "options": options}


def _invoice(invoice: dict[str, Any], services: dict[int, dict[str, Any]]) -> dict[str, Any]:
    keys = ("id", "orderid", "status", "subtotal", "tax", "total", "paid", "past")
    billed = [line["relid"] for line in invoice["items"] if line["type"] == "Hosting"]
    pids = [services[number]["pid"] for number in billed if number in services]
    return {**{key: invoice[key] for key in keys}, "clientid": invoice["userid"], "pids": pids}


def _client(records: Records, client: dict[str, Any]) -> dict[str, Any]:
    methods = records.pay_methods.of(client["id"])
    row = {key: client[key] for key in ("id", "status", "language", "defaultgateway")}
    return {**row, "custom_fields": dict(client["fields"]), "pay_methods": [m["expiry"] for m in methods]}


def _counts(rows: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("orders", "services", "invoices", "mails", "creates")
    }
    for name in ("orders", "invoices"):
        for row in rows[name]:
            if not row["past"]:
                counts[name].update([str(row["clientid"]), *(f"{row['clientid']}/{pid}" for pid in row["pids"])])
    for row in rows["services"]:
        if not row["past"]:
            counts["services"].update([str(row["clientid"]), f"{row['clientid']}/{row['pid']}"])
    for row in rows["mails"]:
        counts["mails"].update([str(row["clientid"]), f"{row['clientid']}/{row['template']}"])
    for row in rows["module_runs"]:
        if row["ok"] and row["command"] == "Create":
            counts["creates"].update([str(row["clientid"]), f"{row['clientid']}/{row['pid']}"])
    return {name: dict(counted) for name, counted in counts.items()}
