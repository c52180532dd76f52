"""What a client has stored to pay with (facts/whmcs.md §6.2). Card numbers never come here, only their last four."""

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs.answers import Answer, ApiError
from integrations.sandbox.whmcs.calls import Call
from integrations.sandbox.whmcs.catalog import CARD_GATEWAY

TYPES = ("BankAccount", "CreditCard")


def new_card(call: Call, clientid: int, expiry: str, last_four: str) -> Document:
    """Store and return a card kept at the gateway; ``expiry`` is MM/YY."""
    method: Document = {
        "id": call.records.number("pay_method"), "clientid": clientid, "type": "RemoteCreditCard",
        "description": "Default Card", "gateway": CARD_GATEWAY, "last_four": last_four, "expiry": expiry,
        "card_type": "Visa", "token": f"tok_{call.draw.getrandbits(64):016x}",
        "last_updated": call.now.strftime("%d/%m/%Y %H:%M"),
    }  # fmt: skip
    call.records.pay_methods.put(method)
    return method


def get_pay_methods(call: Call) -> Answer:
    """clientid; paymethodid and type narrow it (CreditCard includes remote cards here). The list has no envelope."""
    if not call.text("clientid"):
        raise ApiError("Client ID Is Required")
    kind = call.text("type")
    if kind and kind not in TYPES:
        raise ApiError("Invalid Pay Method Type. Should be 'BankAccount' or 'CreditCard'")
    if call.records.clients.get(call.integer("clientid")) is None:
        raise ApiError("Client Not Found")
    found = call.records.pay_methods.of(call.integer("clientid"))
    if call.integer("paymethodid"):
        found = [method for method in found if method["id"] == call.integer("paymethodid")]
    if kind:
        found = [method for method in found if method["type"].endswith(kind)]
    return {"clientid": call.text("clientid"), "paymethods": [_row(method) for method in found]}


def _row(method: Document) -> Answer:
    return {
        "id": method["id"], "type": method["type"], "description": method["description"],
        "gateway_name": method["gateway"], "contact_type": "Client", "contact_id": method["clientid"],
        "card_last_four": method["last_four"], "expiry_date": method["expiry"], "start_date": "", "issue_number": "",
        "card_type": method["card_type"], "remote_token": method["token"], "last_updated": method["last_updated"],
    }  # fmt: skip


ACTIONS = {"GetPayMethods": get_pay_methods}
