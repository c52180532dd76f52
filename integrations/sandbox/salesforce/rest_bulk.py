"""Many records in one call: ``/composite/sobjects`` (collections) and ``/composite/tree``."""

from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox.salesforce.calls import Answer, Request
from integrations.sandbox.salesforce.errors import Entry, SalesforceError, method_not_allowed, not_found
from integrations.sandbox.salesforce.org import Org
from integrations.sandbox.salesforce.rest_rows import RowsResource
from integrations.sandbox.salesforce.save import Context
from integrations.sandbox.salesforce.schema import SObject

MAX_RECORDS = 200
MAX_TREE_TYPES = 5
MAX_TREE_LEVELS = 5
ROLLED_BACK = Entry(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
Result = dict[str, Any]
Save = Callable[[], Result]


class _Undo(Exception):
    """Leaves a transaction so that it rolls back."""


class CollectionsResource:
    """Records that cannot refer to each other; errors come per record, under ``statusCode``."""

    def __init__(self, org: Org, rows: RowsResource) -> None:
        self._org = org
        self._rows = rows

    def handle(self, request: Request) -> Answer:
        match request.method, request.path[2:]:
            case "POST", ():
                return self._save(request, lambda record: self._insert(request.ctx, record))
            case "PATCH", ():
                return self._save(request, lambda record: self._update(request.ctx, record))
            case "DELETE", ():
                return self._delete(request)
            case (("GET" | "POST"), (name,)):
                return self._read(request, self._org.sobject(name))
            case "PATCH", (name, field):
                return self._save(request, lambda record: self._upsert(request.ctx, name, field, record))
            case _, ((_,) | (_, _) | ()):
                raise method_not_allowed(request.method, "GET,POST,PATCH,DELETE")
        raise not_found()

    def _save(self, request: Request, save: Callable[[Mapping[str, Any]], Result]) -> Answer:
        body = request.object_body()
        records = body.get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise SalesforceError("REQUIRED_FIELD_MISSING", "Required field is missing: records")
        saves = [_bound(save, record) for record in records]
        return self._run(saves, all_or_none=bool(body.get("allOrNone")))

    def _delete(self, request: Request) -> Answer:
        keys = [key.strip() for key in request.params.get("ids", "").split(",") if key.strip()]
        all_or_none = request.params.get("allOrNone", "").lower() == "true"
        return self._run([_bound(lambda key: self._remove(request.ctx, key), key) for key in keys], all_or_none)

    def _run(self, saves: list[Save], all_or_none: bool) -> Answer:
        if len(saves) > MAX_RECORDS:
            message = f"record limit reached. cannot submit more than {MAX_RECORDS} records to this operation"
            raise SalesforceError("EXCEEDED_ID_LIMIT", message)
        results: list[Result] = []
        try:
            with self._org.db.transaction():
                results.extend(map(self._one, saves))
                if all_or_none and not all(result["success"] for result in results):
                    raise _Undo
        except _Undo:
            undone = {"success": False, "errors": [ROLLED_BACK.status()]}
            results = [undone if result["success"] else result for result in results]
        return Answer(200, results)

    def _one(self, save: Save) -> Result:
        try:
            with self._org.db.transaction():
                return save()
        except SalesforceError as error:
            return {"success": False, "errors": [entry.status() for entry in error.entries]}

    def _insert(self, ctx: Context, record: Mapping[str, Any]) -> Result:
        sobject = self._typed(record)
        if sobject.event:
            key, event_uuid = self._org.saver.publish(sobject, record, ctx)
            return {"id": key, "success": True, "errors": [Entry("OPERATION_ENQUEUED", event_uuid).status()]}
        return {"id": self._org.saver.insert(sobject, record, ctx), "success": True, "errors": []}

    def _update(self, ctx: Context, record: Mapping[str, Any]) -> Result:
        key = next((str(value) for name, value in record.items() if name.lower() == "id"), "")
        if not key:
            raise SalesforceError("MISSING_ARGUMENT", "Id not specified in an update call", fields=())
        fields = {name: value for name, value in record.items() if name.lower() != "id"}
        sobject = self._typed(record)
        full = str(self._org.saver.live(sobject, key)["Id"])
        self._org.saver.update(sobject, full, fields, ctx)
        return {"id": full, "success": True, "errors": []}

    def _upsert(self, ctx: Context, name: str, field_name: str, record: Mapping[str, Any]) -> Result:
        sobject = self._org.sobject(name)
        field = sobject.find(field_name)
        if field is None or not field.external_id:
            raise not_found()
        value = next((given for key, given in record.items() if key.lower() == field.name.lower()), None)
        rest = {key: given for key, given in record.items() if key.lower() != field.name.lower()}
        if value is None:
            raise SalesforceError("MISSING_ARGUMENT", f"{field.name} not specified", fields=())
        key, created = self._org.saver.upsert(sobject, field, value, rest, ctx, update_only=False)
        return {"id": key, "success": True, "errors": [], "created": created}

    def _remove(self, ctx: Context, key: str) -> Result:
        sobject = self._org.db.schema.by_prefix.get(key[:3])
        if sobject is None:
            raise SalesforceError("MALFORMED_ID", f"malformed id {key}", fields=())
        self._org.saver.delete(sobject, key, ctx)
        return {"id": key, "success": True, "errors": []}

    def _read(self, request: Request, sobject: SObject) -> Answer:
        if request.method == "POST":
            body = request.object_body()
            keys, names = body.get("ids"), body.get("fields")
            if not isinstance(keys, list) or not isinstance(names, list):
                raise SalesforceError("JSON_PARSER_ERROR", "ids and fields must be lists")
            fields = ",".join(map(str, names))
        else:
            keys, fields = request.params.get("ids", "").split(","), request.params.get("fields", "")
        if not fields:
            raise SalesforceError("MALFORMED_QUERY", "fields must be specified")
        records: list[Any] = []
        for key in keys:
            try:
                row = self._org.saver.live(sobject, str(key))
            except SalesforceError:
                records.append(None)
            else:
                records.append(self._rows.record(request, sobject, row, fields))
        return Answer(200, records)

    def _typed(self, record: Mapping[str, Any]) -> SObject:
        attributes = record.get("attributes")
        kind = attributes.get("type") if isinstance(attributes, Mapping) else None
        if not kind:
            message = "Object type must be specified in attributes of each record"
            raise SalesforceError("INVALID_FIELD", message, fields=())
        sobject = self._org.db.schema.find(str(kind))
        if sobject is None:
            raise SalesforceError("INVALID_TYPE", f"sObject type '{kind}' is not supported.", fields=())
        return sobject


def _bound(save: Callable[[Any], Result], record: Any) -> Save:
    return lambda: save(record)


class TreeResource:
    """Nested records, created all or none. A child stands under the name of its relationship."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def handle(self, request: Request) -> Answer:
        if request.method != "POST":
            raise method_not_allowed(request.method, "POST")
        if len(request.path) != 3:
            raise not_found()
        sobject = self._org.sobject(request.path[2])
        records = request.object_body().get("records")
        if not isinstance(records, list) or not records:
            raise SalesforceError("REQUIRED_FIELD_MISSING", "Required field is missing: records")
        results: list[dict[str, str]] = []
        failures: list[dict[str, Any]] = []
        try:
            with self._org.db.transaction():
                self._level(request.ctx, sobject, records, {}, 1, results, failures)
                self._check(results, failures)
        except _Undo:
            return Answer(400, {"hasErrors": True, "results": failures})
        return Answer(201, {"hasErrors": False, "results": results})

    def _check(self, results: list[dict[str, str]], failures: list[dict[str, Any]]) -> None:
        references = [result["referenceId"] for result in results]
        if len(set(references)) != len(references):
            raise SalesforceError("INVALID_INPUT", "Duplicate ReferenceId provided in the request.")
        if failures:
            raise _Undo

    def _level(
        self, ctx: Context, sobject: SObject, records: list[Any], parent: Mapping[str, str], depth: int,
        results: list[dict[str, str]], failures: list[dict[str, Any]],
    ) -> None:  # fmt: skip
        """Create ``records`` and what hangs below them; ``parent`` is the reference that ties them to theirs."""
        if depth > MAX_TREE_LEVELS:
            raise SalesforceError("INVALID_INPUT", f"The tree is deeper than {MAX_TREE_LEVELS} levels")
        for record in records:
            if not isinstance(record, dict) or not isinstance(record.get("attributes"), dict):
                raise SalesforceError("INVALID_INPUT", "Each record of the tree needs attributes")
            reference = str(record["attributes"].get("referenceId", ""))
            children = {
                name: value["records"]
                for name, value in record.items()
                if name != "attributes" and isinstance(value, dict) and "records" in value
            }
            fields = {name: value for name, value in record.items() if name not in children}
            try:
                if not reference:
                    raise SalesforceError("INVALID_INPUT", "referenceId must be provided in attributes")
                if len(results) >= MAX_RECORDS:
                    raise SalesforceError("INVALID_INPUT", f"The tree has more than {MAX_RECORDS} records")
                key = self._org.saver.insert(sobject, {**fields, **parent}, ctx)
            except SalesforceError as error:
                errors = [entry.status() for entry in error.entries]
                failures.append({"referenceId": reference, "errors": errors})
                continue
            results.append({"referenceId": reference, "id": key})
            for name, below in children.items():
                way = self._org.db.schema.child(sobject, name)
                if way is None:
                    message = f"Unknown relationship {name} of {sobject.name}"
                    raise SalesforceError("INVALID_FIELD", message)
                child = self._org.sobject(way.sobject)
                self._level(ctx, child, below, {way.field: key}, depth + 1, results, failures)
