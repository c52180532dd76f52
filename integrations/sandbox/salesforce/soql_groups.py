"""Aggregate queries: COUNT(f), SUM, … with GROUP BY and HAVING, answered as AggregateResult records."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from integrations.sandbox.salesforce.schema import Field
from integrations.sandbox.salesforce.soql_ast import Call, Path, Query, SubQuery
from integrations.sandbox.salesforce.soql_filter import Binder, Filter, Operand, sort_rows
from integrations.sandbox.salesforce.soql_parser import AGGREGATES
from integrations.sandbox.store import Document

Rows = list[Document]


def grouped(query: Query, binder: Binder, subquery: Callable[[Query], list[Any]], rows: Rows) -> list[dict[str, Any]]:
    """The records of an aggregate query over ``rows`` (those that met WHERE), before LIMIT and OFFSET."""
    keys = [binder.operand(item) for item in query.group_by]
    groups: dict[tuple[Any, ...], Rows] = {} if keys else {(): list(rows)}
    if keys:
        for row in rows:
            groups.setdefault(tuple(_fold(key.get(row)) for key in keys), []).append(row)
    readers = _Readers(query, binder)
    found = list(groups.values())
    if query.having:
        test = Filter(binder, readers.operand, subquery).predicate(query.having)
        found = [group for group in found if test(group)]
    for order in reversed(query.order_by):
        operand = readers.operand(order.key)
        found = sort_rows(found, operand.get, operand.field, descending=order.descending, nulls_last=order.nulls_last)
    columns = readers.columns()
    return [
        {"attributes": {"type": "AggregateResult"}, **{name: get(group) for name, get in columns}} for group in found
    ]


class _Readers:
    """How values are read from a group: a grouped field from any of its rows, an aggregate from all."""

    def __init__(self, query: Query, binder: Binder) -> None:
        self._query = query
        self._binder = binder
        self._grouped = {_key(item) for item in query.group_by}

    def columns(self) -> list[tuple[str, Callable[[Rows], Any]]]:
        found: list[tuple[str, Callable[[Rows], Any]]] = []
        unnamed = 0
        for item in self._query.selected:
            if isinstance(item, SubQuery):
                raise self._binder.error("MALFORMED_QUERY", item.at, "sub-queries cannot stand in an aggregate query")
            name = item.alias
            if name is None and isinstance(item, Call):
                name, unnamed = f"expr{unnamed}", unnamed + 1
            operand = self.operand(item)
            found.append((name or operand.field.name, operand.get))
        return found

    def operand(self, item: Path | Call) -> Operand:
        if isinstance(item, Call) and item.function in AGGREGATES:
            return self._aggregate(item)
        if _key(item) not in self._grouped:
            name = ".".join(item.parts) if isinstance(item, Path) else item.text
            raise self._binder.error("MALFORMED_QUERY", item.at, f"Field must be grouped or aggregated: {name}")
        single = self._binder.operand(item)
        return Operand(lambda rows: single.get(rows[0]), single.field, local=False)

    def _aggregate(self, call: Call) -> Operand:
        if call.argument is None:
            return Operand(len, Field("expr", "count", "int"), local=False)
        inner = self._binder.operand(call.argument)
        function, get = call.function, inner.get
        if function in ("SUM", "AVG") and not inner.field.numeric:
            message = f"field {inner.field.name} does not support aggregate operator {function}"
            raise self._binder.error("MALFORMED_QUERY", call.at, message)

        def compute(rows: Rows) -> Any:
            return _computed(function, [value for row in rows if (value := get(row)) is not None])

        kind = inner.field.type if function in ("MIN", "MAX") else "double"
        return Operand(compute, Field(inner.field.name, call.text, kind), local=False)


def _computed(function: str, values: list[Any]) -> Any:
    if function == "COUNT":
        return len(values)
    if function == "COUNT_DISTINCT":
        return len({_fold(value) for value in values})
    if not values:
        return None
    if function in ("MIN", "MAX"):
        return (min if function == "MIN" else max)(values)
    total = sum(Decimal(str(value)) for value in values)
    return float(total if function == "SUM" else total / len(values))


def _key(item: Path | Call) -> str:
    if isinstance(item, Path):
        return ".".join(item.parts).lower()
    return item.text.lower()


def _fold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
