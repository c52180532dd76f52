"""The rules of orders, products and price books that mocks skip, one test each."""

from typing import Any

import pytest

from integrations.sandbox.salesforce.desk import OrderLine
from tests.integrations.sandbox.salesforce.conftest import OTHER, Bench, Reply, Wire


def code(reply: Reply) -> str:
    return str(reply.body[0]["errorCode"])


async def order(bench: Bench, wire: Wire, **changes: Any) -> Reply:
    fields = {
        "AccountId": bench.account(),
        "Pricebook2Id": bench.book(),
        "EffectiveDate": "2026-11-23",
        "Status": "Draft",
        **changes,
    }
    return await wire.post("/sobjects/Order", fields)


async def item(bench: Bench, wire: Wire, order_id: str, **changes: Any) -> Reply:
    fields = {"OrderId": order_id, "PricebookEntryId": bench.entry("SIM-25G"), "Quantity": 1, "UnitPrice": 2980}
    return await wire.post("/sobjects/OrderItem", {**fields, **changes})


async def test_an_order_starts_in_the_draft_category(bench: Bench, wire: Wire) -> None:
    reply = await order(bench, wire, Status="Activated")
    assert (reply.status, code(reply)) == (400, "FAILED_ACTIVATION")


async def test_the_default_status_is_the_packages(bench: Bench, wire: Wire) -> None:
    fields = {"AccountId": bench.account(), "EffectiveDate": "2026-11-23"}
    made = await wire.post("/sobjects/Order", fields)
    row = bench.order(made.body["id"])
    assert (row["Status"], row["Provisioning_Status__c"], row["Attempt_Count__c"]) == ("Draft", "Not Started", 0.0)


async def test_only_status_may_change_at_activation(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    refused = await wire.patch(f"/sobjects/Order/{key}", {"Status": "Activated", "Description": "done"})
    assert (code(refused), refused.body[0]["fields"]) == ("FAILED_ACTIVATION", ["Description"])
    assert bench.order(key)["Status"] == "Pending Review"
    assert (await wire.patch(f"/sobjects/Order/{key}", {"Status": "Activated"})).status == 204
    row = bench.order(key)
    assert row["StatusCode"] == "Activated"
    assert row["ActivatedById"] == bench.sandbox.users["integration"].id and row["ActivatedDate"]


async def test_a_field_that_keeps_its_value_does_not_hinder_activation(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    await wire.patch(f"/sobjects/Order/{key}", {"Description": "same"})
    assert (await wire.patch(f"/sobjects/Order/{key}", {"Status": "Activated", "Description": "same"})).status == 204


async def test_an_order_without_products_cannot_be_activated(bench: Bench, wire: Wire) -> None:
    key = (await order(bench, wire)).body["id"]
    reply = await wire.patch(f"/sobjects/Order/{key}", {"Status": "Activated"})
    assert code(reply) == "FAILED_ACTIVATION"


async def test_other_fields_may_change_before_and_after_activation(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    await wire.patch(f"/sobjects/Order/{key}", {"WHMCS_Order_ID__c": "7"})
    await wire.patch(f"/sobjects/Order/{key}", {"Status": "Activated"})
    assert (await wire.patch(f"/sobjects/Order/{key}", {"Provisioning_Status__c": "Provisioned"})).status == 204


async def test_the_price_book_stays_once_set(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    for book in (bench.book("Standard Price Book"), None):
        reply = await wire.patch(f"/sobjects/Order/{key}", {"Pricebook2Id": book})
        assert (code(reply), reply.body[0]["fields"]) == ("FIELD_INTEGRITY_EXCEPTION", ["Pricebook2Id"])


async def test_the_price_book_may_be_set_later(bench: Bench, wire: Wire) -> None:
    made = await wire.post("/sobjects/Order", {"AccountId": bench.account(), "EffectiveDate": "2026-11-23"})
    reply = await wire.patch(f"/sobjects/Order/{made.body['id']}", {"Pricebook2Id": bench.book()})
    assert reply.status == 204


async def test_the_account_is_fixed_after_activation(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    assert (await wire.patch(f"/sobjects/Order/{key}", {"AccountId": bench.account(OTHER)})).status == 204
    await wire.patch(f"/sobjects/Order/{key}", {"Status": "Activated"})
    assert (
        code(await wire.patch(f"/sobjects/Order/{key}", {"AccountId": bench.account()})) == "FIELD_INTEGRITY_EXCEPTION"
    )


async def test_an_activated_order_keeps_its_products(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    await wire.patch(f"/sobjects/Order/{key}", {"Status": "Activated"})
    line = bench.one("OrderItem", "OrderId", key)["Id"]
    assert code(await wire.send("DELETE", f"/sobjects/OrderItem/{line}")) == "DELETE_FAILED"
    assert code(await wire.send("DELETE", f"/sobjects/Order/{key}")) == "DELETE_FAILED"
    assert code(await item(bench, wire, key)) == "FIELD_INTEGRITY_EXCEPTION"
    assert code(await wire.patch(f"/sobjects/OrderItem/{line}", {"Quantity": 2})) == "FIELD_INTEGRITY_EXCEPTION"
    assert (await wire.patch(f"/sobjects/OrderItem/{line}", {"WHMCS_Service_ID__c": "9"})).status == 204


async def test_the_entry_must_be_of_the_orders_price_book(bench: Bench, wire: Wire) -> None:
    key = (await order(bench, wire)).body["id"]
    reply = await item(bench, wire, key, PricebookEntryId=bench.entry("SIM-25G", "Standard Price Book"))
    assert (code(reply), reply.body[0]["fields"]) == ("FIELD_INTEGRITY_EXCEPTION", ["PricebookEntryId"])
    assert reply.body[0]["message"].startswith("Order Products must have a Price Book Entry that belongs to the Price")


async def test_an_inactive_entry_cannot_be_ordered(bench: Bench, wire: Wire, admin: Wire) -> None:
    await admin.patch(f"/sobjects/PricebookEntry/{bench.entry('SIM-25G')}", {"IsActive": False})
    key = (await order(bench, wire)).body["id"]
    assert code(await item(bench, wire, key)) == "FIELD_INTEGRITY_EXCEPTION"


@pytest.mark.parametrize("field", ["OrderId", "PricebookEntryId", "Quantity", "UnitPrice"])
async def test_required_fields_of_a_product_line(bench: Bench, wire: Wire, field: str) -> None:
    key = (await order(bench, wire)).body["id"]
    reply = await item(bench, wire, key, **{field: None})
    assert (code(reply), reply.body[0]["fields"]) == ("REQUIRED_FIELD_MISSING", [field])


async def test_a_quantity_is_above_zero(bench: Bench, wire: Wire) -> None:
    key = (await order(bench, wire)).body["id"]
    assert code(await item(bench, wire, key, Quantity=0)) == "FIELD_INTEGRITY_EXCEPTION"


async def test_create_only_fields_of_a_product_line(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    line = bench.one("OrderItem", "OrderId", key)["Id"]
    reply = await wire.patch(
        f"/sobjects/OrderItem/{line}", {"OrderId": key, "PricebookEntryId": bench.entry("VPN-BASIC")}
    )
    assert (code(reply), reply.body[0]["fields"]) == (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        ["OrderId", "PricebookEntryId"],
    )


async def test_lines_are_completed_and_the_order_totals_them(bench: Bench, wire: Wire) -> None:
    key = (await order(bench, wire)).body["id"]
    made = await item(bench, wire, key, Quantity="3", UnitPrice=15.99)
    line = (await wire.get(f"/sobjects/OrderItem/{made.body['id']}")).body
    assert (line["TotalPrice"], line["ListPrice"], line["AvailableQuantity"]) == (47.97, 2980.0, 3.0)
    assert line["Product2Id"] == bench.one("Product2", "StockKeepingUnit", "SIM-25G")["Id"]
    assert len(line["OrderItemNumber"]) == 10
    assert bench.order(key)["TotalAmount"] == 47.97
    await wire.patch(f"/sobjects/OrderItem/{made.body['id']}", {"Quantity": 1})
    assert bench.order(key)["TotalAmount"] == 15.99
    await wire.send("DELETE", f"/sobjects/OrderItem/{made.body['id']}")
    assert bench.order(key)["TotalAmount"] == 0.0


async def test_deleting_an_order_deletes_its_lines(bench: Bench, admin: Wire) -> None:
    key = bench.place()
    assert (await admin.send("DELETE", f"/sobjects/Order/{key}")).status == 204
    assert await admin.rows(f"SELECT Id FROM OrderItem WHERE OrderId = '{key}'") == []
    reply = await admin.get("/queryAll", params={"q": f"SELECT IsDeleted FROM OrderItem WHERE OrderId = '{key}'"})
    assert [row["IsDeleted"] for row in reply.body["records"]] == [True]


async def test_a_custom_price_needs_a_standard_price_first(bench: Bench, admin: Wire) -> None:
    product = (await admin.post("/sobjects/Product2", {"Name": "New", "IsActive": True})).body["id"]
    entry = {"Product2Id": product, "UnitPrice": 1, "IsActive": True}
    refused = await admin.post("/sobjects/PricebookEntry", {**entry, "Pricebook2Id": bench.book()})
    assert code(refused) == "STANDARD_PRICE_NOT_DEFINED"
    standard = {**entry, "Pricebook2Id": bench.book("Standard Price Book")}
    assert (await admin.post("/sobjects/PricebookEntry", standard)).status == 201
    assert (await admin.post("/sobjects/PricebookEntry", {**entry, "Pricebook2Id": bench.book()})).status == 201
    assert code(await admin.post("/sobjects/PricebookEntry", standard)) == "DUPLICATE_VALUE"


async def test_entries_are_never_deleted_and_keep_product_and_book(bench: Bench, admin: Wire) -> None:
    path = f"/sobjects/PricebookEntry/{bench.entry('SIM-25G')}"
    assert code(await admin.send("DELETE", path)) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert code(await admin.patch(path, {"Product2Id": bench.account()})) == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert (await admin.patch(path, {"UnitPrice": 1})).status == 204


async def test_staff_may_only_make_the_packages_transitions(bench: Bench, staff: Wire, wire: Wire) -> None:
    key = bench.place()
    refused = await staff.patch(f"/sobjects/Order/{key}", {"Status": "Provisioning"})
    assert (refused.status, code(refused), refused.body[0]["fields"]) == (
        400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ["Status"],
    )  # fmt: skip
    assert (await staff.patch(f"/sobjects/Order/{key}", {"Status": "Approved"})).status == 204
    assert (await wire.patch(f"/sobjects/Order/{key}", {"Status": "Provisioning"})).status == 204


async def test_staff_may_not_create_an_approved_order(bench: Bench, staff: Wire, wire: Wire) -> None:
    assert code(await order(bench, staff, Status="Approved")) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert (await order(bench, wire, Status="Approved")).status == 201


async def test_orders_stand_still_while_they_are_provisioned(bench: Bench, staff: Wire, wire: Wire) -> None:
    key = bench.place()
    bench.sandbox.desk.approve(key)
    await wire.patch(f"/sobjects/Order/{key}", {"Status": "Provisioning"})
    line = bench.one("OrderItem", "OrderId", key)["Id"]
    for reply in (
        await staff.patch(f"/sobjects/Order/{key}", {"AccountId": bench.account(OTHER)}),
        await staff.patch(f"/sobjects/OrderItem/{line}", {"Quantity": 2}),
        await item(bench, staff, key),
    ):
        assert code(reply) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert (await wire.patch(f"/sobjects/OrderItem/{line}", {"WHMCS_Service_ID__c": "9"})).status == 204
    assert (await staff.patch(f"/sobjects/Order/{key}", {"Status": "Cancelled"})).status == 204


async def test_the_desk_obeys_the_same_rules(bench: Bench) -> None:
    from integrations.sandbox.salesforce.errors import SalesforceError

    key = bench.place(OrderLine("ESIM-25G", eid="8" * 32, options={21: 201}))
    with pytest.raises(SalesforceError, match="FIELD_CUSTOM_VALIDATION"):
        bench.sandbox.desk.change_order(key, {"Status": "Activated"})
    with pytest.raises(LookupError):
        bench.place(customer="nobody")
    with pytest.raises(LookupError):
        bench.place(OrderLine("NO-SUCH-SKU"))
    line = bench.one("OrderItem", "OrderId", key)
    assert (line["ESIM_EID__c"], line["ConfigOptions_JSON__c"], line["Billing_Cycle__c"]) == (
        "8" * 32, '{"21": 201}', "monthly",
    )  # fmt: skip
    assert bench.order(key)["CreatedById"] == bench.sandbox.users["placer"].id
