"""Describe is made from the package: what it says, the rules enforce."""

from integrations.salesforce.package import load_package
from tests.integrations.sandbox.salesforce.conftest import Wire


async def test_the_global_list(wire: Wire) -> None:
    body = (await wire.get("/sobjects/")).body
    assert (body["encoding"], body["maxBatchSize"]) == ("UTF-8", 200)
    found = {row["name"]: row for row in body["sobjects"]}
    prefixes = {"Order": "801", "OrderItem": "802", "Product2": "01t", "PricebookEntry": "01u", "Account": "001"}
    assert {name: found[name]["keyPrefix"] for name in prefixes} == prefixes
    assert found["Order"]["urls"]["describe"] == "/services/data/v63.0/sobjects/Order/describe"
    event = found["OrderProvisionRequested__e"]
    assert (event["custom"], event["createable"], event["queryable"]) == (True, True, False)
    assert found["PricebookEntry"]["deletable"] is False


async def test_every_field_of_the_package_is_described(wire: Wire) -> None:
    package = load_package()
    for name, definition in package.objects.items():
        body = (await wire.get(f"/sobjects/{name}/describe/")).body
        fields = {field["name"]: field for field in body["fields"]}
        for field in definition.fields.values():
            said = fields[field.name]
            assert said["custom"] is True
            assert (said["unique"], said["externalId"]) == (field.unique, field.external_id)
            assert tuple(value["value"] for value in said["picklistValues"]) == field.picklist
            assert said["nillable"] is (not field.required and field.type != "Checkbox")
            if field.type == "Text":
                assert said["length"] == field.length


async def test_one_object(wire: Wire) -> None:
    body = (await wire.get("/sobjects/order/describe")).body
    fields = {field["name"]: field for field in body["fields"]}
    assert body["name"] == "Order" and body["keyPrefix"] == "801"
    statuses = [value["value"] for value in fields["Status"]["picklistValues"]]
    assert statuses == [status.name for status in load_package().order_statuses]
    assert fields["Status"]["defaultValue"] == "Draft"
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["AccountId"]["relationshipName"] == "Account"
    assert fields["OrderNumber"]["autoNumber"] is True and fields["OrderNumber"]["createable"] is False
    assert fields["TotalAmount"]["type"] == "currency"
    ways = {way["relationshipName"]: way for way in body["childRelationships"]}
    assert (ways["OrderItems"]["childSObject"], ways["OrderItems"]["field"]) == ("OrderItem", "OrderId")


async def test_create_only_fields_say_so(wire: Wire) -> None:
    body = (await wire.get("/sobjects/OrderItem/describe")).body
    closed = {f["name"] for f in body["fields"] if f["createable"] and not f["updateable"]}
    assert {"OrderId", "PricebookEntryId", "Product2Id", "ListPrice"} <= closed
