"""A customer's pay methods, changed as the customer or a clerk would in WHMCS."""

from integrations.sandbox.whmcs import WhmcsSandbox
from integrations.sandbox.whmcs.catalog import CARD_GATEWAY, MANUAL_GATEWAYS

RUN_OUT = "01/20"


def set_pay_method(whmcs: WhmcsSandbox, client: int, kind: str) -> None:
    """Let ``client`` pay by "card", by "invoice", by a card that has run "expired", or not at all ("none").

    Call inside a transaction. Raises LookupError for an unknown client.
    """
    records = whmcs.records
    found = records.clients.get(client)
    if found is None:
        raise LookupError(client)
    for method in records.pay_methods.of(client):
        records.pay_methods.delete(method["id"])
    records.clients.change(found, defaultgateway=MANUAL_GATEWAYS[0] if kind == "invoice" else CARD_GATEWAY)
    if kind in ("card", "expired"):
        whmcs.add_card(client)
    if kind == "expired":
        (card,) = records.pay_methods.of(client)
        records.pay_methods.change(card, expiry=RUN_OUT)
