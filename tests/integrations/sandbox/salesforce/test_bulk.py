"""Many records in one call: collections, tree, Place Order."""

from typing import Any

from tests.integrations.sandbox.salesforce.conftest import CUSTOMER, Bench, Wire


def account(name: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, "Name": name, **fields}


async def test_collections_answer_per_record(bench: Bench, wire: Wire) -> None:
    records = [account("A"), account(""), account("B", SF_Account_No__c=CUSTOMER), {"Name": "no type"}]
    reply = await wire.post("/composite/sobjects", {"allOrNone": False, "records": records})
    assert reply.status == 200
    good, empty, double, untyped = reply.body
    assert (good["success"], good["errors"]) == (True, [])
    assert empty == {
        "success": False,
        "errors": [
            {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]}
        ],
    }  # fmt: skip
    assert double["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    assert untyped["success"] is False
    assert (await wire.get(f"/sobjects/Account/{good['id']}")).status == 200


async def test_collections_all_or_none(bench: Bench, wire: Wire) -> None:
    before = len(bench.sandbox.org.db.table("Account"))
    reply = await wire.post("/composite/sobjects", {"allOrNone": True, "records": [account("A"), account("")]})
    codes = [result["errors"][0]["statusCode"] for result in reply.body]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert len(bench.sandbox.org.db.table("Account")) == before


async def test_collections_change_upsert_read_delete(bench: Bench, wire: Wire, admin: Wire) -> None:
    made = await wire.post("/composite/sobjects", {"records": [account("A"), account("B")]})
    keys = [result["id"] for result in made.body]
    changed = await wire.patch(
        "/composite/sobjects", {"records": [{**account("A2"), "id": keys[0][:15]}, account("C")]}
    )
    assert [result["success"] for result in changed.body] == [True, False]
    assert changed.body[1]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    upserts = [account("D", SF_Account_No__c="N-1"), account("Sato", SF_Account_No__c=CUSTOMER)]
    upserted = await wire.patch("/composite/sobjects/Account/SF_Account_No__c", {"records": upserts})
    assert [result["created"] for result in upserted.body] == [True, False]
    read = await wire.get(f"/composite/sobjects/Account?ids={','.join(keys)},001000000000000AAA&fields=Name")
    assert [row and row["Name"] for row in read.body] == ["A2", "B", None]
    posted = await wire.post("/composite/sobjects/Account", {"ids": keys, "fields": ["Name"]})
    assert [row["Name"] for row in posted.body] == ["A2", "B"]
    deleted = await admin.send("DELETE", f"/composite/sobjects?ids={','.join(keys)}&allOrNone=true")
    assert [result["success"] for result in deleted.body] == [True, True]
    many = await wire.post("/composite/sobjects", {"records": [account("A")] * 201})
    assert many.status == 400


def tree(bench: Bench, **item: Any) -> dict[str, Any]:
    line = {
        "attributes": {"type": "OrderItem", "referenceId": "i1"}, "PricebookEntryId": bench.entry("SIM-25G"),
        "Quantity": 1, "UnitPrice": 10, **item,
    }  # fmt: skip
    order = {
        "attributes": {"type": "Order", "referenceId": "o1"}, "AccountId": bench.account(), "Status": "Draft",
        "EffectiveDate": "2026-11-23", "Pricebook2Id": bench.book(), "OrderItems": {"records": [line]},
    }  # fmt: skip
    return {"records": [order]}


async def test_tree(bench: Bench, wire: Wire) -> None:
    reply = await wire.post("/composite/tree/Order/", tree(bench))
    assert (reply.status, reply.body["hasErrors"]) == (201, False)
    found = {result["referenceId"]: result["id"] for result in reply.body["results"]}
    assert bench.one("OrderItem", "OrderId", found["o1"])["Id"] == found["i1"]


async def test_a_failing_tree_leaves_nothing(bench: Bench, wire: Wire) -> None:
    before = len(bench.sandbox.org.db.table("Order"))
    reply = await wire.post("/composite/tree/Order", tree(bench, Quantity=None))
    assert (reply.status, reply.body["hasErrors"]) == (400, True)
    (result,) = reply.body["results"]
    assert result["referenceId"] == "i1"
    assert result["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert len(bench.sandbox.org.db.table("Order")) == before


async def test_place_order(bench: Bench, wire: Wire) -> None:
    line = {"attributes": {"type": "OrderItem"}, "PricebookEntryId": bench.entry("SIM-25G"), "quantity": "1"}
    order = {
        "attributes": {"type": "Order"}, "EffectiveDate": "2026-11-23", "Status": "Draft", "accountId": bench.account(),
        "Pricebook2Id": bench.book(), "OrderItems": {"records": [{**line, "UnitPrice": "15.99"}]},
    }  # fmt: skip
    reply = await wire.post("/commerce/sale/order", {"order": [order]})
    assert (reply.status, reply.body["totalSize"], reply.body["done"]) == (201, 1, True)
    (record,) = reply.body["records"]
    assert record["attributes"]["type"] == "Order" and record["OrderItems"]["totalSize"] == 1
    more = {"order": [{"attributes": {"type": "Order"}, "OrderItems": {"records": [{**line, "UnitPrice": 1}]}}]}
    assert (await wire.patch(f"/commerce/sale/order/{record['Id']}", more)).status == 200
    shown = await wire.get(f"/commerce/sale/order/{record['Id']}")
    assert shown.body["records"][0]["OrderItems"]["totalSize"] == 2
    assert bench.order(record["Id"])["TotalAmount"] == 16.99


async def test_place_order_with_a_bad_line_leaves_nothing(bench: Bench, wire: Wire) -> None:
    before = len(bench.sandbox.org.db.table("Order"))
    order = {
        "EffectiveDate": "2026-11-23", "AccountId": bench.account(), "Pricebook2Id": bench.book(),
        "OrderItems": {"records": [{"Quantity": 1}]},
    }  # fmt: skip
    assert (await wire.post("/commerce/sale/order", {"order": [order]})).status == 400
    assert len(bench.sandbox.org.db.table("Order")) == before
