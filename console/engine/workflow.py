"""What a workflow is: named steps in order, a context they share, and what is written together with its end."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from console.engine.calls import CallMaker
from console.engine.ledger import Ledger
from console.engine.services import Engine
from console.engine.states import StepState
from storage.runs import Run


@dataclass
class RunContext:
    """What the steps of one run share. ``outputs`` holds each finished step's output, ``data`` what the run keeps."""

    engine: Engine
    run: Run
    ledger: Ledger
    calls: CallMaker
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    cancel_asked: bool = False

    @property
    def order_id(self) -> str:
        assert self.run.order_id is not None
        return self.run.order_id


C = TypeVar("C", bound=RunContext)


@dataclass(frozen=True)
class StepResult:
    """``output`` is journaled and shown; ``state`` done or not_needed."""

    output: Mapping[str, Any]
    state: StepState = StepState.DONE
    note: str | None = None


@dataclass(frozen=True)
class StepDefinition(Generic[C]):
    """``name`` is part of the journal's schema: renaming it needs a migration. ``again``: run it at every resumption."""

    name: str
    run: Callable[[C], Awaitable[StepResult]]
    again: bool = False


@dataclass(frozen=True)
class Workflow(Generic[C]):
    """``finish`` writes in the transaction that ends the run; ``cancel`` undoes a run that was asked to stop."""

    name: str
    steps: tuple[StepDefinition[C], ...]
    context: Callable[[Engine, Run, Ledger, CallMaker], C]
    finish: Callable[[sqlite3.Connection, C, float], None] | None = None
    cancel: Callable[[C], Awaitable[None]] | None = None
    failed: Callable[[sqlite3.Connection, C, float], None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(step.name for step in self.steps)
