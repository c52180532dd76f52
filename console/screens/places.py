"""What may be typed after ``:``: an order, something to find, a filter, a section, or a word for the console itself."""

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.screens.sections import SECTIONS, Section

LONGEST = 200
ORDER_DIGITS = 8
SHORTEST = 3  # letters by which a word can be shortened


class Kind(StrEnum):
    """What a text leads to."""

    ORDER = "order"
    FIND = "find"
    FILTER = "filter"
    SECTION = "section"
    ACTION = "action"


@dataclass(frozen=True)
class Place:
    """``text``: the order's number, what to find, the filter, the section's mode, or an action of the application."""

    kind: Kind
    text: str


class NoPlace(Exception):
    """The text leads nowhere; the message says what would."""


_WITH_MORE: Mapping[str, Kind] = {
    "ord": Kind.ORDER, "order": Kind.ORDER, "find": Kind.FIND, "cust": Kind.FIND, "customer": Kind.FIND, "filter": Kind.FILTER,
}  # fmt: skip
_ALONE: Mapping[str, str] = {
    "find": "find", "log": "log_console", "save": "save_copy", "help": "help", "theme": "other_theme", "quit": "leave",
    "palette": "command_palette", "zone": "say_zone",
}  # fmt: skip
_KNOWN = "ord 10480, find 田中, filter state:failed, a section ({sections}), log, save, zone, help, theme, quit"


def place_of(typed: str) -> Place:
    """Read after NFKC. Raises NoPlace."""
    text = " ".join(unicodedata.normalize("NFKC", typed).split())
    if len(text) > LONGEST:
        raise NoPlace(f"At most {LONGEST} characters can be typed here, this text has {len(text):,}.")
    word, _, rest = text.partition(" ")
    folded = word.casefold()
    if rest and folded in _WITH_MORE:
        return Place(_WITH_MORE[folded], rest)
    if section := _section(text.casefold()):
        return Place(Kind.SECTION, section.mode)
    if not rest and folded in _ALONE:
        return Place(Kind.ACTION, _ALONE[folded])
    if folded == "env":
        raise NoPlace("An environment is chosen at the start only: portal console --env NAME")
    if not rest and _order_like(word):
        return Place(Kind.ORDER, word)
    if not rest and word.isdigit():
        return Place(Kind.FIND, word)
    if ":" in word or any(sign in word for sign in "<>="):
        return Place(Kind.FILTER, text)
    raise NoPlace(_nowhere(text))


def _section(folded: str) -> Section | None:
    """By its title or its mode, or by what only one of them begins with."""
    if len(folded) < SHORTEST:
        return next((section for section in SECTIONS if section.digit == folded), None)
    found = [s for s in SECTIONS if s.title.casefold().startswith(folded) or s.mode.startswith(folded)]
    return found[0] if len(found) == 1 else None


def _order_like(word: str) -> bool:
    """An order number, or a Salesforce id; longer numbers are telephones and cards."""
    return (word.isdigit() and len(word) <= ORDER_DIGITS) or (
        len(word) in (15, 18) and word.isalnum() and word.isascii() and word.startswith("801")
    )


def _nowhere(text: str) -> str:
    word = text.partition(" ")[0].casefold()
    words = [*_WITH_MORE, *_ALONE, *(section.title.casefold() for section in SECTIONS)]
    near = difflib.get_close_matches(word, words, 1, cutoff=0.7)
    meant = f"Did you mean {near[0]}? " if near else ""
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    titles = ", ".join(section.title.casefold() for section in SECTIONS)
    return f"“{shown}” is no place here. {meant}`find {shown}` looks for it. Known: {_KNOWN.format(sections=titles)}."


def completions() -> list[str]:
    """What is offered while typing."""
    return [*(f"{word} " for word in ("ord", "find", "filter")), *(s.title.casefold() for s in SECTIONS), *_ALONE]
