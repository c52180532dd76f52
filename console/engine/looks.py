"""What a look at the outside may answer (rules §3): found, absent or unknown, and every doubt is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Found:
    """The effect stands. ``output`` is what the call would have answered; ``evidence`` what was read."""

    output: Mapping[str, Any]
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Absent:
    """Everything was read and the effect is not there."""

    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unknown:
    """It cannot be told. ``final``: looking again cannot help, a person must decide."""

    reason: str
    final: bool = False
    evidence: Mapping[str, Any] = field(default_factory=dict)


Look = Found | Absent | Unknown
