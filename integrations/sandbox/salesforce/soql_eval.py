"""SOQL at work: a parsed query bound to the schema, run over the rows, answered in REST's record form."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.salesforce.access import Access
from integrations.sandbox.salesforce.rows import Database
from integrations.sandbox.salesforce.schema import Child, Field, SObject
from integrations.sandbox.salesforce.soql_ast import Call, Path, Query, SubQuery
from integrations.sandbox.salesforce.soql_filter import Binder, Filter, Operand, sort_rows
from integrations.sandbox.salesforce.soql_groups import grouped
from integrations.sandbox.salesforce.soql_lexer import query_error
from integrations.sandbox.salesforce.soql_parser import AGGREGATES, PASSING, parse
from integrations.sandbox.store import Document

MAX_OFFSET = 2000
NO_OBJECT = (
    "sObject type '{0}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' "
    "after the entity name. Please reference your WSDL or the describe call for the appropriate names."
)
NO_CHILD = (
    "Didn't understand relationship '{0}' in FROM part of query call. If you are attempting to use a custom "
    "relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the "
    "describe call for the appropriate names."
)
Render = Callable[[Document], Any]


@dataclass(frozen=True)
class Found:
    """A query's answer: ``total`` rows; ``records`` is empty for COUNT()."""

    total: int
    records: list[dict[str, Any]]


@dataclass(frozen=True)
class View:
    """How a whole query, sub-queries included, looks at the rows."""

    zone: ZoneInfo
    version: str
    deleted: bool
    access: Access | None


class Soql:
    """Runs queries. ``zone`` is the users' time zone."""

    def __init__(self, db: Database, zone: ZoneInfo) -> None:
        self._db = db
        self._zone = zone

    def run(self, text: str, version: str, *, deleted: bool = False, access: Access | None = None) -> Found:
        """Answer one query; ``deleted`` (queryAll) includes deleted rows. Raises SalesforceError."""
        query = parse(text)
        view = View(self._zone, version, deleted or query.all_rows, access)
        return Plan(self._db, query, self.source(query, access), view).run()

    def binder(self, query: Query) -> Binder:
        return Binder(self._db, query, self.source(query), self._zone)

    def source(self, query: Query, access: Access | None = None) -> SObject:
        """The object a query is about. Raises INVALID_TYPE, also for one that the user may not read."""
        sobject = self._db.schema.find(query.source)
        if sobject is None or (access is not None and not access.may("read", sobject)):
            raise query_error("INVALID_TYPE", query.text, query.source_at, NO_OBJECT.format(query.source))
        if sobject.event:
            message = f"entity type {sobject.name} does not support query"
            raise query_error("INVALID_TYPE_FOR_OPERATION", query.text, query.source_at, message)
        return sobject


class Plan:
    """One query (or sub-query), bound: raises for unknown names and wrong types before a row is read."""

    def __init__(self, db: Database, query: Query, sobject: SObject, view: View) -> None:
        self._db = db
        self._query = query
        self._sobject = sobject
        self._view = view
        self._deleted = view.deleted
        self._binder = Binder(db, query, sobject, view.zone, view.access)
        self._shape = Shape(db, sobject, view.version)
        if query.offset > MAX_OFFSET:
            message = f"Maximum SOQL offset allowed is {MAX_OFFSET}"
            raise query_error("NUMBER_OUTSIDE_VALID_RANGE", query.text, query.offset_at, message)
        self._filter = Filter(self._binder, self._binder.operand, self._semi_join)
        self._test = self._filter.predicate(query.where) if query.where else None
        self._aggregate = bool(query.group_by) or any(
            isinstance(item, Call) and item.function in AGGREGATES for item in query.selected
        )
        self._orders = [] if self._aggregate else [(self._sortable(o.key), o) for o in query.order_by]
        if not self._aggregate:
            self._select()

    def run(self) -> Found:
        rows = self.matching(None)
        if self._query.counting:
            return Found(len(self._window(rows)), [])
        if self._aggregate:
            records = self._window(grouped(self._query, self._binder, self._semi_join, rows))
            return Found(len(records), records)
        rows = self._window(rows)
        return Found(len(rows), [self._shape.render(row) for row in rows])

    def matching(self, among: Iterable[Document] | None) -> list[Document]:
        """The rows that meet WHERE, sorted; ``among`` narrows them to the children of one parent."""
        rows = self._candidates() if among is None else among
        found = [row for row in rows if self._test is None or self._test(row)]
        for operand, order in reversed(self._orders):
            found = sort_rows(
                found, operand.get, operand.field, descending=order.descending, nulls_last=order.nulls_last
            )
        return found

    def children_of(self, way: Child, parent: Document) -> dict[str, Any] | None:
        """The nested answer of a sub-query for one parent row, null where it has no such children."""
        family = self._db.having(way.sobject, way.field, parent["Id"], deleted=self._deleted)
        rows = self._window(self.matching(family))
        if not rows:
            return None
        return {"totalSize": len(rows), "done": True, "records": [self._shape.render(row) for row in rows]}

    def values(self) -> list[Any]:
        """The values of the one selected field: what a semi-join compares with."""
        item = self._query.selected[0]
        if len(self._query.selected) != 1 or not isinstance(item, Path):
            raise self._binder.error("MALFORMED_QUERY", self._query.source_at, "semi join must select one field")
        get = self._binder.operand(item).get
        return [value for row in self.matching(None) if (value := get(row)) is not None]

    def _window(self, rows: list[Any]) -> list[Any]:
        end = None if self._query.limit is None else self._query.offset + self._query.limit
        return rows[self._query.offset : end]

    def _candidates(self) -> Iterable[Document]:
        keys = self._filter.keys(self._query.where) if self._query.where else None
        if keys is None or self._db.is_stale:
            return self._db.rows(self._sobject.name, deleted=self._deleted)
        table = self._db.table(self._sobject.name)
        rows = (table.get(key) for key in keys)
        return (row for row in rows if row is not None and (self._deleted or not row.get("IsDeleted")))

    def _semi_join(self, query: Query) -> list[Any]:
        sobject = self._db.schema.find(query.source)
        if sobject is None or sobject.event:
            raise query_error("INVALID_TYPE", query.text, query.source_at, NO_OBJECT.format(query.source))
        return Plan(self._db, query, sobject, self._view).values()

    def _sortable(self, key: Path | Call) -> Operand:
        operand = self._binder.operand(key)
        if operand.field.long:
            message = f"field '{operand.field.name}' can not be sorted in a query call"
            raise self._binder.error("INVALID_FIELD", key.at, message)
        return operand

    def _select(self) -> None:
        for item in self._query.selected:
            if isinstance(item, SubQuery):
                self._add_children(item)
            elif isinstance(item, Path):
                self._add_path(item)
            elif item.function == "FIELDS":
                self._add_all(item)
            elif item.function in PASSING and item.argument:
                self._add_path(item.argument)
            else:
                message = f"unexpected token: '{item.text}'"
                raise self._binder.error("MALFORMED_QUERY", item.at, message)

    def _add_path(self, path: Path) -> None:
        ways, _, field = self._binder.walk(path)
        shape = self._shape
        for way in ways:
            shape = shape.parent(way)
        if field.name in shape.parts and len(path.parts) == 1:
            message = f"duplicate field selected: {field.name}"
            raise self._binder.error("INVALID_FIELD", path.at, message)
        shape.add(field)

    def _add_all(self, call: Call) -> None:
        group = call.argument.parts[0].upper() if call.argument else ""
        if group in ("ALL", "CUSTOM") and (self._query.limit is None or self._query.limit > 200):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise self._binder.error("MALFORMED_QUERY", call.at, message)
        access = self._view.access
        for field in self._sobject.fields:
            if access is not None and not access.reads(self._sobject, field):
                continue
            if group == "ALL" or (group == "CUSTOM") is field.custom:
                self._shape.add(field)

    def _add_children(self, item: SubQuery) -> None:
        query = item.query
        way = self._db.schema.child(self._sobject, query.source)
        if way is None:
            raise self._binder.error("INVALID_TYPE", query.source_at, NO_CHILD.format(query.source))
        plan = Plan(self._db, query, self._db.schema.get(way.sobject), self._view)
        self._shape.parts[way.name] = lambda row: plan.children_of(way, row)


class Shape:
    """The form of one record: which keys, in which order, and how each is read from a row."""

    def __init__(self, db: Database, sobject: SObject, version: str) -> None:
        self._db = db
        self._sobject = sobject
        self._version = version
        self._url = f"/services/data/v{version}/sobjects/{sobject.name}/"
        self._parents: dict[str, Shape] = {}
        self.parts: dict[str, Render] = {}

    def add(self, field: Field) -> None:
        name = field.name
        self.parts[name] = lambda row: row.get(name)

    def parent(self, way: Field) -> "Shape":
        """The shape of the parent that ``way`` leads to, made on first use."""
        key = way.relationship or way.name
        found = self._parents.get(key)
        if found is None:
            found = self._parents[key] = Shape(self._db, self._db.schema.get(way.reference_to[0]), self._version)
            shape, db, name, parent = found, self._db, way.name, way.reference_to[0]

            def render(row: Document) -> Any:
                above = db.get(parent, row[name]) if row.get(name) else None
                return None if above is None else shape.render(above)

            self.parts[key] = render
        return found

    def render(self, row: Document) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": self._sobject.name, "url": self._url + row["Id"]}}
        for key, part in self.parts.items():
            record[key] = part(row)
        return record
