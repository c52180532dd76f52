"""The package's logic at work: one Flow stamps before a save, validation rules refuse it, one Flow publishes after it."""

from collections.abc import Callable, Mapping
from typing import Any

from integrations.salesforce.formula import Formula
from integrations.salesforce.package import NOW, USER, FlowFilter, FlowStart, Package
from integrations.sandbox.salesforce.bus import EventBus
from integrations.sandbox.salesforce.errors import Entry, SalesforceError
from integrations.sandbox.salesforce.rows import Database
from integrations.sandbox.salesforce.schema import SObject
from integrations.sandbox.salesforce.users import User
from integrations.sandbox.store import Document

Lost = Callable[[Mapping[str, str]], bool]


class SaveScope:
    """What a formula sees of one save; parents ("Order.Status") are read from the database."""

    def __init__(self, db: Database, sobject: SObject, new: Document, old: Document | None, user: User) -> None:
        self._db = db
        self._sobject = sobject
        self._new = new
        self._old = old
        self._user = user

    @property
    def is_new(self) -> bool:
        return self._old is None

    def value(self, path: str) -> Any:
        sobject, row = self._sobject, self._new
        *parents, name = path.split(".")
        for parent in parents:
            way = sobject.parents[parent.lower()]
            sobject = self._db.schema.get(way.reference_to[0])
            row = (self._db.get(sobject.name, row[way.name]) if row.get(way.name) else None) or {}
        return row.get(sobject.field(name).name)

    def prior(self, path: str) -> Any:
        return self.value(path) if self._old is None or "." in path else self._old.get(self._sobject.field(path).name)

    def permitted(self, permission: str) -> bool:
        return permission in self._user.permissions


class Automation:
    """Validation rules and Flows of the package. ``lost`` decides whether a published event gets lost (a fault)."""

    def __init__(self, db: Database, package: Package, bus: EventBus, lost: Lost) -> None:
        self._db = db
        self._flow = package.flow
        self._stamp = package.stamp
        self._bus = bus
        self._lost = lost
        self._rules: dict[str, list[tuple[Formula, Entry]]] = {}
        for rule in package.validation_rules:
            if rule.active:
                fields = (rule.error_field,) if rule.error_field else ()
                entry = Entry("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)
                self._rules.setdefault(rule.object, []).append((rule.condition, entry))

    def before_save(self, sobject: SObject, new: Document, old: Document | None, user: User) -> None:
        """Stamp the row itself, as a Flow before the save does; field-level security does not bind it."""
        if self._stamp.active and _starts(self._stamp.start, sobject, new, old):
            values = {NOW: new["LastModifiedDate"], USER: user.id}
            new.update({field: values[source] for field, source in self._stamp.assignments})

    def validate(self, sobject: SObject, new: Document, old: Document | None, user: User) -> None:
        """Refuse the save with the messages of every rule that holds."""
        rules = self._rules.get(sobject.name)
        if not rules:
            return
        scope = SaveScope(self._db, sobject, new, old, user)
        broken = [entry for condition, entry in rules if condition.holds(scope)]
        if broken:
            raise SalesforceError.several(broken)

    def after_save(self, sobject: SObject, new: Document, old: Document | None, user: User) -> None:
        """Run the Flow where its start criteria hold now and, if it says so, did not before."""
        flow = self._flow
        if not flow.active or not _starts(flow.start, sobject, new, old):
            return
        scope = SaveScope(self._db, sobject, new, old, user)
        payload = {field: formula.evaluate(scope) for field, formula in flow.assignments}
        self.publish(self._db.schema.get(flow.creates), payload, user)

    def publish(self, event: SObject, values: Mapping[str, Any], user: User) -> str:
        """Append an event to the bus, inside the current transaction; returns its EventUuid (also if it gets lost)."""
        payload = {f.name: values.get(f.name) for f in event.fields if f.custom}
        if self._lost({"order": str(payload.get("OrderId__c") or ""), "event": event.name}):
            return "00000000-0000-4000-8000-000000000000"
        return self._bus.publish(f"/event/{event.name}", payload, created_by=user.id)


def _starts(start: FlowStart, sobject: SObject, new: Document, old: Document | None) -> bool:
    if sobject.name != start.object or start.trigger not in ("CreateAndUpdate", "Create" if old is None else "Update"):
        return False
    return _meets(start.filters, new) and not (start.on_change_only and old is not None and _meets(start.filters, old))


def _meets(filters: tuple[FlowFilter, ...], row: Document) -> bool:
    return all(_holds(condition, row.get(condition.field)) for condition in filters)


def _holds(condition: FlowFilter, value: Any) -> bool:
    same = str(value if value is not None else "") == condition.value
    match condition.operator:
        case "EqualTo":
            return same
        case "NotEqualTo":
            return not same
    raise ValueError(f"flow operator {condition.operator} is not supported")
