"""The words of the engine: states of runs and steps, kinds of wait, kinds of effect (rules §2, §7)."""

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    PARKED = "parked"
    HELD = "held"
    FAILED = "failed"
    DONE = "done"
    CANCELLED = "cancelled"


class Wait(StrEnum):
    """What an open run waits for."""

    PERSON = "person"
    MAKING_SURE = "making_sure"
    CONDITION = "condition"
    LOCK = "lock"
    RETRY = "retry"


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_NEEDED = "not_needed"


class Effect(StrEnum):
    """What a call does outside, and so what a crash or an unknown outcome asks for (rules §2)."""

    READ = "read"
    KEYED = "keyed"
    REFUSABLE = "refusable"
    GUARDED = "guarded"


class CallState(StrEnum):
    INTENDED = "intended"
    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ABSENT = "resolved_absent"
    UNDONE = "undone"


FINISHED_STEPS = frozenset({StepState.DONE, StepState.SKIPPED, StepState.NOT_NEEDED})
OPEN_STATES = frozenset({RunState.QUEUED, RunState.RUNNING, RunState.RETRYING, RunState.PARKED, RunState.HELD})
