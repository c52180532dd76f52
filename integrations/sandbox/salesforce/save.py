"""Saving rows: everything between a client's JSON and the stored row, in the order in which Salesforce does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.salesforce.ids import norm_id
from integrations.sandbox.salesforce.access import Access
from integrations.sandbox.salesforce.automation import Automation
from integrations.sandbox.salesforce.errors import Entry, SalesforceError, not_found
from integrations.sandbox.salesforce.rows import Database
from integrations.sandbox.salesforce.rules import StandardRules
from integrations.sandbox.salesforce.schema import Field, SObject
from integrations.sandbox.salesforce.users import User
from integrations.sandbox.salesforce.values import BadValue, parse_moment, stored
from integrations.sandbox.store import Document

READ_ONLY = (
    "Unable to create/update fields: {0}. Please check the security settings of this field and verify that it is "
    "read/write for your profile or permission set."
)


@dataclass
class Context:
    """Who works, with which rights (None: all), and what the fault of this request does to a save."""

    user: User
    access: Access | None = None
    lock_row: bool = False

    def may(self, verb: str, sobject: SObject) -> bool:
        return self.access is None or self.access.may(verb, sobject)


class Saver:
    """Insert, update, upsert and delete, each one transaction (a savepoint inside a larger one).

    All raise SalesforceError, and then nothing of the call stays.
    """

    def __init__(self, db: Database, rules: StandardRules, automation: Automation) -> None:
        self._db = db
        self._rules = rules
        self._automation = automation

    def insert(self, sobject: SObject, body: Mapping[str, Any], ctx: Context) -> str:
        """Create a row (or publish an event) and return its id."""
        if not sobject.createable or not ctx.may("create", sobject):
            raise SalesforceError(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {sobject.label}", fields=()
            )
        self._locked(ctx, "")
        values = self._values(sobject, body, ctx, creating=True)
        row = {key: value for key, value in {**sobject.defaults, **values}.items() if value is not None}
        missing = [f.name for f in sobject.required if f.name not in row]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise SalesforceError("REQUIRED_FIELD_MISSING", message, fields=tuple(missing))
        with self._db.transaction():
            row["Id"] = self._db.new_id(sobject)
            self._stamp(row, ctx, creating=True)
            if sobject.find("OwnerId"):
                row.setdefault("OwnerId", ctx.user.id)
            self._references(sobject, values)
            self._rules.before_insert(sobject.name, row)
            self._save(sobject, row, None, ctx)
        return str(row["Id"])

    def publish(self, event: SObject, body: Mapping[str, Any], ctx: Context) -> tuple[str, str]:
        """Publish a platform event; returns (the id of the publish request, its EventUuid)."""
        self._locked(ctx, "")
        if not ctx.may("create", event):
            message = f"entity type cannot be inserted: {event.label}"
            raise SalesforceError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message, fields=())
        values = self._values(event, body, ctx, creating=True)
        missing = [f.name for f in event.required if values.get(f.name) is None]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise SalesforceError("REQUIRED_FIELD_MISSING", message, fields=tuple(missing))
        with self._db.transaction():
            return self._db.new_id(event), self._automation.publish(event, values, ctx.user)

    def update(
        self, sobject: SObject, key: str, body: Mapping[str, Any], ctx: Context, since: datetime | None = None
    ) -> None:
        """Change a live row. ``since`` is If-Unmodified-Since: a younger row is refused with HTTP 412."""
        if not sobject.updateable:
            raise SalesforceError(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be updated: {sobject.label}", fields=()
            )
        before = self.live(sobject, key)
        self._allowed(ctx, "edit", sobject, before)
        self._locked(ctx, before["Id"])
        if since is not None and parse_moment(before["LastModifiedDate"]) > since:
            message = "The record was modified after the time given in If-Unmodified-Since"
            raise SalesforceError("PRECONDITION_FAILED", message, http=412)
        values = self._values(sobject, body, ctx, creating=False)
        empty = [f.name for f in sobject.required if f.name in values and values[f.name] is None]
        if empty:
            message = f"Required fields are missing: [{', '.join(empty)}]"
            raise SalesforceError("REQUIRED_FIELD_MISSING", message, fields=tuple(empty))
        row = {key: value for key, value in {**before, **values}.items() if value is not None}
        with self._db.transaction():
            self._stamp(row, ctx, creating=False)
            self._references(sobject, values)
            self._rules.before_update(sobject.name, before, row)
            self._save(sobject, row, before, ctx)

    def upsert(
        self, sobject: SObject, key: Field, value: Any, body: Mapping[str, Any], ctx: Context, *, update_only: bool
    ) -> tuple[str, bool]:
        """Update the row whose external id ``key`` is ``value``, or create it; returns (id, created).

        Raises NOT_FOUND where ``update_only`` and there is none, HTTP 300 where there are several.
        """
        if any(name.lower() == key.name.lower() for name in body):
            message = f"The {key.name} field should not be specified in the sobject data."
            raise SalesforceError("INVALID_FIELD", message, fields=(key.name,))
        found = self.by_external_id(sobject, key, value)
        if len(found) > 1:
            raise Several([row["Id"] for row in found])
        if found:
            self.update(sobject, found[0]["Id"], body, ctx)
            return str(found[0]["Id"]), False
        if update_only:
            raise not_found()
        return self.insert(sobject, {**body, key.name: value}, ctx), True

    def delete(self, sobject: SObject, key: str, ctx: Context) -> None:
        """Mark a row as deleted, its children with it."""
        row = self.live(sobject, key)
        if not sobject.deletable:
            raise SalesforceError(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be deleted: {sobject.label}", fields=()
            )
        self._allowed(ctx, "delete", sobject, row)
        self._locked(ctx, row["Id"])
        with self._db.transaction():
            self._rules.before_delete(sobject.name, row)
            for way in self._db.schema.children[sobject.name]:
                for child in self._db.having(way.sobject, way.field, row["Id"]):
                    self._orphan(child, way.sobject, way.field, way.cascade)
            gone = {**row, "IsDeleted": True}
            self._stamp(gone, ctx, creating=False)
            self._db.put(sobject.name, gone)
            self._roll_up(sobject, gone, ctx)

    def by_external_id(self, sobject: SObject, key: Field, value: Any) -> list[Document]:
        """The live rows whose external id is ``value`` (text from a URL)."""
        try:
            wanted = stored(key, value)
        except BadValue as error:
            raise SalesforceError.several([error.entry]) from error
        if wanted is None:
            return []
        found = self._db.having(sobject.name, key.name, wanted)
        return [row for row in found if not key.case_sensitive or row[key.name] == wanted]

    def live(self, sobject: SObject, key: str) -> Document:
        """The row with this id. Raises NOT_FOUND, ENTITY_IS_DELETED, MALFORMED_ID."""
        try:
            full = norm_id(key)
        except ValueError as error:
            raise not_found(f"Provided external ID field does not exist or is not accessible: {key[:40]}") from error
        row = self._db.get(sobject.name, full)
        if row is None and self._db.deleted(sobject.name, full):
            raise SalesforceError("ENTITY_IS_DELETED", "entity is deleted", fields=(), http=404)
        if row is None:
            raise not_found()
        return row

    def _orphan(self, child: Document, name: str, reference: str, cascade: bool) -> None:
        gone = {**child, "IsDeleted": True} if cascade else {k: v for k, v in child.items() if k != reference}
        self._db.put(name, gone)

    def _locked(self, ctx: Context, key: str) -> None:
        if ctx.lock_row:
            message = f"unable to obtain exclusive access to this record or 1 records: {key[:15]}"
            raise SalesforceError("UNABLE_TO_LOCK_ROW", message, fields=())

    def _allowed(self, ctx: Context, verb: str, sobject: SObject, row: Document) -> None:
        if not ctx.may(verb, sobject):
            message = f"insufficient access rights on object id {row['Id'][:15]}"
            raise SalesforceError("INSUFFICIENT_ACCESS_OR_READONLY", message, fields=(), http=403)

    def _values(self, sobject: SObject, body: Mapping[str, Any], ctx: Context, *, creating: bool) -> dict[str, Any]:
        """The body's fields by API name in stored form. Raises for unknown, read-only and bad ones, all at once."""
        values: dict[str, Any] = {}
        closed: list[str] = []
        bad: list[Entry] = []
        for name, value in body.items():
            if name == "attributes":
                continue
            found, given = self._target(sobject, name, value)
            editable = ctx.access is None or ctx.access.edits(sobject, found)
            if not editable or not (found.createable if creating else found.updateable):
                closed.append(found.name)
                continue
            try:
                values[found.name] = False if given is None and found.type == "boolean" else stored(found, given)
            except BadValue as error:
                bad.append(error.entry)
        if closed:
            raise _closed(closed, creating)
        if bad:
            raise SalesforceError.several(bad)
        return values

    def _target(self, sobject: SObject, name: str, value: Any) -> tuple[Field, Any]:
        """The field a key of the body means; a parent given by external id is resolved to its id."""
        found = sobject.find(name)
        if found is not None:
            return found, value
        way = sobject.parents.get(name.lower())
        if way is None or not isinstance(value, Mapping):
            raise SalesforceError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
        keys = {key: given for key, given in value.items() if key != "attributes"}
        parent = self._db.schema.get(way.reference_to[0])
        external = parent.find(next(iter(keys), ""))
        if len(keys) != 1 or external is None or not (external.external_id or external.id_lookup):
            message = f"{name}: a parent is named by exactly one external id field"
            raise SalesforceError("INVALID_FIELD", message, fields=(name,))
        (given,) = keys.values()
        rows = self.by_external_id(parent, external, given)
        if len(rows) != 1:
            message = f"Foreign key external ID: {given} not found for field {external.name} in entity {parent.name}"
            raise SalesforceError("INVALID_FIELD", message, fields=())
        return way, rows[0]["Id"]

    def _references(self, sobject: SObject, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            found = sobject.field(name)
            if found.type != "reference" or value is None:
                continue
            if not any(
                self._db.schema.find(parent) and self._db.get(parent, value) is not None
                for parent in found.reference_to
            ):
                raise SalesforceError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=(name,))

    def _unique(self, sobject: SObject, row: Document, before: Document | None) -> None:
        for found in sobject.fields:
            value = row.get(found.name)
            if not found.unique or value is None or (before is not None and before.get(found.name) == value):
                continue
            for other in self._db.having(sobject.name, found.name, value):
                if other["Id"] != row["Id"] and (not found.case_sensitive or other[found.name] == value):
                    message = f"duplicate value found: {found.name} duplicates value on record with id: "
                    raise SalesforceError("DUPLICATE_VALUE", message + other["Id"][:15], fields=())

    def _stamp(self, row: Document, ctx: Context, *, creating: bool) -> None:
        now = self._db.now()
        if creating:
            row["IsDeleted"] = False
            row["CreatedDate"] = now
            row["CreatedById"] = ctx.user.id
        row["LastModifiedDate"] = now
        row["LastModifiedById"] = ctx.user.id
        row["SystemModstamp"] = now

    def _save(self, sobject: SObject, row: Document, before: Document | None, ctx: Context) -> None:
        self._automation.before_save(sobject, row, before, ctx.user)
        self._unique(sobject, row, before)
        self._automation.validate(sobject, row, before, ctx.user)
        self._db.put(sobject.name, row)
        self._roll_up(sobject, row, ctx)
        self._automation.after_save(sobject, row, before, ctx.user)

    def _roll_up(self, sobject: SObject, row: Document, ctx: Context) -> None:
        parent = self._rules.after_change(sobject.name, row)
        if parent is not None:
            self._stamp(parent, ctx, creating=False)
            self._db.put("Order", parent)


class Several(SalesforceError):
    """An external id names more than one row: HTTP 300 with the rows' addresses."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__("DUPLICATE_EXTERNAL_ID", "more than one record found for external id field", http=300)
        self.keys = keys


def _closed(names: list[str], creating: bool) -> SalesforceError:
    if "Id" in names and creating:
        message = "cannot specify Id in an insert call"
        return SalesforceError("INVALID_FIELD_FOR_INSERT_UPDATE", message, fields=("Id",))
    if "Id" in names:
        return SalesforceError("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    return SalesforceError("INVALID_FIELD_FOR_INSERT_UPDATE", READ_ONLY.format(", ".join(names)), fields=tuple(names))
