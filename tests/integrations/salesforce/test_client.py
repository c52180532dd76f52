"""What the client asks and how it reads the answers."""

import threading
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from integrations.correlation import correlation_id
from integrations.errors import CallFailed, ErrorClass, IntegrationError
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.models import ApiUsage, Order
from tests.integrations.salesforce.scripted import (
    ACCOUNT_ID,
    ITEM_ID,
    JOURNAL_ID,
    NOW,
    ORDER_ID,
    ScriptedOrg,
    client_for,
    item_row,
    journal_row,
    order_row,
    refuses,
    rows,
    says,
    together,
)

HALTED = [{"errorCode": "PROCESSING_HALTED", "message": "The transaction was rolled back since another failed."}]


async def test_an_order_is_read_in_one_composite(org: ScriptedOrg, client: SalesforceClient) -> None:
    first = item_row(Id="802D0000000CKp9IAG"[:15], OrderItemNumber="0000000001")
    org.script.append(says(together(rows(order_row()), rows(item_row(), first), rows(journal_row()))))
    bundle = await client.read_order(ORDER_ID[:15], with_journal=True)
    (asked,) = org.asked
    assert (asked.method, asked.path) == ("POST", "/services/data/v63.0/composite")
    assert asked.body["allOrNone"] is False
    assert len(asked.body["compositeRequest"]) == 3
    assert all(f"Id%20%3D%20%27{ORDER_ID}%27" in sub["url"] for sub in asked.body["compositeRequest"][:2])
    order = bundle.order
    assert (order.id, order.number, order.status, order.attempt_count) == (ORDER_ID, "00000101", "Approved", 0)
    assert order.effective_date == date(2026, 11, 23)
    assert order.total_amount == Decimal("1980.0")
    assert order.last_modified_at == datetime(2026, 11, 23, 8, 59, tzinfo=UTC)
    assert order.system_modstamp == "2026-11-23T08:59:01.000+0000"
    assert order.last_modified_by_id == "005D00000015rY9IAI"
    assert bundle.account is not None
    assert (bundle.account.id, bundle.account.name) == (ACCOUNT_ID, "株式会社 O'Brien")
    assert (bundle.account.number, bundle.account.whmcs_client_id) == ("C-004417", "17")
    assert bundle.account.phone is None
    assert [item.item_number for item in bundle.items] == ["0000000001", "0000000002"]
    item = bundle.items[1]
    assert item.is_esim
    assert (item.id, item.sku, item.profile_type, item.whmcs_product_id) == (ITEM_ID, "ESIM-5", "P5", 12)
    assert (item.quantity, item.unit_price) == (Decimal(1), Decimal(990))
    assert item.config_options == {"Region": "Tokyo", "Lines": "2", "Backup": "true", "Rate": "1.50"}
    assert bundle.journal is not None
    assert (bundle.journal.generation, bundle.journal.highest_feed) == (3, 41)


async def test_an_order_without_account_items_and_journal(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(together(rows(order_row(Account=None, AccountId=None)), rows(), rows())))
    bundle = await client.read_order(ORDER_ID, with_journal=True)
    assert (bundle.account, bundle.items, bundle.journal) == (None, (), None)


def lacks(field: str) -> list[dict[str, str]]:
    frame = "\nSELECT " + "Id, Portal_Recipient_Email__c, " * 40 + "\n^\nERROR at Row:1:Column:9\n"
    return [{"errorCode": "INVALID_FIELD", "message": f"{frame}No such column '{field}' on entity 'Order'."}]


async def test_an_org_without_an_optional_field_is_read_without_that_one(
    org: ScriptedOrg, client: SalesforceClient
) -> None:
    found = together(rows(order_row(Portal_Recipient_Email__c="a@b.jp")), rows())
    for field in ("Approved_At__c", "Approved_By_User__c"):
        refused = {"body": lacks(field), "httpHeaders": {}, "httpStatusCode": 400, "referenceId": "r0"}
        org.script.append(says({"compositeResponse": [refused, *found["compositeResponse"][1:]]}))
    org.script += [says(found), says(found)]
    assert (await client.read_order(ORDER_ID)).order.recipient_email == "a@b.jp"
    await client.read_order(ORDER_ID)
    asked = [str(request.body) for request in org.asked]
    assert ["Approved_At__c" in body for body in asked] == [True, False, False, False]
    assert ["Approved_By_User__c" in body for body in asked] == [True, True, False, False]
    assert all("Portal_Recipient_Email__c" in body for body in asked)
    org.script.append(says(rows()))
    await client.list_orders(["Approved"])
    assert "Approved_At__c" not in org.asked[-1].query["q"]


async def test_an_org_that_lacks_what_is_needed_is_said_to(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(lacks("Attempt_Count__c"), status=400))
    with pytest.raises(CallFailed, match="INVALID_FIELD"):
        await client.list_orders(["Approved"])
    assert len(org.asked) == 1


@pytest.mark.parametrize(
    ("kept", "read"), [("005D00000015gwV", "005D00000015gwVIAQ"), ("the boss", "the boss"), ("", None)]
)
def test_an_approver_s_id_is_read_in_either_length(kept: str, read: str | None) -> None:
    assert Order.model_validate(order_row(Approved_By_User__c=kept)).approved_by_user == read


@pytest.mark.parametrize("wrong", ["", "801", ITEM_ID, "801' OR Id != '", "x" * 10_000, "🙂" * 18])
async def test_an_impossible_order_id_is_not_asked_for(wrong: str, org: ScriptedOrg, client: SalesforceClient) -> None:
    for call in (client.read_order(wrong), client.patch_order(wrong, {"Status": "Failed"}), client.publish(wrong, "k")):
        with pytest.raises(CallFailed) as caught:
            await call
        assert (caught.value.error_class, caught.value.code) == (ErrorClass.DATA, "order_not_found")
        assert len(str(caught.value)) < 300
    assert org.asked == []
    assert org.logins == []


async def test_an_unknown_order_is_data(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(together(rows(), rows())))
    with pytest.raises(CallFailed) as caught:
        await client.read_order(ORDER_ID)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.DATA, "order_not_found")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ('["a"]', "not a JSON object"),
        ("[]", "not a JSON object"),
        ('"a"', "not a JSON object"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"a": {"b": 1}}', "no plain value"),
        ('{"a": [1]}', "no plain value"),
        ('{"a": null}', "no plain value"),
    ],
)
async def test_unreadable_options_are_kept_as_a_reason(
    text: str, reason: str, org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.script.append(says(together(rows(order_row()), rows(item_row(ConfigOptions_JSON__c=text)))))
    item = (await client.read_order(ORDER_ID)).items[0]
    assert item.config_options == {}
    assert item.config_options_error is not None
    assert reason in item.config_options_error


@pytest.mark.parametrize("text", [None, "", "  ", "{}", "null"])
async def test_no_options_are_no_error(text: str | None, org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(together(rows(order_row()), rows(item_row(ConfigOptions_JSON__c=text)))))
    item = (await client.read_order(ORDER_ID)).items[0]
    assert (item.config_options, item.config_options_error) == ({}, None)


async def test_a_row_that_cannot_be_read_is_data_and_names_the_field(
    org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.script.append(says(together(rows(order_row(LastModifiedDate="yesterday")), rows())))
    with pytest.raises(CallFailed) as caught:
        await client.read_order(ORDER_ID)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.DATA, "unreadable_row")
    assert "LastModifiedDate" in caught.value.message
    assert "yesterday" not in caught.value.message


async def test_a_patch_carries_its_condition_and_plain_values(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(status=204))
    when = datetime(2026, 11, 10, 17, 0, 0, 5000, tzinfo=timezone(timedelta(hours=9)))
    fields = {"Status": "Provisioning", "Attempt_Count__c": Decimal(2), "Last_Provisioning_At__c": when, "A": None}
    await client.patch_order(ORDER_ID, fields, unmodified_since=when)
    (asked,) = org.asked
    assert (asked.method, asked.path) == ("PATCH", f"/services/data/v63.0/sobjects/Order/{ORDER_ID}")
    assert asked.headers["If-Unmodified-Since"] == "Tue, 10 Nov 2026 08:00:00 GMT"
    assert asked.body == {
        "Status": "Provisioning",
        "Attempt_Count__c": 2,
        "Last_Provisioning_At__c": "2026-11-10T08:00:00.000+0000",
        "A": None,
    }


@pytest.mark.parametrize("body", [None, [{"errorCode": "PRECONDITION_FAILED", "message": "x"}], "<html></html>"])
async def test_a_failed_condition_is_a_conflict(body: Any, org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(body, 412))
    with pytest.raises(CallFailed) as caught:
        await client.patch_order(ORDER_ID, {"Status": "Approved"}, unmodified_since=NOW)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFLICT, "changed_meanwhile")


async def test_order_and_items_are_patched_all_or_nothing(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says(together(None, None, status=204)))
    items = {ITEM_ID[:15]: {"ESIM_ICCID__c": "8981"}}
    await client.patch_order(ORDER_ID, {"ESIM_ICCID__c": "8981"}, items=items, unmodified_since=NOW)
    (asked,) = org.asked
    assert asked.body == {
        "allOrNone": True,
        "compositeRequest": [
            {
                "method": "PATCH",
                "url": f"/services/data/v63.0/sobjects/Order/{ORDER_ID}",
                "body": {"ESIM_ICCID__c": "8981"},
                "httpHeaders": {"If-Unmodified-Since": "Mon, 23 Nov 2026 09:00:00 GMT"},
                "referenceId": "r0",
            },
            {
                "method": "PATCH",
                "url": f"/services/data/v63.0/sobjects/OrderItem/{ITEM_ID}",
                "body": {"ESIM_ICCID__c": "8981"},
                "referenceId": "r1",
            },
        ],
    }


async def test_the_culprit_of_a_rolled_back_composite_is_named(org: ScriptedOrg, client: SalesforceClient) -> None:
    culprit = [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "locked", "fields": ["Status"]}]
    org.script.append(says(together(HALTED, culprit, HALTED, status=400)))
    with pytest.raises(CallFailed) as caught:
        await client.patch_order(ORDER_ID, {"Status": "Failed"}, items={ITEM_ID: {"Quantity": 2}})
    assert caught.value.error_class is ErrorClass.DATA
    assert (caught.value.code, caught.value.message) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "locked")
    assert caught.value.detail == {"fields": "Status"}
    assert caught.value.operation == "order.patch"


def many(count: int) -> dict[str, dict[str, Any]]:
    return {f"802D0000000C{index:03d}": {"ESIM_EID__c": "8"} for index in range(count)}


async def test_many_items_go_in_several_composites(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script += [says(together(*[None] * 25, status=204)), says(together(None, None, status=204))]
    await client.patch_order(ORDER_ID, {"Status": "Provisioning"}, items=many(26))
    sizes = [len(asked.body["compositeRequest"]) for asked in org.asked]
    assert sizes == [25, 2]
    assert "/Order/" in org.asked[0].body["compositeRequest"][0]["url"]


async def test_a_refusal_after_a_part_was_done_proves_nothing(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script += [says(together(*[None] * 25, status=204)), refuses("UNABLE_TO_LOCK_ROW")]
    with pytest.raises(CallFailed) as caught:
        await client.patch_order(ORDER_ID, {"Status": "Provisioning"}, items=many(26))
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.OUTCOME_UNKNOWN, "UNABLE_TO_LOCK_ROW")


@pytest.mark.parametrize("answer", [{}, {"compositeResponse": []}, {"compositeResponse": [None]}, together(None)])
async def test_a_composite_answer_without_its_parts_proves_nothing(
    answer: Any, org: ScriptedOrg, client: SalesforceClient
) -> None:
    org.otherwise = says(answer)
    with pytest.raises(CallFailed) as caught:
        await client.patch_order(ORDER_ID, {"Status": "Failed"}, items={ITEM_ID: {"Quantity": 2}})
    assert caught.value.error_class is ErrorClass.OUTCOME_UNKNOWN
    with pytest.raises(CallFailed) as caught:
        await client.read_order(ORDER_ID)
    assert caught.value.error_class is ErrorClass.TRANSIENT


async def test_the_journals_rows(org: ScriptedOrg, client: SalesforceClient) -> None:
    bare = journal_row(Id="a00D0000008pQSO", Generation__c=1, Seen_At__c=None, Highest_Feed__c=None)
    org.script += [
        says(rows(journal_row(), bare)),
        says({"id": JOURNAL_ID, "success": True, "errors": []}, 201),
        says(status=204),
        says(status=204),
        refuses("NOT_FOUND", 404),
        refuses("ENTITY_IS_DELETED", 404),
    ]
    found = await client.journal_rows()
    assert [(row.generation, row.highest_feed, row.seen_at.year) for row in found] == [(3, 41, 2026), (1, 0, 1970)]
    assert await client.insert_journal(4, "j-2", 42, NOW) == JOURNAL_ID
    await client.touch_journal(JOURNAL_ID, 43, NOW)
    for _ in range(3):
        await client.delete_journal(JOURNAL_ID)
    assert org.asked[1].body == {
        "Generation__c": 4,
        "Journal_Id__c": "j-2",
        "Highest_Feed__c": 42,
        "Seen_At__c": "2026-11-23T09:00:00.000+0000",
    }
    assert [asked.method for asked in org.asked] == ["GET", "POST", "PATCH", "DELETE", "DELETE", "DELETE"]


async def test_somebody_faster_takes_the_generation(org: ScriptedOrg, client: SalesforceClient) -> None:
    said = "duplicate value found: Generation__c duplicates value on record with id: a00D0000008pQSN"
    org.script.append(refuses("DUPLICATE_VALUE", message=said))
    with pytest.raises(CallFailed) as caught:
        await client.insert_journal(4, "j-2", 42, NOW)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFLICT, "DUPLICATE_VALUE")


async def test_publishing_gives_the_events_uuid(org: ScriptedOrg, client: SalesforceClient) -> None:
    enqueued = {"statusCode": "OPERATION_ENQUEUED", "message": "0d1e-uuid", "fields": []}
    org.script += [
        says({"id": "e01xx0000000001AAA", "success": True, "errors": [enqueued]}, 201),
        says({"id": "e01xx0000000001AAA", "success": True, "errors": []}, 201),
    ]
    assert await client.publish(ORDER_ID[:15], "key-0") == "0d1e-uuid"
    assert org.asked[0].path == "/services/data/v63.0/sobjects/OrderProvisionRequested__e/"
    assert org.asked[0].body == {"OrderId__c": ORDER_ID, "IdemKey__c": "key-0"}
    with pytest.raises(CallFailed) as caught:
        await client.publish(ORDER_ID, "key-0")
    assert caught.value.error_class is ErrorClass.OUTCOME_UNKNOWN


async def test_limits(org: ScriptedOrg, client: SalesforceClient) -> None:
    org.script.append(says({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}, "Odd": {"Max": None}}))
    assert await client.limits() == {"DailyApiRequests": (15000, 14998)}


async def test_which_org_this_is(org: ScriptedOrg) -> None:
    row = {"Id": "00DD00000008abc", "Name": "Telecom", "IsSandbox": True, "InstanceName": "AP24"}
    org.otherwise = says(rows(row))
    for pinned, fits in ((None, True), ("00DD00000008abc", True), ("00DD00000008abd", False)):
        client = client_for(org.url, org_id=pinned)
        try:
            if fits:
                found = await client.org()
                assert (found.id[:15], found.name, found.is_sandbox) == ("00DD00000008abc", "Telecom", True)
            else:
                with pytest.raises(IntegrationError) as caught:
                    await client.org()
                assert (caught.value.error_class, caught.value.code) == (ErrorClass.CONFIG, "wrong_org")
        finally:
            await client.close()


async def test_quota_clock_and_correlation_id(org: ScriptedOrg) -> None:
    heard: list[tuple[datetime, int]] = []
    client = client_for(org.url, on_server_date=lambda when: heard.append((when, threading.get_ident())))
    before = client.usage
    told = {"Date": "Tue, 10 Nov 2026 08:00:00 GMT", "Sforce-Limit-Info": "api-usage=42/15000; api-bursts=1/75"}
    org.script.append(says(rows(), headers=told))
    correlation_id.set("run-7")
    await client.query("SELECT Id FROM Order")
    await client.close()
    assert (before, client.usage) == (None, ApiUsage(used=42, total=15000))
    assert heard == [(datetime(2026, 11, 10, 8, tzinfo=UTC), threading.get_ident())]
    assert org.asked[0].headers["X-Correlation-Id"] == "run-7"


async def test_the_quota_is_read_from_a_refusal_too(org: ScriptedOrg, client: SalesforceClient) -> None:
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    org.script.append(says(body, 403, {"Sforce-Limit-Info": "api-usage=15000/15000"}))
    with pytest.raises(CallFailed):
        await client.limits()
    assert client.usage == ApiUsage(used=15000, total=15000)
