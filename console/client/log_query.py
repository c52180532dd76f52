"""Filters of the logs, in the grammar of all filters: the audit log (``who:mira since:2h``) and the platform events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from console.client.query_parse import Term, Value, parse_terms
from console.client.query_words import Field, Kind, fold, number_key
from console.schema.base import ROLES

OUTCOMES = ("done", "requested", "unknown", "partly", "failed", "refused", "interrupted", "under_way")
EVENT_STATES = ("new", "started", "attached", "closed", "held", "poison", "heartbeat")
_SINCE = Field("since", Kind.MOMENT, "so long ago or later, or from a day on: since:2h, since:2026-11-23")
_UNTIL = Field("until", Kind.MOMENT, "before that: until:30m, until:2026-11-24")
_ORDER = Field("order", Kind.WHOLE, "order number, leading zeros optional, or Salesforce id")
_REASON = Field("reason", Kind.PART, "part of the reason")


def _named(*fields: Field) -> Mapping[str, Field]:
    return {field.name: field for field in fields}


AUDIT_FIELDS = _named(
    Field("who", Kind.WHOLE, "who did it: a name, or @me", ("@me",)), Field("role", Kind.WORD, "their role", ROLES),
    Field("command", Kind.PART, "part of the command: retry, order.cancel"), _ORDER, _SINCE, _UNTIL,
    Field("outcome", Kind.WORD, "what came of it", OUTCOMES), _REASON,
)  # fmt: skip
EVENT_FIELDS = _named(
    Field("state", Kind.WORD, "what became of the event", EVENT_STATES), _ORDER, _SINCE, _UNTIL,
    Field("channel", Kind.PART, "part of the channel"), Field("event", Kind.WHOLE, "id of the event"), _REASON,
)  # fmt: skip


@dataclass(frozen=True)
class Clause:
    """One condition; ``name`` "word" is a free word. ``values``: folded texts, or seconds since 1970 for a moment."""

    name: str
    values: Sequence[str | float]
    negated: bool


def clauses(
    text: str, fields: Mapping[str, Field], *, now: float = 0.0, zone: tzinfo | None = None, me: str = ""
) -> list[Clause]:
    """``zone``: where a day begins. Raises QueryError with the place and the nearest name."""
    return [_clause(term, now, zone, me) for term in parse_terms(text, fields)]


def _clause(term: Term, now: float, zone: tzinfo | None, me: str) -> Clause:
    if term.field is None:
        return Clause("word", [value.text for value in term.values], term.negated)
    return Clause(term.field.name, [_value(term.field, value, now, zone, me) for value in term.values], term.negated)


def _value(field: Field, value: Value, now: float, zone: tzinfo | None, me: str) -> str | float:
    if field.kind is Kind.MOMENT:
        if value.number is not None:
            return now - value.number
        return datetime.fromisoformat(value.text).replace(tzinfo=zone).timestamp()
    if field.name == "order":
        return number_key(value.text) if value.text.isdigit() else value.text
    return fold(me) if value.text == "@me" else value.text
