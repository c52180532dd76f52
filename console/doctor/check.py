"""What a check is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """``detail`` says what was found and, unless it is ok, what to do."""

    state: Literal["ok", "warn", "bad"]
    detail: str


@dataclass(frozen=True)
class Check:
    """``look`` never raises what it can name; whatever else comes out of it is a defect of ours."""

    name: str
    look: Callable[[], Awaitable[Finding]]


def ok(detail: str) -> Finding:
    return Finding("ok", detail)


def warn(detail: str) -> Finding:
    return Finding("warn", detail)


def bad(detail: str) -> Finding:
    return Finding("bad", detail)
