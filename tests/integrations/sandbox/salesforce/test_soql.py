"""SOQL over HTTP: what is selected, filtered, sorted, counted, and how mistakes are said."""

from typing import Any

import pytest

from integrations.sandbox.salesforce.desk import OrderLine
from tests.integrations.sandbox.salesforce.conftest import CUSTOMER, OTHER, Bench, Wire


@pytest.fixture
def keys(bench: Bench) -> list[str]:
    """Three open orders beside the past one: Pending Review, Approved, Draft with two lines."""
    found = [
        bench.place(OrderLine("SIM-25G", 2)),
        bench.place(OrderLine("VPN-BASIC"), customer=OTHER),
        bench.place(OrderLine("ESIM-25G", eid="8" * 32), OrderLine("SIM-ACTIVATION"), status="Draft"),
    ]
    bench.sandbox.desk.approve(found[1], "Kenji")
    bench.sandbox.desk.change_order(found[0], {"Description": 'it\'s 100%_\\ "ok"'})
    return found


async def test_fields_keep_their_order_and_their_spelling(bench: Bench, wire: Wire, keys: list[str]) -> None:
    reply = await wire.query(f"select STATUS, id from order where id = '{keys[0][:15]}'")
    url = f"/services/data/v63.0/sobjects/Order/{keys[0]}"
    record = {"attributes": {"type": "Order", "url": url}, "Status": "Pending Review", "Id": keys[0]}
    assert reply.body == {"totalSize": 1, "done": True, "records": [record]}
    assert list(reply.body["records"][0]) == ["attributes", "Status", "Id"]


async def test_parent_paths_nest(wire: Wire, keys: list[str]) -> None:
    soql = f"SELECT Product2.StockKeepingUnit, Order.Account.SF_Account_No__c, Order.Status FROM OrderItem WHERE OrderId='{keys[0]}'"
    (row,) = await wire.rows(soql)
    assert row["Product2"]["StockKeepingUnit"] == "SIM-25G"
    assert row["Product2"]["attributes"]["type"] == "Product2"
    assert row["Order"]["Account"]["SF_Account_No__c"] == CUSTOMER
    assert row["Order"]["Status"] == "Pending Review"


async def test_a_missing_parent_is_null(wire: Wire, keys: list[str]) -> None:
    (row,) = await wire.rows(f"SELECT ActivatedBy.Name FROM Order WHERE Id = '{keys[0]}'")
    assert row["ActivatedBy"] is None


async def test_sub_queries_nest_whole_answers_or_null(bench: Bench, wire: Wire, keys: list[str]) -> None:
    empty = await wire.post("/sobjects/Order", {"AccountId": bench.account(), "EffectiveDate": "2026-11-23"})
    soql = "SELECT Id, (SELECT Quantity, Product2.Name FROM OrderItems WHERE Quantity > 0 ORDER BY OrderItemNumber DESC) FROM Order WHERE Id IN ('{}', '{}')"
    rows = {row["Id"]: row["OrderItems"] for row in await wire.rows(soql.format(keys[2], empty.body["id"]))}
    assert rows[empty.body["id"]] is None
    nested = rows[keys[2]]
    assert (nested["totalSize"], nested["done"]) == (2, True)
    assert [item["Product2"]["Name"] for item in nested["records"]] == ["SIM Activation Fee", "eSIM Voice 25GB"]


async def count(wire: Wire, where: str, source: str = "Order") -> int:
    reply = await wire.query(f"SELECT COUNT() FROM {source} WHERE {where}")
    assert reply.status == 200, reply.body
    assert reply.body["records"] == []
    return int(reply.body["totalSize"])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("Status = 'approved'", 1),
        ("Status != 'Approved'", 3),
        ("Status <> 'Approved'", 3),
        ("Status IN ('Approved', 'Draft')", 2),
        ("Status NOT IN ('Approved', 'Draft')", 2),
        ("(NOT Status = 'Approved')", 3),
        ("Status LIKE 'a%'", 2),
        ("Status LIKE '_raft'", 1),
        ("Status = 'Approved' AND Account.SF_Account_No__c = 'c-004002'", 1),
        ("Status = 'Approved' OR Status = 'Draft'", 2),
        ("(Status = 'Approved' OR Status = 'Draft') AND TotalAmount > 2000", 1),
        ("TotalAmount >= 5980 AND TotalAmount < 5980.01", 1),
        ("TotalAmount = 5960.0", 1),
        ("TotalAmount <= 980", 2),
        ("Provisioning_Error_Code__c = null", 4),
        ("Provisioning_Error_Code__c != 'x'", 4),
        ("Approved_By__c != null", 1),
        ("Approved_By__c != ''", 1),
        ("IsDeleted = false", 4),
        ("EffectiveDate = TODAY", 3),
        ("EffectiveDate >= YESTERDAY AND EffectiveDate < TOMORROW", 3),
        ("EffectiveDate < LAST_N_DAYS:30", 1),
        ("EffectiveDate = THIS_YEAR", 3),
        ("EffectiveDate = 2025-05-01", 1),
        ("CreatedDate = TODAY", 3),
        ("CreatedDate > LAST_N_DAYS:3", 0),
        ("CreatedDate = LAST_N_DAYS:3", 3),
        ("CreatedDate < 2025-05-02T00:00:00Z", 1),
        ("CreatedDate = 2025-05-01T10:00:00+09:00", 1),
        ("CALENDAR_YEAR(CreatedDate) = 2025", 1),
        ("Order.Status = 'Draft'", 1),
        ("Account.Name LIKE 'O\\'N%'", 2),
        ("Account.Name = '佐藤 花子'", 2),
        ("CreatedBy.Username LIKE 'placer@%'", 3),
        ("Id IN (SELECT OrderId FROM OrderItem WHERE Product2.StockKeepingUnit = 'VPN-BASIC')", 2),
        ("Id NOT IN (SELECT OrderId FROM OrderItem WHERE Quantity = 2)", 3),
    ],
)
async def test_where(wire: Wire, keys: list[str], where: str, expected: int) -> None:
    assert await count(wire, where) == expected


async def test_escapes(bench: Bench, wire: Wire) -> None:
    names = ['it\'s 100%_\\ "ok"', "it's 1000 ok", "tab\there"]
    for name in names:
        await wire.post("/sobjects/Account", {"Name": name})
    assert await count(wire, r"Name = 'it\'s 100%_\\ \"ok\"'", "Account") == 1
    assert await count(wire, r"Name LIKE 'it\'s 100\%\_%'", "Account") == 1
    assert await count(wire, r"Name LIKE 'it\'s 100%'", "Account") == 2
    assert await count(wire, r"Name = 'tab\there'", "Account") == 1
    assert await count(wire, r"Name = 'tab\u0009here'", "Account") == 1


async def test_order_limit_offset_and_nulls(wire: Wire, keys: list[str]) -> None:
    rows = await wire.rows("SELECT OrderNumber FROM Order ORDER BY OrderNumber DESC LIMIT 2 OFFSET 1")
    assert [row["OrderNumber"] for row in rows] == ["00000102", "00000101"]
    first = await wire.rows("SELECT Approved_By__c FROM Order ORDER BY Approved_By__c")
    last = await wire.rows("SELECT Approved_By__c FROM Order ORDER BY Approved_By__c DESC NULLS LAST")
    assert first[-1]["Approved_By__c"] == last[0]["Approved_By__c"] == "Kenji"
    two = await wire.rows("SELECT Account.Name, OrderNumber FROM Order ORDER BY Account.Name ASC, OrderNumber DESC")
    assert [row["OrderNumber"] for row in two] == ["00000102", "00000100", "00000103", "00000101"]


async def test_picklists_sort_by_their_list(wire: Wire, keys: list[str]) -> None:
    rows = await wire.rows("SELECT Status FROM Order ORDER BY Status")
    assert [row["Status"] for row in rows] == ["Draft", "Pending Review", "Approved", "Activated"]


async def test_aggregates(wire: Wire, keys: list[str]) -> None:
    reply = await wire.query("SELECT COUNT(Id), SUM(TotalAmount), MAX(OrderNumber) last FROM Order")
    record = {"attributes": {"type": "AggregateResult"}, "expr0": 4, "expr1": 13900.0, "last": "00000103"}
    assert reply.body["records"] == [record]
    grouped = await wire.rows(
        "SELECT Account.SF_Account_No__c, COUNT(Id) n FROM Order GROUP BY Account.SF_Account_No__c "
        "HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC, Account.SF_Account_No__c"
    )
    assert [(row["SF_Account_No__c"], row["n"]) for row in grouped] == [(CUSTOMER, 2), (OTHER, 2)]
    assert (await wire.query("SELECT COUNT() FROM Order LIMIT 2")).body["totalSize"] == 2


async def test_fields_all(wire: Wire, keys: list[str]) -> None:
    (row,) = await wire.rows(f"SELECT FIELDS(ALL) FROM Order WHERE Id = '{keys[0]}' LIMIT 1")
    assert {"Id", "Status", "Portal_Order_Key__c", "SystemModstamp"} <= row.keys()
    (row,) = await wire.rows(f"SELECT Id, FIELDS(CUSTOM) FROM Order WHERE Id = '{keys[0]}' LIMIT 1")
    assert "Placed_By__c" in row and "OrderNumber" not in row


async def test_organization_users_and_statuses(bench: Bench, wire: Wire) -> None:
    (org,) = await wire.rows(
        "SELECT Id, Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix FROM Organization"
    )
    assert (org["IsSandbox"], org["TrialExpirationDate"], org["NamespacePrefix"]) == (True, None, None)
    assert org["Id"] == bench.sandbox.endpoint()["org_id"]
    bench.sandbox.set_is_sandbox(False)
    assert (await wire.rows("SELECT IsSandbox FROM Organization"))[0]["IsSandbox"] is False
    statuses = await wire.rows(
        "SELECT ApiName, MasterLabel, StatusCode, IsDefault, SortOrder FROM OrderStatus ORDER BY SortOrder"
    )
    assert [(row["ApiName"], row["StatusCode"]) for row in statuses][-1] == ("Activated", "Activated")
    assert [row["ApiName"] for row in statuses if row["IsDefault"]] == ["Draft"]


async def test_the_catalog_query_of_the_portal(wire: Wire) -> None:
    rows = await wire.rows(
        "SELECT Id, UnitPrice, Product2.StockKeepingUnit, Product2.WHMCS_Product_Id__c FROM PricebookEntry "
        "WHERE Pricebook2.Name='Portal' AND Pricebook2.IsActive=true AND IsActive=true AND Product2.IsActive=true "
        "AND Product2.Portal_Catalog__c=true AND Product2.Portal_Accessible__c=true"
    )
    assert len(rows) == 10
    assert {row["Product2"]["StockKeepingUnit"]: row["UnitPrice"] for row in rows}["SIM-25G"] == 2980.0


FRAME = "ERROR at Row:1:Column:"


@pytest.mark.parametrize(
    ("soql", "expected", "part"),
    [
        ("SELECT Id FROM", "MALFORMED_QUERY", f"{FRAME}15\nunexpected token: '<EOF>'"),
        ("SELECT FROM Order", "MALFORMED_QUERY", f"{FRAME}8\nunexpected token: 'FROM'"),
        ("SELECT * FROM Order", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Order WHERE Status = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY", "token: 'OR'"),
        ("SELECT Id FROM Order WHERE Status = \"a\"", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Order WHERE Status = 'a", "MALFORMED_QUERY", ""),
        ("SELECT Id FROM Order WHERE Name = 'a\\q'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("SELECT Id FROM Order LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Name, COUNT(Id) FROM Order", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        ("", "MALFORMED_QUERY", "A query string has to be specified"),
        ("SELECT Id FROM Orders", "INVALID_TYPE", f"{FRAME}16\nsObject type 'Orders' is not supported."),
        ("SELECT Id, (SELECT Id FROM OrderItem) FROM Order", "INVALID_TYPE", "Didn't understand relationship"),
        ("SELECT Id, Nope__c FROM Order", "INVALID_FIELD", f"{FRAME}12\nNo such column 'Nope__c' on entity 'Order'."),
        ("SELECT Owner.Nope FROM Order", "INVALID_FIELD", "No such column 'Nope' on entity 'User'."),
        ("SELECT Nope.Name FROM Order", "INVALID_FIELD", "Didn't understand relationship 'Nope' in field path"),
        ("SELECT Id FROM Order WHERE Name = 5", "INVALID_FIELD", "must be of type string and should be enclosed"),
        ("SELECT Id FROM Order WHERE TotalAmount = '5'", "INVALID_FIELD", "should not be enclosed in quotes"),
        ("SELECT Id FROM Order WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Order WHERE IsDeleted = 'false'", "INVALID_FIELD", "must be of type boolean"),
        ("SELECT Id FROM Order WHERE Description = 'a'", "INVALID_FIELD", "can not be filtered in a query call"),
        ("SELECT Id FROM Order ORDER BY Description", "INVALID_FIELD", "can not be sorted in a query call"),
        ("SELECT Id, Id FROM Order", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM Order WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        ("SELECT Id FROM Order WHERE AccountId LIKE '001%'", "INVALID_QUERY_FILTER_OPERATOR", ""),
        ("SELECT Id FROM Order OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
    ],
)  # fmt: skip
async def test_mistakes(wire: Wire, soql: str, expected: str, part: str) -> None:
    reply = await wire.query(soql)
    assert (reply.status, reply.body[0]["errorCode"]) == (400, expected)
    assert part in reply.body[0]["message"]


async def test_the_error_frame_points_at_the_place(wire: Wire) -> None:
    reply = await wire.query("SELECT Id\nFROM Order\nWHERE Nope = 1")
    lines = reply.body[0]["message"].split("\n")
    assert lines[1:4] == ["WHERE Nope = 1", "      ^", "ERROR at Row:3:Column:7"]


async def test_pages(bench: Bench, wire: Wire) -> None:
    bench.sandbox.org.batch_size = 3
    for n in range(8):
        await wire.post("/sobjects/Account", {"Name": f"A{n}"})
    reply = await wire.query("SELECT Name FROM Account ORDER BY Name")
    seen: list[Any] = []
    pages = 0
    while True:
        pages += 1
        assert reply.body["totalSize"] == 10
        seen += reply.body["records"]
        assert reply.body["done"] is ("nextRecordsUrl" not in reply.body)
        if reply.body["done"]:
            break
        assert reply.body["nextRecordsUrl"].startswith("/services/data/v63.0/query/01g")
        reply = await wire.get(reply.body["nextRecordsUrl"])
    assert pages == 4 and len({row["Name"] for row in seen}) == 10
    lost = await wire.get("/query/01gNOSUCH-2000")
    assert lost.body[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


async def test_batch_size_by_header(wire: Wire) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": f"A{n:03d}"} for n in range(200)]
    await wire.post("/composite/sobjects", {"records": records})
    await wire.post("/composite/sobjects", {"records": records})
    headers = {"Sforce-Query-Options": "batchSize=250"}
    reply = await wire.query("SELECT Id FROM Account", headers=headers)
    assert (len(reply.body["records"]), reply.body["done"]) == (250, False)
    assert reply.body["nextRecordsUrl"].endswith("-250")
    small = await wire.query("SELECT Id FROM Account", headers={"Sforce-Query-Options": "batchSize=1"})
    assert len(small.body["records"]) == 200


async def test_columns(wire: Wire) -> None:
    soql = "SELECT Id, TotalAmount, Account.Owner.Name, (SELECT Quantity FROM OrderItems) FROM Order"
    body = (await wire.query(soql, params={"columns": "true"})).body
    assert (body["entityName"], body["groupBy"], body["idSelected"], body["keyPrefix"]) == ("Order", False, True, "801")
    key, amount, account, items = body["columnMetadata"]
    assert (key["columnName"], key["apexType"], key["textType"]) == ("Id", "Id", True)
    assert (amount["numberType"], amount["updatable"]) == (True, False)
    assert account["columnName"] == "Account" and account["aggregate"] is False
    assert account["joinColumns"][0]["columnName"] == "Owner"
    assert account["joinColumns"][0]["joinColumns"][0]["columnName"] == "Name"
    assert (items["columnName"], items["aggregate"]) == ("OrderItems", True)
    assert items["joinColumns"][0]["columnName"] == "Quantity"
    grouped = (await wire.query("SELECT COUNT(Id), Status FROM Order GROUP BY Status", params={"columns": "true"})).body
    assert grouped["groupBy"] is True
    assert (grouped["columnMetadata"][0]["columnName"], grouped["columnMetadata"][0]["aggregate"]) == ("expr0", True)
