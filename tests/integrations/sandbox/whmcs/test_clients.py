"""Clients, what they pay with, single sign-on, and the installation's own probes (facts/whmcs.md §6.1, §6.2, §6.6)."""

from typing import Any

import pytest

from tests.integrations.sandbox.whmcs.conftest import (
    CARD,
    CLOSED,
    ESIM,
    EXPIRED,
    FIBRE,
    ICCID_FIELD,
    INVOICE,
    NONE,
    Wire,
)
from tests.integrations.sandbox.whmcs.packing import packed

PAY_PAGE = {"destination": "sso:custom_redirect", "sso_redirect_path": "index.php?rp=/account/paymentmethods"}


def new_client(**values: Any) -> dict[str, Any]:
    given = {
        "firstname": "花子", "lastname": "佐藤", "email": "hanako@example.jp", "address1": "1-1", "city": "札幌市",
        "state": "北海道", "postcode": "060-0001", "country": "JP", "phonenumber": "011-000-0000", "password2": "x",
    }  # fmt: skip
    return {**given, **values}


async def test_a_client_is_read_by_id_or_mail_with_its_customer_number(wire: Wire) -> None:
    client = (await wire.ok("GetClientsDetails", clientid=CARD))["client"]
    assert client["customfields"] == [{"id": 7, "value": "C-000101"}]
    assert (client["customfields1"], client["status"], client["defaultgateway"]) == ("C-000101", "Active", "stripe")
    assert (client["currency_code"], client["phonenumberformatted"]) == ("JPY", "+81.312345678")
    answer = await wire.ok("GetClientsDetails", email="TARO102@example.jp", stats=1)
    assert answer["client"]["id"] == answer["id"] == INVOICE
    assert answer["stats"]["numcancelledinvoices"] == 1
    assert await wire.refused("GetClientsDetails") == "Either clientid Or email Is Required"
    assert await wire.refused("GetClientsDetails", clientid=1) == "Client Not Found"


async def test_a_client_is_made_once(wire: Wire) -> None:
    made = await wire.ok("AddClient", **new_client(customfields=packed({7: "C-9", 8: "unknown"})))
    client = (await wire.ok("GetClientsDetails", clientid=made["clientid"]))["client"]
    assert (client["fullname"], client["customfields"]) == ("花子 佐藤", [{"id": 7, "value": "C-9"}])
    again = await wire.refused("AddClient", **new_client(email="Hanako@Example.JP"))
    assert again == "A user already exists with that email address"
    assert [mail["template"] for mail in wire.sandbox.world()["mails"]] == ["Client Signup Email"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"firstname": ""}, "You did not enter your first name"),
        ({"email": "nobody"}, "The email address you entered was not valid"),
        ({"country": "Japan"}, "Valid country required"),
        ({"customfields[7]": "C-9"}, "You did not provide required custom field value for Customer Number"),
    ],
)
async def test_sign_up_is_validated(wire: Wire, values: dict[str, str], message: str) -> None:
    assert await wire.refused("AddClient", **new_client(**values)) == message


async def test_skipvalidation_lifts_all_but_the_mail(wire: Wire) -> None:
    await wire.ok("AddClient", skipvalidation=1, email="bare@example.jp", noemail=1)
    assert "email" in await wire.refused("AddClient", skipvalidation=1)
    assert wire.sandbox.world()["mails"] == []


async def test_a_client_is_changed(wire: Wire) -> None:
    form = {"companyname": "山田商店", "paymentmethod": "mailin", "status": "inactive", "email_preferences[product]": 0}
    assert (await wire.ok("UpdateClient", clientid=CARD, **form))["clientid"] == str(CARD)
    client = (await wire.ok("GetClientsDetails", clientid=CARD))["client"]
    assert (client["companyname"], client["defaultgateway"], client["status"]) == ("山田商店", "mailin", "Inactive")
    assert (client["email_preferences"]["product"], client["firstname"]) == ("0", "太郎")
    await wire.ok("UpdateClient", clientemail="taro101@example.jp", email="new@example.jp")
    assert (await wire.ok("GetClientsDetails", email="new@example.jp"))["id"] == CARD
    assert await wire.refused("UpdateClient", clientid=1) == "Client ID Not Found"
    assert await wire.refused("UpdateClient", clientid=CARD, email="taro102@example.jp") == "Duplicate Email Address"
    assert "not valid" in await wire.refused("UpdateClient", clientid=CARD, email="x")


async def test_clients_are_searched_by_prefix(wire: Wire) -> None:
    async def found(**form: Any) -> set[int]:
        return {row["id"] for row in (await wire.ok("GetClients", **form))["clients"]["client"]}

    assert await found(search="zoë") == await found(search="O'Neill & S") == {INVOICE}
    assert await found(search="taro10") == {CARD, INVOICE, NONE, EXPIRED, CLOSED}
    assert await found(status="Closed") == {CLOSED}
    assert await found(search="C-000101") == set()


async def test_pay_methods_are_the_clients_own(wire: Wire) -> None:
    async def expiries(client: int, **form: Any) -> list[str]:
        return [row["expiry_date"] for row in (await wire.ok("GetPayMethods", clientid=client, **form))["paymethods"]]

    assert [await expiries(client) for client in (CARD, EXPIRED, NONE, INVOICE)] == [["01/30"], ["01/25"], [], []]
    assert await expiries(CARD, type="CreditCard") == ["01/30"]
    assert await expiries(CARD, type="BankAccount") == []
    wire.sandbox.add_card(NONE)
    assert await expiries(NONE) == ["12/30"]
    assert await wire.refused("GetPayMethods") == "Client ID Is Required"
    assert await wire.refused("GetPayMethods", clientid=1) == "Client Not Found"
    assert (await wire.refused("GetPayMethods", clientid=CARD, type="Card")).startswith("Invalid Pay Method Type")


async def test_a_token_signs_on_once_and_within_a_minute(wire: Wire) -> None:
    async def follow(address: str) -> str:
        async with wire.session.get(address, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store")
            return answer.headers["Location"]

    token = await wire.ok("CreateSsoToken", client_id=CARD, **PAY_PAGE)
    assert len(token["access_token"]) == 40
    assert await follow(token["redirect_url"]) == "/index.php?rp=/account/paymentmethods"
    assert await follow(token["redirect_url"]) == "/index.php?rp=/login"
    late = await wire.ok("CreateSsoToken", client_id=CARD, **PAY_PAGE)
    wire.clock.advance(61)
    assert await follow(late["redirect_url"]) == "/index.php?rp=/login"
    async with wire.session.get(wire.endpoint["system_url"] + "/index.php?rp=/account/paymentmethods") as page:
        assert "Payment Methods" in await page.text()


async def test_refusals_of_single_sign_on(wire: Wire) -> None:
    assert await wire.refused("CreateSsoToken") == "A valid client_id or user_id is required"
    assert await wire.refused("CreateSsoToken", client_id=1) == "Invalid client_id"
    assert await wire.refused("CreateSsoToken", user_id=1) == "Invalid user_id"
    assert await wire.refused("CreateSsoToken", user_id=CARD, client_id=NONE) == "Invalid user_id for client"
    area = {"client_id": CARD, "destination": "clientarea:invoices"}
    assert await wire.refused("CreateSsoToken", **area) == "Invalid destination"
    wire.sandbox.switch(sso="all")
    await wire.ok("CreateSsoToken", **area)
    wire.sandbox.switch(sso="blocked")
    assert await wire.refused("CreateSsoToken", **area) == f"SSO authentication blocked for client {CARD}"
    wire.sandbox.switch(sso="broken")
    assert (await wire.refused("CreateSsoToken", **area)).startswith("Token could not be provisioned")


async def test_the_catalogue(wire: Wire) -> None:
    found = (await wire.ok("GetProducts", pid=f"{FIBRE},{ESIM},999"))["products"]["product"]
    assert [row["pid"] for row in found] == [FIBRE, ESIM]
    pricing = found[0]["pricing"]["JPY"]
    assert (pricing["monthly"], pricing["msetupfee"], pricing["annually"]) == ("5478.00", "3300.00", "-1.00")
    assert [field["id"] for field in found[1]["customfields"]["customfield"]] == [ICCID_FIELD]
    assert (await wire.ok("GetProducts", gid=1))["totalresults"] == 1
    assert (await wire.ok("GetProducts", module="autorelease"))["totalresults"] == 3
    gateways = (await wire.ok("GetPaymentMethods"))["paymentmethods"]["paymentmethod"]
    assert {row["module"] for row in gateways} == {"stripe", "banktransfer", "mailin"}


async def test_probes(wire: Wire) -> None:
    assert (await wire.ok("GetAdminDetails"))["whmcs"]["version"].startswith("8.13")
    assert set(await wire.ok("GetHealthStatus")) == {"result"}
    wire.sandbox.switch(version="9.0")
    assert (await wire.ok("WhmcsDetails"))["whmcs"]["canonicalversion"].startswith("9.0")
    assert "checks" in await wire.ok("GetHealthStatus")
    url = await wire.ok("GetConfigurationValue", setting="SystemURL")
    assert url["value"] == wire.endpoint["system_url"] + "/"
    assert await wire.refused("GetConfigurationValue") == "Parameter setting is required"
    assert await wire.refused("GetConfigurationValue", setting="x") == "Invalid name for parameter setting"


async def test_mails_on_request_are_counted(wire: Wire) -> None:
    await wire.ok("SendEmail", messagename="Client Signup Email", id=CARD)
    service = (await wire.ok("GetClientsProducts", clientid=CARD))["products"]["product"][0]["id"]
    custom = {"customtype": "product", "customsubject": "s", "custommessage": "m", "customvars": packed({1: "x"})}
    await wire.ok("SendEmail", id=service, **custom)
    rows = [(mail["template"], mail["clientid"], mail["relid"]) for mail in wire.sandbox.world()["mails"]]
    assert rows == [("Client Signup Email", CARD, CARD), ("custom product", CARD, service)]
    assert await wire.refused("SendEmail", messagename="Order Confirmation", id=CARD) == "Email Template not found"
    failed = "Sending Failed. Please see documentation."
    assert await wire.refused("SendEmail", messagename="Product Welcome Email", id=1) == failed
    assert await wire.refused("SendEmail", messagename="Client Signup Email") == "A related ID is required"
    assert await wire.refused("SendEmail", id=CARD, customtype="fax") == "Invalid message type provided"
