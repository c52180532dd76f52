"""What a parsed SOQL query consists of. ``at`` is always an offset into the query's text."""

from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Path:
    """A field, perhaps of a parent: ("Product2", "Name"). ``alias`` only occurs in aggregate queries."""

    parts: tuple[str, ...]
    at: int
    alias: str | None = None


@dataclass(frozen=True)
class Call:
    """``function`` in capitals: COUNT (without argument too), SUM, TOLABEL, CALENDAR_YEAR, FIELDS, …"""

    function: str
    argument: Path | None
    at: int
    alias: str | None = None
    text: str = ""


@dataclass(frozen=True)
class Literal:
    """``kind``: string, number, bool, null, date, datetime, range (a date literal such as LAST_N_DAYS:3), currency.

    ``raw`` is as written (what LIKE needs), ``value`` the Python value: str, float, bool, None, or (name, n) of a range.
    """

    kind: str
    value: object
    raw: str
    at: int


@dataclass(frozen=True)
class Comparison:
    """``operator``: = != < <= > >= LIKE IN, or "NOT IN"."""

    left: Path | Call
    operator: str
    right: Union[Literal, tuple[Literal, ...], "Query"]
    at: int


@dataclass(frozen=True)
class And:
    terms: tuple["Condition", ...]


@dataclass(frozen=True)
class Or:
    terms: tuple["Condition", ...]


@dataclass(frozen=True)
class Not:
    term: "Condition"


Condition = Comparison | And | Or | Not


@dataclass(frozen=True)
class OrderBy:
    key: Path | Call
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class SubQuery:
    """(SELECT … FROM Children) among the selected fields."""

    query: "Query"
    at: int


Selected = Path | Call | SubQuery


@dataclass(frozen=True)
class Query:
    """One SELECT. ``text`` is the whole text it stands in, for error frames."""

    text: str
    selected: tuple[Selected, ...]
    source: str
    source_at: int
    alias: str | None = None
    where: Condition | None = None
    group_by: tuple[Path | Call, ...] = ()
    having: Condition | None = None
    order_by: tuple[OrderBy, ...] = ()
    limit: int | None = None
    offset: int = 0
    offset_at: int = 0
    all_rows: bool = False

    @property
    def counting(self) -> bool:
        """Whether this is SELECT COUNT() FROM …, which answers a number instead of records."""
        first = self.selected[0]
        return len(self.selected) == 1 and isinstance(first, Call) and first.function == "COUNT" and not first.argument
