"""A PHP that shows its warnings prints them before the JSON, and may call it all text/html. Reads go on; writes are looked for."""

import json

import pytest

from integrations.errors import CallFailed, ErrorClass
from tests.integrations.whmcs.scripted import Reply, Scripted, talking
from tests.integrations.whmcs.test_reading import ORDER, page_of
from tests.integrations.whmcs.test_refusals import WRITES, failure

WARNING = "<br />\n<b>Warning</b>:  Undefined array key in <b>/srv/www/{hooks}.php</b> on line <b>42</b><br />\n"
INVOICE = (
    {"result": "success", "invoiceid": 7, "userid": 1, "status": "Unpaid", "transactions": ""}
    | dict.fromkeys(("subtotal", "credit", "tax", "tax2", "total", "balance"), "15.95")
    | {"items": {"item": []}}
)
HTML = "text/html; charset=UTF-8"


def printed(before: str, body: object, content_type: str = "application/json") -> Reply:
    return Reply(before + json.dumps(body), content_type=content_type)


READABLE = {
    "a byte order mark": printed("\ufeff", INVOICE),
    "blank lines": printed("\n\n  ", INVOICE),
    "a warning": printed(WARNING, INVOICE),
    "a warning called a page": printed(WARNING, INVOICE, HTML),
    "only called a page": printed("", INVOICE, HTML),
}


@pytest.mark.parametrize("noise", READABLE)
async def test_a_read_finds_the_answer_behind_the_noise(noise: str) -> None:
    server = Scripted()
    server.on("GetInvoice", READABLE[noise])
    async with talking(server) as client:
        invoice = await client.get_invoice("7")
    assert (invoice.id, str(invoice.total)) == ("7", "15.95")


UNREADABLE = {
    "JSON with text behind it": Reply(json.dumps(INVOICE) + "\n<b>Fatal error</b>: memory"),
    "a page with JSON in it": Reply(f"<script>{json.dumps(INVOICE)}</script>", content_type="text/html"),
    "an object without a verdict": printed(WARNING, {"message": "Forbidden"}),
    "cut JSON": Reply(WARNING + '{"result": "succ'),
    "noise without end": Reply("{" * 500_000),
    "noise under 503": Reply(WARNING + json.dumps(INVOICE), 503),
}


@pytest.mark.parametrize("noise", UNREADABLE)
async def test_what_does_not_end_in_a_verdict_is_no_answer(noise: str) -> None:
    assert (await failure("GetInvoice", UNREADABLE[noise])).error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize("content_type", ["application/json", HTML])
@pytest.mark.parametrize("action", sorted(WRITES))
async def test_a_noisy_answer_to_a_write_proves_nothing(action: str, content_type: str) -> None:
    for body in (
        {"result": "success", "orderid": 5, "serviceids": "9"},
        {"result": "error", "message": "Client ID Not Found"},
        {"result": "error", "message": "Order ID not found or Status not Pending"},
    ):
        raised = await failure(action, printed(WARNING, body, content_type))
        assert (raised.error_class, raised.code) == (ErrorClass.OUTCOME_UNKNOWN, "noisy_answer")
        assert "display_errors" in str(raised)


async def test_a_list_is_whole_behind_the_noise_but_an_empty_one_proves_nothing() -> None:
    server = Scripted()
    async with talking(server) as client:
        server.on("GetOrders", printed(WARNING, page_of("orders", "order", ORDER)))
        found = await client.list_orders("7")
        assert ([order.id for order in found.rows], found.complete) == (["9"], True)
        server.on("GetOrders", printed(WARNING, page_of("orders", "order")))
        nothing = await client.list_orders("7")
        assert (nothing.rows, nothing.complete) == ((), False)
        assert "display_errors" in nothing.reason
        with pytest.raises(CallFailed, match="display_errors") as raised:
            await client.get_order("9")
        assert raised.value.error_class is ErrorClass.TRANSIENT
        server.on("GetOrders", printed("", page_of("orders", "order")))
        assert (await client.list_orders("7")).complete
        assert await client.get_order("9") is None
