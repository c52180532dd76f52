"""Several requests in one: composite, batch, graph."""

from typing import Any

from tests.integrations.sandbox.salesforce.conftest import DATA, Bench, Reply, Wire

HALTED = [
    {
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
        "errorCode": "PROCESSING_HALTED",
    }
]


def sub(reference: str, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    found = {"method": method, "url": DATA + path, "referenceId": reference, **more}
    return found if body is None else {**found, "body": body}


def answers(reply: Reply) -> dict[str, Any]:
    assert reply.status == 200, reply.body
    return {answer["referenceId"]: answer for answer in reply.body["compositeResponse"]}


def new_order(bench: Bench, reference: str = "refOrder") -> dict[str, Any]:
    fields = {"AccountId": bench.account(), "Pricebook2Id": bench.book(), "EffectiveDate": "2026-11-23"}
    return sub(reference, "POST", "/sobjects/Order", {**fields, "Status": "Pending Review"})


def new_item(bench: Bench, reference: str, **changes: Any) -> dict[str, Any]:
    fields = {"PricebookEntryId": bench.entry("SIM-25G"), "Quantity": 1, "UnitPrice": 15.99}
    return sub(reference, "POST", "/sobjects/OrderItem", {"OrderId": "@{refOrder.id}", **fields, **changes})


async def test_an_order_with_its_products(bench: Bench, wire: Wire) -> None:
    reply = await wire.composite(new_order(bench), new_item(bench, "refItem0"))
    first, second = reply.body["compositeResponse"]
    key = first["body"]["id"]
    assert first == {
        "body": {"id": key, "success": True, "errors": []},
        "httpHeaders": {"Location": f"{DATA}/sobjects/Order/{key}"},
        "httpStatusCode": 201,
        "referenceId": "refOrder",
    }
    assert second["httpStatusCode"] == 201
    assert bench.order(key)["TotalAmount"] == 15.99


async def test_all_or_none_rolls_everything_back(bench: Bench, wire: Wire) -> None:
    count = len(bench.sandbox.org.db.table("Order"))
    limits = (await wire.get("/limits")).body["DailyApiRequests"]["Remaining"]
    reply = await wire.composite(
        new_order(bench), new_item(bench, "a"), new_item(bench, "b", PricebookEntryId=None), new_item(bench, "c")
    )
    found = answers(reply)
    for reference in ("refOrder", "a", "c"):
        assert found[reference] == {
            "body": HALTED, "httpHeaders": {}, "httpStatusCode": 400, "referenceId": reference,
        }  # fmt: skip
    assert found["b"]["httpStatusCode"] == 400
    assert found["b"]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert len(bench.sandbox.org.db.table("Order")) == count
    after = (await wire.get("/limits")).body["DailyApiRequests"]["Remaining"]
    assert limits - after == 2, "a composite counts as one call"


async def test_the_number_of_a_rolled_back_order_is_used_again(bench: Bench, wire: Wire) -> None:
    before = bench.order(bench.place())["OrderNumber"]
    await wire.composite(new_order(bench), new_item(bench, "b", Quantity=0))
    assert int(bench.order(bench.place())["OrderNumber"]) == int(before) + 1


async def test_without_all_or_none_the_rest_stands(bench: Bench, wire: Wire) -> None:
    reply = await wire.composite(
        new_order(bench), new_item(bench, "bad", Quantity=0), sub("use", "GET", "/sobjects/OrderItem/@{bad.id}"),
        new_item(bench, "good"), all_or_none=False,
    )  # fmt: skip
    found = answers(reply)
    assert [found[name]["httpStatusCode"] for name in ("refOrder", "bad", "use", "good")] == [201, 400, 400, 201]
    assert found["use"]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "No value for bad.id found in bad" in found["use"]["body"][0]["message"]
    assert bench.order(found["refOrder"]["body"]["id"])["TotalAmount"] == 15.99


async def test_reading_with_references_into_records(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    soql = f"SELECT+Id,AccountId,Account.Name+FROM+Order+WHERE+Id='{key}'"
    reply = await wire.composite(
        sub("order", "GET", f"/query?q={soql}"),
        sub("account", "GET", "/sobjects/Account/@{order.records[0].AccountId}?fields=Name"),
        sub("rename", "PATCH", f"/sobjects/Order/{key}", {"Description": "for @{account.Name}"}),
    )
    found = answers(reply)
    assert found["account"]["body"]["Name"] == found["order"]["body"]["records"][0]["Account"]["Name"]
    assert (found["rename"]["httpStatusCode"], found["rename"]["body"]) == (204, None)
    assert bench.order(key)["Description"] == f"for {found['account']['body']['Name']}"


async def test_a_missing_row_fails_an_all_or_none_group(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    reply = await wire.composite(
        sub("change", "PATCH", f"/sobjects/Order/{key}", {"Description": "x"}),
        sub("gone", "GET", "/sobjects/Order/801000000000000AAA"),
    )
    assert answers(reply)["gone"]["httpStatusCode"] == 404
    assert answers(reply)["change"]["body"] == HALTED
    assert "Description" not in bench.order(key)


async def test_conditional_change_inside(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    old = {"If-Unmodified-Since": "Tue, 10 Nov 2020 08:00:00 GMT"}
    reply = await wire.composite(
        sub("change", "PATCH", f"/sobjects/Order/{key}", {"Description": "x"}, httpHeaders=old)
    )
    assert answers(reply)["change"]["httpStatusCode"] == 412


async def test_headers_that_a_subrequest_may_not_set(bench: Bench, wire: Wire) -> None:
    reply = await wire.composite(sub("a", "GET", "/limits", httpHeaders={"Authorization": "Bearer x"}))
    assert answers(reply)["a"]["httpStatusCode"] == 400


async def test_a_collection_as_a_subrequest(bench: Bench, wire: Wire) -> None:
    record = {
        "attributes": {"type": "OrderItem"}, "OrderId": "@{refOrder.id}", "PricebookEntryId": bench.entry("SIM-25G"),
        "Quantity": 1, "UnitPrice": 10,
    }  # fmt: skip
    many = {"allOrNone": True, "records": [record] * 60}
    reply = await wire.composite(new_order(bench), sub("items", "POST", "/composite/sobjects", many))
    found = answers(reply)
    assert [result["success"] for result in found["items"]["body"]] == [True] * 60
    assert bench.order(found["refOrder"]["body"]["id"])["TotalAmount"] == 600.0


async def test_limits_and_form_of_a_composite(bench: Bench, wire: Wire) -> None:
    many = [sub(f"r{n}", "GET", "/limits") for n in range(26)]
    assert (await wire.composite(*many)).status == 400
    queries = [sub(f"r{n}", "GET", "/query?q=SELECT+Id+FROM+User") for n in range(6)]
    assert (await wire.composite(*queries)).status == 400
    assert (await wire.composite(*queries[:5])).status == 200
    assert (await wire.composite(many[0], many[0])).status == 400, "a referenceId twice"
    assert (await wire.post("/composite", {"compositeRequest": []})).status == 400
    assert (await wire.post("/composite", [1])).status == 400
    nested = await wire.composite(sub("r", "POST", "/composite", {"compositeRequest": many[:1]}))
    assert answers(nested)["r"]["httpStatusCode"] == 400


async def test_batch(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    requests = [
        {"method": "PATCH", "url": f"v63.0/sobjects/Order/{key}", "richInput": {"Description": "x"}},
        {"method": "GET", "url": "v63.0/sobjects/Order/801000000000000AAA"},
        {"method": "GET", "url": f"v63.0/sobjects/Order/{key}?fields=Description"},
    ]
    reply = await wire.post("/composite/batch", {"batchRequests": requests})
    assert reply.body["hasErrors"] is True
    assert [result["statusCode"] for result in reply.body["results"]] == [204, 404, 200]
    assert reply.body["results"][2]["result"]["Description"] == "x"
    halted = await wire.post("/composite/batch", {"haltOnError": True, "batchRequests": requests})
    assert [result["statusCode"] for result in halted.body["results"]] == [204, 404, 412]


async def test_graphs_succeed_or_fail_one_by_one(bench: Bench, wire: Wire) -> None:
    good = {"graphId": "g1", "compositeRequest": [new_order(bench), new_item(bench, "i")]}
    bad = {"graphId": "g2", "compositeRequest": [new_order(bench), new_item(bench, "i", Quantity=0)]}
    reply = await wire.post("/composite/graph", {"graphs": [good, bad]})
    first, second = reply.body["graphs"]
    assert (first["graphId"], first["isSuccessful"], second["isSuccessful"]) == ("g1", True, False)
    assert second["graphResponse"]["compositeResponse"][0]["body"] == HALTED
    assert bench.order(first["graphResponse"]["compositeResponse"][0]["body"]["id"])
