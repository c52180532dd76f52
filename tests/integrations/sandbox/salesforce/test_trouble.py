"""Nonsense gets an answer, never a server error; the hot paths never scan."""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.sandbox.salesforce.errors import SalesforceError
from integrations.sandbox.salesforce.rows import Database
from integrations.sandbox.salesforce.soql_parser import parse
from tests.integrations.sandbox.salesforce.conftest import CUSTOMER, Bench, Wire
from tests.integrations.sandbox.salesforce.test_composite import answers, sub

WORDS = (
    "SELECT", "Id", "FROM", "Order", "WHERE", "Status", "=", "'a'", "'", "(", ")", ",", "IN", "NOT", "AND", "OR", "LIKE",
    "null", "5", "LAST_N_DAYS:3", "TODAY", "ORDER", "BY", "LIMIT", "COUNT()", "2026-99-99", "GROUP", "\\", "\n", "佐",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_the_parser_refuses_only_in_its_own_way(text: str) -> None:
    try:
        parse(text)
    except SalesforceError as error:
        assert error.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/composite", {"compositeRequest": [{"method": 5, "url": 5, "referenceId": "a", "httpHeaders": [1]}]}),
        ("/composite", {"compositeRequest": "x"}),
        ("/composite/graph", {"graphs": [5]}),
        ("/composite/batch", {"batchRequests": [None]}),
        ("/composite/sobjects", {"records": [5]}),
        ("/composite/sobjects/Account", {"ids": 5, "fields": ["Name"]}),
        ("/composite/tree/Order", {"records": [{"attributes": 5}]}),
        ("/commerce/sale/order", {"order": [{"OrderItems": {"records": [5]}}]}),
        ("/sobjects/Account", {"Name": "\ud83d"}),
        ("/sobjects/Account", [1]),
        ("/sobjects/Account", {"Name": 1e999}),
        ("/sobjects/Account", {"Name": ["a"]}),
    ],
)
async def test_nonsense_is_answered(wire: Wire, path: str, body: Any) -> None:
    assert (await wire.post(path, body)).status in (200, 400)


@pytest.mark.parametrize("number", ["O'Neil\" \\ %_", "🎌🎌", "x" * 10_000, "a/b?c#d&e=f+g", "../..", "\u202e"])
async def test_any_text_is_a_customer_number(bench: Bench, wire: Wire, number: str) -> None:
    from urllib.parse import quote

    escaped = number.replace("\\", "\\\\").replace("'", "\\'")
    assert await wire.rows(f"SELECT Id FROM Account WHERE SF_Account_No__c = '{escaped}'") == []
    reply = await wire.patch(f"/sobjects/Account/SF_Account_No__c/{quote(number, safe='')}", {"Name": "x"})
    assert reply.status == (400 if len(number) > 40 else 201)
    if reply.status == 201:
        rows = await wire.rows(f"SELECT SF_Account_No__c FROM Account WHERE SF_Account_No__c = '{escaped}'")
        assert rows[0]["SF_Account_No__c"] == number


async def test_the_hot_paths_never_scan(bench: Bench, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [bench.place() for _ in range(3)]
    line = bench.one("OrderItem", "OrderId", keys[0])["Id"]
    bench.sandbox.desk.approve(keys[0])
    real = Database.rows

    def guarded(self: Database, name: str, *, deleted: bool = False) -> Iterable[dict[str, Any]]:
        assert name not in ("Order", "OrderItem", "Account"), f"{name} was scanned"
        return real(self, name, deleted=deleted)

    monkeypatch.setattr(Database, "rows", guarded)
    listed = ",".join(f"'{key}'" for key in keys)
    for where, source in (
        (f"Id = '{keys[0]}'", "Order"),
        (f"Id IN ({listed}) AND Status != 'Draft'", "Order"),
        ("Status IN ('Approved', 'Provisioning') AND LastModifiedDate > 2020-01-01T00:00:00Z", "Order"),
        (f"OrderId = '{keys[0]}'", "OrderItem"),
        (f"OrderId IN ({listed})", "OrderItem"),
        (f"Id = '{keys[0]}' OR Status = 'Approved'", "Order"),
        (f"SF_Account_No__c = '{CUSTOMER}'", "Account"),
    ):
        assert await wire.rows(f"SELECT Id FROM {source} WHERE {where} ORDER BY Id")
    reply = await wire.composite(
        sub("a", "GET", f"/sobjects/Order/{keys[0]}"),
        sub("b", "GET", f"/query?q=SELECT+Id,(SELECT+Id+FROM+OrderItems)+FROM+Order+WHERE+Id='{keys[0]}'"),
        sub("c", "PATCH", f"/sobjects/OrderItem/{line}", {"WHMCS_Service_ID__c": "1"}),
        sub("d", "PATCH", f"/sobjects/Order/{keys[0]}", {"Status": "Provisioning"}),
    )
    assert [answer["httpStatusCode"] for answer in answers(reply).values()] == [200, 200, 204, 204]


async def test_indexes_follow_roll_backs(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    for _ in range(3):
        await wire.composite(
            sub("a", "PATCH", f"/sobjects/Order/{key}", {"Status": "Approved", "Portal_Order_Key__c": "new"}),
            sub("b", "POST", "/sobjects/Account", {}),
        )
    assert await wire.rows("SELECT Id FROM Order WHERE Status = 'Approved'") == []
    assert (await wire.get("/sobjects/Order/Portal_Order_Key__c/new")).status == 404
    (row,) = await wire.rows("SELECT Id FROM Order WHERE Status = 'Pending Review'")
    assert row["Id"] == key


async def test_one_of_many_takers_wins(bench: Bench, wire: Wire) -> None:
    fields = [{"Generation__c": 1, "Journal_Id__c": f"j-{n}"} for n in range(10)]
    replies = await asyncio.gather(*(wire.post("/sobjects/Portal_Journal__c", each) for each in fields))
    assert sorted(reply.status for reply in replies) == [201] + [400] * 9


async def test_ids_stay_apart(bench: Bench) -> None:
    rng = random.Random(1)
    keys = {bench.place(customer=CUSTOMER) for _ in range(rng.randint(80, 90))}
    assert len({key.lower() for key in keys}) == len(keys)
