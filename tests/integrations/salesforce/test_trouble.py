"""What each kind of trouble proves: reads are never of unknown outcome, writes only where nothing refused them."""

import asyncio
import datetime as dt
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from integrations.errors import CallFailed, ErrorClass, IntegrationError
from integrations.salesforce.client import SalesforceClient
from tests.integrations.salesforce.scripted import (
    HASTY,
    ORDER_ID,
    PATIENT,
    Answer,
    ScriptedOrg,
    client_for,
    cut,
    held,
    never,
    refuses,
    reset,
    rows,
    says,
    until,
)

PAGE = "<html><title>Down for maintenance</title></html>"
STATUS = {"Status": "Provisioning"}


async def failure_of(call: Any) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await call
    return caught.value


UNPROVED: dict[str, tuple[Answer, str]] = {
    "no answer": (never, "timeout"),
    "reset": (reset, "connection_lost"),
    "cut": (cut, "connection_lost"),
    "500 page": (says(PAGE, 500), "http_500"),
    "503 page": (says(PAGE, 503), "http_503"),
    "503 list": (refuses("SERVER_UNAVAILABLE", 503), "SERVER_UNAVAILABLE"),
    "403 page": (says(PAGE, 403), "http_403"),
    "404 page": (says(PAGE, 404), "http_404"),
    "429 page": (says(PAGE, 429), "http_429"),
    "400 object": (says({"error": "x"}, 400), "http_400"),
    "400 empty list": (says([], 400), "http_400"),
    "page under 200": (says(PAGE), "malformed"),
    "half of JSON": (says('{"result": '), "malformed"),
    "null": (says("null"), "malformed"),
    "deep": (says("[" * 100_000), "malformed"),
}


@pytest.mark.parametrize(("answer", "code"), UNPROVED.values(), ids=UNPROVED)
async def test_unproved(answer: Answer, code: str, org: ScriptedOrg) -> None:
    client = client_for(org.url, timeouts=HASTY if answer is never else PATIENT)
    org.otherwise = answer
    read, write = await asyncio.gather(
        failure_of(client.list_orders(["Approved"])), failure_of(client.patch_order(ORDER_ID, STATUS))
    )
    await client.close()
    assert (read.error_class, read.code) == (ErrorClass.TRANSIENT, code)
    assert (write.error_class, write.code) == (ErrorClass.OUTCOME_UNKNOWN, code)
    assert not write.refused
    assert len(org.asked) == 2, "nothing is sent twice"


CODES = {
    "UNABLE_TO_LOCK_ROW": (400, ErrorClass.TRANSIENT),
    "QUERY_TIMEOUT": (400, ErrorClass.TRANSIENT),
    "UNKNOWN_EXCEPTION": (400, ErrorClass.TRANSIENT),
    "STORAGE_LIMIT_EXCEEDED": (400, ErrorClass.CAPACITY),
    "DUPLICATE_VALUE": (400, ErrorClass.CONFLICT),
    "DUPLICATES_DETECTED": (400, ErrorClass.CONFLICT),
    "ENTITY_IS_LOCKED": (400, ErrorClass.CONFLICT),
    "ENTITY_IS_DELETED": (404, ErrorClass.CONFLICT),
    "INVALID_FIELD": (400, ErrorClass.CONFIG),
    "INVALID_TYPE": (400, ErrorClass.CONFIG),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (400, ErrorClass.CONFIG),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (400, ErrorClass.CONFIG),
    "INSUFFICIENT_ACCESS_OR_READONLY": (400, ErrorClass.CONFIG),
    "API_DISABLED_FOR_ORG": (403, ErrorClass.CONFIG),
    "UNHEARD_OF": (403, ErrorClass.CONFIG),
    "GONE": (410, ErrorClass.CONFIG),
    "REQUIRED_FIELD_MISSING": (400, ErrorClass.DATA),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (400, ErrorClass.DATA),
    "FIELD_INTEGRITY_EXCEPTION": (400, ErrorClass.DATA),
    "CANNOT_EXECUTE_FLOW_TRIGGER": (400, ErrorClass.DATA),
    "FAILED_ACTIVATION": (400, ErrorClass.DATA),
    "STRING_TOO_LONG": (400, ErrorClass.DATA),
    "MALFORMED_QUERY": (400, ErrorClass.DATA),
}


@pytest.mark.parametrize("code", CODES)
async def test_refusals(code: str, org: ScriptedOrg, client: SalesforceClient) -> None:
    status, error_class = CODES[code]
    org.otherwise = refuses(code, status)
    for call in (client.patch_order(ORDER_ID, STATUS), client.list_orders(["Approved"])):
        failure = await failure_of(call)
        assert (failure.error_class, failure.code, failure.http_status) == (error_class, code, status)
        assert failure.refused


@pytest.mark.parametrize(
    ("message", "error_class", "code"),
    [
        ("TotalRequests Limit exceeded.", ErrorClass.CAPACITY, "REQUEST_LIMIT_EXCEEDED_DAILY"),
        (
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
            ErrorClass.TRANSIENT,
            "REQUEST_LIMIT_EXCEEDED",
        ),
        ("ConcurrentPerOrgLongTxn Limit exceeded.", ErrorClass.TRANSIENT, "REQUEST_LIMIT_EXCEEDED"),
    ],
)
async def test_the_two_request_limits(
    message: str, error_class: ErrorClass, code: str, org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.otherwise = refuses("REQUEST_LIMIT_EXCEEDED", 403, message)
    failure = await failure_of(client.patch_order(ORDER_ID, STATUS))
    assert (failure.error_class, failure.code) == (error_class, code)


async def test_an_order_that_is_gone(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.otherwise = refuses("NOT_FOUND", 404)
    failure = await failure_of(client.patch_order(ORDER_ID, STATUS))
    assert (failure.error_class, failure.code) == (ErrorClass.DATA, "order_not_found")


async def test_retry_after_is_passed_on(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.otherwise = says(PAGE, 503, {"Retry-After": "17"})
    assert (await failure_of(client.limits())).retry_after == 17


async def test_hostile_text_is_cleaned(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.otherwise = refuses("FIELD_CUSTOM_VALIDATION_EXCEPTION", message="\x1b[31m\u202eno\n" + "x" * 5000)
    failure = await failure_of(client.patch_order(ORDER_ID, STATUS))
    assert failure.message.startswith("[31mno x")
    assert len(failure.message) <= 300


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int, org: ScriptedOrg, client: SalesforceClient) -> None:
    org.otherwise = says(rows(), status, {"Location": org.url + "/elsewhere"})
    read = await failure_of(client.limits())
    assert (read.error_class, read.code) == (ErrorClass.CONFIG, "redirect_refused")
    write = await failure_of(client.patch_order(ORDER_ID, STATUS))
    assert (write.error_class, write.code) == (ErrorClass.OUTCOME_UNKNOWN, "redirect_refused")
    assert "/elsewhere" not in org.paths


async def test_nobody_listens(org: ScriptedOrg, client: SalesforceClient) -> None:
    await client.query("SELECT Id FROM Order")
    await org.__aexit__(None, None, None)
    write = await failure_of(client.patch_order(ORDER_ID, STATUS))
    assert (write.error_class, write.code) == (ErrorClass.TRANSIENT, "unreachable")


async def test_a_write_that_waits_for_a_thread_too_long_is_never_sent(org: ScriptedOrg) -> None:
    client = client_for(org.url, workers=1, timeouts=replace(PATIENT, total=2.0))
    await client.query("SELECT Id FROM Order")
    over = asyncio.Event()
    org.script += [held(over, says(rows()))]
    first, second = await asyncio.gather(
        failure_of(client.patch_order(ORDER_ID, {"Status": "Provisioning"})),
        failure_of(client.patch_order(ORDER_ID, {"Status": "Failed"})),
    )
    over.set()
    await client.close()
    assert (first.error_class, first.code) == (ErrorClass.OUTCOME_UNKNOWN, "timeout")
    assert (second.error_class, second.code) == (ErrorClass.TRANSIENT, "busy")
    assert [asked.body for asked in org.asked if asked.method == "PATCH"] == [{"Status": "Provisioning"}]


async def test_a_write_that_waits_for_a_login_too_long_is_never_sent(org: ScriptedOrg) -> None:
    client = client_for(org.url, timeouts=replace(PATIENT, total=1.0))
    over = asyncio.Event()
    org.login_script.append(held(over, says({"access_token": "t", "instance_url": org.url})))
    failure = await failure_of(client.patch_order(ORDER_ID, STATUS))
    over.set()
    await client.close()
    assert (failure.error_class, failure.code) == (ErrorClass.TRANSIENT, "busy")
    assert len(org.logins) == 1
    assert org.asked == [], "the thread got its token after the task had given up, and did not send"


async def test_a_cancelled_write_is_cancelled_and_its_queue_too(org: ScriptedOrg) -> None:
    client = client_for(org.url, workers=1)
    await client.query("SELECT Id FROM Order")
    over = asyncio.Event()
    org.script.append(held(over, says(rows())))
    tasks = [asyncio.create_task(client.patch_order(ORDER_ID, {"A": number})) for number in range(3)]
    await until(lambda: len(org.asked) == 2)
    for task in tasks:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    over.set()
    await client.close()
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in done)
    assert [asked.body for asked in org.asked if asked.method == "PATCH"] == [{"A": 0}]


async def test_closing_tells_queued_writes_that_they_were_not_sent(org: ScriptedOrg) -> None:
    client = client_for(org.url, workers=1, timeouts=HASTY)
    await client.query("SELECT Id FROM Order")
    org.script.append(never)
    tasks = [asyncio.create_task(failure_of(client.patch_order(ORDER_ID, {"A": number}))) for number in range(2)]
    await until(lambda: len(org.asked) == 2)
    await client.close()
    sent, queued = await asyncio.gather(*tasks)
    assert (sent.error_class, sent.code) == (ErrorClass.OUTCOME_UNKNOWN, "timeout")
    assert (queued.error_class, queued.code) == (ErrorClass.TRANSIENT, "busy")


async def test_proxies_and_netrc_of_the_environment_are_ignored(
    org: ScriptedOrg, client: SalesforceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert await client.list_orders(["Approved"]) == []


async def test_cookies_are_not_kept(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(rows(), headers={"Set-Cookie": "BrowserId=x; Path=/"}))
    await client.query("SELECT Id FROM Order")
    await client.query("SELECT Id FROM Order")
    assert "Cookie" not in org.asked[1].headers


@pytest.mark.parametrize(
    "url", ["http://portal.example", "ftp://127.0.0.1", "https://u:p@acme.my.salesforce.com", "acme"]
)
def test_plain_http_is_for_loopback_only(url: str) -> None:
    with pytest.raises(IntegrationError) as caught:
        client_for(url)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "bad_address")


def test_a_missing_ca_file_is_config(tmp_path: Path) -> None:
    with pytest.raises(IntegrationError) as caught:
        client_for("https://acme.my.salesforce.com", ca_file=tmp_path / "ca.pem")
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "ca_file_missing")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost with its key, one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    return file


async def test_tls_is_checked_and_a_failed_handshake_sends_nothing(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(request.path)
        if request.path == "/services/oauth2/token":
            return web.json_response({"access_token": "t", "instance_url": url})
        return web.json_response(rows())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        suspicious = client_for(url)
        failure = await failure_of(suspicious.patch_order(ORDER_ID, STATUS))
        await suspicious.close()
        assert (failure.error_class, failure.code) == (ErrorClass.TRANSIENT, "unreachable")
        assert seen == []
        trusting = client_for(url, ca_file=certificate)
        assert await trusting.list_orders(["Approved"]) == []
        await trusting.close()
    finally:
        await runner.cleanup()
