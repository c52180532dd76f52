"""What an answer must say, and that no spelling of trouble is read as "there is none"."""

from decimal import Decimal
from typing import Any

import pytest

from integrations.whmcs import pages, reading
from integrations.whmcs.reading import Unreadable

FIELDS = [{"id": "3", "value": "C-004417"}]
CLIENT: dict[str, Any] = {"id": "7", "status": "Active", "customfields": FIELDS}
SERVICE = {
    "id": "5", "orderid": 9, "clientid": "7", "pid": 2, "name": "eSIM", "status": "Pending", "qty": 1,
    "firstpaymentamount": "980.00", "recurringamount": "980.00", "billingcycle": "Monthly", "notes": "",
    "customfields": {"customfield": [{"id": 4, "name": "Portal Order Ref", "value": "p1:a:b"}]}, "configoptions": "",
}  # fmt: skip
ORDER = {
    "id": 9, "ordernum": 7858259149, "userid": 7, "status": "Pending", "notes": "a &amp; p1:a:b", "amount": "980.00",
    "invoiceid": "0", "lineitems": {"lineitem": {"type": "product", "relid": 5, "amount": "¥980.00 JPY"}},
}  # fmt: skip
INVOICE = {
    "invoiceid": 3, "userid": 7, "status": "Unpaid", "subtotal": "980.00", "credit": "0.00", "tax": "98.00",
    "tax2": "2.00", "total": "1080.00", "balance": "1080.00", "items": "",
}  # fmt: skip


def page_of(name: str, inner: str, *rows: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    totals = {"result": "success", "totalresults": str(len(rows)), "numreturned": len(rows)}
    return totals | {name: {inner: list(rows)}} | envelope


def without(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


@pytest.mark.parametrize("key", ["client_id", "userid", "id"])
def test_a_client_is_known_by_any_of_its_ids(key: str) -> None:
    row = without(CLIENT, "id") | {key: 7}
    assert reading.client({"result": "success", "client": row}).id == "7"


def test_a_client_of_an_old_install_stands_at_top_level() -> None:
    assert reading.client({"result": "success", "status": "Active", "id": 7, "customfields": FIELDS}).id == "7"


@pytest.mark.parametrize("empty", ["", [], {}])
def test_a_client_may_have_no_custom_fields(empty: Any) -> None:
    body = {"client": CLIENT | {"customfields": empty}}
    assert reading.client(body).custom_fields == {}


@pytest.mark.parametrize(
    "client",
    [
        {"id": 7, "status": "Active"},
        {"id": 7, "status": "Active", "customfields": None},
        {"id": 7, "status": "Active", "customfields": "oops"},
        {"id": 7, "customfields": FIELDS},
        {"status": "Active", "customfields": FIELDS},
        {"id": 7, "status": "Active", "customfields": [{"value": "C-004417"}]},
        {},
    ],
)
def test_a_client_that_lacks_what_decides_is_unreadable(client: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        reading.client({"result": "success", "client": client})


def test_an_empty_list_of_pay_methods_is_none() -> None:
    assert reading.pay_methods({"clientid": 7, "paymethods": []}, "7") == ()


@pytest.mark.parametrize(
    "body",
    [{}, {"paymethods": None}, {"paymethods": ""}, {"paymethods": {}}, {"paymethods": "none"}, {"paymethods": [1]},
     {"paymethods": [{}]}, {"clientid": "8", "paymethods": []}],
)  # fmt: skip
def test_no_readable_list_of_pay_methods_is_never_none(body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        reading.pay_methods(body, "7")


@pytest.mark.parametrize("shape", [lambda row: row, lambda row: {"0": row}, lambda row: [row]])
def test_one_pay_method_in_every_shape(shape: Any) -> None:
    found = reading.pay_methods({"paymethods": shape({"id": 1, "type": "CreditCard", "expiry_date": "02/25"})}, "7")
    assert [method.expiry for method in found] == [(2025, 2)]


@pytest.mark.parametrize(
    ("text", "expiry"),
    [("02/25", (2025, 2)), ("12/2031", (2031, 12)), ("0226", (2026, 2)), ("2027-03-01", (2027, 3)), ("", None),
     ("00/00", "raises"), ("13/25", "raises"), ("soon", "raises"), ("0000-00-00", None)],
)  # fmt: skip
def test_expiry_dates(text: str, expiry: Any) -> None:
    body = {"paymethods": [{"id": 1, "expiry_date": text}]}
    if expiry == "raises":
        with pytest.raises(Unreadable):
            reading.pay_methods(body, "7")
    else:
        assert reading.pay_methods(body, "7")[0].expiry == expiry


@pytest.mark.parametrize(
    "body",
    [{}, {"totalresults": 2, "paymentmethods": {"paymentmethod": {"module": "stripe"}}}, {"totalresults": 1},
     {"totalresults": 1, "paymentmethods": {"paymentmethod": [{"displayname": "Card"}]}}],
)  # fmt: skip
def test_gateways_must_be_as_many_as_are_announced(body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        reading.gateways(body)


def test_a_product_is_only_missing_from_a_whole_catalogue() -> None:
    whole = page_of("products", "product", {"pid": 1, "name": "A", "pricing": []})
    assert reading.products(whole, frozenset({1, 2})).keys() == {1}
    for torn in (whole | {"totalresults": 2}, without(whole, "totalresults"), {"result": "success"}):
        with pytest.raises(Unreadable):
            reading.products(torn, frozenset({1, 2}))
    assert reading.products(page_of("products", "product", totalresults="0"), frozenset({1})) == {}


def test_a_product_that_was_asked_for_needs_no_totals() -> None:
    assert reading.products({"products": {"product": {"pid": "1"}}}, frozenset({1}))[1].id == 1


def test_prices_that_cannot_be_read_are_not_left_out() -> None:
    with pytest.raises(Unreadable):
        reading.products(
            {"products": {"product": [{"pid": 1, "pricing": {"JPY": {"monthly": "ask"}}}]}}, frozenset({1})
        )


@pytest.mark.parametrize("invoice", ["", "0", 0, None])
def test_an_order_without_invoice(invoice: Any) -> None:
    added = reading.added_order({"orderid": 9, "serviceids": "5,6", "invoiceid": invoice})
    assert (added.order_id, added.service_ids, added.invoice_id) == ("9", ("5", "6"), None)


def test_an_old_install_names_its_services_products() -> None:
    assert reading.added_order({"orderid": "9", "productids": "5"}).service_ids == ("5",)


@pytest.mark.parametrize("body", [{}, {"orderid": ""}, {"orderid": 0}, {"orderid": None}, {"orderid": [9]}])
def test_an_added_order_without_an_id_is_unreadable(body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        reading.added_order(body)


def test_an_order_row() -> None:
    order = pages.order_page(page_of("orders", "order", ORDER), "7").rows["9"]
    assert (order.notes, order.invoice_id, order.service_ids) == ("a & p1:a:b", None, ("5",))
    assert order.items[0].amount == Decimal(980)


@pytest.mark.parametrize("key", ["id", "userid", "status", "amount", "lineitems"])
def test_an_order_that_lacks_what_decides_spoils_its_page_alone(key: str) -> None:
    page = pages.order_page(page_of("orders", "order", without(ORDER, key), ORDER | {"id": 10}), "7")
    assert page.rows.keys() == {"10"}
    assert page.sent == 2
    assert page.problem


@pytest.mark.parametrize("key", ["id", "clientid", "pid", "status", "firstpaymentamount", "recurringamount"])
def test_a_service_that_lacks_what_decides_spoils_its_page_alone(key: str) -> None:
    page = pages.service_page(page_of("products", "product", without(SERVICE, key), SERVICE | {"id": 6}), "7")
    assert page.rows.keys() == {"6"}
    assert page.problem


def test_rows_of_another_client_spoil_the_page() -> None:
    assert pages.order_page(page_of("orders", "order", ORDER), "8").problem == "a row of another client"
    assert pages.service_page(page_of("products", "product", SERVICE), "8").problem == "a row of another client"


@pytest.mark.parametrize("empty", ["", [], {}, None, "nested"])
def test_a_service_without_fields_and_options(empty: Any) -> None:
    nested = empty == "nested"
    row = SERVICE | {
        "customfields": {"customfield": []} if nested else empty,
        "configoptions": {"configoption": ""} if nested else empty,
    }
    page = pages.service_page(page_of("products", "product", row, without(row, "configoptions") | {"id": 6}), "7")
    assert page.problem == ""
    assert [(service.custom_fields, service.options) for service in page.rows.values()] == [({}, {}), ({}, {})]


@pytest.mark.parametrize("key", ["customfields", "configoptions", "notes", "qty"])
def test_a_service_part_that_cannot_be_read_is_a_problem(key: str) -> None:
    page = pages.service_page(page_of("products", "product", SERVICE | {key: [["?"]]}), "7")
    assert page.problem
    assert not page.rows


def test_custom_fields_by_id_and_by_name_are_decoded_once() -> None:
    fields = {"customfield": {"0": {"id": "4", "name": "Ref &amp; more", "value": "p1:a:b&amp;amp;"}}}
    service = pages.service_page(page_of("products", "product", SERVICE | {"customfields": fields}), "7").rows["5"]
    assert service.custom_fields == {4: "p1:a:b&amp;"}
    assert service.custom_fields_by_name == {"Ref & more": "p1:a:b&amp;"}


def test_a_service_of_an_old_install_has_quantity_one_and_no_order() -> None:
    row = without(SERVICE, "qty") | {"orderid": "0"}
    service = pages.service_page(page_of("products", "product", row), "7").rows["5"]
    assert (service.quantity, service.order_id) == (1, "")


def test_an_invoice_adds_both_taxes() -> None:
    invoice = reading.invoice(INVOICE)
    assert (invoice.tax, invoice.total, invoice.items) == (Decimal(100), Decimal(1080), ())


@pytest.mark.parametrize("key", ["invoiceid", "userid", "status", "subtotal", "tax", "total", "balance", "items"])
def test_an_invoice_that_lacks_what_decides_is_unreadable(key: str) -> None:
    with pytest.raises(Unreadable):
        reading.invoice(without(INVOICE, key))


def test_what_could_not_be_read_is_named_without_its_content() -> None:
    with pytest.raises(Unreadable) as raised:
        reading.invoice(INVOICE | {"total": "4111 1111 1111 1111 secret"})
    assert "total" in str(raised.value)
    assert "4111" not in str(raised.value)
