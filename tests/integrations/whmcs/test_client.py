"""The client's methods over real sockets: what they send, as PHP sees it, and what they make of the answers."""

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import phpserialize
import pytest

from integrations.errors import CallFailed, ErrorClass, IntegrationError
from integrations.whmcs.client import WhmcsClient, WhmcsConfig
from integrations.whmcs.models import NewLine, NewOrder
from tests.integrations.whmcs.php import as_list
from tests.integrations.whmcs.scripted import (
    IDENTIFIER,
    SECRET,
    Asked,
    Reply,
    Scripted,
    success,
    talking,
)
from tests.integrations.whmcs.test_reading import CLIENT, INVOICE, ORDER, SERVICE


def unpacked(text: str) -> dict[int, Any]:
    values = phpserialize.loads(base64.b64decode(text, validate=True), decode_strings=True)
    assert isinstance(values, dict)
    return values


def paged(name: str, inner: str, rows: list[dict[str, Any]]) -> Any:
    """A list action that pages as WHMCS does."""

    def answer(asked: Asked) -> Reply:
        start, size = int(asked.form.get("limitstart", 0)), int(asked.form.get("limitnum", 25))
        part = rows[start : start + size]
        return success(
            totalresults=str(len(rows)),
            startnumber=start,
            numreturned=len(part),
            **{name: {inner: part} if part else ""},
        )

    return answer


async def test_every_call_sends_the_credentials_in_the_body_and_nowhere_else() -> None:
    server = Scripted()
    server.on("AcceptOrder", success())
    server.on("GetInvoice", success(**INVOICE))
    async with talking(server, access_key="key!(1)[2]") as client:
        await client.accept_order("9")
        await client.get_invoice("3")
    for asked in server.asked:
        assert asked.query == ""
        assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
        sent = {key: asked.form[key] for key in ("identifier", "secret", "accesskey", "responsetype")}
        assert sent == {"identifier": IDENTIFIER, "secret": SECRET, "accesskey": "key!(1)[2]", "responsetype": "json"}
        assert SECRET not in str(asked.headers)
    assert SECRET not in repr(client)


async def test_without_an_access_key_none_is_sent() -> None:
    server = Scripted()
    server.on("AcceptOrder", success())
    async with talking(server) as client:
        await client.accept_order("9")
    form = server.asked[0].form
    assert form.keys() == {"action", "identifier", "secret", "responsetype", "orderid"}


@pytest.mark.parametrize("suffix", ["", "/", "/includes", "/includes/api.php", "/includes/api.php/includes/api.php/"])
async def test_the_address_may_be_the_base_or_the_endpoint(suffix: str) -> None:
    server = Scripted()
    server.on("AcceptOrder", success())
    async with talking(server):
        config = WhmcsConfig(f"http://127.0.0.1:{server.port}/billing{suffix}", IDENTIFIER, SECRET)
        client = WhmcsClient(config)
        try:
            await client.accept_order("9")
        finally:
            await client.close()
    assert len(server.asked) == 1


@pytest.mark.parametrize("url", ["http://billing.example.com", "ftp://x", "https://u:p@h/", "https://h/?a=1", "h", ""])
def test_an_address_that_may_not_be_used_is_a_config_error(url: str) -> None:
    with pytest.raises(IntegrationError) as raised:
        WhmcsClient(WhmcsConfig(url, IDENTIFIER, SECRET))
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.CONFIG, "bad_address")
    assert SECRET not in str(raised.value)


async def test_add_order_as_php_sees_it() -> None:
    server = Scripted()
    server.on("AddOrder", success(orderid="9", serviceids="5,6,7", invoiceid="3"))
    order = NewOrder(
        "7",
        "stripe",
        (
            NewLine(2, 1, "monthly", {4: "p1:a:b:c", 8: "東京 & more"}, {1: 11, 2: "x"}),
            NewLine(3, 2, "onetime"),
            NewLine(2, 1, "annually", {4: "p1:a:b:d"}, domain="example.jp"),
        ),
        notes="p1:a:b",
    )
    async with talking(server) as client:
        added = await client.add_order(order)
    assert (added.order_id, added.service_ids, added.invoice_id) == ("9", ("5", "6", "7"), "3")
    form = server.asked[0].form
    assert (form["clientid"], form["paymentmethod"], form["noemail"], form["notes"]) == ("7", "stripe", "1", "p1:a:b")
    assert as_list(form["pid"]) == ["2", "3", "2"]
    assert as_list(form["qty"]) == ["1", "2", "1"]
    assert as_list(form["billingcycle"]) == ["monthly", "onetime", "annually"]
    assert as_list(form["domain"]) == ["", "", "example.jp"]
    fields = as_list(form["customfields"])
    assert unpacked(fields[0]) == {4: "p1:a:b:c", 8: "東京 & more"}
    assert fields[1] == ""
    assert unpacked(fields[2]) == {4: "p1:a:b:d"}
    options = as_list(form["configoptions"])
    assert unpacked(options[0]) == {1: 11, 2: "x"}
    assert options[1:] == ["", ""]
    ours = {"action", "identifier", "secret", "responsetype"}
    arrays = {"pid", "qty", "billingcycle", "domain", "customfields", "configoptions"}
    assert form.keys() == ours | arrays | {"clientid", "paymentmethod", "noemail", "notes"}


async def test_add_order_leaves_out_what_no_line_has() -> None:
    server = Scripted()
    server.on("AddOrder", success(orderid=9, productids="5", invoiceid=""))
    async with talking(server) as client:
        added = await client.add_order(NewOrder("7", "mailin", (NewLine(2, 1, "monthly"),)))
    assert (added.order_id, added.service_ids, added.invoice_id) == ("9", ("5",), None)
    sent = server.asked[0].form.keys()
    assert not sent & {"qty", "domain", "customfields", "configoptions", "notes", "priceoverride"}


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (NewOrder("7", "stripe", ()), "no_items"),
        (NewOrder("7", "stripe", (NewLine(2, 0, "monthly"),)), "bad_quantity"),
        (NewOrder("7x", "stripe", (NewLine(2, 1, "monthly"),)), "bad_id"),
        (NewOrder("7", "stripe", (NewLine(2, 1, "monthly"),), notes="\ud800"), "unsendable"),
        (NewOrder("7", "stripe", (NewLine(2, 1, "monthly", {1: "\ud800"}),)), "unsendable"),
        (NewOrder("7", "stripe", (NewLine(2, 1, "monthly"),) * 600), "unsendable"),
    ],
)
async def test_an_order_that_cannot_be_told_is_not_sent(order: NewOrder, code: str) -> None:
    server = Scripted()
    async with talking(server) as client:
        with pytest.raises(CallFailed) as raised:
            await client.add_order(order)
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.DATA, code)
    assert server.asked == []


@pytest.mark.parametrize("bad", ["", "0", "12abc", " 12", "-1", "1.0", "٣", "9" * 30, "1 OR 1=1"])
async def test_what_is_no_id_is_not_sent(bad: str) -> None:
    server = Scripted()
    async with talking(server) as client:
        for call in (client.get_client, client.get_pay_methods, client.accept_order, client.get_order,
                     client.list_orders, client.list_services, client.get_invoice, client.cancel_invoice,
                     client.module_create, client.update_service, client.cancel_order):  # fmt: skip
            with pytest.raises(CallFailed) as raised:
                await call(bad)
            assert (raised.value.error_class, raised.value.code) == (ErrorClass.DATA, "bad_id")
    assert server.asked == []


async def test_the_other_writes_as_php_sees_them() -> None:
    server = Scripted()
    for action in ("AcceptOrder", "CancelOrder", "UpdateInvoice", "ModuleCreate", "UpdateClientProduct"):
        server.on(action, success())
    async with talking(server) as client:
        await client.accept_order("9")
        await client.cancel_order("9")
        await client.cancel_invoice("3")
        await client.module_create("5")
        await client.update_service("5", custom_fields={8: "8981100000000000000"}, notes="a\nb", status="Active")
        await client.update_service("5", notes="")
    ours = {"action", "identifier", "secret", "responsetype"}
    sent = [{key: value for key, value in asked.form.items() if key not in ours} for asked in server.asked]
    assert sent[:4] == [
        {"orderid": "9"},
        {"orderid": "9", "noemail": "1"},
        {"invoiceid": "3", "status": "Cancelled"},
        {"serviceid": "5"},
    ]
    assert unpacked(sent[4].pop("customfields")) == {8: "8981100000000000000"}
    assert sent[4] == {"serviceid": "5", "notes": "a\nb", "status": "Active"}
    assert sent[5] == {"serviceid": "5", "unset": {"0": "notes"}}


async def test_a_search_without_its_list_is_no_empty_answer() -> None:
    server = Scripted()
    row = {
        "id": 7,
        "firstname": "花子",
        "lastname": "田中",
        "companyname": "",
        "email": "h@example.jp",
        "status": "Active",
    }
    server.on(
        "GetClients", success(totalresults=1, numreturned=1, clients={"client": [row]}), success(totalresults=0, clients=""),
        success(clients={"client": []}), success(totalresults=3, clients=[]),
    )  # fmt: skip
    async with talking(server) as client:
        (found,) = await client.search_clients("田中")
        assert (found.id, found.last_name, found.status) == ("7", "田中", "Active")
        assert await client.search_clients("nobody") == ()
        for _ in range(2):
            with pytest.raises(CallFailed) as raised:
                await client.search_clients("x")
            assert raised.value.error_class is ErrorClass.TRANSIENT
    assert server.of("GetClients")[0].form["search"] == "田中"


async def test_reading_a_client() -> None:
    server = Scripted()
    server.on("GetClientsDetails", success(client=CLIENT), success(client=CLIENT | {"id": 8}), success())
    async with talking(server) as client:
        assert (await client.get_client("7")).custom_fields == {3: "C-004417"}
        for _ in range(2):  # somebody else's record, and none at all
            with pytest.raises(CallFailed) as raised:
                await client.get_client("7")
            assert (raised.value.error_class, raised.value.code) == (ErrorClass.TRANSIENT, "malformed_answer")


async def test_pay_methods_without_a_list_are_never_none() -> None:
    server = Scripted()
    server.on("GetPayMethods", success(clientid="7", paymethods=[]), success(clientid="7"))
    async with talking(server) as client:
        assert await client.get_pay_methods("7") == ()
        with pytest.raises(CallFailed) as raised:
            await client.get_pay_methods("7")
    assert raised.value.error_class is ErrorClass.TRANSIENT
    assert "type" not in server.asked[0].form


async def test_products_are_asked_for_at_once() -> None:
    server = Scripted()
    server.on("GetProducts", success(totalresults=1, products={"product": {"pid": "3", "name": "SIM"}}))
    async with talking(server) as client:
        assert await client.get_products([]) == {}
        found = await client.get_products([3, 1, 3])
    assert {pid: product.name for pid, product in found.items()} == {3: "SIM"}
    assert [asked.form["pid"] for asked in server.asked] == ["1,3"]


async def test_an_order_by_id() -> None:
    server = Scripted()
    server.on("GetOrders", paged("orders", "order", [ORDER]))
    async with talking(server) as client:
        found = await client.get_order("9")
    assert found is not None
    assert (found.status, found.amount, found.service_ids) == ("Pending", Decimal(980), ("5",))
    assert server.asked[0].form["id"] == "9"


async def test_an_order_is_absent_only_if_whmcs_says_so() -> None:
    server = Scripted()
    server.on(
        "GetOrders",
        success(totalresults="0", numreturned=0, orders=""),
        success(totalresults=0),
        success(orders=""),
        success(totalresults=1, numreturned=1),
        success(totalresults=0, numreturned=1),
        success(totalresults=1, orders={"order": [ORDER | {"id": 8}]}),
        success(totalresults=1, orders={"order": [{"id": 9}]}),
        success(totalresults=0, orders="none"),
    )
    async with talking(server) as client:
        assert await client.get_order("9") is None
        assert await client.get_order("9") is None
        for _ in range(6):
            with pytest.raises(CallFailed) as raised:
                await client.get_order("9")
            assert (raised.value.error_class, raised.value.code) == (ErrorClass.TRANSIENT, "malformed_answer")


async def test_orders_and_services_of_a_client_over_several_pages() -> None:
    server = Scripted()
    server.on("GetOrders", paged("orders", "order", [ORDER | {"id": n} for n in range(1, 231)]))
    server.on("GetClientsProducts", paged("products", "product", [SERVICE | {"id": str(n)} for n in range(1, 131)]))
    async with talking(server) as client:
        orders = await client.list_orders("7", status="Pending")
        services = await client.list_services("7")
    assert orders.complete
    assert {order.id for order in orders.rows} == {str(n) for n in range(1, 231)}
    assert services.complete
    assert len(services.rows) == 130
    pages = [(asked.form["limitstart"], asked.form["limitnum"]) for asked in server.of("GetOrders")]
    assert pages == [("0", "100"), ("100", "100"), ("200", "100"), ("230", "100")]
    assert {(asked.form["userid"], asked.form["status"]) for asked in server.of("GetOrders")} == {("7", "Pending")}
    assert {asked.form["clientid"] for asked in server.of("GetClientsProducts")} == {"7"}


async def test_one_service() -> None:
    server = Scripted()
    server.on("GetClientsProducts", paged("products", "product", [SERVICE]))
    async with talking(server) as client:
        listing = await client.list_services("7", service_id="5")
    assert listing.complete
    assert listing.rows[0].custom_fields_by_name == {"Portal Order Ref": "p1:a:b"}
    assert server.asked[0].form["serviceid"] == "5"


@pytest.mark.parametrize(
    "reply",
    [
        success(),
        success(orders=""),
        success(totalresults="1", orders=""),
        success(totalresults="1", numreturned=1, orders=None),
        success(totalresults=2, orders={"order": [ORDER]}),
        success(totalresults=1, orders={"order": [ORDER | {"userid": 8}]}),
        success(totalresults=1, orders="none"),
    ],
)
async def test_trouble_is_never_an_empty_complete_listing(reply: Reply) -> None:
    server = Scripted()
    server.on("GetOrders", lambda asked: reply)
    async with talking(server) as client:
        listing = await client.list_orders("7")
    assert not listing.complete
    assert listing.reason


async def test_a_page_that_fails_fails_the_listing() -> None:
    rows = [ORDER | {"id": n} for n in range(150)]
    whole = paged("orders", "order", rows)
    server = Scripted()
    server.on("GetOrders", lambda asked: whole(asked) if asked.form["limitstart"] == "0" else Reply("", 502))
    async with talking(server) as client:
        with pytest.raises(CallFailed) as raised:
            await client.list_orders("7")
    assert (raised.value.error_class, raised.value.code) == (ErrorClass.TRANSIENT, "http_502")


async def test_an_invoice_must_be_the_one_asked_for() -> None:
    server = Scripted()
    server.on("GetInvoice", success(**INVOICE), success(**INVOICE | {"invoiceid": 4}))
    async with talking(server) as client:
        assert (await client.get_invoice("3")).total == Decimal(1080)
        with pytest.raises(CallFailed) as raised:
            await client.get_invoice("3")
    assert raised.value.code == "malformed_answer"


async def test_the_status_of_an_invoice_is_not_taken_for_the_result() -> None:
    server = Scripted()
    server.on("GetInvoice", Reply({"status": "Unpaid"} | INVOICE))
    async with talking(server) as client:
        with pytest.raises(CallFailed) as raised:
            await client.get_invoice("3")
    assert raised.value.code == "odd_result"


async def test_status_instead_of_result_and_a_missing_content_type_are_understood() -> None:
    server = Scripted()
    server.on("AcceptOrder", Reply({"status": "success"}, content_type=None))
    server.on("CancelOrder", Reply({"status": "error", "message": "Order ID not found or Status not Pending"}))
    async with talking(server) as client:
        await client.accept_order("9")
        with pytest.raises(CallFailed) as raised:
            await client.cancel_order("9")
    assert raised.value.code == "order_not_pending"


async def test_a_warning_beside_success_is_no_failure() -> None:
    server = Scripted()
    server.on("AcceptOrder", success(warning="Something is deprecated"))
    async with talking(server) as client:
        await client.accept_order("9")


async def test_the_servers_date_is_handed_on_from_every_answer() -> None:
    dates: list[datetime] = []
    date = {"Date": "Sun, 06 Nov 2026 08:49:37 GMT"}
    server = Scripted()
    server.on(
        "AcceptOrder",
        Reply({"result": "success"}, headers=date),
        Reply("x", 503, headers=date),
        Reply({"result": "success"}, headers={"Date": "yesterday"}),
        Reply({"result": "success"}, headers={"Date": "Fri, 31 Dec 9999 23:59:59 -0100"}),
    )
    async with talking(server, on_server_date=dates.append) as client:
        await client.accept_order("9")
        with pytest.raises(CallFailed):
            await client.accept_order("9")
        for _ in range(2):
            await client.accept_order("9")
    assert dates == [datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)] * 2
