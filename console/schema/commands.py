"""Commands: the table, planning, submitting, batches."""

from typing import Annotated, Any

from pydantic import Field

from console.schema.base import Answer, Filter, OrderId, Reason, Request

MOST_ORDERS = 10_000


class ArgumentInfo(Answer):
    """``kind``: text, flag, step, field, item, identifier, condition, period, subject, mail."""

    name: str
    kind: str
    help: str
    required: bool = False
    choices: list[str] = Field(default_factory=list)


class CommandInfo(Answer):
    """One row of the command table. ``scope``: order, bulk, system. ``allowed``: for the asking role."""

    id: str
    verb: str
    title: str
    description: str
    keys: str
    group: str
    role: str
    risk: str
    scope: list[str]
    needs_reason: bool = False
    arguments: list[ArgumentInfo] = Field(default_factory=list)
    allowed: bool = True


class PlanRequest(Request):
    """What a command is to act on: ``orders`` or ``filter``; neither for a system command. More than one order, or a
    filter, is a bulk act.
    """

    orders: Annotated[list[OrderId], Field(max_length=MOST_ORDERS)] = Field(default_factory=list)
    filter: Filter | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)


class EffectLine(Answer):
    """An effect that stands, and its undo; None: it cannot be undone, ``why`` says so."""

    what: str
    undo: str | None = None
    why: str = ""


class MatchLine(Answer):
    """One field of a match, side by side. ``deciding``: a difference forbids the match."""

    field: str
    ours: str
    theirs: str
    same: bool
    deciding: bool = True


class PlannedOrder(Answer):
    """One order of a plan (of a system command: its subject). ``version``: the run's version it was planned on."""

    order_id: str
    number: str = ""
    included: bool = True
    why_not: str = ""
    status: str | None = None
    run_id: int | None = None
    version: int | None = None
    state: str | None = None
    amount: int | None = None
    owner: str | None = None  # who took it
    lines: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    effects: list[EffectLine] = Field(default_factory=list)
    compared: list[MatchLine] = Field(default_factory=list)


class Plan(Answer):
    """What would happen. Submit with ``hash``; a plan that changed meanwhile is refused with what changed.

    ``refusal``: why the plan as a whole cannot be submitted; sums are of the included orders, in yen.
    """

    command: str
    title: str
    hash: str
    at: float
    count: int
    excluded: int = 0
    orders: list[PlannedOrder] = Field(default_factory=list)
    lines: list[str] = Field(default_factory=list)
    refusal: str | None = None
    sum_yen: int = 0
    largest_yen: int = 0
    risk: str = ""
    needs_reason: bool = False
    bulk: bool = False
    arguments: dict[str, Any] = Field(default_factory=dict)


class SubmitRequest(PlanRequest):
    """The plan that was shown and agreed to. ``pace``: orders a second; ``stop_after``: failures in a row (bulk)."""

    plan_hash: Annotated[str, Field(min_length=1, max_length=128)]
    reason: Reason = ""
    pace: Annotated[float, Field(gt=0, le=50)] = 2.0
    stop_after: Annotated[int, Field(ge=1, le=1000)] = 3


class Submitted(Answer):
    """What came of a command. ``outcome``: done; requested (run ``run_id`` goes on with it); unknown (sent outside, not
    confirmed); running (a bulk act: its results are read at ``batch_id``).
    """

    command: str
    outcome: str
    message: str = ""
    audit_id: int
    run_id: int | None = None
    batch_id: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


class BatchItem(Answer):
    """``state``: waiting, working, done, failed, excluded."""

    position: int
    order_id: str
    number: str | None = None
    state: str
    message: str = ""
    at: float | None = None
    result: dict[str, Any] | None = None


class BatchView(Answer):
    """``state``: running, stopping (a person asked for it; what was begun is followed), done, stopped (by a person),
    broken_off (after failures in a row). ``counts``: items by state. ``arguments``: what the command was given. ``at``: the daemon's time of this answer.
    """

    id: str
    command: str
    title: str = ""
    actor: str
    reason: str | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    state: str
    pace: float
    stop_after: int
    at: float = 0.0
    created_at: float
    ended_at: float | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    items: list[BatchItem] = Field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class BatchList(Answer):
    batches: list[BatchView]
