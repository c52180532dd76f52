"""Clients: listed, read, made, changed (facts/whmcs.md §6.1)."""

import re
import uuid
from decimal import Decimal
from typing import Any

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs import phpvalues
from integrations.sandbox.whmcs.answers import Answer, ApiError, Html, Rows
from integrations.sandbox.whmcs.calls import Call, page
from integrations.sandbox.whmcs.catalog import CURRENCY, CURRENCY_ID, money, with_currency

REQUIRED = {
    "firstname": "You did not enter your first name",
    "lastname": "You did not enter your last name",
    "email": "You did not enter your email address",
    "address1": "You did not enter your  address line 1",
    "city": "You did not enter your city",
    "state": "You did not enter your state",
    "postcode": "You did not enter your postcode",
    "country": "Valid country required",
    "phonenumber": "You did not enter your phone number",
}
TEXT_FIELDS = (
    *REQUIRED, "companyname", "address2", "tax_id", "language", "notes",
)  # fmt: skip
FLAGS = (
    "taxexempt", "latefeeoveride", "overideduenotices", "separateinvoices", "disableautocc", "overrideautoclose",
)  # fmt: skip
EMAIL_KINDS = ("general", "invoice", "support", "product", "domain", "affiliate")
STATUSES = ("Active", "Inactive", "Closed")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CALLING_CODE = {"JP": "81"}


def full_name(client: Document) -> str:
    return f"{client['firstname']} {client['lastname']}".strip()


def new_client(call: Call, values: dict[str, Any], number: int | None = None) -> Document:
    """Store and return a client; what ``values`` leaves out is empty."""
    client: Document = {
        "id": number if number is not None else call.records.number("client"),
        **dict.fromkeys(TEXT_FIELDS, ""),
        **dict.fromkeys(FLAGS, False),
        "status": "Active",
        "defaultgateway": "",
        "groupid": 0,
        "credit": "0.00",
        "datecreated": call.today,
        "uuid": str(uuid.UUID(int=call.draw.getrandbits(128), version=4)),
        "email_preferences": dict.fromkeys(EMAIL_KINDS, True),
        "marketing": False,
        "single_sign_on": True,
        "fields": {},
        **values,
    }
    client["email"] = client["email"].strip().lower()
    call.records.clients.put(client)
    return client


def get_clients(call: Call) -> Answer:
    """status, search (prefix of e-mail, names or company), sorting and orderby; no filter on custom fields."""
    found = call.records.clients.all()
    status, search = call.text("status").lower(), call.text("search").strip().lower()
    if status:
        found = [client for client in found if client["status"].lower() == status]
    if search:
        found = [client for client in found if _found_by(client, search)]
    key = call.text("orderby").lower()
    key = key if key in ("id", "firstname", "lastname", "companyname", "email", "datecreated", "status") else ""
    descending = call.text("sorting").upper() == "DESC"
    if key or call.text("sorting"):
        found.sort(key=lambda client: (client[key or "lastname"], client["id"]), reverse=descending)
    given = bool(key or call.text("sorting"))
    return page(call, found, "clients", "client", _row, as_given=given)


def _found_by(client: Document, search: str) -> bool:
    names = (client["email"], client["firstname"], client["lastname"], full_name(client), client["companyname"])
    return any(name.lower().startswith(search) for name in names)


def _row(client: Document) -> Answer:
    return {key: client[key] for key in ("id", "firstname", "lastname", "companyname", "email", "datecreated",
                                         "groupid", "status")}  # fmt: skip


def get_clients_details(call: Call) -> Answer:
    """By clientid or e-mail. Custom fields come without names; a deprecated copy of the client is at the top level."""
    if call.integer("clientid"):
        client = call.records.clients.get(call.integer("clientid"))
    elif call.text("email"):
        client = call.records.client_by_email(call.text("email"))
    else:
        raise ApiError("Either clientid Or email Is Required")
    if client is None:
        raise ApiError("Client Not Found")
    details = _details(client)
    answer: Answer = {**details, "client": details}
    if call.flag("stats"):
        answer["stats"] = _stats(call, client)
    return answer


def _details(client: Document) -> Answer:
    country = client["country"]
    code = _CALLING_CODE.get(country, "")
    digits = re.sub(r"[^0-9]", "", client["phonenumber"]).removeprefix("0")
    phone = f"+{code}.{digits}" if code else client["phonenumber"]
    number = client["id"]
    fields = [{"id": int(field), "value": value} for field, value in client["fields"].items()]
    return {
        "client_id": number, "owner_user_id": number, "userid": number, "id": number, "uuid": client["uuid"],
        "firstname": client["firstname"], "lastname": client["lastname"], "fullname": full_name(client),
        "companyname": client["companyname"], "email": client["email"], "address1": client["address1"],
        "address2": client["address2"], "city": client["city"], "fullstate": client["state"],
        "state": client["state"], "postcode": client["postcode"], "countrycode": country, "country": country,
        "phonenumber": client["phonenumber"], "tax_id": client["tax_id"],
        "email_preferences": {kind: str(int(on)) for kind, on in client["email_preferences"].items()},
        "statecode": client["state"], "countryname": "Japan" if country == "JP" else country,
        "phonecc": int(code) if code else "", "phonenumberformatted": phone, "telephoneNumber": phone,
        "billingcid": 0, "notes": client["notes"], "currency": CURRENCY_ID,
        "defaultgateway": client["defaultgateway"], "groupid": client["groupid"], "status": client["status"],
        "credit": client["credit"], **{flag: client[flag] for flag in FLAGS}, "emailoptout": False,
        "marketing_emails_opt_in": client["marketing"], "allowSingleSignOn": int(client["single_sign_on"]),
        "email_verified": True, "language": client["language"], "isOptedInToMarketingEmails": client["marketing"],
        "lastlogin": Html("Date: 03/10/2016 10:26<br>IP Address:<br>Host:"), "currency_code": CURRENCY,
        "customfields": fields,
        **{f"customfields{place}": field["value"] for place, field in enumerate(fields, 1)},
        "users": Rows("user", [
            {"id": number, "name": full_name(client), "email": client["email"], "is_owner": True},
        ]),
    }  # fmt: skip


def _stats(call: Call, client: Document) -> Answer:
    """The counters that a portal looks at; the many others of a real install would all be zero here."""
    invoices = call.records.invoices.of(client["id"])
    services = call.records.services.of(client["id"])
    unpaid = [invoice for invoice in invoices if invoice["status"] == "Unpaid"]
    due = with_currency(money(sum((Decimal(invoice["total"]) for invoice in unpaid), Decimal(0))))
    return {
        "numdueinvoices": len(unpaid), "dueinvoicesbalance": due, "incredit": Decimal(client["credit"]) > 0,
        "creditbalance": with_currency(client["credit"]), "numunpaidinvoices": len(unpaid),
        "unpaidinvoicesamount": due, "numpaidinvoices": sum(i["status"] == "Paid" for i in invoices),
        "numcancelledinvoices": sum(i["status"] == "Cancelled" for i in invoices),
        "productsnumactive": sum(s["status"] == "Active" for s in services), "productsnumtotal": len(services),
        "numactivedomains": 0, "numdomains": 0, "numtickets": 0, "numactivetickets": 0, "isAffiliate": False,
    }  # fmt: skip


def add_client(call: Call) -> Answer:
    """Makes the client and its owning user. skipvalidation lifts everything but e-mail and password2."""
    email = call.text("email").strip().lower()
    for name, message in REQUIRED.items():
        needed = name == "email" or not call.flag("skipvalidation")
        if needed and not call.text(name).strip():
            raise ApiError(message)
    if not _EMAIL.fullmatch(email):
        raise ApiError("The email address you entered was not valid")
    if not call.flag("skipvalidation") and not re.fullmatch(r"[A-Z]{2}", call.text("country")):
        raise ApiError("Valid country required")
    if isinstance(call.form.get("customfields"), dict):
        raise ApiError("You did not provide required custom field value for Customer Number")
    if call.records.client_by_email(email) is not None:
        raise ApiError("A user already exists with that email address")
    values: dict[str, Any] = {name: call.text(name) for name in TEXT_FIELDS}
    values |= {"groupid": call.integer("groupid"), "marketing": call.flag("marketingoptin")}
    client = new_client(call, values | {"fields": _fields(call)})
    if not call.flag("noemail"):
        call.mail("Client Signup Email", client["id"], client["id"])
    return {"clientid": client["id"], "owner_user_id": client["id"]}


def update_client(call: Call) -> Answer:
    """clientid or clientemail names the client; only what is sent is changed."""
    client = call.records.clients.get(call.integer("clientid"))
    if client is None and call.text("clientemail"):
        client = call.records.client_by_email(call.text("clientemail"))
    if client is None:
        raise ApiError("Client ID Not Found")
    changes: dict[str, Any] = {name: call.text(name) for name in TEXT_FIELDS if call.text(name)}
    if "email" in changes:
        changes["email"] = changes["email"].strip().lower()
        if not _EMAIL.fullmatch(changes["email"]):
            raise ApiError("The email address entered is not valid")
        other = call.records.client_by_email(changes["email"])
        if other is not None and other["id"] != client["id"]:
            raise ApiError("Duplicate Email Address")
    if call.text("status").title() in STATUSES:
        changes["status"] = call.text("status").title()
    if call.text("paymentmethod"):
        changes["defaultgateway"] = call.text("paymentmethod")
    changes |= {flag: call.flag(flag) for flag in FLAGS if flag in call.form}
    wishes = {k: phpvalues.truthy(v) for k, v in call.array("email_preferences").items() if k in EMAIL_KINDS}
    changes["email_preferences"] = client["email_preferences"] | wishes
    changes["fields"] = client["fields"] | _fields(call)
    call.records.clients.change(client, **changes)
    return {"clientid": call.text("clientid") or str(client["id"])}


def _fields(call: Call) -> dict[str, str]:
    known = (call.records.setup.get("client_fields") or {}).get("ids", [])
    given = phpvalues.serialised(call.form.get("customfields"))
    return {str(number): phpvalues.as_text(value) for number, value in given.items() if number in known}


ACTIONS = {
    "AddClient": add_client,
    "GetClients": get_clients,
    "GetClientsDetails": get_clients_details,
    "UpdateClient": update_client,
}
