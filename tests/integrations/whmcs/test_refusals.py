"""The closed list of rules §3.5: which answers prove that a write was refused, one test each; everything else is unknown.

Every test sends the answer over a real socket to the real client method.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from integrations.errors import ErrorClass, IntegrationError, LoginFailed, System
from integrations.http import Timeouts
from integrations.whmcs.client import WhmcsClient, WhmcsConfig
from integrations.whmcs.models import NewLine, NewOrder
from integrations.whmcs.refusals import ACCESS, PRECHECKS, stable_code
from tests.integrations.whmcs.scripted import PAGE_403, QUICK, Reply, Scripted, error, success, talking

ORDER = NewOrder("7", "stripe", (NewLine(2, 1, "monthly"),), notes="p1:a:b")
Write = Callable[[WhmcsClient], Awaitable[object]]
WRITES: dict[str, Write] = {
    "AddOrder": lambda client: client.add_order(ORDER),
    "AcceptOrder": lambda client: client.accept_order("9"),
    "CancelOrder": lambda client: client.cancel_order("9"),
    "UpdateInvoice": lambda client: client.cancel_invoice("3"),
    "ModuleCreate": lambda client: client.module_create("5"),
    "UpdateClientProduct": lambda client: client.update_service("5", notes="x"),
}
READS: dict[str, Write] = {
    "GetClientsDetails": lambda client: client.get_client("7"),
    "GetPayMethods": lambda client: client.get_pay_methods("7"),
    "GetPaymentMethods": lambda client: client.get_gateways(),
    "GetProducts": lambda client: client.get_products([1]),
    "GetOrders": lambda client: client.list_orders("7"),
    "GetClientsProducts": lambda client: client.list_services("7"),
    "GetInvoice": lambda client: client.get_invoice("3"),
}
DATA, CONFLICT, CONFIG = ErrorClass.DATA, ErrorClass.CONFLICT, ErrorClass.CONFIG
TRANSIENT, UNKNOWN = ErrorClass.TRANSIENT, ErrorClass.OUTCOME_UNKNOWN


async def failures(reply: Reply, calls: dict[str, Write]) -> dict[str, IntegrationError]:
    """What each call raises when WHMCS answers ``reply``; every write was sent exactly once."""
    server = Scripted()
    for action in calls:
        server.on(action, reply)
    patience = QUICK if reply.delay else Timeouts()  # what comes may take its time on a busy machine
    async with talking(server, read_timeouts=patience, write_timeouts=patience) as client:
        raised = await asyncio.gather(*(call(client) for call in calls.values()), return_exceptions=True)
    assert all(len(server.of(action)) == 1 for action in calls if action in WRITES)
    found: dict[str, IntegrationError] = {}
    for action, error_or_result in zip(calls, raised, strict=True):
        assert isinstance(error_or_result, IntegrationError), (action, error_or_result)
        assert error_or_result.system is System.WHMCS
        found[action] = error_or_result
    return found


async def failure(action: str, reply: Reply) -> IntegrationError:
    return (await failures(reply, {action: (WRITES | READS)[action]}))[action]


PRECHECK_CASES = [
    ("AddOrder", "Client ID Not Found", DATA, "client_not_found"),
    ("AddOrder", "Unable to add order when client status is Closed", DATA, "client_closed"),
    ("AddOrder", "Invalid Payment Method. Valid options include paypal,mailin", DATA, "invalid_gateway"),
    ("AddOrder", "No items added to cart so order cannot proceed", DATA, "no_items"),
    ("AddOrder", "Expecting parameter 'pid' to be an array", DATA, "parameter_not_array"),
    ("AcceptOrder", "Order ID not found or Status not Pending", CONFLICT, "order_not_pending"),
    ("CancelOrder", "Order ID not found or Status not Pending", CONFLICT, "order_not_pending"),
    ("UpdateInvoice", "Invoice ID Not Found", DATA, "invoice_not_found"),
    ("UpdateInvoice", "Invalid status Cancelled", DATA, "invalid_status"),
    ("ModuleCreate", "Service ID is required", DATA, "service_required"),
    ("ModuleCreate", "Service ID not found", DATA, "service_not_found"),
    ("ModuleCreate", "Service not assigned to a module", DATA, "service_without_module"),
    ("UpdateClientProduct", "Service ID Not Found", DATA, "service_not_found"),
]
ACCESS_CASES = [
    ("Invalid IP 203.0.113.7", "invalid_ip"),
    ("Authentication Failed", "authentication_failed"),
    ("Invalid or missing credentials", "invalid_credentials"),
    ("Invalid password provided", "invalid_credentials"),
    ("Administrator Account Disabled", "account_disabled"),
    ("Access Denied", "access_denied"),
]


def test_the_cases_below_are_the_whole_list() -> None:
    listed = [(action, known.code) for action, checks in PRECHECKS.items() for known in checks]
    assert sorted(listed) == sorted((action, code) for action, _, _, code in PRECHECK_CASES)
    assert PRECHECKS.keys() == WRITES.keys()
    assert {known.code for known in ACCESS} == {code for _, code in ACCESS_CASES} | {"role_denied"}
    assert len(ACCESS) == len(ACCESS_CASES) + 1


@pytest.mark.parametrize(("action", "message", "meaning", "code"), PRECHECK_CASES)
async def test_a_documented_precheck_proves_that_nothing_was_done(
    action: str, message: str, meaning: ErrorClass, code: str
) -> None:
    for spelt in (message, message.upper(), message.replace("'", "&#039;")):
        raised = await failure(action, error(spelt))
        assert (raised.error_class, raised.code, raised.refused) == (meaning, code, True)


@pytest.mark.parametrize(("message", "code"), sorted({(message, code) for _, message, _, code in PRECHECK_CASES}))
async def test_the_same_text_proves_nothing_elsewhere(message: str, code: str) -> None:
    for reply in (error(message, 400), error(message, 500)):
        assert {raised.error_class for raised in (await failures(reply, WRITES)).values()} == {UNKNOWN}
    for action, raised in (await failures(error(message), WRITES)).items():
        listed = code in {known.code for known in PRECHECKS[action]}
        assert (raised.error_class is not UNKNOWN) is listed


@pytest.mark.parametrize(("message", "code"), ACCESS_CASES)
async def test_json_403_of_a_write_is_a_refused_login(message: str, code: str) -> None:
    for raised in (await failures(error(message, 403), WRITES)).values():
        assert isinstance(raised, LoginFailed)
        assert (raised.error_class, raised.code, raised.http_status) == (CONFIG, code, 403)


@pytest.mark.parametrize("action", [*WRITES, *READS])
async def test_json_403_of_the_role_names_the_action(action: str) -> None:
    reply = error(f'Invalid Permissions: API action "{action.lower()}" is not allowed', 403)
    raised = await failure(action, reply)
    assert not isinstance(raised, LoginFailed)
    assert (raised.error_class, raised.code, raised.detail) == (CONFIG, "role_denied", {"action": action})


@pytest.mark.parametrize(("message", "code"), ACCESS_CASES)
async def test_a_read_knows_a_refused_login_under_any_status(message: str, code: str) -> None:
    for status in (200, 400, 401, 403):
        raised = await failure("GetOrders", error(message, status))
        assert isinstance(raised, LoginFailed)
        assert raised.code == code


TROUBLE = {
    "page under 200": Reply("<html>Just a moment</html>", content_type="text/html"),
    "JSON of a page": Reply('{"result":"success","orderid":1}', content_type="text/html"),
    "text": Reply("Down for maintenance", content_type="text/plain"),
    "empty": Reply(""),
    "cut JSON": Reply('{"result": "succ'),
    "a list": Reply([]),
    "null": Reply("null"),
    "NaN": Reply('{"result":"success","orderid":NaN}'),
    "deep": Reply("[" * 200_000),
    "no result": Reply({}),
    "an odd result": Reply({"result": "maybe"}),
    "a result that is no text": Reply({"result": True}),
    "only a warning": Reply({"warning": "Invalid or Missing Payment Information - Please Reload and Try Again"}),
    "an unlisted error": error("The module said: Access Denied"),
    "an access text of a module": error("Authentication Failed"),
    "an error without message": Reply({"result": "error"}),
    "an error in status": Reply({"status": "error", "message": "Something broke"}),
    "403 page": PAGE_403,
    "403 JSON of a firewall": Reply({"message": "Forbidden"}, 403),
    "403 unlisted": error("Something else", 403),
    "400 JSON": error("Empty action request", 400),
    "404 page": Reply("not here", 404, content_type="text/html"),
    "409 JSON": Reply({"result": "success"}, 409),
    "429": Reply("slow down", 429, {"Retry-After": "7"}, "text/plain"),
    "301": Reply("", 301, {"Location": "https://203.0.113.9/"}, "text/html"),
    "307 nowhere": Reply("", 307, {"Location": "http://[bad"}, "text/html"),
    "500 JSON": Reply({"result": "success", "orderid": "1"}, 500),
    "503 page": Reply("<html>503</html>", 503, content_type="text/html"),
    "201": Reply({"result": "success", "orderid": "1"}, 201),
    "cut connection": Reply(drop=True),
    "no answer in time": Reply({"result": "success"}, delay=3600),
}


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_everything_else_leaves_the_outcome_of_a_write_unknown(trouble: str) -> None:
    for raised in (await failures(TROUBLE[trouble], WRITES)).values():
        assert raised.error_class is UNKNOWN
        assert raised.code


@pytest.mark.parametrize("trouble", sorted(TROUBLE.keys() - {"JSON of a page"}))  # a read may use that one
async def test_a_read_never_leaves_an_outcome_unknown(trouble: str) -> None:
    for raised in (await failures(TROUBLE[trouble], READS)).values():
        assert raised.error_class in (TRANSIENT, CONFIG)
        assert raised.code


async def test_success_without_an_order_id_is_unknown() -> None:
    raised = await failure("AddOrder", success(serviceids="5"))
    assert (raised.error_class, raised.code) == (UNKNOWN, "malformed_answer")


async def test_no_connection_is_a_refusal() -> None:
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))  # so that nobody else listens there
        client = WhmcsClient(WhmcsConfig(f"http://127.0.0.1:{kept.getsockname()[1]}/", "identifier", "secret"))
        try:
            for call in WRITES.values():
                with pytest.raises(IntegrationError) as raised:
                    await call(client)
                assert (raised.value.error_class, raised.value.code) == (TRANSIENT, "unreachable")
        finally:
            await client.close()


READ_CASES = [
    ("GetClientsDetails", "Client Not Found", DATA, "client_not_found"),
    ("GetPayMethods", "Client Not Found", DATA, "client_not_found"),
    ("GetInvoice", "Invoice ID Not Found", DATA, "invoice_not_found"),
    ("GetPayMethods", "API Function Not Found", CONFIG, "unknown_action"),
    ("GetOrders", 'Invalid API Action: "getorders" is not a valid API action', CONFIG, "unknown_action"),
    ("GetOrders", "An admin user is required", CONFIG, "bad_address"),
    ("GetOrders", "Lock wait timeout exceeded in 50 s", TRANSIENT, "lock_wait_timeout_exceeded_in"),
]


@pytest.mark.parametrize(("action", "message", "meaning", "code"), READ_CASES)
async def test_errors_of_reads(action: str, message: str, meaning: ErrorClass, code: str) -> None:
    raised = await failure(action, error(message))
    assert (raised.error_class, raised.code) == (meaning, code)


@pytest.mark.parametrize(
    ("status", "meaning"), [(301, CONFIG), (404, CONFIG), (403, TRANSIENT), (429, TRANSIENT), (502, TRANSIENT)]
)
async def test_pages_under_a_read(status: int, meaning: ErrorClass) -> None:
    raised = await failure("GetOrders", Reply("<p>page", status, content_type="text/html"))
    assert (raised.error_class, raised.code, raised.http_status) == (meaning, f"http_{status}", status)


async def test_retry_after_is_handed_on() -> None:
    raised = await failure("GetOrders", TROUBLE["429"])
    assert raised.retry_after == 7.0


async def test_no_page_gets_into_a_message() -> None:
    reply = Reply("<html>canary-4111111111111111</html>", 503, content_type="text/html")
    raised = await failure("AddOrder", reply)
    assert "canary" not in f"{raised!r} {raised} {raised.detail}"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Service ID 55 can not be renewed", "service_id_can_not_be_renewed"),
        ("Client Taro Yamada (taro@example.jp, Shibuya 1-2-3) has unpaid invoices", "client_has_unpaid"),
        ("Yamada", "unlisted_message"),
        ("Tax rate 'JP 10%' (2026-01-01) unknown", "tax_rate_unknown"),
        ("", "error_without_message"),
        ("エラー", "unlisted_message"),
    ],
)
def test_equal_failures_get_equal_codes(message: str, code: str) -> None:
    assert stable_code(message) == code
