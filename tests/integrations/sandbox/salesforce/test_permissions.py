"""With option ``permissions`` the package's permission sets are law: the integration needs nothing beyond its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.config import ClientCredentials, SalesforceConfig
from integrations.sandbox.salesforce.server import SalesforceOptions
from tests.integrations.sandbox.salesforce.conftest import Bench, close_bench, open_bench


@pytest.fixture
async def strict(tmp_path: Path, session: aiohttp.ClientSession, jwt_key: str) -> AsyncIterator[Bench]:
    found = await open_bench(tmp_path, session, SalesforceOptions(permissions=True), key=jwt_key)
    yield found
    await close_bench(found)


async def test_objects(strict: Bench) -> None:
    wire, admin = strict.wire(), strict.wire("admin")
    made = await wire.post("/sobjects/Product2", {"Name": "x"})
    assert made.body[0]["errorCode"] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    gone = await wire.send("DELETE", f"/sobjects/Account/{strict.account()}")
    assert (gone.status, gone.body[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    hidden = await strict.wire("placer").query("SELECT Id FROM Case")
    assert hidden.body[0]["errorCode"] == "INVALID_TYPE"
    assert (await admin.post("/sobjects/Product2", {"Name": "x"})).status == 201


async def test_fields(strict: Bench) -> None:
    key, staff = strict.place(), strict.wire("placer")
    closed = await staff.patch(f"/sobjects/Order/{key}", {"ESIM_ICCID__c": "1"})
    assert closed.body[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert (await staff.patch(f"/sobjects/Order/{key}", {"Description": "x"})).status == 204
    hidden = await staff.query("SELECT Journal_Id__c FROM Portal_Journal__c")
    assert hidden.body[0]["errorCode"] == "INVALID_TYPE"
    record = (await staff.get(f"/sobjects/Product2/{strict.one('Product2', 'ProductCode', 'SIM-25G')['Id']}")).body
    assert record["WHMCS_Product_Id__c"] == 201.0


async def test_the_integrations_own_work(strict: Bench) -> None:
    end = strict.sandbox.endpoint()
    auth = ClientCredentials(end["client_id"], end["client_secret"])
    client = SalesforceClient(SalesforceConfig(end["login_url"], auth), now=lambda: datetime.now(UTC))
    try:
        key = strict.place()
        strict.sandbox.desk.approve(key, "Kenji")
        await client.org()
        journal = await client.insert_journal(1, "j", 0, datetime.now(UTC))
        await client.touch_journal(journal, 1, datetime.now(UTC))
        (line,) = (await client.read_order(key, with_journal=True)).items
        claim = {"Status": "Provisioning", "Provisioning_Status__c": "In Progress", "Attempt_Count__c": 1}
        await client.patch_order(key, {**claim, "ESIM_ICCID__c": "89", "Last_Provisioning_At__c": datetime.now(UTC)})
        written = {"WHMCS_Service_ID__c": "1", "ESIM_ICCID__c": "89"}
        await client.patch_order(key, {"WHMCS_Order_ID__c": "7", "WHMCS_Invoice_ID__c": "8"}, items={line.id: written})
        await client.patch_order(key, {"Status": "Activated"})
        await client.publish(key, "k")
        await client.find_accounts("佐藤")
        await client.delete_journal(journal)
    finally:
        await client.close()
