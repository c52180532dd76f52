"""Logging in, as any client does it."""

import base64
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
import jwt
import pytest

from integrations.sandbox.salesforce.oauth import JWT_GRANT, make_key
from integrations.sandbox.salesforce.tokens import TokenBook
from integrations.sandbox.salesforce.users import User
from integrations.sandbox.store import Store
from tests.integrations.sandbox.salesforce.conftest import ORG, Bench


async def token(bench: Bench, form: dict[str, str], headers: dict[str, str] | None = None) -> tuple[int, Any]:
    url = bench.sandbox.endpoint()["token_url"]
    async with bench.session.post(url, data=form, headers=headers) as reply:
        return reply.status, await reply.json()


def assertion(bench: Bench, key: str, **changes: Any) -> dict[str, str]:
    end = bench.sandbox.endpoint()
    claims = {
        "iss": end["client_id"],
        "sub": end["users"]["approver"]["username"],
        "aud": end["jwt_audience"],
        "exp": str(int(time.time()) + 180),
        **changes,
    }
    return {"grant_type": JWT_GRANT, "assertion": jwt.encode(claims, key, algorithm="RS256")}


async def test_client_credentials_by_basic(bench: Bench) -> None:
    end = bench.sandbox.endpoint()
    basic = base64.b64encode(f"{end['client_id']}:{end['client_secret']}".encode()).decode()
    status, body = await token(bench, {"grant_type": "client_credentials"}, {"Authorization": f"Basic {basic}"})
    assert status == 200
    assert body["access_token"].startswith(f"{ORG[:15]}!")
    assert body["token_type"] == "Bearer"
    assert body["instance_url"] == bench.base
    assert body["issued_at"].isdigit() and len(body["issued_at"]) == 13
    assert all(isinstance(value, str) for value in body.values())
    assert not {"expires_in", "refresh_token"} & body.keys()


async def test_client_credentials_by_form(bench: Bench) -> None:
    app = bench.sandbox.endpoint()["users"]["placer"]
    form = {"grant_type": "client_credentials", "client_id": app["client_id"], "client_secret": app["client_secret"]}
    status, body = await token(bench, form)
    assert status == 200
    user = bench.sandbox.tokens.check(f"Bearer {body['access_token']}")
    assert user is not None and user.username == app["username"]


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({}, "invalid_request", "grant type is missing"),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant type not supported"),
        ({"grant_type": "client_credentials", "client_id": "x"}, "invalid_client_id", "client identifier invalid"),
        ({"grant_type": JWT_GRANT, "assertion": "a.b.c"}, "invalid_grant", "invalid assertion"),
    ],
)
async def test_refused_logins_are_400_with_an_object(
    bench: Bench, form: dict[str, str], error: str, description: str
) -> None:
    assert await token(bench, form) == (400, {"error": error, "error_description": description})


async def test_wrong_secret(bench: Bench) -> None:
    form = {"grant_type": "client_credentials", "client_id": bench.sandbox.endpoint()["client_id"]}
    status, body = await token(bench, {**form, "client_secret": "wrong"})
    assert (status, body["error"]) == (400, "invalid_client")


async def test_the_token_endpoint_wants_post(bench: Bench) -> None:
    async with bench.session.get(bench.sandbox.endpoint()["token_url"]) as reply:
        assert reply.status == 400
        assert (await reply.json())["error_description"] == "must use HTTP POST"


async def test_jwt_bearer(bench: Bench, jwt_key: str) -> None:
    status, body = await token(bench, assertion(bench, jwt_key))
    assert status == 200
    user = bench.sandbox.tokens.check(f"OAuth {body['access_token']}")
    assert user == bench.sandbox.users["approver"]


async def test_jwt_signature_is_checked(bench: Bench) -> None:
    another = make_key.__wrapped__()  # a new one: the function itself draws one a process
    assert (await token(bench, assertion(bench, another)))[1]["error_description"] == "invalid assertion"


@pytest.mark.parametrize(
    ("change", "description"),
    [
        ({"sub": "nobody@example.com"}, "user hasn't approved this consumer"),
        ({"iss": "another"}, "client identifier invalid"),
        ({"aud": "https://evil.example"}, "audience is invalid"),
        ({"exp": 1000}, "expired authorization code"),
    ],
)
async def test_jwt_claims_are_checked(bench: Bench, jwt_key: str, change: dict[str, Any], description: str) -> None:
    status, body = await token(bench, assertion(bench, jwt_key, **change))
    assert (status, body["error_description"]) == (400, description)


async def test_the_key_file_is_private(bench: Bench, jwt_key: str) -> None:
    from pathlib import Path

    file = Path(bench.sandbox.endpoint()["private_key_file"])
    assert file.read_text("utf-8") == jwt_key
    assert file.stat().st_mode & 0o777 == 0o600


async def test_identity_and_userinfo_name_the_same_person(bench: Bench, jwt_key: str) -> None:
    _, body = await token(bench, assertion(bench, jwt_key))
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    async with bench.session.get(body["id"], headers=bearer) as reply:
        identity = await reply.json()
    async with bench.session.get(f"{bench.base}/services/oauth2/userinfo", headers=bearer) as reply:
        info = await reply.json()
    assert identity["user_id"] == info["user_id"] == bench.sandbox.users["approver"].id
    assert identity["organization_id"] == info["organization_id"] == ORG
    assert identity["username"] == info["preferred_username"]
    assert identity["urls"]["query"] == f"{bench.base}/services/data/v{{version}}/query/"


@pytest.mark.parametrize("path", ["/services/data/v63.0/limits", "/services/oauth2/userinfo", "/id/00D/005"])
@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi", "Bearer"])
async def test_no_valid_token_is_401(bench: Bench, path: str, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    async with bench.session.get(bench.base + path, headers=headers) as reply:
        assert reply.status == 401
        assert await reply.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


async def test_a_revoked_token_is_dead(bench: Bench) -> None:
    wire = bench.wire()
    assert (await wire.get("/limits")).status == 200
    async with bench.session.post(f"{bench.base}/services/oauth2/revoke", data={"token": wire.token}) as reply:
        assert reply.status == 200
    assert (await wire.get("/limits")).status == 401


async def test_versions_need_no_token_and_count_nothing(bench: Bench, session: aiohttp.ClientSession) -> None:
    reply = await bench.wire("").get("/services/data/")
    assert reply.status == 200
    assert reply.body[-1] == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}
    assert [row["version"] for row in reply.body] == [f"{n}.0" for n in range(31, 68)]
    assert "Sforce-Limit-Info" not in reply.headers


def test_a_token_can_have_a_life_time() -> None:
    moment = [datetime(2026, 11, 23, tzinfo=UTC)]
    user = User("0055h0000000001AAA", "a@b.c", "A", "B", "ab")
    from datetime import timedelta

    book = TokenBook(Store(), ORG, {user.id: user}, now=lambda: moment[0], lifetime=timedelta(hours=2))
    header = f"Bearer {book.issue(user)}"
    assert book.check(header) == user
    moment[0] += timedelta(hours=3)
    assert book.check(header) is None
