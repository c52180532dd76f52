"""Reads the Salesforce package in ``metadata/``: the one place where custom fields, statuses, rules and Flow stand.

The sandbox serves its describe and enforces its rules from what this returns, and the client's field lists are checked
against it, so none of the three can drift from what is deployed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from xml.etree import ElementTree

from integrations.salesforce.formula import Formula, FormulaError, parse

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
NOW, USER = "$Flow.CurrentDateTime", "$User.Id"
STAMPED = (NOW, USER)


class PackageError(ValueError):
    """A file of the package cannot be read; the message starts with the file's name."""


@dataclass(frozen=True)
class FieldDef:
    """One custom field. ``type`` is Salesforce's metadata type: Text, Number, Picklist, Checkbox, DateTime, …"""

    name: str
    label: str
    type: str
    length: int | None
    precision: int | None
    scale: int | None
    required: bool
    unique: bool
    external_id: bool
    case_sensitive: bool
    default: str | None
    picklist: tuple[str, ...]
    restricted: bool
    reference_to: str | None


@dataclass(frozen=True)
class ObjectDef:
    """One object's part of the package: only our own fields for a standard object, all of it for a custom one."""

    name: str
    custom: bool
    label: str
    fields: Mapping[str, FieldDef]
    event_type: str | None = None  # platform events only, e.g. HighVolume
    publish_behavior: str | None = None  # platform events only, e.g. PublishAfterCommit


@dataclass(frozen=True)
class StatusDef:
    """One value of Order.Status; ``category`` is Order.StatusCode: Draft or Activated."""

    name: str
    category: str
    default: bool


@dataclass(frozen=True)
class ValidationRule:
    """A change is refused with ``message`` (shown at ``error_field``) when ``condition`` holds."""

    object: str
    name: str
    formula: str
    condition: Formula
    message: str
    error_field: str | None
    active: bool


@dataclass(frozen=True)
class FlowFilter:
    field: str
    operator: str
    value: str


@dataclass(frozen=True)
class FlowStart:
    """When a record-triggered Flow runs: on ``trigger`` (Create, Update, CreateAndUpdate) of ``object`` when all
    ``filters`` hold and, if ``on_change_only``, did not hold before the save.
    """

    object: str
    trigger: str
    timing: str  # RecordBeforeSave or RecordAfterSave
    on_change_only: bool
    filters: tuple[FlowFilter, ...]


@dataclass(frozen=True)
class FlowDef:
    """A Flow that creates one record of ``creates`` after the save; ``assignments`` are (its field, formula over the
    saved record).
    """

    name: str
    active: bool
    start: FlowStart
    creates: str
    assignments: tuple[tuple[str, Formula], ...]


@dataclass(frozen=True)
class StampDef:
    """A Flow that sets fields of the record itself before it is saved; ``assignments`` are (field, one of ``STAMPED``)."""

    name: str
    active: bool
    start: FlowStart
    assignments: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PermissionSet:
    """``fields`` maps "Object.Field" to (readable, editable); ``objects`` an object to its allowed verbs."""

    name: str
    label: str
    fields: Mapping[str, tuple[bool, bool]]
    objects: Mapping[str, frozenset[str]]
    custom_permissions: frozenset[str]
    user_permissions: frozenset[str]


@dataclass(frozen=True)
class Package:
    """The whole package. ``objects`` holds standard objects we extend, our custom object and our event."""

    objects: Mapping[str, ObjectDef]
    order_statuses: tuple[StatusDef, ...]
    validation_rules: tuple[ValidationRule, ...]
    flow: FlowDef
    stamp: StampDef
    permission_sets: Mapping[str, PermissionSet]
    custom_permissions: frozenset[str]
    api_version: str


def package_root() -> Traversable:
    """The folder with sfdx-project.json, in the source tree and in the wheel alike."""
    return files("integrations.salesforce") / "metadata"


def load_package(root: Traversable | None = None) -> Package:
    """Read the package at ``root`` (default: ours, read once a process). Raises PackageError naming the file."""
    return _our_package() if root is None else _package_at(root)


@cache
def _our_package() -> Package:
    return _package_at(package_root())


def _package_at(root: Traversable) -> Package:
    base = root / "force-app" / "main" / "default"
    flows = {file.name: (file, _read(file)) for file in _listed(base / "flows")}
    (flow,) = [_flow(file, root) for file, root in flows.values() if _each(root, "recordCreates")]
    (stamp,) = [_stamp(file, root) for file, root in flows.values() if not _each(root, "recordCreates")]
    sets = [_permission_set(file) for file in _listed(base / "permissionsets")]
    folders = [folder for folder in sorted((base / "objects").iterdir(), key=lambda f: f.name) if folder.is_dir()]
    return Package(
        objects={folder.name: _object(folder) for folder in folders},
        order_statuses=_statuses(base / "standardValueSets" / "OrderStatus.standardValueSet-meta.xml"),
        validation_rules=tuple(
            _rule(folder.name, file) for folder in folders for file in _listed(folder / "validationRules")
        ),
        flow=flow,
        stamp=stamp,
        permission_sets={found.name: found for found in sets},
        custom_permissions=frozenset(_stem(file) for file in _listed(base / "customPermissions")),
        api_version=_text(_read(_listed(base / "flows")[0]), "apiVersion"),
    )


def _listed(folder: Traversable) -> list[Traversable]:
    if not folder.is_dir():
        return []
    return sorted((file for file in folder.iterdir() if file.name.endswith("-meta.xml")), key=lambda f: f.name)


def _stem(file: Traversable) -> str:
    return file.name.split(".", 1)[0]


def _read(file: Traversable) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(file.read_text("utf-8"))  # noqa: S314 -- our own file
    except (ElementTree.ParseError, OSError) as error:
        raise PackageError(f"{file.name}: {error}") from error


def _text(element: ElementTree.Element, path: str) -> str:
    return _maybe(element, path) or ""


def _maybe(element: ElementTree.Element, path: str) -> str | None:
    found = element.find("/".join(NAMESPACE + part for part in path.split("/")))
    return None if found is None else (found.text or "").strip()


def _flag(element: ElementTree.Element, path: str, default: bool = False) -> bool:
    found = _maybe(element, path)
    return default if found is None else found in ("true", "1")


def _number(element: ElementTree.Element, path: str) -> int | None:
    found = _maybe(element, path)
    return None if found is None else int(found)


def _each(element: ElementTree.Element, path: str) -> list[ElementTree.Element]:
    return element.findall("/".join(NAMESPACE + part for part in path.split("/")))


def _object(folder: Traversable) -> ObjectDef:
    fields = [_field(file) for file in _listed(folder / "fields")]
    own = folder / f"{folder.name}.object-meta.xml"
    root = _read(own) if own.is_file() else None
    return ObjectDef(
        name=folder.name,
        custom=root is not None,
        label=folder.name if root is None else _text(root, "label"),
        fields={field.name: field for field in fields},
        event_type=None if root is None else _maybe(root, "eventType"),
        publish_behavior=None if root is None else _maybe(root, "publishBehavior"),
    )


def _field(file: Traversable) -> FieldDef:
    root = _read(file)
    values = _each(root, "valueSet/valueSetDefinition/value")
    chosen = [_text(value, "fullName") for value in values if _flag(value, "default")]
    return FieldDef(
        name=_text(root, "fullName"),
        label=_text(root, "label"),
        type=_text(root, "type"),
        length=_number(root, "length"),
        precision=_number(root, "precision"),
        scale=_number(root, "scale"),
        required=_flag(root, "required"),
        unique=_flag(root, "unique"),
        external_id=_flag(root, "externalId"),
        case_sensitive=_flag(root, "caseSensitive"),
        default=chosen[0] if chosen else _maybe(root, "defaultValue"),
        picklist=tuple(_text(value, "fullName") for value in values),
        restricted=_flag(root, "valueSet/restricted"),
        reference_to=_maybe(root, "referenceTo"),
    )


def _statuses(file: Traversable) -> tuple[StatusDef, ...]:
    return tuple(
        StatusDef(_text(value, "fullName"), _text(value, "groupingString"), _flag(value, "default"))
        for value in _each(_read(file), "standardValue")
    )


def _parsed(file: Traversable, text: str) -> Formula:
    try:
        return parse(text)
    except FormulaError as error:
        raise PackageError(f"{file.name}: {error}") from error


def _rule(object_name: str, file: Traversable) -> ValidationRule:
    root = _read(file)
    formula = _text(root, "errorConditionFormula")
    return ValidationRule(
        object=object_name,
        name=_text(root, "fullName"),
        formula=formula,
        condition=_parsed(file, formula),
        message=_text(root, "errorMessage"),
        error_field=_maybe(root, "errorDisplayField"),
        active=_flag(root, "active"),
    )


def _flow(file: Traversable, root: ElementTree.Element) -> FlowDef:
    formulas = {_text(f, "name"): _text(f, "expression") for f in _each(root, "formulas")}
    (create,) = _each(root, "recordCreates")
    assignments = []
    for assignment in _each(create, "inputAssignments"):
        source = _text(assignment, "value/elementReference")
        assignments.append((_text(assignment, "field"), _parsed(file, formulas.get(source) or f"{{!{source}}}")))
    return FlowDef(
        name=_stem(file),
        active=_text(root, "status") == "Active",
        start=_start(root),
        creates=_text(create, "object"),
        assignments=tuple(assignments),
    )


def _stamp(file: Traversable, root: ElementTree.Element) -> StampDef:
    assignments = []
    for item in _each(root, "assignments/assignmentItems"):
        target, source = _text(item, "assignToReference"), _text(item, "value/elementReference")
        if not target.startswith("$Record.") or _text(item, "operator") != "Assign" or source not in STAMPED:
            raise PackageError(f"{file.name}: {target} = {source} is not supported")
        assignments.append((target.removeprefix("$Record."), source))
    return StampDef(
        name=_stem(file),
        active=_text(root, "status") == "Active",
        start=_start(root),
        assignments=tuple(assignments),
    )


def _start(root: ElementTree.Element) -> FlowStart:
    return FlowStart(
        object=_text(root, "start/object"),
        trigger=_text(root, "start/recordTriggerType"),
        timing=_text(root, "start/triggerType"),
        on_change_only=_flag(root, "start/doesRequireRecordChangedToMeetCriteria"),
        filters=tuple(
            FlowFilter(_text(f, "field"), _text(f, "operator"), _text(f, "value/stringValue"))
            for f in _each(root, "start/filters")
        ),
    )


_VERBS = {
    "allowCreate": "create",
    "allowRead": "read",
    "allowEdit": "edit",
    "allowDelete": "delete",
    "viewAllRecords": "view_all",
    "modifyAllRecords": "modify_all",
}


def _permission_set(file: Traversable) -> PermissionSet:
    root = _read(file)
    return PermissionSet(
        name=_stem(file),
        label=_text(root, "label"),
        fields={
            _text(entry, "field"): (_flag(entry, "readable"), _flag(entry, "editable"))
            for entry in _each(root, "fieldPermissions")
        },
        objects={
            _text(entry, "object"): frozenset(verb for name, verb in _VERBS.items() if _flag(entry, name))
            for entry in _each(root, "objectPermissions")
        },
        custom_permissions=_enabled(root, "customPermissions"),
        user_permissions=_enabled(root, "userPermissions"),
    )


def _enabled(root: ElementTree.Element, kind: str) -> frozenset[str]:
    return frozenset(_text(entry, "name") for entry in _each(root, kind) if _flag(entry, "enabled"))
