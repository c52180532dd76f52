"""Who is let in, and the words for those who are not (facts/whmcs.md §2)."""

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from integrations.sandbox.store import Store
from integrations.sandbox.whmcs import Switches
from integrations.sandbox.whmcs.access import Access, Credential
from tests.integrations.sandbox.whmcs.conftest import CARD, Wire

ACCESS = Access((Credential("id", "word"),), "admin", "hunter2", "key!@#", frozenset({"192.0.2.9"}))


async def ask(wire: Wire, query: str = "", **fields: str) -> tuple[int, Any]:
    return await wire.post(urlencode(fields), query)


async def test_every_documented_way_to_log_in_works(wire: Wire) -> None:
    end = wire.endpoint
    hashed = hashlib.md5(end["admin_password"].encode()).hexdigest()
    ways = [
        {"identifier": end["identifier"], "secret": end["secret"]},
        {"username": end["identifier"], "password": end["secret"]},
        {"username": end["admin_username"], "password": hashed},
        {"username": "", "password": "", "identifier": end["identifier"], "secret": end["secret"]},
        {"identifier": "", "secret": "", "username": end["identifier"], "password": end["secret"]},
    ]
    for way in ways:
        assert (await ask(wire, action="GetCurrencies", **way))[0] == 200
        assert (await ask(wire, urlencode({"action": "GetCurrencies", **way})))[0] == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Invalid or missing credentials"),
        ({"identifier": "id"}, "Invalid or missing credentials"),
        ({"identifier": "id", "secret": "wrong"}, "Authentication Failed"),
        ({"username": "admin", "password": "wrong"}, "Authentication Failed"),
        ({"identifier[0]": "id", "secret": "x"}, "Invalid or missing credentials"),
    ],
)
async def test_wrong_credentials_are_403(wire: Wire, fields: dict[str, str], message: str) -> None:
    assert await ask(wire, action="GetOrders", **fields) == (403, {"result": "error", "message": message})


async def test_an_address_off_the_list_is_403_unless_the_access_key_is_right(open_wire: Callable[..., Any]) -> None:
    wire: Wire = await open_wire(access=ACCESS)
    login = {"action": "GetCurrencies", "identifier": "id", "secret": "word"}
    refused = (403, {"result": "error", "message": "Invalid IP 127.0.0.1"})
    assert await ask(wire, **login) == refused
    assert await ask(wire, **login, accesskey="wrong") == refused
    assert (await ask(wire, **login, accesskey="key!@#"))[0] == 200
    assert (await ask(wire, urlencode({"accesskey": "key!@#"}), **login))[0] == 200


async def test_a_role_lacks_single_actions(wire: Wire) -> None:
    restricted = wire.endpoint["restricted"][0]
    assert (await ask(wire, action="GetOrders", **restricted))[0] == 200
    status, answer = await ask(wire, action="AddOrder", **restricted)
    assert status == 403
    assert answer["message"] == 'Invalid Permissions: API action "addorder" is not allowed'


async def test_the_installation_may_deny_an_action_to_everybody(wire: Wire) -> None:
    wire.sandbox.switch(denied=frozenset({"GetPayMethods"}))
    status, answer = await wire.reply("getpaymethods", clientid=CARD)
    assert (status, answer["message"]) == (403, 'Invalid Permissions: API action "getpaymethods" is not allowed')


async def test_action_is_read_in_any_case_from_body_or_query(wire: Wire) -> None:
    for name in ("GetCurrencies", "getcurrencies", "GETCURRENCIES"):
        assert (await ask(wire, action=name, **wire.credentials()))[1]["totalresults"] == 1
    answer = await ask(wire, "action=GetCurrencies", **wire.credentials())
    assert answer[1]["totalresults"] == 1
    both = await ask(wire, "action=GetOrders", action="GetCurrencies", **wire.credentials())
    assert "currencies" in both[1]


async def test_multipart_is_read_like_a_form(wire: Wire) -> None:
    body = aiohttp.MultipartWriter("form-data")
    fields = {"action": "GetProducts", **wire.credentials(), "pid": "11"}
    for name, value in fields.items():
        body.append(value).set_content_disposition("form-data", name=name)
    status, answer = await wire.post(body)
    assert (status, answer["totalresults"]) == (200, 1)


async def test_missing_and_unknown_actions(open_wire: Callable[..., Any]) -> None:
    wire: Wire = await open_wire(Switches(unknown_action_status=404))
    assert await ask(wire, **wire.credentials()) == (400, {"result": "error", "message": "Empty action request"})
    status, answer = await wire.reply("UpdateBillableItem")
    assert status == 404
    assert answer["message"] == 'Invalid API Action: "updatebillableitem" is not a valid API action'
    status, answer = await wire.reply("GetCurrencies", responsetype="xml")
    assert (status, answer["result"]) == (400, "error")


async def test_a_doubled_path_is_not_found_out_by_the_status(wire: Wire) -> None:
    async with wire.session.post(wire.endpoint["url"] + "/includes/api.php") as answer:
        assert answer.status == 200
        assert (await answer.json())["message"] == "An admin user is required"


async def test_it_lives_in_a_sub_folder_too(open_wire: Callable[..., Any]) -> None:
    wire: Wire = await open_wire(folder="/billing")
    assert wire.endpoint["url"].endswith("/billing/includes/api.php")
    assert (await wire.ok("GetCurrencies"))["totalresults"] == 1
    token = await wire.ok("CreateSsoToken", client_id=CARD)
    assert token["redirect_url"].startswith(wire.endpoint["system_url"] + "/oauth/")


async def test_credentials_survive_a_restart(open_wire: Callable[..., Any]) -> None:
    store = Store()
    first: Wire = await open_wire(store=store)
    second: Wire = await open_wire(store=store)
    store_wide = {"identifier", "secret", "access_key", "admin_password", "restricted"}
    assert {k: first.endpoint[k] for k in store_wide} == {k: second.endpoint[k] for k in store_wide}
    await first.sandbox.stop()
    await second.sandbox.stop()
    store.close()


async def test_the_traffic_log_names_what_was_asked_and_no_secret(wire: Wire) -> None:
    notes = "p1:" + "x" * 200
    added = await wire.ok("addorder", clientid=CARD, paymentmethod="stripe", notes=notes, **{"pid[]": 11})
    await wire.ok("AcceptOrder", orderid=added["orderid"])
    await wire.ok("GetOrders", id=added["orderid"])
    await wire.ok("GetClientsProducts", clientid=CARD, serviceid=added["serviceids"])
    entries = wire.traffic.since()
    assert [entry["operation"] for entry in entries] == ["AddOrder", "AcceptOrder", "GetOrders", "GetClientsProducts"]
    assert entries[0]["facts"] == {"clientid": str(CARD), "marker": notes[:80]}
    assert entries[1]["facts"] == {"clientid": str(CARD), "orderid": str(added["orderid"])}
    assert entries[2]["facts"]["orderid"] == str(added["orderid"])
    assert entries[3]["facts"]["serviceid"] == added["serviceids"]
    assert all(entry["answered"] and entry["status"] == 200 for entry in entries)
    assert wire.endpoint["secret"] not in str(entries)
