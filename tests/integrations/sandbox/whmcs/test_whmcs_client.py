"""The sandbox under an independent client: truehost's whmcs-api-client, every call of it that the sandbox answers.

It sends the action in the query, credentials as username and password, ``pid[]``, booleans as text and no responsetype
(facts/whmcs.md §10).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import whmcs_client

from integrations.sandbox.whmcs import Switches
from tests.integrations.sandbox.whmcs.conftest import CARD, ESIM, FIBRE, INVOICE, NONE, Wire

Ask = Callable[..., Any]


@pytest.fixture(params=["int", "string"])
async def asked(request: pytest.FixtureRequest, open_wire: Ask) -> AsyncIterator[tuple[Wire, Ask]]:
    """The sandbox and ``ask(method, **parameters)`` of the client, which is blocking and so runs in a thread."""
    wire: Wire = await open_wire(Switches(types=request.param))
    configuration = whmcs_client.Configuration(host=wire.endpoint["system_url"] + "/includes")
    client = whmcs_client.ApiClient(configuration)
    api = whmcs_client.DefaultApi(client)

    async def ask(method: str, **parameters: Any) -> Any:
        call = getattr(api, method)
        end = wire.endpoint
        return await asyncio.to_thread(call, end["identifier"], end["secret"], **parameters)

    yield wire, ask
    client.rest_client.pool_manager.clear()


async def test_an_order_from_placing_to_deleting(asked: tuple[Wire, Ask]) -> None:
    wire, ask = asked
    added = await ask(
        "add_order", clientid=CARD, paymentmethod="stripe", pid=[FIBRE, ESIM], billingcycle=["monthly", "monthly"],
        noinvoiceemail=True, qty=[2, 1],
    )  # fmt: skip
    assert added.result == "success"
    assert len(added.productids) == 2
    assert added.addonids == []
    assert [mail["template"] for mail in wire.sandbox.world()["mails"]] == ["Order Confirmation"]
    found = await ask("get_orders", id=int(added.orderid))
    assert (found.totalresults, found.numreturned) == (1, 1)
    assert found.orders["order"][0]["status"] == "Pending"
    services = await ask("get_clients_products", clientid=CARD, limitnum=100)
    mine = [s for s in services.products["product"] if str(s["orderid"]) == added.orderid]
    assert sorted(str(s["id"]) for s in mine) == sorted(added.productids)
    invoices = await ask("get_invoices", userid=CARD, status="Unpaid")
    assert [str(row["id"]) for row in invoices.invoices["invoice"]] == [added.invoiceid]
    assert (await ask("cancel_order", orderid=int(added.orderid), noemail=True)).result == "success"
    assert (await ask("delete_order", orderid=int(added.orderid))).result == "success"
    assert (await ask("get_orders", userid=CARD)).totalresults == 1


async def test_a_boolean_sent_as_text_is_true(asked: tuple[Wire, Ask]) -> None:
    """The client sends ``noinvoice=False`` for False, and PHP takes it for true."""
    _, ask = asked
    added = await ask("add_order", clientid=CARD, paymentmethod="stripe", pid=[ESIM], noinvoice=False)
    assert not added.invoiceid


async def test_clients(asked: tuple[Wire, Ask]) -> None:
    _, ask = asked
    made = await ask(
        "add_client", firstname="Ann", lastname="Lee", email="ann@example.jp", address1="1", city="Tokyo",
        state="Tokyo", postcode="100-0001", country="JP", phonenumber="0312345678", password2="x", noemail=True,
    )  # fmt: skip
    assert isinstance(made.clientid, int)
    details = await ask("get_clients_details", clientid=made.clientid, stats=True)
    assert (details.client.email, details.client.phonenumber) == ("ann@example.jp", "0312345678")
    changed = await ask("update_client", clientid=made.clientid, companyname="Lee & Co")
    assert changed.clientid == str(made.clientid)
    listed = await ask("get_clients", search="ann", limitnum=10)
    assert [client.companyname for client in listed.clients.client] == ["Lee & Co"]
    assert (await ask("get_clients_domains", clientid=INVOICE)).totalresults == 0


async def test_catalogue_and_gateways(asked: tuple[Wire, Ask]) -> None:
    _, ask = asked
    assert [c.code for c in (await ask("get_currencies")).currencies.currency] == ["JPY"]
    gateways = (await ask("get_payment_methods")).paymentmethods.paymentmethod
    assert {gateway.module for gateway in gateways} == {"stripe", "banktransfer", "mailin"}
    products = await ask("get_products", pid=f"{FIBRE},{ESIM}")
    assert [str(row["pid"]) for row in products.products["product"]] == [str(FIBRE), str(ESIM)]
    assert (await ask("get_transactions", clientid=NONE)).totalresults == 0


async def test_refusals_reach_the_client(asked: tuple[Wire, Ask]) -> None:
    wire, ask = asked
    refused = await ask("get_clients_details", clientid=1)
    assert (refused.result, refused.message) == ("error", "Client Not Found")
    wire.sandbox.switch(denied=frozenset({"GetOrders"}))
    with pytest.raises(whmcs_client.ApiException) as raised:
        await ask("get_orders")
    assert raised.value.status == 403
    unknown = await ask("get_affiliates")
    assert unknown.message == 'Invalid API Action: "getaffiliates" is not a valid API action'
