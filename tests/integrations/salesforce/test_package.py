"""The package deploys: every file is valid, everything it refers to is there, and each kind of mistake is caught."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from integrations.salesforce.models import Account, JournalRow, Order, OrderItem, OrderRef, OrgInfo
from integrations.salesforce.package import PackageError, load_package
from integrations.salesforce.soql import Queries, checked, field_names
from tests.integrations.salesforce.package_checks import (
    code_fields,
    has_field,
    reference_problems,
    schema_problems,
    strict_schema,
)

SOURCE = Path(__file__).parents[3] / "integrations" / "salesforce" / "metadata"
OBJECTS = "objects"
RULE = "objects/Order/validationRules/Portal_Status_Transition.validationRule-meta.xml"
LOCK = "objects/OrderItem/validationRules/Portal_Lock_Order_Products.validationRule-meta.xml"
FLOW = "flows/Order_Provision_Request.flow-meta.xml"
STAMP = "flows/Order_Approval_Stamp.flow-meta.xml"
STATUS = "standardValueSets/OrderStatus.standardValueSet-meta.xml"
INTEGRATION = "permissionsets/Portal_Integration.permissionset-meta.xml"
STAFF = "permissionsets/Portal_Staff.permissionset-meta.xml"
EVENT = "objects/OrderProvisionRequested__e/OrderProvisionRequested__e.object-meta.xml"
CYCLE = "objects/OrderItem/fields/Billing_Cycle__c.field-meta.xml"


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return strict_schema()


@pytest.fixture
def package_copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOURCE, tmp_path / "metadata"))


def spoil(root: Path, file: str, old: str, new: str) -> None:
    path = root / "force-app" / "main" / "default" / file
    text = path.read_text("utf-8")
    assert old in text, f"the seeded mistake does not fit {file} any more"
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_every_file_is_valid_against_the_metadata_schema(schema: etree.XMLSchema) -> None:
    assert len(list(SOURCE.rglob("*-meta.xml"))) >= 57
    assert schema_problems(SOURCE, schema) == []


def test_everything_the_package_refers_to_exists() -> None:
    assert reference_problems(SOURCE) == []


@dataclass(frozen=True)
class Mistake:
    file: str
    old: str
    new: str
    caught: str


SCHEMA_MISTAKES = {
    "unknown element": Mistake(CYCLE, "<label>Billing", "<labell>x</labell><label>Billing", "labell"),
    "wrong enum": Mistake(CYCLE, "<type>Picklist<", "<type>Pickliste<", "Pickliste"),
    "wrong boolean": Mistake(CYCLE, "<required>false<", "<required>no<", "'no'"),
    "wrong integer": Mistake("objects/Order/fields/ESIM_ICCID__c.field-meta.xml", ">22<", ">22 chars<", "22 chars"),
    "cut file": Mistake(FLOW, "</Flow>", "", "Flow"),
    "wrong namespace": Mistake(STATUS, "2006/04/metadata", "2006/04/tooling", "StandardValueSet"),
    "elements out of order": Mistake(
        EVENT, "<deploymentStatus>Deployed</deploymentStatus>", "<visibility>Public</visibility>", "eventType"
    ),
    "wrong event type": Mistake(EVENT, ">HighVolume<", ">HighVolumes<", "HighVolumes"),
    "wrong flow operator": Mistake(FLOW, ">EqualTo<", ">Equals<", "Equals"),
    "rule without a formula": Mistake(RULE, "errorConditionFormula>", "errorCondition>", "errorCondition"),
}


@pytest.mark.parametrize("mistake", SCHEMA_MISTAKES.values(), ids=SCHEMA_MISTAKES)
def test_the_schema_catches(mistake: Mistake, package_copy: Path, schema: etree.XMLSchema) -> None:
    path = package_copy / "force-app" / "main" / "default" / mistake.file
    text = path.read_text("utf-8")
    assert mistake.old in text
    path.write_text(text.replace(mistake.old, mistake.new), "utf-8")
    problems = schema_problems(package_copy, schema)
    assert problems
    assert path.name in problems[0]
    assert mistake.caught in " ".join(problems)


LISTED = "<field>Order.ESIM_ICCID__c</field>"
MISTAKES = {
    "permission for a field that is not there": Mistake(
        INTEGRATION, LISTED, "<field>Order.ICCID__c</field>", "no field"
    ),
    "field without field-level security": Mistake(
        STAFF, LISTED, "<field>Order.Placed_By__c</field>", "no field-level security for Order.ESIM_ICCID__c"
    ),
    "permission for a required field": Mistake(
        INTEGRATION,
        "<field>Portal_Journal__c.Journal_Id__c<",
        "<field>Portal_Journal__c.Generation__c<",
        "required field Portal_Journal__c.Generation__c",
    ),
    "permission for an event's field": Mistake(
        INTEGRATION,
        LISTED,
        "<field>OrderProvisionRequested__e.IdemKey__c</field>",
        "no field OrderProvisionRequested__e",
    ),
    "permission for an object that is not there": Mistake(
        INTEGRATION, "<object>Portal_Journal__c<", "<object>Portal_Journals__c<", "no object Portal_Journals__c"
    ),
    "unreadable object": Mistake(
        INTEGRATION, "<allowRead>true</allowRead>", "<allowRead>false</allowRead>", "without being read"
    ),
    "custom permission that is not there": Mistake(
        INTEGRATION, "Portal_Provisioning_Bypass", "Portal_Bypass", "no custom permission Portal_Bypass"
    ),
    "by-pass held by staff": Mistake(
        STAFF,
        "<description>",
        "<customPermissions><enabled>true</enabled><name>Portal_Provisioning_Bypass</name></customPermissions><description>",
        "is held by ['Portal_Integration', 'Portal_Staff']",
    ),
    "rule on a field that is not there": Mistake(LOCK, "ISCHANGED(Quantity)", "ISCHANGED(Quantity__c)", "Quantity__c"),
    "rule on a status that is not there": Mistake(RULE, '"Pending Review"', '"Pending"', "no status Pending"),
    "rule with an unknown permission": Mistake(
        RULE, "$Permission.Portal_Provisioning_Bypass", "$Permission.Portal_Pass", "no custom permission Portal_Pass"
    ),
    "rule that binds the integration user": Mistake(
        RULE, "NOT($Permission.Portal_Provisioning_Bypass),", "", "does not by-pass"
    ),
    "rule that does not parse": Mistake(RULE, "ISCHANGED(Status),", "ISCHANGED(Status,", "unreadable"),
    "rule with an unknown function": Mistake(RULE, "ISCHANGED(", "HASCHANGED(", "HASCHANGED"),
    "rule switched off": Mistake(RULE, "<active>true<", "<active>false<", "not active"),
    "error shown at a field that is not there": Mistake(
        RULE, "<errorDisplayField>Status<", "<errorDisplayField>State__c<", "no field State__c"
    ),
    "flow filters a status that is not there": Mistake(FLOW, ">Approved<", ">Aproved<", "no status Aproved"),
    "flow filters a field that is not there": Mistake(FLOW, "<field>Status<", "<field>State__c<", "no field State__c"),
    "flow sets a field the event has not": Mistake(FLOW, "<field>IdemKey__c<", "<field>Key__c<", "no field Key__c"),
    "flow leaves a required field out": Mistake(
        FLOW, "<field>OrderId__c<", "<field>IdemKey__c<", "required field OrderId__c is not set"
    ),
    "flow publishes an event that is not there": Mistake(
        FLOW, "<object>OrderProvisionRequested__e<", "<object>OrderApproved__e<", "no event OrderApproved__e"
    ),
    "flow reads a field that is not there": Mistake(FLOW, ".Attempt_Count__c", ".Attempts__c", "no field Attempts__c"),
    "flow runs on every save": Mistake(
        FLOW,
        "<doesRequireRecordChangedToMeetCriteria>true<",
        "<doesRequireRecordChangedToMeetCriteria>false<",
        "only when an order becomes approved",
    ),
    "flow not active": Mistake(FLOW, "<status>Active<", "<status>Draft<", "must be active"),
    "flow runs before the save": Mistake(FLOW, ">RecordAfterSave<", ">RecordBeforeSave<", "(RecordAfterSave)"),
    "stamp comes after the save": Mistake(STAMP, ">RecordBeforeSave<", ">RecordAfterSave<", "(RecordBeforeSave)"),
    "stamp on every save": Mistake(
        STAMP,
        "<doesRequireRecordChangedToMeetCriteria>true<",
        "<doesRequireRecordChangedToMeetCriteria>false<",
        "only when an order becomes approved",
    ),
    "stamp at another status": Mistake(STAMP, ">Approved<", ">Activated<", "another moment"),
    "stamp into a field that is not there": Mistake(
        STAMP, "$Record.Approved_At__c", "$Record.Approved_On__c", "no field Approved_On__c"
    ),
    "stamp into a field of another type": Mistake(
        STAMP, "$Record.Approved_At__c", "$Record.Placed_By__c", "no field Placed_By__c that can hold $Flow"
    ),
    "stamp of something unknown": Mistake(STAMP, ">$User.Id<", ">$User.Name<", "$User.Name is not supported"),
    "stamp that people may write": Mistake(
        STAFF,
        "<editable>false</editable>\n        <field>Order.Approved_At__c<",
        "<editable>true</editable>\n        <field>Order.Approved_At__c<",
        "Approved_At__c is the Flow's to write",
    ),
    "event published before the commit": Mistake(EVENT, ">PublishAfterCommit<", ">PublishImmediately<", "Immediately"),
    "status missing": Mistake(STATUS, "<fullName>Failed<", "<fullName>Broken<", "OrderStatus"),
    "status in the wrong category": Mistake(
        STATUS, "<groupingString>Draft<", "<groupingString>Activated<", "is in category Activated"
    ),
    "no default status": Mistake(STATUS, "<default>true<", "<default>false<", "default must be Draft"),
    "file named otherwise than its content": Mistake(
        CYCLE, "<fullName>Billing_Cycle__c<", "<fullName>Cycle__c<", "fullName is Cycle__c"
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_the_cross_references_catch(mistake: Mistake, package_copy: Path) -> None:
    spoil(package_copy, mistake.file, mistake.old, mistake.new)
    problems = reference_problems(package_copy)
    assert mistake.caught in " | ".join(problems)


def test_a_missing_package_folder_is_caught(package_copy: Path) -> None:
    project = package_copy / "sfdx-project.json"
    project.write_text(project.read_text("utf-8").replace('"force-app"', '"app"'), "utf-8")
    assert any("no folder app" in problem for problem in reference_problems(package_copy))


def test_the_fields_the_issue_names_are_there() -> None:
    objects = load_package().objects
    named = {
        "Account": "SF_Account_No__c Internet_Eligibility__c WHMCS_Client_ID__c",
        "Product2": "Product2Categories1__c Portal_Catalog__c Portal_Accessible__c Item_Class__c "
        "Portal_ConfigOptions_JSON__c Billing_Cycle__c Valid_From__c Valid_To__c Display_Order__c "
        "Internet_Plan_Tier__c Internet_Offering_Type__c SIM_Data_Size__c SIM_Plan_Type__c VPN_Region__c "
        "SIM_Form__c ESIM_Profile_Type__c WHMCS_Product_Id__c",
        "Order": "Provisioning_Status__c Provisioning_Error_Code__c Provisioning_Error_Message__c WHMCS_Order_ID__c "
        "WHMCS_Invoice_ID__c ESIM_ICCID__c Attempt_Count__c Last_Provisioning_At__c Placed_By__c Approved_By__c "
        "Approved_At__c Approved_By_User__c Portal_Order_Key__c",
        "OrderItem": "Billing_Cycle__c ConfigOptions_JSON__c WHMCS_Service_ID__c ESIM_ICCID__c ESIM_EID__c",
        "Portal_Journal__c": "Generation__c Journal_Id__c Highest_Feed__c Seen_At__c",
        "OrderProvisionRequested__e": "OrderId__c IdemKey__c",
    }
    for name, fields in named.items():
        assert set(fields.split()) <= set(objects[name].fields), name


def test_the_journals_generation_is_a_compare_and_swap() -> None:
    generation = load_package().objects["Portal_Journal__c"].fields["Generation__c"]
    assert (generation.type, generation.precision, generation.scale) == ("Number", 18, 0)
    assert generation.unique
    assert generation.external_id
    assert generation.required


def test_defaults_of_a_new_order() -> None:
    fields = load_package().objects["Order"].fields
    assert fields["Provisioning_Status__c"].default == "Not Started"
    assert fields["Attempt_Count__c"].default == "0"


@pytest.mark.parametrize(
    ("model", "object_name"),
    [
        (Order, "Order"),
        (OrderRef, "Order"),
        (OrderItem, "OrderItem"),
        (Account, "Account"),
        (JournalRow, "Portal_Journal__c"),
        (OrgInfo, "Organization"),
    ],
)
def test_every_field_the_client_reads_exists(model: type[Order], object_name: str) -> None:
    package = load_package()
    missing = [name for name in field_names(model) if not has_field(package, object_name, name)]
    assert field_names(model)
    assert missing == []


def test_every_custom_field_of_the_order_is_read() -> None:
    assert set(load_package().objects["Order"].fields) <= set(field_names(Order))


def test_a_field_that_is_not_in_the_package_stops_the_client() -> None:
    with pytest.raises(PackageError, match=r"Product2\.Colour__c"):
        checked(["Id", "Product2.Colour__c"], "OrderItem", load_package())


def test_a_field_taken_out_of_the_package_stops_the_client(package_copy: Path) -> None:
    (package_copy / "force-app/main/default/objects/Order/fields/Approved_By__c.field-meta.xml").unlink()
    with pytest.raises(PackageError, match=r"Order\.Approved_By__c"):
        Queries.from_package(load_package(package_copy))


@pytest.mark.parametrize("folder", ["console", "integrations", "storage"])
def test_every_custom_field_named_in_code_is_in_the_package(folder: str) -> None:
    objects = load_package().objects
    known = {name.lower() for found in objects.values() for name in (found.name, *found.fields)}
    used = code_fields(SOURCE.parents[2] / folder)
    assert {name: where for name, where in used.items() if name.lower() not in known} == {}


def test_a_broken_file_is_named(package_copy: Path) -> None:
    spoil(package_copy, CYCLE, "</CustomField>", "")
    with pytest.raises(PackageError, match=r"Billing_Cycle__c\.field-meta\.xml"):
        load_package(package_copy)
