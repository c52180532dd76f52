"""How a step stops: each kind says what the runner does with the run (rules §7).

    StepStop
    ├── RunFailed         data or conflict found by ourselves: the run fails
    ├── MakingSure        the outcome of a call cannot be told yet: the run looks again later
    ├── NeedsPerson       it cannot be told at all: the run is parked for a person
    ├── Parked            a condition must come true first
    ├── Held              a person must let it start
    ├── NotNow            something of ours is paused: come back later, no try is burnt
    └── OrderWithdrawn    Salesforce says Cancelled or Rejected: stop before the call

Failures of outside systems are ``integrations.errors.IntegrationError`` and keep their class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.errors import ErrorClass


class StepStop(Exception):
    """A step cannot go on now; see the subclasses."""


class RunFailed(StepStop):
    """We found the trouble ourselves. ``detail`` is shown (allow-listed values only)."""

    def __init__(
        self,
        error_class: ErrorClass,
        code: str,
        message: str,
        *,
        system: str = "portal",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.code = code
        self.message = message
        self.system = system
        self.detail = dict(detail or {})


def data_error(code: str, message: str, *, system: str = "portal", **detail: Any) -> RunFailed:
    return RunFailed(ErrorClass.DATA, code, message, system=system, detail=detail)


def conflict(code: str, message: str, *, system: str = "portal", **detail: Any) -> RunFailed:
    return RunFailed(ErrorClass.CONFLICT, code, message, system=system, detail=detail)


def config_error(code: str, message: str, *, system: str, **detail: Any) -> RunFailed:
    return RunFailed(ErrorClass.CONFIG, code, message, system=system, detail=detail)


class MakingSure(StepStop):
    """``next_at``: when to look again; ``until``: when absence may first be said (seconds since 1970)."""

    def __init__(self, operation: str, reason: str, next_at: float, until: float) -> None:
        super().__init__(reason)
        self.operation = operation
        self.reason = reason
        self.next_at = next_at
        self.until = until


class NeedsPerson(StepStop):
    def __init__(self, operation: str, reason: str, *, code: str = "outcome_unknown") -> None:
        super().__init__(reason)
        self.operation = operation
        self.reason = reason
        self.code = code


@dataclass(frozen=True)
class Condition:
    """What a parked run waits for: stock(type), paymethod(client), up(system), after(time), resumed(subject),
    lifted(guarded): no hold of our own (``holds``) stands.
    """

    kind: str
    argument: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "argument": self.argument}

    def __str__(self) -> str:
        return f"{self.kind}({self.argument})"


class Parked(StepStop):
    """``limit`` in seconds: how long the condition may take before the run fails."""

    def __init__(
        self, condition: Condition, error_class: ErrorClass, system: str, code: str, message: str, limit: float | None
    ) -> None:
        super().__init__(message)
        self.condition = condition
        self.error_class = error_class
        self.system = system
        self.code = code
        self.message = message
        self.limit = limit


class Held(StepStop):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class NotNow(StepStop):
    """``subject``: what is paused or broken (a system, "guarded" for our own holds)."""

    def __init__(self, subject: str, reason: str, *, after: float = 5.0, condition: Condition | None = None) -> None:
        super().__init__(reason)
        self.subject = subject
        self.reason = reason
        self.after = after
        self.condition = condition


class OrderWithdrawn(StepStop):
    def __init__(self, status: str) -> None:
        super().__init__(f"the order is {status} in Salesforce")
        self.status = status
