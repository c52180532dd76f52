"""``/sobjects``: describe, single rows by id and by external id, children of a row, publishing events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from integrations.sandbox.salesforce.calls import Answer, Request
from integrations.sandbox.salesforce.describe import describe, describe_global, summary
from integrations.sandbox.salesforce.errors import SalesforceError, method_not_allowed, not_found
from integrations.sandbox.salesforce.org import Org
from integrations.sandbox.salesforce.save import Several
from integrations.sandbox.salesforce.schema import Field, SObject
from integrations.sandbox.salesforce.values import parse_moment
from integrations.sandbox.store import Document

ROW_METHODS = "HEAD,GET,PATCH,DELETE"


class RowsResource:
    """Handles every path below ``/sobjects``."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def handle(self, request: Request) -> Answer:
        match request.path[1:]:
            case ():
                self._only(request, "GET")
                return Answer(200, describe_global(self._org.db.schema, request.version))
            case (name,):
                return self._object(request, self._org.sobject(name))
            case (name, "describe"):
                self._only(request, "GET")
                return Answer(200, describe(self._org.db.schema, self._org.sobject(name), request.version))
            case (name, key):
                return self._row(request, self._org.sobject(name), key)
            case (name, field, *rest):
                return self._by_field(request, self._org.sobject(name), field, "/".join(rest))
        raise not_found()

    def _only(self, request: Request, *methods: str) -> None:
        if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
            raise method_not_allowed(request.method, ",".join(methods))

    def _object(self, request: Request, sobject: SObject) -> Answer:
        self._only(request, "GET", "POST")
        if request.method != "POST":
            return Answer(200, {"objectDescribe": summary(sobject, request.version), "recentItems": []})
        if sobject.event:
            key, event_uuid = self._org.saver.publish(sobject, request.object_body(), request.ctx)
            enqueued = {"statusCode": "OPERATION_ENQUEUED", "message": event_uuid, "fields": []}
            return Answer(
                201, {"id": key, "success": True, "errors": [enqueued]}, self._location(request, sobject, key)
            )
        key = self._org.saver.insert(sobject, request.object_body(), request.ctx)
        return Answer(201, {"id": key, "success": True, "errors": []}, self._location(request, sobject, key))

    def _location(self, request: Request, sobject: SObject, key: str) -> dict[str, str]:
        return {"Location": f"{request.base}/sobjects/{sobject.name}/{key}"}

    def _row(self, request: Request, sobject: SObject, key: str) -> Answer:
        match request.method:
            case "GET" | "HEAD":
                return self._read(request, sobject, self._org.saver.live(sobject, key))
            case "PATCH":
                self._match(request, sobject, key)
                since = unmodified_since(request.headers)
                self._org.saver.update(sobject, key, request.object_body(), request.ctx, since)
                return Answer(204)
            case "DELETE":
                self._org.saver.delete(sobject, key, request.ctx)
                return Answer(204)
        raise method_not_allowed(request.method, ROW_METHODS)

    def _match(self, request: Request, sobject: SObject, key: str) -> None:
        """If-Match with an ETag, which Salesforce has for Account rows only."""
        wanted = request.headers.get("if-match")
        if wanted and sobject.name == "Account" and etag(self._org.saver.live(sobject, key)) not in wanted:
            raise SalesforceError("PRECONDITION_FAILED", "The ETag does not match the record's", http=412)

    def _read(self, request: Request, sobject: SObject, row: Document) -> Answer:
        if not request.ctx.may("read", sobject):
            raise not_found()
        modified = parse_moment(row["LastModifiedDate"])
        headers = {"Last-Modified": format_datetime(modified, usegmt=True)}
        if sobject.name == "Account":
            headers["ETag"] = etag(row)
        since = http_date(request.headers.get("if-modified-since"))
        if since is not None and modified <= since:
            return Answer(304, None, headers)
        limit = unmodified_since(request.headers)
        if limit is not None and modified > limit:
            raise SalesforceError("PRECONDITION_FAILED", "The record was modified since", http=412)
        return Answer(200, self.record(request, sobject, row, request.params.get("fields")), headers)

    def record(self, request: Request, sobject: SObject, row: Document, fields: str | None) -> dict[str, Any]:
        """A row as REST shows it: all its fields, or the comma-separated ones."""
        url = f"{request.base}/sobjects/{sobject.name}/{row['Id']}"
        record: dict[str, Any] = {"attributes": {"type": sobject.name, "url": url}}
        wanted = sobject.fields if fields is None else self._named(request, sobject, fields)
        access = request.ctx.access
        record.update((f.name, row.get(f.name)) for f in wanted if access is None or access.reads(sobject, f))
        record.setdefault("Id", row["Id"])
        return record

    def _named(self, request: Request, sobject: SObject, fields: str) -> list[Field]:
        found, access = [], request.ctx.access
        for name in filter(None, (part.strip() for part in fields.split(","))):
            field = sobject.find(name)
            if field is None or (access is not None and not access.reads(sobject, field)):
                raise SalesforceError("INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")
            found.append(field)
        return found

    def _by_field(self, request: Request, sobject: SObject, name: str, value: str) -> Answer:
        """By external id, or the parent or children that a relationship name leads to."""
        field = sobject.find(name)
        if field is not None and field.type == "id":
            return self._row(request, sobject, value)
        if field is None or not field.external_id:
            return self._related(request, sobject, name, value)
        if request.method == "PATCH":
            return self._upsert(request, sobject, field, value)
        found = self._org.saver.by_external_id(sobject, field, value)
        if not found:
            raise not_found()
        if len(found) > 1:
            return self._several(request, sobject, [row["Id"] for row in found])
        return self._row(request, sobject, found[0]["Id"])

    def _upsert(self, request: Request, sobject: SObject, field: Field, value: str) -> Answer:
        update_only = request.params.get("updateOnly", "").lower() == "true"
        try:
            key, created = self._org.saver.upsert(
                sobject, field, value, request.object_body(), request.ctx, update_only=update_only
            )
        except Several as error:
            return self._several(request, sobject, error.keys)
        if created:
            headers = self._location(request, sobject, key)
            return Answer(201, {"id": key, "success": True, "errors": [], "created": True}, headers)
        if float(request.version) < 46:
            return Answer(204)
        return Answer(200, {"id": key, "success": True, "errors": [], "created": False})

    def _several(self, request: Request, sobject: SObject, keys: list[str]) -> Answer:
        return Answer(300, [f"{request.base}/sobjects/{sobject.name}/{key}" for key in keys])

    def _related(self, request: Request, sobject: SObject, key: str, relationship: str) -> Answer:
        way = self._org.db.schema.child(sobject, relationship)
        up = sobject.parents.get(relationship.lower())
        if way is None and up is None:
            raise not_found()
        self._only(request, "GET")
        row = self._org.saver.live(sobject, key)
        if up is not None:
            parent = self._org.sobject(up.reference_to[0])
            if not row.get(up.name):
                raise not_found()
            return self._read(request, parent, self._org.saver.live(parent, row[up.name]))
        assert way is not None
        child = self._org.sobject(way.sobject)
        fields = request.params.get("fields")
        rows = self._org.db.having(way.sobject, way.field, row["Id"])
        records = [self.record(request, child, each, fields) for each in rows]
        return Answer(200, {"totalSize": len(records), "done": True, "records": records})


def etag(row: Document) -> str:
    return f'"{quote(row["SystemModstamp"], safe="")}"'


def http_date(text: str | None) -> datetime | None:
    """An HTTP date header, None where there is none. Raises HTTP 400 for one that cannot be read."""
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except ValueError as error:
        raise SalesforceError("INVALID_HTTP_HEADER", f"Invalid date in the request's header: {text}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def unmodified_since(headers: Mapping[str, str]) -> datetime | None:
    return http_date(headers.get("if-unmodified-since"))
