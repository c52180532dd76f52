"""Commands: the table, planning, submitting, batches."""

from typing import Annotated, Any

from pydantic import Field

from console.schema.base import Answer, Filter, OrderId, Reason, Request
from console.schema.problem import Change

MOST_ORDERS = 10_000


class CommandInfo(Answer):
    """One row of the command table. ``scope``: order, orders (also many), daemon. ``arguments``: name, type, label, …"""

    id: str
    title: str
    help: str = ""
    role: str
    risk: str
    scope: str
    confirm: str = ""
    reason: str = "optional"  # required, optional, none
    bulk: bool = False
    arguments: list[dict[str, Any]] = Field(default_factory=list)
    allowed: bool = True  # for the asking role


class PlanRequest(Request):
    """What a command is to act on: ``orders`` or ``filter`` (or neither: the daemon itself)."""

    orders: Annotated[list[OrderId], Field(max_length=MOST_ORDERS)] = Field(default_factory=list)
    filter: Filter | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)


class PlannedOrder(Answer):
    """One order of a plan. ``version``: the run's version it was planned on (None: no run)."""

    order_id: str
    number: str | None = None
    version: int | None = None
    included: bool = True
    why_not: str = ""
    lines: list[str] = Field(default_factory=list)
    calls: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    amount: int | None = None
    owner: str | None = None  # somebody else who took it


class Plan(Answer):
    """What would happen. Submit with ``hash``; a plan that changed meanwhile is refused with what changed."""

    command: str
    title: str
    hash: str
    count: int
    excluded: int = 0
    orders: list[PlannedOrder] = Field(default_factory=list)
    lines: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    sum_yen: int | None = None
    largest_yen: int | None = None
    reason: str = "optional"
    confirm: str = ""
    bulk: bool = False
    arguments: dict[str, Any] = Field(default_factory=dict)


class SubmitRequest(PlanRequest):
    """The plan that was shown and agreed to. ``pace``: orders a second; ``stop_after``: failures in a row (bulk)."""

    plan_hash: Annotated[str, Field(min_length=1, max_length=128)]
    reason: Reason = ""
    pace: Annotated[float, Field(gt=0, le=50)] = 2.0
    stop_after: Annotated[int, Field(ge=1, le=1000)] = 3


class OrderResult(Answer):
    """``outcome``: done, failed, refused, excluded."""

    order_id: str
    number: str | None = None
    outcome: str
    message: str = ""
    run_id: int | None = None
    version: int | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


class Submitted(Answer):
    """What came of a command. A bulk act answers its ``batch_id``; its results are read there."""

    command: str
    outcome: str  # done, failed, refused, partly, running
    message: str = ""
    audit_id: int | None = None
    batch_id: str | None = None
    results: list[OrderResult] = Field(default_factory=list)
    changes: list[Change] = Field(default_factory=list)


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
    """``state``: running, done, stopped. ``counts``: items by state."""

    id: str
    command: str
    actor: str
    reason: str | None = None
    state: str
    pace: float
    stop_after: int
    created_at: float
    ended_at: float | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    items: list[BatchItem] = Field(default_factory=list)


class BatchList(Answer):
    batches: list[BatchView]
