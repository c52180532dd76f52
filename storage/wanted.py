"""Conditions on rows of a log, as a filter gives them: closed tables of columns, every value a bound parameter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """``name``: a key of the log's table of conditions; one of ``values`` must fit, or none of them if ``negated``."""

    name: str
    values: Sequence[str | float]
    negated: bool = False


def where(wanted: Sequence[Wanted], conditions: Mapping[str, str]) -> tuple[str, list[Any]]:
    """SQL and its parameters; each condition names its value ``?`` as often as it likes. Raises KeyError."""
    parts: list[str] = []
    bound: list[Any] = []
    for one in wanted:
        condition = conditions[one.name]
        joined = " OR ".join(f"({condition})" for _ in one.values)
        parts.append(f"(({joined}) IS {'NOT ' if one.negated else ''}TRUE)")
        for value in one.values:
            bound += [value] * condition.count("?")
    return " AND ".join(parts) or "1", bound
