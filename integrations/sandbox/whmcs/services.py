"""Services (WHMCS: a client's products): made by AddOrder, listed, changed (facts/whmcs.md §6.4)."""

from decimal import Decimal
from typing import Any

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs import phpvalues
from integrations.sandbox.whmcs.answers import UNSET_DATE, UNSET_TIME, Answer, ApiError, Rows
from integrations.sandbox.whmcs.calls import Call, page
from integrations.sandbox.whmcs.catalog import CYCLE_NAMES, CYCLES, GATEWAYS, money
from integrations.sandbox.whmcs.stale import without_newest
from integrations.sandbox.whmcs.switches import MARKER_CUT

STATUSES = ("Pending", "Active", "Suspended", "Terminated", "Completed", "Cancelled", "Fraud")
PLAIN_FIELDS = {
    "domain": "domain", "paymentmethod": "paymentmethod", "subscriptionid": "subscriptionid", "notes": "notes",
    "serviceusername": "username", "servicepassword": "password", "dedicatedip": "dedicatedip",
    "assignedips": "assignedips", "suspendreason": "suspensionreason", "regdate": "regdate",
    "nextduedate": "nextduedate", "overideautosuspend": "overideautosuspend",
    "overidesuspenduntil": "overidesuspenduntil", "ns1": "ns1", "ns2": "ns2",
}  # fmt: skip
CAN_BE_UNSET = frozenset(
    {"domain", "serviceusername", "servicepassword", "subscriptionid", "ns1", "ns2", "dedicatedip", "assignedips",
     "notes", "suspendreason"}
)  # fmt: skip


def kept_fields(call: Call, product: Document, given: dict[int, Any]) -> dict[str, str]:
    """The custom field values that this product keeps: only its own fields; the marker field as the switch says."""
    kept = {}
    for field in product["fields"]:
        if field["id"] not in given:
            continue
        value = phpvalues.as_text(given[field["id"]])
        if field["marker"] and call.switches.marker_field == "missing":
            continue
        if field["marker"] and call.switches.marker_field == "truncated":
            value = value[:MARKER_CUT]
        kept[str(field["id"])] = value
    return kept


def new_service(
    call: Call, order: Document, product: Document, *, quantity: int, price: Decimal, setup: Decimal, place: int,
    domain: str = "", fields: dict[str, str], options: dict[str, str], notes: str = "",
) -> Document:  # fmt: skip
    """Store and return one Pending service. Amounts are for all units; a one-time product has no recurring amount."""
    recurring = Decimal(0) if product["cycle"] == "onetime" else price * quantity
    service: Document = {
        "id": call.records.number("service"),
        "clientid": order["userid"],
        "orderid": order["id"],
        "ordernumber": order["ordernum"],
        "place": place,
        "pid": product["id"],
        "name": product["name"],
        "group": product["group"],
        "qty": quantity,
        "domain": domain,
        "cycle": product["cycle"],
        "regdate": call.today,
        "nextduedate": call.today if recurring else UNSET_DATE,
        "firstpaymentamount": money((price + setup) * quantity),
        "recurringamount": money(recurring),
        "setup": money(setup * quantity),
        "paymentmethod": order["paymentmethod"],
        "status": "Pending",
        "notes": notes,
        "fields": fields,
        "options": options,
        "lastupdate": UNSET_TIME,
        "past": order["past"],
    }
    call.records.services.put(service)
    return service


def get_clients_products(call: Call) -> Answer:
    """clientid, serviceid, pid, domain, username2; there is no filter on the order."""
    records = call.records
    if call.integer("serviceid"):
        service = records.services.get(call.integer("serviceid"))
        found = [service] if service else []
    else:
        found = records.services.of(call.integer("clientid")) if call.integer("clientid") else records.services.all()
    for name in ("clientid", "pid"):
        if call.integer(name):
            found = [service for service in found if service[name] == call.integer(name)]
    for name, key in (("domain", "domain"), ("username2", "username")):
        if call.text(name):
            found = [service for service in found if service.get(key, "") == call.text(name)]
    found = without_newest(call, found, "orderid")
    echoes = {name: call.form.get(name) for name in ("clientid", "serviceid", "pid", "domain")}
    return {**echoes, **page(call, found, "products", "product", lambda service: _row(call, service))}


def _row(call: Call, service: Document) -> Answer:
    return {
        "id": service["id"], "qty": service["qty"], "clientid": service["clientid"], "orderid": service["orderid"],
        "ordernumber": service["ordernumber"], "pid": service["pid"], "regdate": service["regdate"],
        "name": service["name"], "translated_name": service["name"], "groupname": service["group"],
        "translated_groupname": service["group"], "domain": service["domain"],
        "dedicatedip": service.get("dedicatedip", ""), "serverid": 0, "servername": "", "serverip": "",
        "serverhostname": "", "suspensionreason": service.get("suspensionreason", ""),
        "firstpaymentamount": service["firstpaymentamount"], "recurringamount": service["recurringamount"],
        "paymentmethod": service["paymentmethod"], "paymentmethodname": GATEWAYS.get(service["paymentmethod"], ""),
        "billingcycle": CYCLE_NAMES[service["cycle"]], "nextduedate": service["nextduedate"],
        "status": service["status"], "username": service.get("username", ""), "password": service.get("password", ""),
        "subscriptionid": service.get("subscriptionid", ""), "promoid": 0,
        "overideautosuspend": service.get("overideautosuspend", ""),
        "overidesuspenduntil": service.get("overidesuspenduntil", UNSET_DATE), "ns1": service.get("ns1", ""),
        "ns2": service.get("ns2", ""), "assignedips": service.get("assignedips", ""), "notes": service["notes"],
        "diskusage": 0, "disklimit": 0, "bwusage": 0, "bwlimit": 0, "lastupdate": service["lastupdate"],
        "customfields": Rows("customfield", _custom_fields(call, service)),
        "configoptions": Rows("configoption", _config_options(call, service)),
    }  # fmt: skip


def _custom_fields(call: Call, service: Document) -> list[Answer]:
    """All fields of the product, hidden ones too; a marker field that this install lacks is not there."""
    product = call.records.products.get(service["pid"])
    rows = []
    for field in product["fields"] if product else ():
        if not (field["marker"] and call.switches.marker_field == "missing"):
            value = service["fields"].get(str(field["id"]), "")
            row = {"id": field["id"], "name": field["name"], "translated_name": field["name"], "value": value}
            rows.append(row)
    return rows


def _config_options(call: Call, service: Document) -> list[Answer]:
    product = call.records.products.get(service["pid"])
    rows = []
    for option in product["options"] if product else ():
        chosen = service["options"].get(str(option["id"]), "")
        label = chosen if option["kind"] == "quantity" else option["choices"].get(chosen, "")
        rows.append({"id": option["id"], "option": option["name"], "type": option["kind"], "value": label})
    return rows


def update_client_product(call: Call) -> Answer:
    """Change the record only: no module runs. ``notes`` replaces the text; an empty value is ignored, use unset[]."""
    service = call.records.services.get(call.integer("serviceid"))
    if service is None:
        raise ApiError("Service ID Not Found")
    product = call.records.products.get(call.integer("pid", service["pid"]))
    if product is None:
        raise ApiError("Product ID Not Found")
    for name in ("customfields", "configoptions"):
        if isinstance(call.form.get(name), dict):
            label = product["fields"][0]["name"] if product["fields"] else name
            raise ApiError(f"You did not provide required custom field value for {label}")
    changes: dict[str, Any] = {"pid": product["id"], "name": product["name"], "lastupdate": call.stamp}
    changes |= {key: call.text(name) for name, key in PLAIN_FIELDS.items() if call.text(name)}
    changes |= _checked_changes(call)
    unset = CAN_BE_UNSET & {str(name) for name in call.array("unset").values()}
    changes |= {PLAIN_FIELDS[name]: "" for name in unset}
    changes["fields"] = service["fields"] | kept_fields(call, product, phpvalues.serialised(call.text("customfields")))
    changes["options"] = service["options"] | _chosen(product, phpvalues.serialised(call.text("configoptions")))
    call.records.services.change(service, **changes)
    return {"serviceid": call.text("serviceid")}


def _checked_changes(call: Call) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if call.text("status").title() in STATUSES:
        changes["status"] = call.text("status").title()
    cycle = call.text("billingcycle").lower().replace(" ", "").replace("-", "")
    if cycle in CYCLES or cycle in CYCLE_NAMES:
        changes["cycle"] = cycle
    for name in ("firstpaymentamount", "recurringamount"):
        amount = phpvalues.decimal(call.form.get(name))
        if amount is not None:
            changes[name] = money(amount)
    return changes


def _chosen(product: Document, given: dict[int, Any]) -> dict[str, str]:
    """Choice ids and units; a quantity may come as a map with ``qty`` (facts/whmcs.md §4)."""
    chosen = {}
    for option in product["options"]:
        value = given.get(option["id"])
        if isinstance(value, dict):
            value = value.get("qty") if option["kind"] == "quantity" else value.get("optionid")
        text = phpvalues.as_text(value)
        if text and (option["kind"] == "quantity" or text in option["choices"]):
            chosen[str(option["id"])] = text
    return chosen


def get_clients_addons(call: Call) -> Answer:
    """No product of this installation has add-ons."""
    echoes = {name: call.text(name) for name in ("serviceid", "clientid")}
    return {**echoes, "totalresults": 0, "addons": Rows("addon", [])}


def get_clients_domains(call: Call) -> Answer:
    """This installation sells no domains."""
    echoes = {name: call.form.get(name) for name in ("clientid", "domainid")}
    return {**echoes, **page(call, [], "domains", "domain", dict)}


ACTIONS = {
    "GetClientsAddons": get_clients_addons,
    "GetClientsDomains": get_clients_domains,
    "GetClientsProducts": get_clients_products,
    "UpdateClientProduct": update_client_product,
}
