"""A plan: what a command would do to each order, in words and amounts, and a hash over what decides it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class EffectLine:
    """One effect that stands outside, and its undo; ``undo`` None: it cannot be undone, ``why`` says so."""

    what: str
    undo: str | None
    why: str = ""


@dataclass(frozen=True)
class Compared:
    """One field of a match, side by side. ``deciding``: a difference forbids the match."""

    field: str
    ours: str
    theirs: str
    same: bool
    deciding: bool = True


@dataclass(frozen=True)
class Prepared:
    """What an act found out about one order. ``decisive`` goes into the hash; ``blocked`` says why it is not done after
    all; ``data`` is what ``apply`` needs and never leaves the daemon.
    """

    words: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    decisive: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[EffectLine, ...] = ()
    compared: tuple[Compared, ...] = ()
    blocked: str | None = None
    data: Any = None


@dataclass(frozen=True)
class Applied:
    """What came of it: ``done`` at once, ``requested`` (run ``run_id`` goes on), or ``unknown``: sent, not confirmed."""

    outcome: Literal["done", "requested", "unknown"]
    message: str
    run_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlanItem:
    """One order (or, for a system command, its subject) in a plan. ``calls``: outside calls that it leads to; ``digest``
    stands for everything that decides."""

    order_id: str
    number: str
    will_do: bool
    reason: str
    status: str | None
    run_id: int | None
    run_version: int | None
    run_state: str | None
    amount: int | None
    taken_by: str | None
    words: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    effects: tuple[EffectLine, ...] = ()
    compared: tuple[Compared, ...] = ()
    calls: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Plan:
    """``hash`` is what ``submit`` wants back; ``amount_sum`` and ``amount_largest`` (whole yen) are of the items that
    will be done; ``refusal`` says why the plan as a whole cannot be submitted.
    """

    command: str
    title: str
    actor: str
    arguments: Mapping[str, Any]
    items: tuple[PlanItem, ...]
    bulk: bool
    risk: str
    needs_reason: bool
    amount_sum: int
    amount_largest: int
    refusal: str | None
    words: tuple[str, ...]
    at: float
    hash: str

    @property
    def doing(self) -> tuple[PlanItem, ...]:
        return tuple(item for item in self.items if item.will_do)

    @property
    def excluded(self) -> tuple[PlanItem, ...]:
        return tuple(item for item in self.items if not item.will_do)

    def as_json(self) -> dict[str, Any]:
        """For API and command line."""
        return {
            **asdict(self),
            "arguments": dict(self.arguments),
            "will_do": len(self.doing),
            "excluded": len(self.excluded),
        }


@dataclass(frozen=True)
class Submitted:
    """What ``submit`` answers. ``outcome`` "running" names the batch whose results are to be asked for."""

    outcome: Literal["done", "requested", "unknown", "running"]
    message: str
    audit_id: int
    run_id: int | None = None
    batch_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def digest(value: Any) -> str:
    """Sixteen hex digits over plain JSON values."""
    packed = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(packed.encode()).hexdigest()[:16]


def plan_hash(command: str, actor: str, arguments: Mapping[str, Any], items: Sequence[PlanItem]) -> str:
    """An order that is left out is part of the set, but how it stands does not matter."""
    decisive = [[i.order_id, i.digest if i.will_do else None] for i in items]
    return digest([command, actor, dict(arguments), decisive])
