"""Stock simple-salesforce against the sandbox: it only speaks https, so an adapter rewrites its addresses."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from tests.integrations.sandbox.salesforce.conftest import CUSTOMER, Bench

Result = TypeVar("Result")


class Rewriting(HTTPAdapter):
    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert isinstance(request.url, str)
        request.url = urlunsplit(self._target[:2] + urlsplit(request.url)[2:])
        return super().send(request, *args, **kwargs)


def connect(bench: Bench, **login: Any) -> Any:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", Rewriting(bench.base))
    return Salesforce(session=session, version="63.0", **login)


def by_credentials(bench: Bench) -> Any:
    end = bench.sandbox.endpoint()
    secrets = {"consumer_key": end["client_id"], "consumer_secret": end["client_secret"]}
    return connect(bench, **secrets, domain="portal.my")


async def work(job: Callable[[], Result]) -> Result:
    return await asyncio.to_thread(job)


async def test_login_query_and_rows(bench: Bench) -> None:
    key = bench.place()

    def job() -> None:
        sf = by_credentials(bench)
        with sf.session:
            row = sf.Order.get(key)
            assert row["Status"] == "Pending Review"
            assert sf.Order.update(key, {"Description": "by simple-salesforce"}) == 204
            found = sf.query(format_soql("SELECT Id, Account.Name FROM Order WHERE Id = {}", key))
            assert found["totalSize"] == 1 and found["records"][0]["Account"]["Name"]
            assert sf.query_all("SELECT Id FROM Product2")["totalSize"] == 10
            assert sf.Account.get_by_custom_id("SF_Account_No__c", CUSTOMER)["SF_Account_No__c"] == CUSTOMER
            made = sf.Account.create({"Name": "A & B's"})
            assert made["success"] is True
            soql = format_soql("SELECT Id FROM Account WHERE Name = {} AND Name LIKE '%{:like}%'", "A & B's", "B's")
            assert sf.query(soql)["records"][0]["Id"] == made["id"]
            assert sf.Account.upsert("SF_Account_No__c/X-1", {"Name": "x"}) == 201
            assert sf.Account.upsert("SF_Account_No__c/X-1", {"Name": "y"}) == 200
            assert sf.Account.delete(made["id"]) == 204
            assert sf.api_usage["api-usage"].used > 5
            assert sf.is_sandbox() is True

    await work(job)


async def test_jwt_login(bench: Bench, jwt_key: str) -> None:
    end = bench.sandbox.endpoint()

    def job() -> None:
        claims = {"username": end["users"]["approver"]["username"], "consumer_key": end["client_id"]}
        sf = connect(bench, **claims, privatekey=jwt_key, domain="test")
        with sf.session:
            key = sf.Account.create({"Name": "JWT"})["id"]
            assert sf.Account.get(key)["CreatedById"] == end["users"]["approver"]["id"]

    await work(job)


async def test_describe_limits_composite_and_publish(bench: Bench) -> None:
    key = bench.place()

    def job() -> None:
        sf = by_credentials(bench)
        with sf.session:
            assert any(row["name"] == "Order" for row in sf.describe()["sobjects"])
            assert any(field["name"] == "Status" for field in sf.Order.describe()["fields"])
            assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
            url = f"/services/data/v63.0/sobjects/Order/{key}"
            subs = [{"method": "PATCH", "url": url, "referenceId": "a", "body": {"Status": "Approved"}}]
            body = {"allOrNone": True, "compositeRequest": subs}
            assert sf.restful("composite", method="POST", json=body)["compositeResponse"][0]["httpStatusCode"] == 204
            assert sf.OrderProvisionRequested__e.create({"OrderId__c": key})["success"] is True

    await work(job)
    assert len(bench.events()) == 2


async def test_query_all_follows_pages(bench: Bench) -> None:
    bench.sandbox.org.batch_size = 4

    def job() -> None:
        sf = by_credentials(bench)
        with sf.session:
            names = [row["Name"] for row in sf.query_all_iter("SELECT Name FROM Product2 ORDER BY Name")]
            assert len(names) == 10 and names == sorted(names, key=str.lower)

    await work(job)


async def test_its_exceptions_fit(bench: Bench) -> None:
    keys = [bench.place(), bench.place()]
    for key in keys:
        bench.sandbox.desk.change_order(key, {"WHMCS_Order_ID__c": "5"})

    def job() -> None:
        sf = by_credentials(bench)
        with sf.session:
            with pytest.raises(SalesforceResourceNotFound):
                sf.Order.get("801000000000000AAA")
            with pytest.raises(SalesforceMalformedRequest) as refused:
                sf.Order.update(keys[0], {"Status": "Nonsense"})
            content: Any = refused.value.content
            assert content[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            with pytest.raises(SalesforceMoreThanOneRecord):
                sf.Order.get_by_custom_id("WHMCS_Order_ID__c", "5")
        direct = connect(bench, session_id="dead", instance_url="https://portal.my.salesforce.com")
        with direct.session, pytest.raises(SalesforceExpiredSession):
            direct.query("SELECT Id FROM User")

    await work(job)
