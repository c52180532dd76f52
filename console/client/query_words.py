"""The words of the filter grammar: fields, their values, and how a mistake is told."""

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from console.schema.book import NO_RUN, STEPS

OPEN = ("queued", "running", "retrying", "parked", "held")
UNFINISHED = frozenset((*OPEN, "failed", "open"))
STATES = (*OPEN, "failed", "done", "cancelled", NO_RUN)
WAITS = ("person", "making_sure", "condition", "lock", "retry")
CLASSES = ("transient", "outcome_unknown", "capacity", "customer", "data", "conflict", "config")
SYSTEMS = ("salesforce", "whmcs", "esim", "mail", "portal")
KINDS = ("internet", "sim", "esim", "vpn", "other")
MAILS = ("queued", "sending", "sent", "maybe_sent", "failed", "held", "none")
STATUSES = (
    "draft", "pending review", "approved", "provisioning", "failed", "rejected", "cancelled", "activated",
)  # fmt: skip
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Kind(StrEnum):
    """How the values of a field are read and compared."""

    WORD = "word"  # one of a closed list
    PART = "part"  # a part of the text
    WHOLE = "whole"  # the whole text
    NUMBER = "number"
    DURATION = "duration"
    FLAG = "flag"
    MOMENT = "moment"  # so long ago, or a day


@dataclass(frozen=True, slots=True)
class Field:
    """``beyond``: the book does not hold it, only the daemon can answer."""

    name: str
    kind: Kind
    help: str
    values: tuple[str, ...] = ()
    beyond: bool = False


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("state", Kind.WORD, "state of the run, or open", (*STATES, "open")),
        Field("wait", Kind.WORD, "what the run waits for", WAITS),
        Field("step", Kind.WORD, "the step it is at or failed in", STEPS),
        Field("sf", Kind.WORD, "status in Salesforce", STATUSES),
        Field("kind", Kind.WORD, "kind of product", KINDS),
        Field("class", Kind.WORD, "class of the failure", CLASSES),
        Field("system", Kind.WORD, "system that failed", SYSTEMS),
        Field("mail", Kind.WORD, "state of the order's mail", MAILS),
        Field("plan", Kind.PART, "part of the product's name"),
        Field("cause", Kind.PART, "part of the error's code, message or reason, or the cause's id"),
        Field("number", Kind.WHOLE, "order number, leading zeros optional"),
        Field("account", Kind.WHOLE, "customer number"),
        Field("owner", Kind.WHOLE, "who took it: a name, @me or @none", ("@me", "@none")),
        Field("parked", Kind.PART, "part of the condition, or how long it is parked: parked>2h"),
        Field("unknown", Kind.FLAG, "an outcome that is not known", ("yes", "no")),
        Field("amount", Kind.NUMBER, "whole yen"),
        Field("try", Kind.NUMBER, "tries of the present step"),
        Field("attempt", Kind.NUMBER, "how often the order was claimed"),
        Field("age", Kind.DURATION, "since the run began: age>2h"),
        Field("updated", Kind.DURATION, "since the last change: updated<24h"),
        Field("until", Kind.DURATION, "time left of a wait: until<12h"),
        Field("noted", Kind.DURATION, "since the last note: noted<12h", beyond=True),
        Field("customer", Kind.PART, "part of the customer's name", beyond=True),
        Field("iccid", Kind.WHOLE, "an eSIM profile of the order", beyond=True),
        Field("id", Kind.WHOLE, "Salesforce, WHMCS order or client id", beyond=True),
    )
}


class QueryError(ValueError):
    """The filter cannot be read: what is wrong with the characters from ``start`` up to ``end``, and what was meant."""

    def __init__(self, message: str, start: int, end: int, nearest: str = "") -> None:
        self.message = message
        self.start = start
        self.end = end
        self.nearest = nearest
        super().__init__(f"{message}{f'; did you mean {nearest}?' if nearest else ''} (at character {start + 1})")


def fold(text: str) -> str:
    """The form both sides are compared in: NFKC, casefolded, single spaces (the same as the journal's)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


folded = lru_cache(4096)(fold)  # for the words that many orders share: plans, kinds, states


def plain(text: str) -> str:
    """A word of a closed list in any spelling: "Making-Sure" and "making_sure" are the same."""
    return fold(text).replace("-", "").replace("_", "").replace(" ", "")


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or ""."""
    names = list(known)
    by_plain = {plain(name): name for name in names}
    asked = plain(word)[:60]
    starts = [name for form, name in by_plain.items() if asked and form.startswith(asked)]
    if starts:
        return starts[0]
    close = difflib.get_close_matches(asked, by_plain, 1, 0.5)
    return by_plain[close[0]] if close else ""


def number_key(text: str) -> str:
    """An order number without leading zeros."""
    return fold(text).lstrip("0") or "0"
