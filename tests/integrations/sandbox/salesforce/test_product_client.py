"""The product's own client against the sandbox: the two are written against the facts, not against each other."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from integrations.errors import CallFailed, ErrorClass
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.config import ClientCredentials, JwtBearer, SalesforceConfig
from integrations.sandbox.salesforce.desk import OrderLine
from tests.integrations.sandbox.salesforce.conftest import CUSTOMER, ORG, Bench


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[SalesforceClient]:
    end = bench.sandbox.endpoint()
    auth = ClientCredentials(end["client_id"], end["client_secret"])
    found = SalesforceClient(SalesforceConfig(end["login_url"], auth, org_id=end["org_id"]), now=now)
    yield found
    await found.close()


async def test_who_am_i(bench: Bench, client: SalesforceClient, jwt_key: str) -> None:
    org = await client.org()
    assert (org.id, org.is_sandbox) == (ORG, True)
    end = bench.sandbox.endpoint()
    auth = JwtBearer(end["client_id"], end["username"], jwt_key, end["jwt_audience"])
    other = SalesforceClient(SalesforceConfig(end["login_url"], auth), now=now)
    try:
        assert (await other.org()).id == ORG
    finally:
        await other.close()


async def test_the_life_of_an_order(bench: Bench, client: SalesforceClient) -> None:
    key = bench.place(OrderLine("ESIM-25G", options={21: 201}, eid="8" * 32), OrderLine("SIM-ACTIVATION"))
    bench.sandbox.desk.approve(key, "Kenji")
    (ref,) = await client.list_orders(["Approved", "Provisioning"])
    assert (ref.id, ref.status) == (key, "Approved")
    await client.insert_journal(1, "j-1", 0, now())
    bundle = await client.read_order(key, with_journal=True)
    assert bundle.account is not None and bundle.account.number == CUSTOMER
    assert bundle.account.whmcs_client_id == "1001"
    first, second = bundle.items
    assert (first.sku, first.is_esim, first.esim_eid, first.unit_price) == ("ESIM-25G", True, "8" * 32, Decimal(2980))
    assert (first.whmcs_product_id, first.billing_cycle, second.billing_cycle) == (202, "monthly", "onetime")
    assert first.config_options == {"21": "201"} and bundle.order.total_amount == Decimal(5980)
    assert bundle.journal is not None and bundle.journal.generation == 1
    claim = {"Status": "Provisioning", "Provisioning_Status__c": "In Progress", "Attempt_Count__c": 1}
    await client.patch_order(key, claim, unmodified_since=now())
    await client.patch_order(key, {"WHMCS_Order_ID__c": "7"}, items={first.id: {"WHMCS_Service_ID__c": "9"}})
    await client.patch_order(key, {"Status": "Activated"})
    after = (await client.read_order(key)).order
    assert (after.status, after.status_code, after.attempt_count, after.whmcs_order_id) == (
        "Activated", "Activated", 1, "7",
    )  # fmt: skip


async def test_its_errors_are_classed(bench: Bench, client: SalesforceClient) -> None:
    key = bench.place()
    with pytest.raises(CallFailed) as refused:
        await client.patch_order(key, {"Status": "Activated", "Description": "x"})
    assert refused.value.refused
    with pytest.raises(CallFailed) as meanwhile:
        await client.patch_order(key, {"Description": "x"}, unmodified_since=now() - timedelta(hours=1))
    assert (meanwhile.value.error_class, meanwhile.value.code) == (ErrorClass.CONFLICT, "changed_meanwhile")
    with pytest.raises(CallFailed) as missing:
        await client.read_order("801000000000000AAA")
    assert (missing.value.error_class, missing.value.code) == (ErrorClass.DATA, "order_not_found")
    await client.insert_journal(1, "j-1", 0, now())
    with pytest.raises(CallFailed) as faster:
        await client.insert_journal(1, "j-2", 0, now())
    assert (faster.value.error_class, faster.value.code) == (ErrorClass.CONFLICT, "DUPLICATE_VALUE")


async def test_an_expired_token_is_renewed_unseen(bench: Bench, client: SalesforceClient) -> None:
    key = bench.place()
    await client.read_order(key)
    bench.faults.add(system="salesforce", operation="order.patch", kind="expire_token")
    await client.patch_order(key, {"Description": "x"})
    assert bench.order(key)["Description"] == "x"


async def test_publish_limits_and_find(bench: Bench, client: SalesforceClient) -> None:
    key = bench.place()
    assert await client.publish(key, f"{key}-0") == bench.events()[0].uuid
    assert (await client.limits())["DailyApiRequests"][0] == 100_000
    assert [account.number for account in await client.find_accounts("O'Neil")] == ["C-004002"]
    assert client.usage is not None and client.usage.total == 100_000
