"""Builds the org's schema: standard objects plus what the metadata package adds, read by the package's own reader."""

from collections.abc import Iterable
from typing import Any

from integrations.salesforce.package import FieldDef, ObjectDef, Package
from integrations.sandbox.salesforce.schema import Field, PickValue, Schema, SObject
from integrations.sandbox.salesforce.standard import ID, NUMBERED, standard_objects, system_fields, text

TYPES = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Picklist": "picklist",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Lookup": "reference",
    "MasterDetail": "reference",
}
LENGTHS = {"Email": 80, "Phone": 40, "Url": 255, "Picklist": 255, "TextArea": 255, "Lookup": 18, "MasterDetail": 18}


def build_schema(package: Package) -> Schema:
    """All object types of the sandbox org. Raises KeyError for a field type that the sandbox does not know."""
    statuses = [PickValue(s.name, s.default, s.name) for s in package.order_statuses]
    own = {name: [custom_field(f) for f in found.fields.values()] for name, found in package.objects.items()}
    sobjects = standard_objects(own, statuses)
    known = {sobject.name for sobject in sobjects}
    custom = [found for name, found in sorted(package.objects.items()) if name not in known]
    sobjects += _numbered(custom, own)
    return Schema(tuple(sobjects))


def _numbered(definitions: Iterable[ObjectDef], fields: dict[str, list[Field]]) -> list[SObject]:
    found = []
    for n, definition in enumerate(definitions):
        event = definition.event_type is not None
        found.append(_event(definition, n, fields) if event else _custom(definition, n, fields))
    return found


def _custom(definition: ObjectDef, n: int, fields: dict[str, list[Field]]) -> SObject:
    name = text("Name", f"{definition.label} Name", 80, **NUMBERED)
    every = (ID, name, *system_fields(owned=True), *fields[definition.name])
    return SObject(definition.name, definition.label, f"{definition.label}s", f"a{n:02d}", every, custom=True)


def _event(definition: ObjectDef, n: int, fields: dict[str, list[Field]]) -> SObject:
    replay = text("ReplayId", "Replay ID", 240, createable=False, updateable=False)
    system = [f for f in system_fields(owned=False) if f.name in ("CreatedDate", "CreatedById")]
    every = (ID, replay, *system, text("EventUuid", "Event UUID", 36, createable=False, updateable=False))
    return SObject(
        definition.name, definition.label, definition.label, f"e{n + 1:02d}", (*every, *fields[definition.name]),
        custom=True, updateable=False, deletable=False, event=True,
    )  # fmt: skip


def custom_field(definition: FieldDef) -> Field:
    """One field of the package as describe shows it."""
    kind = TYPES[definition.type]
    target = definition.reference_to
    return Field(
        name=definition.name,
        label=definition.label,
        type=kind,
        length=definition.length or LENGTHS.get(definition.type, 0),
        precision=definition.precision or 0,
        scale=definition.scale or 0,
        required=definition.required,
        unique=definition.unique,
        external_id=definition.external_id,
        case_sensitive=definition.case_sensitive,
        custom=True,
        default=_default(definition, kind),
        picklist=tuple(PickValue(value, value == definition.default, value) for value in definition.picklist),
        restricted=definition.restricted,
        reference_to=(target,) if target else (),
        relationship=definition.name.removesuffix("__c") + "__r" if target else None,
        long=definition.type == "LongTextArea",
    )


def _default(definition: FieldDef, kind: str) -> Any:
    if definition.default is None or kind == "picklist":
        return None
    if kind == "boolean":
        return definition.default.lower() == "true"
    if kind in ("double", "currency", "percent"):
        return float(definition.default)
    return definition.default.strip("\"'")
