"""WHERE and HAVING as predicates over rows, type-checked as Salesforce does it, and the index look-ups they allow."""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from integrations.salesforce.ids import norm_id
from integrations.sandbox.salesforce.access import Access
from integrations.sandbox.salesforce.errors import SalesforceError
from integrations.sandbox.salesforce.rows import TIME_FORMAT, Database
from integrations.sandbox.salesforce.schema import Field, SObject
from integrations.sandbox.salesforce.soql_ast import And, Call, Comparison, Condition, Literal, Not, Or, Path, Query
from integrations.sandbox.salesforce.soql_dates import date_range
from integrations.sandbox.salesforce.soql_lexer import like_pattern, query_error
from integrations.sandbox.salesforce.values import parse_moment
from integrations.sandbox.store import Document

Predicate = Callable[[Any], bool]
Getter = Callable[[Any], Any]

NO_FIELD = (
    "No such column '{0}' on entity '{1}'. If you are attempting to use a custom field, be sure to append the '__c' "
    "after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
)
NO_PARENT = (
    "Didn't understand relationship '{0}' in field path. If you are attempting to use a custom relationship, be sure "
    "to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the "
    "appropriate names."
)
WRONG_TYPE = "value of filter criterion for field '{0}' must be of type {1} and should {2}be enclosed in quotes"
ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Operand:
    """The left side of a comparison: how to read it from a row, and as which field it is checked and compared."""

    get: Getter
    field: Field
    local: bool  # the row's own field, not a parent's and not a function of it


class Binder:
    """Field paths of one query bound to the schema. ``zone`` is the user's: it says when a day begins."""

    def __init__(
        self, db: Database, query: Query, sobject: SObject, zone: ZoneInfo, access: Access | None = None
    ) -> None:
        self.access = access
        self.db = db
        self.query = query
        self.sobject = sobject
        self.zone = zone

    def walk(self, path: Path) -> tuple[list[Field], SObject, Field]:
        """The reference fields on the way, the object at its end and the field there. Raises INVALID_FIELD."""
        parts = list(path.parts)
        first = parts[0].lower() if len(parts) > 1 else ""
        named = first == self.sobject.name.lower() and first not in self.sobject.parents
        if first and (named or first == (self.query.alias or "").lower()):
            parts = parts[1:]
        ways: list[Field] = []
        sobject = self.sobject
        for parent in parts[:-1]:
            way = sobject.parents.get(parent.lower())
            if way is None:
                raise self.error("INVALID_FIELD", path.at, NO_PARENT.format(parent))
            ways.append(way)
            sobject = self.db.schema.get(way.reference_to[0])
        field = sobject.find(parts[-1])
        if field is None or (self.access is not None and not self.access.reads(sobject, field)):
            raise self.error("INVALID_FIELD", path.at, NO_FIELD.format(parts[-1], sobject.name))
        return ways, sobject, field

    def operand(self, item: Path | Call) -> Operand:
        """How to read a path, or a date function of one, from a row."""
        path = item.argument if isinstance(item, Call) else item
        if path is None:
            raise self.error("MALFORMED_QUERY", item.at, "unexpected token: 'COUNT'")
        ways, _, field = self.walk(path)
        get = self.getter(ways, field)
        if isinstance(item, Call) and item.function not in ("TOLABEL", "FORMAT", "CONVERTCURRENCY"):
            return self.date_part(item, get, field)
        return Operand(get, field, not ways)

    def getter(self, ways: list[Field], field: Field) -> Getter:
        name = field.name
        if not ways:
            return lambda row: row.get(name)
        db = self.db

        def climb(row: Document) -> Any:
            for way in ways:
                key = row.get(way.name)
                found = db.get(way.reference_to[0], key) if key else None
                if found is None:
                    return None
                row = found
            return row.get(name)

        return climb

    def date_part(self, call: Call, get: Getter, field: Field) -> Operand:
        """CALENDAR_YEAR(CreatedDate) and its like, in the user's zone."""
        if field.type not in ("date", "datetime"):
            raise self.error("INVALID_FIELD", call.at, f"field {field.name} does not support {call.function}")
        zone = self.zone

        def part(row: Any) -> Any:
            value = get(row)
            if value is None:
                return None
            at = parse_moment(value)
            local = at if field.type == "date" else at.astimezone(zone)
            parts = {"CALENDAR_YEAR": local.year, "CALENDAR_MONTH": local.month, "DAY_IN_MONTH": local.day}
            parts["HOUR_IN_DAY"] = local.hour
            return local.date().isoformat() if call.function == "DAY_ONLY" else parts[call.function]

        kind = "date" if call.function == "DAY_ONLY" else "int"
        return Operand(part, Field(field.name, field.label, kind), local=False)

    def error(self, code: str, at: int, message: str) -> SalesforceError:
        return query_error(code, self.query.text, at, message)

    def today(self) -> date:
        return self.db.clock().astimezone(self.zone).date()

    def midnight(self, day: date) -> str:
        """The first moment of a local day, as a stored datetime."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC).strftime(TIME_FORMAT)


class Filter:
    """Conditions as predicates. ``operand`` reads a left side, ``subquery`` gives the values of a semi-join."""

    def __init__(
        self, binder: Binder, operand: Callable[[Path | Call], Operand], subquery: Callable[[Query], list[Any]]
    ) -> None:
        self._binder = binder
        self._operand = operand
        self._subquery = subquery
        self._members: dict[int, list[Any]] = {}

    def predicate(self, condition: Condition) -> Predicate:
        match condition:
            case And(terms):
                every = [self.predicate(term) for term in terms]
                return lambda row: all(test(row) for test in every)
            case Or(terms):
                some = [self.predicate(term) for term in terms]
                return lambda row: any(test(row) for test in some)
            case Not(term):
                inner = self.predicate(term)
                return lambda row: not inner(row)
        return self._comparison(condition)

    def keys(self, condition: Condition) -> list[str] | None:
        """The ids of the rows that may meet the condition, by index; None where only a scan can tell."""
        match condition:
            case And(terms):
                found = [keys for keys in map(self.keys, terms) if keys is not None]
                return min(found, key=len) if found else None
            case Or(terms):
                every = [self.keys(term) for term in terms]
                if any(keys is None for keys in every):
                    return None
                return sorted({key for keys in every for key in keys or ()})
            case Comparison(left, "=" | "IN", _, _) if isinstance(left, Path):
                return self._indexed(condition, self._operand(left))
        return None

    def _indexed(self, condition: Comparison, left: Operand) -> list[str] | None:
        table = self._binder.db.table(self._binder.sobject.name)
        if not left.local or not (left.field.name == "Id" or table.indexes(left.field.name)):
            return None
        values = self._values(condition, left.field)
        if any(value is None for value in values):
            return None
        if left.field.name == "Id":
            return sorted(set(values))
        return sorted({key for value in values for key in table.having(left.field.name, value)})

    def _values(self, condition: Comparison, field: Field) -> list[Any]:
        """The right side of = or IN as stored values; a semi-join is run once."""
        right = condition.right
        if isinstance(right, Literal):
            return [self._value(field, right)]
        if isinstance(right, tuple):
            return [self._value(field, literal) for literal in right]
        if id(condition) not in self._members:
            self._members[id(condition)] = self._subquery(right)
        return self._members[id(condition)]

    def _comparison(self, condition: Comparison) -> Predicate:
        left = self._operand(condition.left)
        if left.field.long:
            message = f"field '{left.field.name}' can not be filtered in a query call"
            raise self._binder.error("INVALID_FIELD", condition.left.at, message)
        right = condition.right
        if condition.operator == "LIKE":
            return self._like(left, condition)
        if condition.operator in ("IN", "NOT IN"):
            return self._in(left, condition)
        assert isinstance(right, Literal)
        if right.kind == "range":
            return self._range(left, condition.operator, right)
        return self._compare(left, condition.operator, self._value(left.field, right))

    def _like(self, left: Operand, condition: Comparison) -> Predicate:
        right = condition.right
        textual = left.field.type not in ("id", "reference", "boolean", "date", "datetime") and not left.field.numeric
        if not textual or not isinstance(right, Literal) or right.kind != "string":
            message = "invalid operator on id field" if not textual else "LIKE operator needs a string"
            raise self._binder.error("INVALID_QUERY_FILTER_OPERATOR", condition.at, message)
        pattern, get = like_pattern(right.raw), left.get

        def like(row: Any) -> bool:
            value = get(row)
            return value is not None and pattern.fullmatch(value) is not None

        return like

    def _in(self, left: Operand, condition: Comparison) -> Predicate:
        fold = _folding(left.field)
        wanted = {None if value is None else fold(value) for value in self._values(condition, left.field)}
        get, inside = left.get, condition.operator == "IN"

        def member(row: Any) -> bool:
            value = get(row)
            return ((None if value is None else fold(value)) in wanted) is inside

        return member

    def _compare(self, left: Operand, sign: str, wanted: Any) -> Predicate:
        get, fold = left.get, _folding(left.field)
        if sign in ("=", "!="):
            same = sign == "="
            folded = None if wanted is None else fold(wanted)

            def equal(row: Any) -> bool:
                value = get(row)
                return ((None if value is None else fold(value)) == folded) is same

            return equal
        if wanted is None or left.field.type == "boolean":
            message = f"{sign} operator not supported for field '{left.field.name}'"
            raise SalesforceError("INVALID_QUERY_FILTER_OPERATOR", message)
        holds, bound = ORDERED[sign], fold(wanted)

        def ordered(row: Any) -> bool:
            value = get(row)
            return value is not None and holds(fold(value), bound)

        return ordered

    def _range(self, left: Operand, sign: str, literal: Literal) -> Predicate:
        name, n = literal.value if isinstance(literal.value, tuple) else ("", 0)
        if left.field.type not in ("date", "datetime"):
            raise self._mismatch(left.field, literal)
        try:
            first, after = date_range(name, n, self._binder.today())
        except (OverflowError, ValueError) as error:
            raise self._binder.error("MALFORMED_QUERY", literal.at, f"number out of range: {n}") from error
        moment = self._binder.midnight if left.field.type == "datetime" else date.isoformat
        start, end = moment(first), moment(after)
        tests: dict[str, Predicate] = {
            "=": lambda value: start <= value < end,
            "!=": lambda value: not start <= value < end,
            "<": lambda value: value < start,
            "<=": lambda value: value < end,
            ">": lambda value: value >= end,
            ">=": lambda value: value >= start,
        }
        get, test = left.get, tests[sign]

        def within(row: Any) -> bool:
            value = get(row)
            return sign == "!=" if value is None else test(value)

        return within

    def _value(self, field: Field, literal: Literal) -> Any:
        """A literal as a stored value of ``field``. Raises INVALID_FIELD for one of another type."""
        kind = field.type
        if literal.kind == "null" or (literal.value == "" and not field.numeric and kind != "boolean"):
            return None  # an empty text is stored as null
        if kind in ("id", "reference") and literal.kind == "string":
            try:
                return norm_id(str(literal.value))
            except ValueError as error:
                message = f"invalid ID field: {literal.value}"
                raise self._binder.error("INVALID_QUERY_FILTER_OPERATOR", literal.at, message) from error
        if kind == "datetime" and literal.kind == "datetime":
            return _moment(literal.raw, self._binder)
        wanted = {"boolean": "bool", "date": "date", "datetime": "datetime"}.get(kind)
        if literal.kind != (wanted or ("number" if field.numeric else "string")):
            raise self._mismatch(field, literal)
        return literal.raw if kind == "date" else literal.value

    def _mismatch(self, field: Field, literal: Literal) -> SalesforceError:
        quoted = not field.numeric and field.type not in ("boolean", "date", "datetime")
        kind = {"datetime": "dateTime", "picklist": "string", "textarea": "string"}.get(field.type, field.type)
        message = WRONG_TYPE.format(field.name, kind, "" if quoted else "not ")
        return self._binder.error("INVALID_FIELD", literal.at, message)


def _moment(raw: str, binder: Binder) -> str:
    try:
        at = parse_moment(raw)
    except ValueError as error:
        raise binder.error("MALFORMED_QUERY", binder.query.text.find(raw), f"invalid dateTime: {raw}") from error
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def _folding(field: Field) -> Callable[[Any], Any]:
    """How two values of a field are compared: text without case, unless the field is unique and case-sensitive."""
    if field.type in ("id", "reference", "boolean", "date", "datetime") or field.numeric or field.case_sensitive:
        return lambda value: value
    return lambda value: value.casefold() if isinstance(value, str) else value


def sort_rows(rows: Iterable[Any], get: Getter, field: Field, *, descending: bool, nulls_last: bool) -> list[Any]:
    """Rows in the order of one key: text without case, picklists by their list, empty ones first unless told."""
    fold = _folding(field)
    places = {choice.value: n for n, choice in enumerate(field.picklist)}
    empty: list[tuple[Any, Any]] = []
    filled: list[tuple[Any, Any]] = []
    for row in rows:
        value = get(row)
        (empty if value is None else filled).append((value, row))
    if places:
        filled.sort(key=lambda pair: (places.get(pair[0], len(places)), pair[0]), reverse=descending)
    else:
        filled.sort(key=lambda pair: fold(pair[0]), reverse=descending)
    ordered = [row for _, row in filled]
    nothing = [row for _, row in empty]
    return ordered + nothing if nulls_last else nothing + ordered
