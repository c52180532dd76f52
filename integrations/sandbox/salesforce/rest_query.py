"""``/query`` and ``/queryAll``, page by page, and a query's columns."""

import secrets

from integrations.sandbox.salesforce.calls import Answer, Request
from integrations.sandbox.salesforce.describe import query_columns
from integrations.sandbox.salesforce.errors import SalesforceError, method_not_allowed
from integrations.sandbox.salesforce.org import Org
from integrations.sandbox.salesforce.soql_parser import parse

MAX_CURSORS = 50
SMALLEST_BATCH = 200


class QueryResource:
    """Open cursors live in memory; the oldest go first. A cursor answers from the rows of its first page's moment."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def handle(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed(request.method, "HEAD,GET")
        resource, rest = request.path[0], request.path[1:]
        if rest:
            return self._page(request, resource, rest[0])
        text = request.params.get("q", "")
        if request.params.get("columns", "").lower() == "true":
            return Answer(200, query_columns(self._org.soql, parse(text), self._org.db.schema))
        everything = resource.lower() == "queryall"
        found = self._org.soql.run(text, request.version, deleted=everything, access=request.ctx.access)
        size = self._batch_size(request)
        body = {"totalSize": found.total, "done": len(found.records) <= size, "records": found.records[:size]}
        if len(found.records) > size:
            body["nextRecordsUrl"] = self._open(request, resource, found.records, size)
        return Answer(200, body)

    def _batch_size(self, request: Request) -> int:
        for part in request.headers.get("sforce-query-options", "").split(","):
            name, _, value = part.partition("=")
            if name.strip().lower() == "batchsize" and value.strip().isdigit():
                return max(min(int(value), 2000), min(SMALLEST_BATCH, self._org.batch_size))
        return self._org.batch_size

    def _open(self, request: Request, resource: str, records: list[dict[str, object]], size: int) -> str:
        cursors = self._org.cursors
        while len(cursors) >= MAX_CURSORS:
            del cursors[next(iter(cursors))]
        key = "01g" + secrets.token_hex(8)[:15].upper()
        cursors[key] = records
        return f"{request.base}/{resource}/{key}-{size}"

    def _page(self, request: Request, resource: str, locator: str) -> Answer:
        key, _, position = locator.partition("-")
        records = self._org.cursors.get(key)
        if records is None or not position.isdigit():
            raise SalesforceError("INVALID_QUERY_LOCATOR", "invalid query locator")
        start, size = int(position), self._batch_size(request)
        end = start + size
        body = {"totalSize": len(records), "done": end >= len(records), "records": records[start:end]}
        if end < len(records):
            body["nextRecordsUrl"] = f"{request.base}/{resource}/{key}-{end}"
        return Answer(200, body)
