"""Validation of a Salesforce package without an org: the Metadata API's schema, and what no schema can see."""

import ast
import importlib.resources
import json
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from integrations.salesforce.package import NOW, FlowDef, Package, PackageError, StampDef, load_package

XSD = "{http://www.w3.org/2001/XMLSchema}"
STATUSES = {"Draft", "Pending Review", "Approved", "Provisioning", "Failed", "Rejected", "Cancelled", "Activated"}
BYPASS = "Portal_Provisioning_Bypass"
STANDARD_OBJECTS = {"Account", "Case", "Order", "OrderItem", "Pricebook2", "PricebookEntry", "Product2"}
COMMON = {"Id", "Name", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp"}
STANDARD_FIELDS = {
    "Account": COMMON | {"AccountNumber", "Phone"},
    "Order": (COMMON - {"Name"})
    | {"AccountId", "EffectiveDate", "OrderNumber", "Pricebook2Id", "Status", "StatusCode", "TotalAmount"},
    "OrderItem": (COMMON - {"Name"})
    | {"OrderId", "OrderItemNumber", "PricebookEntryId", "Product2Id", "Quantity", "TotalPrice", "UnitPrice"},
    "Product2": COMMON | {"ProductCode", "StockKeepingUnit", "Family", "Description", "IsActive"},
    "Organization": {"Id", "Name", "IsSandbox", "InstanceName"},
}


def strict_schema() -> etree.XMLSchema:
    """The Metadata API's schema out of simple-salesforce's WSDL, with a global element for every type."""
    wsdl = etree.parse(str(importlib.resources.files("simple_salesforce") / "metadata.wsdl"))
    schema = wsdl.find(".//" + XSD + "schema")
    assert schema is not None
    for kind in [found.get("name") for found in schema.findall(XSD + "complexType")]:
        etree.SubElement(schema, XSD + "element", name=str(kind), type=f"tns:{kind}")
    return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))


def schema_problems(root: Path, schema: etree.XMLSchema) -> list[str]:
    found = []
    for path in sorted(root.rglob("*-meta.xml")):
        try:
            document = etree.parse(str(path))
        except etree.XMLSyntaxError as error:
            found.append(f"{path.name}:{error.lineno}: {error.msg}")
            continue
        schema.validate(document)
        found += [f"{path.name}:{error.line}: {error.message}" for error in schema.error_log]  # type: ignore[attr-defined]
    return found


def reference_problems(root: Path) -> list[str]:
    """Everything that refers to something which is not there, and the rules of the package that no schema states."""
    try:
        package = load_package(root)
    except (PackageError, ValueError) as error:
        return [f"unreadable: {error}"]
    checks = (_project(root, package), _names(root), _statuses(package), _permissions(package), _rules(package))
    return [problem for check in (*checks, _flow(package), _stamp(package)) for problem in check]


def has_field(package: Package, object_name: str, field: str) -> bool:
    parent, _, name = field.rpartition(".")
    home = parent or object_name
    own = package.objects.get(home)
    return name in STANDARD_FIELDS.get(home, COMMON) or (own is not None and name in own.fields)


def code_fields(folder: Path) -> dict[str, str]:
    """Every string constant in Python code under ``folder`` that is exactly a custom field's name → where."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                name = node.value.rpartition(".")[2]
                if re.fullmatch(r"[A-Za-z]\w*__c", name):
                    found.setdefault(name, f"{path.name}:{node.lineno}")
    return found


def _project(root: Path, package: Package) -> Iterator[str]:
    project = json.loads((root / "sfdx-project.json").read_text("utf-8"))
    for directory in project["packageDirectories"]:
        if not (root / directory["path"]).is_dir():
            yield f"sfdx-project.json: no folder {directory['path']}"
    if project["sourceApiVersion"] != package.api_version:
        yield f"sfdx-project.json: API {project['sourceApiVersion']}, the Flow {package.api_version}"


def _names(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*-meta.xml")):
        name = etree.parse(str(path)).find("{*}fullName")
        if name is not None and name.text != path.name.split(".")[0]:
            yield f"{path.name}: fullName is {name.text}"


def _statuses(package: Package) -> Iterator[str]:
    names = [status.name for status in package.order_statuses]
    if set(names) != STATUSES or len(names) != len(STATUSES):
        yield f"OrderStatus: {sorted(names)}"
    for status in package.order_statuses:
        if status.category != ("Activated" if status.name == "Activated" else "Draft"):
            yield f"OrderStatus: {status.name} is in category {status.category}"
    if [status.name for status in package.order_statuses if status.default] != ["Draft"]:
        yield "OrderStatus: the default must be Draft"


def _permissions(package: Package) -> Iterator[str]:
    ours = {
        f"{name}.{field.name}": field
        for name, found in package.objects.items()
        if not name.endswith("__e")
        for field in found.fields.values()
    }
    for name, entry in package.permission_sets.items():
        for field, (readable, editable) in entry.fields.items():
            if field not in ours:
                yield f"{name}: no field {field}"
            elif ours[field].required:
                yield f"{name}: the required field {field} may not be listed"
            if editable and not readable:
                yield f"{name}: {field} is editable but not readable"
        for field in sorted(set(ours) - set(entry.fields)):
            if not ours[field].required and (name == "Portal_Integration" or not field.startswith("Portal_Journal__c")):
                yield f"{name}: no field-level security for {field}"
        for object_name, verbs in entry.objects.items():
            if object_name not in package.objects and object_name not in STANDARD_OBJECTS:
                yield f"{name}: no object {object_name}"
            if verbs and "read" not in verbs:
                yield f"{name}: {object_name} cannot be used without being read"
        for permission in entry.custom_permissions - package.custom_permissions:
            yield f"{name}: no custom permission {permission}"
    holders = sorted(name for name, entry in package.permission_sets.items() if BYPASS in entry.custom_permissions)
    if holders != ["Portal_Integration"]:
        yield f"{BYPASS} is held by {holders}"


def _rules(package: Package) -> Iterator[str]:
    statuses = {status.name for status in package.order_statuses}
    for rule in package.validation_rules:
        if not rule.active:
            yield f"{rule.name}: not active"
        for field in sorted(rule.condition.fields | ({rule.error_field} if rule.error_field else set())):
            if not has_field(package, rule.object, field):
                yield f"{rule.name}: no field {field}"
        for permission in rule.condition.permissions - package.custom_permissions:
            yield f"{rule.name}: no custom permission {permission}"
        if BYPASS not in rule.condition.permissions:
            yield f"{rule.name}: the integration user does not by-pass it"
        for field, value in sorted(rule.condition.picklist_values):
            if field.rpartition(".")[2] == "Status" and value not in statuses:
                yield f"{rule.name}: no status {value}"


def _flow(package: Package) -> Iterator[str]:
    flow, event = package.flow, package.objects.get(package.flow.creates)
    yield from _start(package, flow, "RecordAfterSave")
    if event is None:
        yield f"{flow.name}: no event {flow.creates}"
        return
    if (event.event_type, event.publish_behavior) != ("HighVolume", "PublishAfterCommit"):
        yield f"{event.name}: {event.event_type}, {event.publish_behavior}"
    assigned = {field for field, _ in flow.assignments}
    for field in sorted(assigned - set(event.fields)):
        yield f"{flow.name}: the event has no field {field}"
    for name in sorted(name for name, field in event.fields.items() if field.required and name not in assigned):
        yield f"{flow.name}: the event's required field {name} is not set"
    for _, formula in flow.assignments:
        for field in sorted(formula.fields):
            if not has_field(package, flow.start.object, field):
                yield f"{flow.name}: no field {field}"


def _stamp(package: Package) -> Iterator[str]:
    stamp = package.stamp
    yield from _start(package, stamp, "RecordBeforeSave")
    if (stamp.start.object, stamp.start.filters) != (package.flow.start.object, package.flow.start.filters):
        yield f"{stamp.name}: starts at another moment than {package.flow.name}"
    if not stamp.assignments:
        yield f"{stamp.name}: sets nothing"
    for field, source in stamp.assignments:
        known = package.objects[stamp.start.object].fields.get(field)
        if known is None or known.type != ("DateTime" if source == NOW else "Text"):
            yield f"{stamp.name}: no field {field} that can hold {source}"
        for name, entry in package.permission_sets.items():
            if entry.fields.get(f"{stamp.start.object}.{field}", (False, True))[1]:
                yield f"{name}: {field} is the Flow's to write"


def _start(package: Package, flow: FlowDef | StampDef, timing: str) -> Iterator[str]:
    start = flow.start
    if not flow.active or not start.on_change_only or start.trigger != "CreateAndUpdate" or start.timing != timing:
        yield f"{flow.name}: must be active and run only when an order becomes approved ({timing})"
    for condition in start.filters:
        if not has_field(package, start.object, condition.field):
            yield f"{flow.name}: no field {condition.field}"
        if condition.field == "Status" and condition.value not in {status.name for status in package.order_statuses}:
            yield f"{flow.name}: no status {condition.value}"
