"""Single rows over REST: shapes, headers, field rules."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from integrations.salesforce.ids import norm_id
from tests.integrations.sandbox.salesforce.conftest import CUSTOMER, OTHER, Bench, Reply, Wire


def code(reply: Reply) -> str:
    return str(reply.body[0]["errorCode"])


def order_fields(bench: Bench, **changes: Any) -> dict[str, Any]:
    fields = {
        "AccountId": bench.account(),
        "Pricebook2Id": bench.book(),
        "EffectiveDate": "2026-11-23",
        "Status": "Pending Review",
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not ...}


async def test_create_read_change_delete(bench: Bench, wire: Wire) -> None:
    made = await wire.post("/sobjects/Order/", order_fields(bench))
    assert made.status == 201
    key = made.body["id"]
    assert made.body == {"id": key, "success": True, "errors": []}
    assert made.headers["Location"] == f"/services/data/v63.0/sobjects/Order/{key}"
    assert norm_id(key, "801") == key
    row = await wire.get(f"/sobjects/Order/{key}")
    assert row.body["attributes"] == {"type": "Order", "url": f"/services/data/v63.0/sobjects/Order/{key}"}
    assert row.body["OrderNumber"].isdigit() and len(row.body["OrderNumber"]) == 8
    assert row.body["StatusCode"] == "Draft" and row.body["EndDate"] is None and row.body["TotalAmount"] == 0.0
    assert row.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert row.headers["Last-Modified"].endswith("GMT")
    changed = await wire.patch(f"/sobjects/Order/{key}", {"Description": "urgent"})
    assert (changed.status, changed.body) == (204, "")
    assert "Content-Type" not in changed.headers
    assert (await wire.send("DELETE", f"/sobjects/Order/{key}")).status == 204
    gone = await wire.get(f"/sobjects/Order/{key}")
    assert (gone.status, code(gone)) == (404, "ENTITY_IS_DELETED")


async def test_both_lengths_of_id_name_a_row(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    short = await wire.get(f"/sobjects/Order/{key[:15]}?fields=Id,Status")
    assert short.body == {
        "attributes": {"type": "Order", "url": f"/services/data/v63.0/sobjects/Order/{key}"},
        "Id": key,
        "Status": "Pending Review",
    }


@pytest.mark.parametrize("key", ["801000000000000AAA", "801x", "8015h00000000009AA"])
async def test_no_such_row_is_404(wire: Wire, key: str) -> None:
    reply = await wire.get(f"/sobjects/Order/{key}")
    assert (reply.status, code(reply)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("changes", "expected", "fields"),
    [
        ({"AccountId": ..., "EffectiveDate": ...}, "REQUIRED_FIELD_MISSING", ["AccountId", "EffectiveDate"]),
        ({"Status": "Approvd"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Status"]),
        ({"Provisioning_Error_Code__c": "x" * 65}, "STRING_TOO_LONG", ["Provisioning_Error_Code__c"]),
        ({"Provisioning_Error_Message__c": "x" * 4097}, "STRING_TOO_LONG", ["Provisioning_Error_Message__c"]),
        ({"Attempt_Count__c": 10000}, "NUMBER_OUTSIDE_VALID_RANGE", ["Attempt_Count__c"]),
        ({"EffectiveDate": "tomorrow"}, "JSON_PARSER_ERROR", ["EffectiveDate"]),
        ({"AccountId": "001"}, "MALFORMED_ID", ["AccountId"]),
        ({"AccountId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY", ["AccountId"]),
        ({"OrderNumber": "1"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["OrderNumber"]),
        ({"Id": "801000000000001AAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Id"]),
        ({"Name": {"a": 1}}, "JSON_PARSER_ERROR", ["Name"]),
    ],
)
async def test_bad_fields_are_refused(
    bench: Bench, wire: Wire, changes: dict[str, Any], expected: str, fields: list[str]
) -> None:
    before = len(bench.sandbox.org.db.table("Order"))
    reply = await wire.post("/sobjects/Order", order_fields(bench, **changes))
    assert (reply.status, code(reply), reply.body[0]["fields"]) == (400, expected, fields)
    assert len(bench.sandbox.org.db.table("Order")) == before


async def test_an_unknown_field_is_refused_by_name(bench: Bench, wire: Wire) -> None:
    reply = await wire.post("/sobjects/Order", order_fields(bench, Nonsense__c=1))
    assert reply.body == [
        {"message": "No such column 'Nonsense__c' on sobject of type Order", "errorCode": "INVALID_FIELD"}
    ]


async def test_messages_that_clients_match(bench: Bench, wire: Wire) -> None:
    missing = await wire.post("/sobjects/Order", {"Status": "Draft"})
    assert missing.body[0]["message"] == "Required fields are missing: [AccountId, EffectiveDate]"
    long = await wire.post("/sobjects/Account", {"Name": "A", "AccountNumber": "1" * 41})
    assert long.body[0]["message"] == f"Account Number: data value too large: {'1' * 41} (max length=40)"
    double = await wire.post("/sobjects/Account", {"Name": "A", "SF_Account_No__c": CUSTOMER.lower()})
    assert code(double) == "DUPLICATE_VALUE"
    known = bench.account()[:15]
    expected = f"duplicate value found: SF_Account_No__c duplicates value on record with id: {known}"
    assert double.body[0]["message"] == expected


async def test_a_required_field_cannot_be_emptied(bench: Bench, wire: Wire) -> None:
    reply = await wire.patch(f"/sobjects/Account/{bench.account()}", {"Name": "  "})
    assert code(reply) == "REQUIRED_FIELD_MISSING"


async def test_a_case_sensitive_key_differs_by_case(bench: Bench, wire: Wire) -> None:
    one = await wire.post("/sobjects/Order", order_fields(bench, Portal_Order_Key__c="abc"))
    other = await wire.post("/sobjects/Order", order_fields(bench, Portal_Order_Key__c="ABC"))
    again = await wire.post("/sobjects/Order", order_fields(bench, Portal_Order_Key__c="abc"))
    assert (one.status, other.status, code(again)) == (201, 201, "DUPLICATE_VALUE")


async def test_the_journals_generation_is_a_compare_and_swap(wire: Wire) -> None:
    fields = {"Generation__c": 1, "Journal_Id__c": "j-1", "Highest_Feed__c": 0}
    first = await wire.post("/sobjects/Portal_Journal__c", fields)
    second = await wire.post("/sobjects/Portal_Journal__c", {**fields, "Journal_Id__c": "j-2"})
    assert (first.status, code(second)) == (201, "DUPLICATE_VALUE")
    assert (await wire.send("DELETE", f"/sobjects/Portal_Journal__c/{first.body['id']}")).status == 204
    assert (await wire.post("/sobjects/Portal_Journal__c", fields)).status == 201


async def test_system_fields_show_who_did_what(bench: Bench, staff: Wire, wire: Wire) -> None:
    key = (await staff.post("/sobjects/Order", order_fields(bench))).body["id"]
    await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"})
    row = (await wire.get(f"/sobjects/Order/{key}")).body
    assert row["CreatedById"] == bench.sandbox.users["placer"].id
    assert row["LastModifiedById"] == bench.sandbox.users["integration"].id
    assert row["SystemModstamp"] == row["LastModifiedDate"] >= row["CreatedDate"]
    assert row["CreatedDate"].endswith(".000+0000")
    user = await wire.get(f"/sobjects/User/{row['CreatedById']}?fields=Username")
    assert user.body["Username"] == bench.sandbox.users["placer"].username


async def test_if_unmodified_since(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    now = datetime.now(UTC)
    old = {"If-Unmodified-Since": format_datetime(now - timedelta(hours=1), usegmt=True)}
    new = {"If-Unmodified-Since": format_datetime(now + timedelta(seconds=2), usegmt=True)}
    refused = await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"}, headers=old)
    assert refused.status == 412 and "Description" not in bench.order(key)
    assert (await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"}, headers=new)).status == 204
    bad = await wire.patch(f"/sobjects/Order/{key}", {}, headers={"If-Unmodified-Since": "yesterday"})
    assert bad.status == 400


async def test_if_modified_since(bench: Bench, wire: Wire) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    reply = await wire.get(f"/sobjects/Account/{bench.account()}", headers={"If-Modified-Since": later})
    assert (reply.status, reply.body) == (304, "")


async def test_etag_of_accounts(bench: Bench, wire: Wire) -> None:
    path = f"/sobjects/Account/{bench.account()}"
    tag = (await wire.get(path)).headers["ETag"]
    assert (await wire.patch(path, {"Phone": "1"}, headers={"If-Match": '"other"'})).status == 412
    assert (await wire.patch(path, {"Phone": "1"}, headers={"If-Match": tag})).status == 204


async def test_upsert_by_external_id(bench: Bench, wire: Wire) -> None:
    path = "/sobjects/Account/SF_Account_No__c/A%2F1%20%C3%BC"
    made = await wire.patch(path, {"Name": "New"})
    assert (made.status, made.body["created"]) == (201, True)
    again = await wire.patch(path, {"Name": "Newer"})
    assert again.body == {"id": made.body["id"], "success": True, "errors": [], "created": False}
    found = await wire.get(path)
    assert (found.body["SF_Account_No__c"], found.body["Name"]) == ("A/1 ü", "Newer")
    old = await wire.send("PATCH", path.replace("/sobjects", "/services/data/v45.0/sobjects"), {"Name": "Old"})
    assert old.status == 204
    only = await wire.patch("/sobjects/Account/SF_Account_No__c/none?updateOnly=true", {"Name": "x"})
    assert (only.status, code(only)) == (404, "NOT_FOUND")
    key_in_body = await wire.patch(path, {"Name": "x", "SF_Account_No__c": "A/1 ü"})
    assert code(key_in_body) == "INVALID_FIELD"
    assert (await wire.patch("/sobjects/Account/Phone/1", {"Name": "x"})).status == 404


async def test_an_external_id_of_several_rows_is_300(bench: Bench, wire: Wire) -> None:
    keys = [bench.place(), bench.place()]
    for key in keys:
        await wire.patch(f"/sobjects/Order/{key}", {"WHMCS_Order_ID__c": "77"})
    for reply in (
        await wire.patch("/sobjects/Order/WHMCS_Order_ID__c/77", {"Description": "x"}),
        await wire.get("/sobjects/Order/WHMCS_Order_ID__c/77"),
    ):
        assert reply.status == 300
        assert reply.body == [f"/services/data/v63.0/sobjects/Order/{key}" for key in keys]


async def test_a_parent_may_be_named_by_external_id(bench: Bench, wire: Wire) -> None:
    fields = order_fields(bench, AccountId=..., Account={"SF_Account_No__c": OTHER})
    made = await wire.post("/sobjects/Order", fields)
    assert bench.order(made.body["id"])["AccountId"] == bench.account(OTHER)
    missing = await wire.post("/sobjects/Order", {**fields, "Account": {"SF_Account_No__c": "nobody"}})
    assert code(missing) == "INVALID_FIELD"


async def test_relationships_can_be_followed_by_url(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    items = await wire.get(f"/sobjects/Order/{key}/OrderItems")
    assert items.body["totalSize"] == 1 and items.body["records"][0]["OrderId"] == key
    account = await wire.get(f"/sobjects/Order/{key}/Account?fields=SF_Account_No__c")
    assert account.body["SF_Account_No__c"] == CUSTOMER


async def test_methods_and_paths_that_do_not_exist(wire: Wire) -> None:
    wrong = await wire.send("PUT", "/sobjects/Account/001")
    assert (wrong.status, code(wrong)) == (405, "METHOD_NOT_ALLOWED")
    for path in ("/sobjects/Nonsense", "/nonsense", "/services/data/v68.0/limits", "/composite/nonsense"):
        assert (await wire.get(path)).status == 404
    retired = await wire.get("/services/data/v30.0/limits")
    assert (retired.status, code(retired)) == (410, "GONE")


@pytest.mark.parametrize(
    "path", ["////services/data/v63.0/limits/", "/services//data/v51.0//sobjects/", "/services/data/v67.0/"]
)
async def test_slashes_and_versions_do_not_matter(bench: Bench, wire: Wire, path: str) -> None:
    assert (await wire.get(bench.base + path)).status == 200


async def test_a_body_that_is_no_json(bench: Bench, wire: Wire) -> None:
    headers = {"Authorization": f"OAuth {wire.token}", "Content-Type": "application/json"}
    url = f"{bench.base}/services/data/v63.0/sobjects/Account"
    async with bench.session.post(url, data=b"{oops", headers=headers) as reply:
        assert reply.status == 400
        assert (await reply.json())[0]["errorCode"] == "JSON_PARSER_ERROR"


async def test_patch_by_method_override(bench: Bench, wire: Wire) -> None:
    reply = await wire.post(f"/sobjects/Account/{bench.account()}?_HttpMethod=PATCH", {"Phone": "03-0000-0000"})
    assert reply.status == 204
    assert bench.one("Account", "SF_Account_No__c", CUSTOMER)["Phone"] == "03-0000-0000"


async def test_every_answer_counts_and_says_so(wire: Wire) -> None:
    used = []
    for path in ("/limits", "/sobjects/Nonsense", "/query?q=x"):
        info = (await wire.get(path)).headers["Sforce-Limit-Info"]
        used.append(int(info.removeprefix("api-usage=").partition("/")[0]))
    assert used == [used[0], used[0] + 1, used[0] + 2]
    limits = (await wire.get("/limits")).body["DailyApiRequests"]
    assert limits["Max"] - limits["Remaining"] == used[0] + 3


async def test_users_and_the_organization_are_closed(bench: Bench, admin: Wire) -> None:
    made = await admin.post("/sobjects/User", {"LastName": "x"})
    changed = await admin.patch(f"/sobjects/User/{bench.sandbox.users['placer'].id}", {"LastName": "x"})
    assert code(made) == code(changed) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


async def test_deleting_an_account_with_orders_is_refused(bench: Bench, admin: Wire) -> None:
    bench.place()
    assert code(await admin.send("DELETE", f"/sobjects/Account/{bench.account()}")) == "DELETE_FAILED"


async def test_a_case_takes_its_defaults(bench: Bench, wire: Wire) -> None:
    fields = {"AccountId": bench.account(), "Subject": "Mail", "Origin": "Web", "SuppliedEmail": "a@b.jp"}
    made = await wire.post("/sobjects/Case", fields)
    row = (await wire.get(f"/sobjects/Case/{made.body['id']}")).body
    assert (row["Status"], row["Priority"]) == ("New", "Medium") and len(row["CaseNumber"]) == 8
    bad = await wire.post("/sobjects/Case", {**fields, "SuppliedEmail": "nobody"})
    assert code(bad) == "INVALID_EMAIL_ADDRESS"
