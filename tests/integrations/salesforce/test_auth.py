"""Tokens: one login however many ask, refused logins remembered, foreign instances refused."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from integrations.correlation import correlation_id
from integrations.errors import CallFailed, ErrorClass, LoginFailed
from integrations.salesforce.auth import FAILED_FOR, REFUSED_FOR, TokenSource
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.config import ClientCredentials, JwtBearer
from integrations.salesforce.session import make_session
from tests.integrations.salesforce.scripted import (
    HASTY,
    KEY,
    NOW,
    ORDER_ID,
    PATIENT,
    SECRET,
    Answer,
    Asked,
    ScriptedOrg,
    client_for,
    config,
    held,
    never,
    says,
)

REFUSED = says({"error": "invalid_client_id", "error_description": "client identifier invalid"}, 400)


async def test_client_credentials_are_sent_as_documented(org: ScriptedOrg, client: SalesforceClient) -> None:
    await client.query("SELECT Id FROM Order")
    (login,) = org.logins
    assert login.body == {"grant_type": "client_credentials"}
    assert login.headers["Authorization"] == "Basic " + b64encode(f"{KEY}:{SECRET}".encode()).decode()
    assert org.asked[0].headers["Authorization"] == "Bearer t1"


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


async def test_a_jwt_is_signed_for_the_audience(org: ScriptedOrg, pem: str) -> None:
    client = client_for(org.url, auth=JwtBearer(KEY, "bff@example.com", pem, "https://test.salesforce.com"))
    await client.query("SELECT Id FROM Order")
    await client.close()
    (login,) = org.logins
    assert login.body["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "Authorization" not in login.headers
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    claims = jwt.decode(
        login.body["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://test.salesforce.com",
        options={"verify_exp": False},
    )
    assert (claims["iss"], claims["sub"]) == (KEY, "bff@example.com")
    assert claims["exp"] == int(NOW.timestamp()) + 180


async def test_a_key_that_cannot_sign_is_config(org: ScriptedOrg) -> None:
    client = client_for(org.url, auth=JwtBearer(KEY, "bff@example.com", "-----BEGIN NOTHING-----"))
    with pytest.raises(LoginFailed) as caught:
        await client.limits()
    await client.close()
    assert caught.value.code == "bad_private_key"
    assert org.logins == []


async def test_twenty_expired_sessions_make_one_login(org: ScriptedOrg) -> None:
    client = client_for(org.url, workers=20)
    await client.query("SELECT Id FROM Order")
    org.valid = lambda token: token != "t1"
    await asyncio.gather(*(client.list_orders(["Approved"]) for _ in range(20)))
    await client.close()
    assert len(org.logins) == 2
    tokens = [asked.headers["Authorization"] for asked in org.asked[1:]]
    assert tokens.count("Bearer t2") == 20


def slowly(answer: Answer, seconds: float) -> Answer:
    async def wait(asked: Asked) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await answer(asked)

    return wait


async def test_twenty_first_calls_make_one_login(org: ScriptedOrg) -> None:
    client = client_for(org.url, workers=20)
    org.login_script.append(slowly(says({"access_token": "t1", "instance_url": org.url}), 0.3))
    await asyncio.gather(*(client.list_orders(["Approved"]) for _ in range(20)))
    await client.close()
    assert len(org.logins) == 1


async def test_a_write_refused_by_401_and_stuck_in_the_new_login_is_not_unknown(org: ScriptedOrg) -> None:
    client = client_for(org.url, timeouts=replace(PATIENT, total=2.0))
    await client.query("SELECT Id FROM Order")
    org.valid = lambda token: token != "t1"
    over = asyncio.Event()
    org.login_script.append(held(over, says({"access_token": "t2", "instance_url": org.url})))
    with pytest.raises(CallFailed) as caught:
        await client.patch_order(ORDER_ID, {"Status": "Failed"})
    over.set()
    await client.close()
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.TRANSIENT, "busy")
    assert [asked.method for asked in org.asked] == ["GET", "PATCH"]


async def test_a_write_refused_by_401_is_sent_again_with_all_its_headers(
    org: ScriptedOrg, client: SalesforceClient
) -> None:
    await client.query("SELECT Id FROM Order")
    org.valid = lambda token: token != "t1"
    org.otherwise = says(status=204)
    correlation_id.set("run-9")
    await client.patch_order(ORDER_ID, {"Status": "Failed"}, unmodified_since=NOW)
    first, second = org.asked[1:]
    assert (first.headers["Authorization"], second.headers["Authorization"]) == ("Bearer t1", "Bearer t2")
    for name in ("If-Unmodified-Since", "X-Correlation-Id"):
        assert first.headers[name] == second.headers[name]
    assert first.body == second.body


async def test_a_dead_token_service_costs_two_requests_and_one_more_login(
    org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.valid = lambda token: False
    with pytest.raises(CallFailed) as caught:
        await client.patch_order(ORDER_ID, {"Status": "Failed"})
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.TRANSIENT, "INVALID_SESSION_ID")
    assert (len(org.asked), len(org.logins)) == (2, 2)


async def test_a_refused_login_is_made_once_for_all_who_wait(org: ScriptedOrg) -> None:
    client = client_for(org.url, workers=20)
    org.login_script.extend([REFUSED] * 20)
    outcomes = await asyncio.gather(*(client.limits() for _ in range(20)), return_exceptions=True)
    await client.close()
    assert all(isinstance(outcome, LoginFailed) for outcome in outcomes)
    assert len({id(outcome) for outcome in outcomes}) == 20, "each gets an exception of its own"
    assert len(org.logins) == 1
    assert org.asked == []


LOGINS: dict[str, tuple[Answer, type[Exception], str]] = {
    "no run-as user": (
        says({"error": "invalid_grant", "error_description": "no client credentials user enabled"}, 400),
        LoginFailed,
        "invalid_grant",
    ),
    "unauthorised": (says({"error": "invalid_client"}, 401), LoginFailed, "invalid_client"),
    "redirect": (says("", 302, {"Location": "/elsewhere"}), LoginFailed, "redirect_refused"),
    "asks to retry": (says({"error": "unknown_error", "error_description": "retry your request"}, 400), CallFailed, "unknown_error"),
    "too many": (says({"error": "rate"}, 429), CallFailed, "rate"),
    "503 page": (says("<html></html>", 503), CallFailed, "http_503"),
    "500 object": (says({"error": "server"}, 500), CallFailed, "server"),
    "403 page": (says("<html></html>", 403), CallFailed, "http_403"),
    "page under 200": (says("<html></html>"), CallFailed, "http_200"),
    "no token": (says({"instance_url": "https://acme.my.salesforce.com"}), CallFailed, "http_200"),
    "hangs": (never, CallFailed, "timeout"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "code"), LOGINS.values(), ids=LOGINS)
async def test_what_a_login_server_may_say(
    answer: Answer, kind: type[CallFailed | LoginFailed], code: str, org: ScriptedOrg
) -> None:
    client = client_for(org.url, timeouts=replace(HASTY, read=1.0) if answer is never else PATIENT)
    org.login_script.append(answer)
    with pytest.raises(kind) as caught:
        await client.patch_order(ORDER_ID, {"Status": "Failed"})
    await client.close()
    assert caught.value.code == code
    assert caught.value.error_class is (ErrorClass.CONFIG if kind is LoginFailed else ErrorClass.TRANSIENT)
    assert SECRET not in str(caught.value)
    assert org.asked == [], "the write was not sent, so its outcome is known"


@pytest.mark.parametrize(
    "instance",
    [
        "https://evil.example",
        "https://my.salesforce.com.evil.example",
        "https://evilmy.salesforce.com",
        "http://acme.my.salesforce.com",
        "https://u:p@acme.my.salesforce.com",
        "https://acme.my.salesforce.com:8443",
        "https://acme.my.salesforce.com:99999",
        "https://[acme.my.salesforce.com",
        "https://evil.example\\.my.salesforce.com",
        "https://evil.example%2f.my.salesforce.com",
        "https://127.0.0.1",
        "acme.my.salesforce.com",
        "",
    ],
)
async def test_an_instance_elsewhere_is_refused(instance: str, org: ScriptedOrg, client: SalesforceClient) -> None:
    org.login_script.append(says({"access_token": "t", "instance_url": instance}))
    with pytest.raises((LoginFailed, CallFailed)) as caught:
        await client.limits()
    if instance:
        assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "instance_url_refused")
    assert org.asked == []


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def in_thread(call: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(call)


async def test_an_instance_of_the_org_is_taken_without_its_path(org: ScriptedOrg) -> None:
    with make_session(config(org.url)) as session:
        source = TokenSource(config(org.url), session, now=lambda: NOW)
        org.login_script.append(
            says({"access_token": "t", "instance_url": "https://acme--uat.sandbox.my.salesforce.com/x"})
        )
        assert (await in_thread(source.get)).instance_url == "https://acme--uat.sandbox.my.salesforce.com"


async def test_an_org_on_this_machine_may_call_itself_by_its_other_name(org: ScriptedOrg) -> None:
    other = org.url.replace("127.0.0.1", "localhost")
    assert other != org.url
    for login, instance in ((org.url, other), (other, org.url)):
        with make_session(config(login)) as session:
            org.login_script.append(says({"access_token": "t", "instance_url": instance}))
            assert (await in_thread(TokenSource(config(login), session, now=lambda: NOW).get)).instance_url == login


@pytest.mark.parametrize(("answer", "life"), [(REFUSED, REFUSED_FOR), (says("down", 503), FAILED_FOR)])
async def test_a_failed_login_is_remembered_briefly(answer: Answer, life: float, org: ScriptedOrg) -> None:
    clock = Clock()
    with make_session(config(org.url)) as session:
        source = TokenSource(config(org.url), session, now=lambda: NOW, monotonic=clock)
        org.login_script.append(answer)
        for _ in range(3):
            with pytest.raises((LoginFailed, CallFailed)):
                await in_thread(source.get)
        assert len(org.logins) == 1
        clock.seconds += life
        assert (await in_thread(source.get)).access_token == "t2"


async def test_only_the_current_token_can_be_invalidated(org: ScriptedOrg, client: SalesforceClient) -> None:
    source = client.token()
    first = await in_thread(source.get)
    await in_thread(lambda: source.invalidate(first))
    second = await in_thread(source.get)
    await in_thread(lambda: source.invalidate(first))
    assert await in_thread(source.get) == second
    assert len(org.logins) == 2


def test_secrets_are_in_no_repr(pem: str) -> None:
    shown = repr(config("https://acme.my.salesforce.com", auth=ClientCredentials(KEY, SECRET)))
    shown += repr(JwtBearer(KEY, "bff@example.com", pem))
    assert SECRET not in shown
    assert "PRIVATE" not in shown
