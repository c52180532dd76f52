"""All documented example responses load without loss (samples/README.md says what they are).

Left out are the four that the documentation shows in an old flattened rendering (``currencies[currency][0][id]``): the
real JSON is nested, so as files they are no answers of api.php. They are un-flattened here instead.
"""

import html
import json
import re
from decimal import Decimal
from importlib.resources import files
from typing import Any

import httpx
import pytest

from integrations.whmcs import pages, reading, rows
from integrations.whmcs.envelope import Verdict, read_answer

SAMPLES = files("tests.integrations.whmcs") / "samples"
INDEX: list[dict[str, Any]] = json.loads((SAMPLES / "_index.json").read_text(encoding="utf-8"))
FLATTENED = {entry["action"] for entry in INDEX if entry["nvp_flattened"]}
NESTED = sorted(entry["action"] for entry in INDEX if not entry["nvp_flattened"])

MODELS: dict[str, type[rows.AnswerRow]] = {
    "GetClientsDetails": rows.ClientAnswer,
    "GetClients": rows.ClientsAnswer,
    "GetPayMethods": rows.PayMethodsAnswer,
    "GetPaymentMethods": rows.GatewaysAnswer,
    "GetProducts": rows.ProductsAnswer,
    "AddOrder": rows.AddOrderAnswer,
    "GetOrders": rows.OrdersAnswer,
    "GetClientsProducts": rows.ServicesAnswer,
    "GetInvoice": rows.InvoiceAnswer,
    "GetAdminDetails": rows.VersionAnswer,
    "WhmcsDetails": rows.VersionAnswer,
}


def sample(action: str) -> dict[str, Any]:
    body = json.loads((SAMPLES / f"{action}.json").read_text(encoding="utf-8"), parse_float=Decimal)
    assert isinstance(body, dict)
    return body


def answered(action: str) -> httpx.Response:
    """The sample as PHP sends it: compact, with escaped slashes."""
    text = json.dumps(sample(action), separators=(",", ":"), default=str).replace("/", "\\/")
    return httpx.Response(200, content=text.encode(), headers={"Content-Type": "application/json; charset=utf-8"})


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every scalar by its path. ``{"order": […]}`` counts as the list; empty lists, objects and null as ""."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), list):
        value = next(iter(value.values()))
    if isinstance(value, dict) and value:
        return {k: v for key, item in value.items() for k, v in leaves(item, f"{path}.{key}").items()}
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        value = ",".join(value)  # ids
    if isinstance(value, (list, tuple)) and value:
        return {k: v for n, item in enumerate(value) for k, v in leaves(item, f"{path}.{n}").items()}
    return {path: "" if value is None or value in ((), [], {}) else value}


def same(path: str, sent: Any, read: Any) -> bool:
    """Whether a value lost nothing: only its type may differ, entities, unset dates and the spelling of cycles."""
    text = html.unescape(str(sent)).strip()
    if path.endswith(".billingcycle"):
        return bool(re.sub(r"[ -]", "", text).lower() == read)
    if isinstance(read, Decimal):
        return Decimal(text) == read
    if isinstance(read, bool) and not isinstance(sent, bool):
        return (text not in ("", "0")) is read
    return str(read).strip() == text or (read == "" and text.startswith("0000-00-00"))


def test_every_documented_sample_is_here() -> None:
    assert sorted(FLATTENED) == ["GetClientsAddons", "GetCredits", "GetCurrencies", "GetModuleQueue"]
    assert len(NESTED) + len(FLATTENED) == len(INDEX) == 58
    assert {path.name for path in SAMPLES.iterdir()} == {f"{e['action']}.json" for e in INDEX} | {
        "README.md",
        "_index.json",
    }


@pytest.mark.parametrize("action", NESTED)
def test_a_sample_is_a_success_with_its_whole_body(action: str) -> None:
    answer = read_answer(answered(action))
    assert answer.verdict is Verdict.SUCCESS
    assert leaves(answer.body).keys() == leaves(sample(action)).keys()


@pytest.mark.parametrize("action", NESTED)
def test_a_sample_loads_without_loss(action: str) -> None:
    body = sample(action)
    sent = leaves(body)
    read = leaves(reading.load(MODELS.get(action, rows.AnswerRow), body).model_dump())
    dropped = {path for path in sent if path.rpartition(".")[2] in rows.CREDENTIALS}
    assert sent.keys() - read.keys() == dropped
    assert [path for path in sent.keys() - dropped if not same(path, sent[path], read[path])] == []


@pytest.mark.parametrize("action", ["GetPayMethods", "GetClientsProducts", "CreateSsoToken", "ValidateLogin"])
def test_credentials_do_not_get_past_the_model(action: str) -> None:
    text = json.dumps(sample(action))
    assert any(name in text for name in rows.CREDENTIALS)
    loaded = reading.load(MODELS.get(action, rows.AnswerRow), sample(action))
    assert not [name for name in rows.CREDENTIALS if f"'{name}'" in str(loaded.model_dump()) or name in repr(loaded)]


@pytest.mark.parametrize("action", sorted(FLATTENED))
def test_flattened_samples_load_once_they_are_nested(action: str) -> None:
    nested: dict[str, Any] = {}
    for name, value in sample(action).items():
        where: Any = nested
        *path, last = re.findall(r"[^\[\]]+", name)
        for key in path:
            where = where.setdefault(key, {})
        where[last] = value
    loaded = reading.load(rows.AnswerRow, nested)
    assert leaves(loaded.model_dump()).keys() >= leaves(nested).keys()


def test_client() -> None:
    client = reading.client(sample("GetClientsDetails"))
    assert (client.id, client.status, client.first_name, client.last_name) == ("1", "Active", "Test", "Client")
    assert (client.email, client.phone, client.currency_code) == ("test-client@example.com", "01234567890", "USD")
    assert client.custom_fields == {1: "Custom Field Value"}
    assert client.default_gateway == ""
    assert "test-client@example.com" not in repr(client)
    assert "Custom Field Value" not in repr(client)


def test_pay_methods() -> None:
    found = reading.pay_methods(sample("GetPayMethods"), "1")
    assert [(m.id, m.type, m.gateway, m.last_four, m.expiry) for m in found] == [
        ("1", "RemoteCreditCard", "stripe", "4242", (2025, 2)),
        ("2", "CreditCard", "", "4242", (2022, 11)),
        ("3", "BankAccount", "", "", None),
        ("4", "RemoteBankAccount", "gocardless", "", None),
    ]


def test_gateways() -> None:
    found = reading.gateways(sample("GetPaymentMethods"))
    assert [(gateway.module, gateway.name) for gateway in found] == [("paypal", "PayPal"), ("authorize", "Credit Card")]


def test_products() -> None:
    product = reading.products(sample("GetProducts"), frozenset({1}))[1]
    assert (product.name, product.module, product.pay_type) == ("Best Hosting Plan", "cpanel", "recurring")
    assert product.prices["USD"].recurring == {"monthly": Decimal("25.99")}  # -1.00 means: not offered
    assert product.prices["USD"].setup["monthly"] == Decimal(0)
    assert [(item.id, item.name, item.required) for item in product.custom_fields] == [(2, "Secondary Contact", False)]
    option = product.options[0]
    assert (option.id, option.type, option.min_quantity, option.max_quantity) == (4, "3", 1, 10)
    assert option.choices[0].prices["USD"].recurring["monthly"] == Decimal("2.99")


def test_added_order() -> None:
    added = reading.added_order(sample("AddOrder"))
    assert (added.order_id, added.service_ids, added.invoice_id) == ("1", ("1", "2"), "1")


def test_orders() -> None:
    page = pages.order_page(sample("GetOrders"), "1")
    assert (page.sent, page.total, page.returned, page.problem) == (1, 1, 1, "")
    order = page.rows["1"]
    assert (order.number, order.client_id, order.status, order.notes) == ("7858259149", "1", "Active", "Sample Notes!")
    assert (order.amount, order.invoice_id, order.payment_status) == (Decimal("8.00"), "1", "Paid")
    assert (order.date, order.service_ids) == ("2020-09-23 13:59:35", ("1",))
    assert (order.items[0].cycle, order.items[0].amount) == ("onetime", Decimal("8.00"))


def test_services() -> None:
    page = pages.service_page(sample("GetClientsProducts"), "1")
    assert (page.sent, page.total, page.returned, page.problem) == (2, 2, 2, "")
    service = page.rows["2"]
    assert (service.order_id, service.client_id, service.pid, service.quantity) == ("2", "1", 3, 2)
    assert (service.status, service.cycle, service.domain) == ("Active", "monthly", "demodomain2.net")
    assert (service.first_amount, service.recurring_amount) == (Decimal("24.95"), Decimal("24.95"))
    assert service.options == {1: ("Sample Config Option", "Selected option value")}
    assert service.custom_fields == {}


def test_invoice() -> None:
    invoice = reading.invoice(sample("GetInvoice"))
    assert (invoice.id, invoice.client_id, invoice.status) == ("1", "2361", "Unpaid")
    assert (invoice.subtotal, invoice.tax, invoice.total, invoice.balance) == (
        Decimal("15.95"), Decimal(0), Decimal("15.95"), Decimal("15.95"),
    )  # fmt: skip
    assert [(item.type, item.related_id, item.taxed) for item in invoice.items] == [("Hosting", "1", False)]
