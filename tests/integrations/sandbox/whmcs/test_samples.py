"""Answers are shaped like the documented ones: every key of a sample is there (samples/README.md)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.sandbox.whmcs.conftest import CARD, ESIM, FIBRE, Wire
from tests.integrations.sandbox.whmcs.test_clients import new_client

SAMPLES = Path(__file__).parent / "samples"
FLATTENED = {"GetClientsAddons", "GetCurrencies"}  # an old name-value rendering, nested here

# Keys that a sample shows and this installation does not have: client counters that would all be zero, other gateways'
# bank rows.
LEFT_OUT = {"GetClientsDetails": re.compile(r"stats\..*"), "GetPayMethods": re.compile(r"paymethods\.bank_name")}


def paths(value: Any, path: str = "") -> set[str]:
    """Dotted key paths, lists and their envelopes' rows merged; the currency code is a key like another."""
    if isinstance(value, dict):
        named = {"CUR" if key in ("USD", "JPY") else key: item for key, item in value.items()}
        return {p for key, item in named.items() for p in {f"{path}.{key}".strip("."), *paths(item, f"{path}.{key}")}}
    if isinstance(value, list):
        return {p for item in value for p in paths(item, path)}
    return set()


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """``currencies[currency][0][id]`` → currencies → currency → [{id}]."""
    whole: dict[str, Any] = {}
    for key, value in flat.items():
        parts = [part for part in re.split(r"[\[\]]+", key) if part and not part.isdecimal()]
        place = whole
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return whole


async def answers(wire: Wire) -> dict[str, Any]:
    """One answer of every action that has a sample here, over one real order."""
    added = await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **{"pid[0]": FIBRE, "pid[1]": ESIM})
    service, invoice = added["serviceids"].split(",")[1], added["invoiceid"]
    spare = (await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **{"pid[]": ESIM}))["orderid"]
    asked: list[tuple[str, dict[str, Any]]] = [
        ("AcceptOrder", {"orderid": added["orderid"]}),
        ("AddBillableItem", {"clientid": CARD, "description": "x", "amount": 1}),
        ("AddClient", new_client()),
        ("CreateInvoice", {"userid": CARD, "itemdescription1": "x", "itemamount1": 1}),
        ("CreateSsoToken", {"client_id": CARD}),
        ("GetAdminDetails", {}), ("GetClients", {}), ("GetClientsAddons", {"clientid": CARD}),
        ("GetClientsDetails", {"clientid": CARD, "stats": 1}), ("GetClientsProducts", {"clientid": CARD}),
        ("GetConfigurationValue", {"setting": "SystemURL"}), ("GetCurrencies", {}), ("GetHealthStatus", {}),
        ("GetInvoice", {"invoiceid": invoice}), ("GetInvoices", {}), ("GetOrderStatuses", {}), ("GetOrders", {}),
        ("GetPayMethods", {"clientid": CARD}), ("GetPaymentMethods", {}), ("GetProducts", {}),
        ("GetTransactions", {}), ("ModuleCreate", {"serviceid": service}), ("ModuleSuspend", {"serviceid": service}),
        ("ModuleUnsuspend", {"serviceid": service}), ("ModuleChangePackage", {"serviceid": service}),
        ("ModuleTerminate", {"serviceid": service}), ("CancelOrder", {"orderid": spare}),
        ("PendingOrder", {"orderid": spare}), ("SendEmail", {"messagename": "Client Signup Email", "id": CARD}),
        ("UpdateClient", {"clientid": CARD}), ("UpdateClientProduct", {"serviceid": service}),
        ("UpdateInvoice", {"invoiceid": invoice}), ("AddInvoicePayment", {"invoiceid": invoice, "amount": 1}),
        ("CapturePayment", {"invoiceid": invoice}), ("WhmcsDetails", {}),
    ]  # fmt: skip
    return {"AddOrder": added} | {action: await wire.ok(action, **form) for action, form in asked}


@pytest.mark.parametrize("types", ["int", "string"])
async def test_no_documented_key_is_missing(wire: Wire, types: Any) -> None:
    wire.sandbox.switch(types=types)
    given = await answers(wire)
    assert set(given) == {path.stem for path in SAMPLES.glob("*.json")}
    for action, answer in given.items():
        sample = json.loads((SAMPLES / f"{action}.json").read_text(encoding="utf-8"))
        wanted = paths(nested(sample) if action in FLATTENED else sample)
        if action == "GetClientsAddons":  # there are none, so no row to compare
            wanted = {path for path in wanted if not path.startswith("addons.addon.")}
        left_out = LEFT_OUT.get(action)
        missing = {path for path in wanted - paths(answer) if not (left_out and left_out.fullmatch(path))}
        assert not missing, f"{action} lacks {sorted(missing)}"


async def test_values_are_of_the_documented_kind(wire: Wire) -> None:
    """Same JSON kind at every common path, but for the known drift between numbers and their text."""
    for action, answer in (await answers(wire)).items():
        if action not in FLATTENED:
            sample = json.loads((SAMPLES / f"{action}.json").read_text(encoding="utf-8"))
            for path, kind in kinds(sample).items():
                found = kinds(answer).get(path, kind)
                alike = found == kind or "null" in (found, kind) or {found, kind} == {"number", "text"}
                assert alike, f"{action} {path}: {found} for {kind}"


def kinds(value: Any, path: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        named = {"CUR" if key in ("USD", "JPY") else key: item for key, item in value.items()}
        found = {p: kind for key, item in named.items() for p, kind in kinds(item, f"{path}.{key}").items()}
        return {path: "object", **found}
    if isinstance(value, list):
        return {path: "list", **{p: kind for item in value for p, kind in kinds(item, f"{path}[]").items()}}
    if value is None or isinstance(value, bool):
        return {path: "null" if value is None else "truth"}
    return {path: "number" if isinstance(value, int | float) else "text"}
