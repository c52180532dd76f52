"""The one filter grammar of screens, command line and API: to SQL for the journal, to a predicate for the book.

Both give the same answer on the same order (a property test holds them to it). Terms are joined by AND, the values of
a term by OR; ``-`` negates; a ``|`` that stands alone parts whole alternatives. A field the book does not hold (a customer's name, an ICCID) or a free word is *beyond*
the book: only the daemon can answer it, and ``matches`` refuses to guess.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import eq, ge, gt, le, lt
from typing import Any

from console.client.completing import Completion, complete
from console.client.query_parse import Term, Value, parse_terms
from console.client.query_words import (
    OPEN,
    UNFINISHED,
    Kind,
    QueryError,
    fold,
    folded,
    nearest,
    number_key,
)
from console.client.rows import BookRow
from console.schema.book import NO_RUN

__all__ = ["Completion", "Query", "QueryError", "Sort", "complete", "parse", "parse_sort"]

Sql = tuple[str, list[Any]]
_TEXTS: dict[str, tuple[str, ...]] = {
    # Columns of which one must hold the value as a part.
    "plan": ("o.plan",),
    "customer": ("o.customer_name",),
    "cause": ("r.error_code", "r.error_message", "r.wait_reason"),
}
_PARKED = (
    "CASE WHEN r.state = 'parked' AND r.condition IS NOT NULL THEN"
    " json_extract(r.condition, '$.kind') || '(' || json_extract(r.condition, '$.argument') || ')' END"
)
_COLUMNS: dict[str, str] = {
    "state": f"COALESCE(r.state, '{NO_RUN}')",
    "wait": "r.wait",
    "step": "COALESCE(r.step, r.error_step)",
    "sf": "fold(o.sf_status)",
    "class": "r.error_class",
    "system": "r.error_system",
    "amount": "o.amount",
    "try": "COALESCE(r.tries, 0)",
    "attempt": "COALESCE(r.attempt, 0)",
    "age": "COALESCE(r.created_at, o.sf_modified_at, o.read_at)",
    "updated": "COALESCE(r.updated_at, o.read_at)",
    "until": "r.wait_until",
    "noted": "(SELECT MAX(n.at) FROM notes n WHERE n.order_id = o.order_id)",
    "parked": "r.updated_at",
}
_MAIL = (
    "COALESCE((SELECT m.state FROM mail m WHERE m.order_id = o.order_id ORDER BY CASE m.state WHEN 'maybe_sent' THEN 0"
    " WHEN 'failed' THEN 1 WHEN 'held' THEN 2 WHEN 'sending' THEN 3 WHEN 'queued' THEN 4 ELSE 5 END, m.id DESC LIMIT 1),"
    " 'none')"
)


@dataclass(frozen=True)
class Query:
    """A filter that was read. ``me``: the name that ``@me`` stands for."""

    text: str
    terms: tuple[Term, ...]
    me: str = ""

    @property
    def beyond(self) -> tuple[str, ...]:
        """The parts only the daemon can answer, as written; empty: the book is enough."""
        return tuple(self.text[t.start : t.end] for t in self.terms if t.field is None or t.field.beyond)

    @property
    def groups(self) -> tuple[tuple[Term, ...], ...]:
        """The alternatives: an order matches when all terms of one of them do."""
        return tuple(tuple(found) for _, found in groupby(self.terms, key=lambda term: term.group))

    @property
    def unfinished(self) -> bool:
        """Does it ask for runs alone that are not over? A book that lacks old orders has all of those."""
        return all(
            any(
                term.field is not None and term.field.name == "state" and not term.negated
                and all(value.text in UNFINISHED for value in term.values)
                for term in group
            )
            for group in self.groups
        )  # fmt: skip

    def where(self, now: float) -> tuple[str, list[Any]]:
        """SQL over o (orders), r (latest run), t (takes) with bound parameters; every value stands in the parameters."""
        groups: list[str] = []
        bound: list[Any] = []
        for group in self.groups:
            parts: list[str] = []
            for term in group:
                options = [_sql(term, value, now, self.me) for value in term.values]
                joined = " OR ".join(sql for sql, _ in options)
                parts.append(f"(({joined}) IS {'NOT ' if term.negated else ''}TRUE)")
                bound += [value for _, values in options for value in values]
            groups.append(f"({' AND '.join(parts)})" if len(self.groups) > 1 else " AND ".join(parts))
        return f"({' OR '.join(groups)})" if groups else "1", bound

    def matches(self, row: BookRow, now: float) -> bool:
        """Raises ValueError when the filter is beyond the book."""
        return self.predicate(now)(row)

    def predicate(self, now: float) -> Callable[[BookRow], bool]:
        """``matches`` for many rows. Raises ValueError when the filter is beyond the book."""
        self._within_the_book()
        groups = [_both([_test(term, now, self.me) for term in group]) for group in self.groups]
        if len(groups) <= 1:
            return groups[0] if groups else _both([])
        return lambda row: any(test(row) for test in groups)

    def select(self, rows: Iterable[BookRow], now: float) -> list[BookRow]:
        """All that match, term by term: what is told quickly first, each leaves fewer to those after it. Raises ValueError."""
        self._within_the_book()
        if len(self.groups) > 1:
            return list(filter(self.predicate(now), rows))
        found = list(rows)
        for term in sorted(self.terms, key=_effort):
            found = list(filter(_test(term, now, self.me), found))
        return found

    def _within_the_book(self) -> None:
        if beyond := " ".join(self.beyond):
            raise ValueError(f"the book cannot answer {beyond}")


def parse(text: str, *, me: str = "") -> Query:
    """Raises QueryError with the place and the nearest name."""
    return Query(text, parse_terms(text), me)


# To SQL ---------------------------------------------------------------------------------------------------------------


def _sql(term: Term, value: Value, now: float, me: str) -> Sql:
    if term.field is None:
        return (
            "instr(o.search, ?) > 0 OR ltrim(o.number, '0') = ? OR o.order_id = ?",
            [value.text, number_key(value.text), value.text],
        )
    name, operator = term.field.name, {":": "="}.get(term.operator, term.operator)
    if name == "parked" and operator != "=":
        return f"r.state = 'parked' AND ? - r.updated_at {operator} ?", [now, value.number]
    match term.field.kind:
        case Kind.NUMBER:
            return f"{_COLUMNS[name]} {operator} ?", [value.number]
        case Kind.DURATION:
            left = "r.wait_until - ?" if name == "until" else f"? - {_COLUMNS[name]}"
            return f"{left} {operator} ?", [now, value.number]
        case Kind.FLAG:
            return "COALESCE(r.unknown_open, 0) = ?", [int(value.text == "yes")]
        case Kind.PART:
            return _part_sql(name, value)
    return _word_sql(name, value, now, me)


def _part_sql(name: str, value: Value) -> Sql:
    if name == "parked":
        return f"instr(fold({_PARKED}), ?) > 0", [value.text]
    parts = [f"instr(fold({column}), ?) > 0" for column in _TEXTS[name]]
    bound: list[Any] = [value.text] * len(parts)
    if name == "cause":
        parts.append("r.fingerprint = ?")
        bound.append(value.text)
    return " OR ".join(f"COALESCE({part}, 0)" for part in parts), bound


def _word_sql(name: str, value: Value, now: float, me: str) -> Sql:
    match name:
        case "state" if value.text == "open":
            return f"r.state IN ({', '.join('?' * len(OPEN))})", list(OPEN)
        case "kind":
            return "instr('+' || fold(o.kind) || '+', ?) > 0", [f"+{value.text}+"]
        case "mail":
            return f"{_MAIL} = ?", [value.text]
        case "number":
            return "ltrim(o.number, '0') = ?", [number_key(value.text)]
        case "account":
            return "fold(o.customer_number) = ?", [value.text]
        case "owner" if value.text == "@none":
            return "t.actor IS NULL OR t.expires_at <= ?", [now]
        case "owner":
            return "fold(t.actor) = ? AND t.expires_at > ?", [_owner(value, me), now]
        case "iccid":
            known = "SELECT order_id FROM profiles WHERE iccid = ?"
            keyed = "SELECT order_id FROM order_keys WHERE kind = 'iccid' AND value = ?"
            return f"o.order_id IN ({known} UNION {keyed})", [_digits(value.text)] * 2
        case "id":
            keyed = "SELECT order_id FROM order_keys WHERE kind IN ('whmcs', 'client') AND value = ?"
            own = "fold(o.order_id) = ? OR fold(substr(o.order_id, 1, 15)) = ?"
            return f"{own} OR ltrim(o.number, '0') = ? OR o.order_id IN ({keyed})", [
                value.text, value.text, number_key(value.text), value.text,
            ]  # fmt: skip
    return f"{_COLUMNS[name]} = ?", [value.text]


def _owner(value: Value, me: str) -> str:
    return fold(me) if value.text == "@me" else value.text


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


# To a predicate -------------------------------------------------------------------------------------------------------

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ":": eq, "=": eq, ">": gt, ">=": ge, "<": lt, "<=": le,
}  # fmt: skip
_WORDS: dict[str, Callable[[BookRow], str | None]] = {
    "wait": lambda row: row.wait,
    "step": lambda row: row.step if row.step is not None else row.error_step,
    "sf": lambda row: folded(row.sf),
    "class": lambda row: row.error_class,
    "system": lambda row: row.system,
    "mail": lambda row: row.mail or "none",
    "number": lambda row: row.number.lstrip("0"),
    "account": lambda row: fold(row.account) if row.account is not None else None,
}
_NUMBERS: dict[str, Callable[[BookRow, float], float | None]] = {
    "amount": lambda row, now: row.amount,
    "try": lambda row, now: row.tries,
    "attempt": lambda row, now: row.attempt,
    "age": lambda row, now: now - row.created if row.created is not None else None,
    "updated": lambda row, now: now - row.updated,
    "until": lambda row, now: row.until - now if row.until is not None else None,
    "parked": lambda row, now: now - row.updated if row.state == "parked" else None,
}


_EFFORT = dict.fromkeys(_NUMBERS, 1) | dict.fromkeys(("state", "wait", "class", "system", "unknown"), 0)


def _effort(term: Term) -> int:
    """How long a term takes to be told of a row, roughly: words of any column are looked for last."""
    return 2 if term.field is None else _EFFORT.get(term.field.name, 2)


def _test(term: Term, now: float, me: str) -> Callable[[BookRow], bool]:
    positive = _positive(term, now, me)
    return (lambda row: not positive(row)) if term.negated else positive


def _both(tests: Sequence[Callable[[BookRow], bool]]) -> Callable[[BookRow], bool]:
    """All of them hold; asked of every order with each key in the filter line, so without a loop for the usual few."""
    match tests:
        case []:
            return lambda row: True
        case [one]:
            return one
        case [one, two]:
            return lambda row: one(row) and two(row)
        case [one, two, three]:
            return lambda row: one(row) and two(row) and three(row)
    return lambda row: all(test(row) for test in tests)


def _positive(term: Term, now: float, me: str) -> Callable[[BookRow], bool]:
    assert term.field is not None
    name = term.field.name
    if term.values[0].number is not None:
        read, compare = _NUMBERS[name], _COMPARE[term.operator]
        limits = [value.number for value in term.values if value.number is not None]
        if len(limits) == 1:
            limit = limits[0]
            return lambda row: (n := read(row, now)) is not None and compare(n, limit)
        return lambda row: (n := read(row, now)) is not None and any(compare(n, limit) for limit in limits)
    texts = frozenset(value.text for value in term.values)
    match name:
        case "unknown":
            return lambda row: ("yes" if row.unknown else "no") in texts
        case "kind":
            return lambda row: row.kind is not None and not texts.isdisjoint(folded(row.kind).split("+"))
        case "plan":
            return lambda row: _holds(row.plan, texts)
        case "parked":
            return lambda row: _holds(row.parked, texts)
        case "cause":
            return lambda row: (
                row.cause in texts or any(_holds(text, texts) for text in (row.code, row.message, row.wait_reason))
            )
        case "owner":
            wanted = {_owner(value, me) for value in term.values}
            return lambda row: (fold(owner) if (owner := row.owned_by(now)) is not None else "@none") in wanted
        case "state":
            texts = texts | frozenset(OPEN) if "open" in texts else texts
            return lambda row: row.state in texts
        case "number":
            texts = frozenset(number_key(text) for text in texts)
    word = _WORDS[name]
    return lambda row: word(row) in texts


def _holds(text: str | None, parts: Iterable[str]) -> bool:
    if not text:
        return False
    whole = folded(text)
    return any(part in whole for part in parts)


# Sorting --------------------------------------------------------------------------------------------------------------

_SORTS: dict[str, tuple[str, Callable[[BookRow], Any] | None]] = {
    "number": ("o.number", lambda row: row.number),
    "account": ("o.customer_number", lambda row: row.account),
    "customer": ("o.customer_name", None),
    "kind": ("o.kind", lambda row: row.kind),
    "plan": ("o.plan", lambda row: row.plan),
    "amount": ("o.amount", lambda row: row.amount),
    "sf": ("o.sf_status", lambda row: row.sf),
    "state": (_COLUMNS["state"], lambda row: row.state),
    "step": (_COLUMNS["step"], _WORDS["step"]),
    "try": ("COALESCE(r.tries, 0)", lambda row: row.tries),
    "class": ("r.error_class", lambda row: row.error_class),
    "cause": ("r.error_code", lambda row: row.code),
    "owner": ("t.actor", lambda row: row.owner),
    "age": (_COLUMNS["age"], lambda row: row.created),
    "updated": (_COLUMNS["updated"], lambda row: row.updated),
    "until": ("r.wait_until", lambda row: row.until),
}


@dataclass(frozen=True)
class Sort:
    """By one column, then by order id; what has no value comes last."""

    name: str
    descending: bool = False

    @property
    def order_by(self) -> str:
        expression = _SORTS[self.name][0]
        direction = "DESC" if self.descending else "ASC"
        return f"{expression} IS NULL, {expression} {direction}, o.order_id {direction}"

    @property
    def beyond(self) -> bool:
        return _SORTS[self.name][1] is None

    def key(self, row: BookRow) -> Any:
        """What a row is ordered by; None comes last. Raises ValueError when only the daemon can sort so."""
        read = _SORTS[self.name][1]
        if read is None:
            raise ValueError(f"the book cannot sort by {self.name}")
        return read(row)

    def sorted(self, rows: Iterable[BookRow]) -> list[BookRow]:
        with_value: list[tuple[Any, str, BookRow]] = []
        without: list[tuple[str, BookRow]] = []
        for row in rows:
            key = self.key(row)
            if key is None:
                without.append((row.order_id, row))
            else:
                with_value.append((key, row.order_id, row))
        with_value.sort(key=lambda item: item[:2], reverse=self.descending)
        without.sort(key=lambda item: item[0], reverse=self.descending)
        return [item[2] for item in with_value] + [item[1] for item in without]


def parse_sort(text: str) -> Sort:
    """``updated`` or ``-updated``. Raises QueryError."""
    plain_text = fold(text)
    name = plain_text.lstrip("-+")
    if name not in _SORTS:
        near = nearest(name, _SORTS)
        known = "" if near else f"; known: {', '.join(_SORTS)}"
        raise QueryError(f'there is no column "{name[:40]}" to sort by{known}', 0, len(text), near)
    return Sort(name, plain_text.startswith("-"))
