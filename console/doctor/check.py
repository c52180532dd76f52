"""What a check is."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """``detail`` says what was found; ``remedy`` what to do about it, "" where nothing is to be done."""

    state: Literal["ok", "warn", "bad"]
    detail: str
    remedy: str = ""

    @property
    def said(self) -> str:
        """Both in one sentence."""
        return f"{self.detail}: {self.remedy}" if self.remedy else self.detail


@dataclass(frozen=True)
class Check:
    """``means``: what hangs on it, in a sentence. ``look`` never raises what it can name; whatever else comes out of it
    is a defect of ours.
    """

    name: str
    look: Callable[[], Awaitable[Finding]]
    means: str = ""


@dataclass(frozen=True)
class Checked:
    """A check with what it found and how many milliseconds it took."""

    check: Check
    finding: Finding
    ms: int


async def perform(check: Check) -> Checked:
    began = time.monotonic()
    finding = await check.look()
    return Checked(check, finding, round((time.monotonic() - began) * 1000))


def ok(detail: str) -> Finding:
    return Finding("ok", detail)


def warn(detail: str, remedy: str = "") -> Finding:
    return Finding("warn", detail, remedy)


def bad(detail: str, remedy: str = "") -> Finding:
    return Finding("bad", detail, remedy)
