"""Failure → state, as a pure decision (rules §7): what becomes of a run whose step could not go on."""

import random
from dataclasses import dataclass, field
from typing import Any

from console.engine.failures import (
    Condition,
    Held,
    MakingSure,
    NeedsPerson,
    NotNow,
    OrderWithdrawn,
    Parked,
    RunFailed,
    StepStop,
)
from console.engine.fallout import cause_of
from console.engine.retry import backoff
from console.engine.states import RunState, StepState, Wait
from console.settings.engine import EngineSettings
from integrations.errors import ErrorClass, IntegrationError
from storage.runs import Run

LOCK_KEPT_FOR = 600.0


@dataclass(frozen=True)
class Decision:
    """``values`` change the run; ``status`` is what Salesforce's Order.Status becomes (None: stays);
    ``pause`` names an integration to pause; ``alarm`` is raised once a cause.
    """

    values: dict[str, Any]
    step_state: StepState
    status: str | None = None
    tell_salesforce: bool = False
    pause: str | None = None
    alarm: bool = False
    note: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """What the decision depends on besides the stop itself. ``to_midnight``: seconds until the org's day ends."""

    run: Run
    step: str
    now: float
    settings: EngineSettings
    jitter: random.Random
    unknown_open: bool
    to_midnight: float = 3600.0


def decide(stop: StepStop | IntegrationError, at: Situation) -> Decision:
    """What to do with the run; raises nothing and writes nothing."""
    match stop:
        case IntegrationError():
            return _outside(stop, at)
        case RunFailed():
            return _failed(at, stop.error_class, stop.system, stop.code, stop.message)
        case MakingSure():
            values = _waiting(at, Wait.MAKING_SURE, stop.reason, stop.next_at) | {
                "wait_until": stop.until,
                "lock_held": at.run.lock_held,
                "tries": 0,  # a look came through: passing trouble before it does not count towards giving up
            }
            return Decision(values, StepState.WAITING, note=stop.reason)
        case NeedsPerson():
            return _person(at, stop)
        case Parked():
            return _parked(at, stop)
        case Held():
            values = {"state": RunState.HELD, "wait": Wait.PERSON, "wait_reason": stop.message, "lock_held": False}
            return Decision(values | {"error_code": stop.reason}, StepState.WAITING, note=stop.message)
        case NotNow():
            return _not_now(at, stop)
        case OrderWithdrawn():
            # nothing stands (the runner has looked): the next turn gives back what is reserved and ends the run
            values = {"state": RunState.QUEUED, "cancel_asked": True, "next_at": at.now, "lock_held": False}
            return Decision(values, StepState.WAITING, note=str(stop))
    raise AssertionError(f"no decision for {stop!r}")


def _outside(error: IntegrationError, at: Situation) -> Decision:
    match error.error_class:
        case ErrorClass.TRANSIENT:
            return _again(error, at)
        case ErrorClass.OUTCOME_UNKNOWN:
            return _unknown(error, at)
        case ErrorClass.CAPACITY:
            wait = error.retry_after or at.settings.recheck_every
            if error.code == "REQUEST_LIMIT_EXCEEDED_DAILY":
                wait = at.to_midnight
            condition = Condition("after", str(at.now + wait))
            parked = Parked(
                condition, error.error_class, error.system, error.code, error.message, at.settings.parked_capacity
            )
            return _parked(at, parked, _words(error))
        case ErrorClass.CUSTOMER:
            condition = Condition("after", str(at.now + 3600.0))
            parked = Parked(
                condition, error.error_class, error.system, error.code, error.message, at.settings.parked_customer
            )
            return _parked(at, parked, _words(error))
    return _failed(at, error.error_class, error.system, error.code, error.message)


def _again(error: IntegrationError, at: Situation) -> Decision:
    tries = at.run.tries + 1
    if tries >= at.settings.retry.tries:
        if at.unknown_open:
            return _person(
                at,
                NeedsPerson(error.operation, f"tried {tries} times: {error.message}"),
                f"tried {tries} times: {_words(error)}",
            )
        return _failed(
            at, ErrorClass.TRANSIENT, error.system, error.code, f"tried {tries} times: {error.message}", tries
        )
    wait = backoff(tries, at.settings.retry.base, at.settings.retry.max, error.retry_after, at.jitter)
    values = _waiting(at, Wait.RETRY, _words(error), at.now + wait) | {"tries": tries}
    return Decision(values | _cause(at, error), StepState.WAITING, note=error.message)


def _unknown(error: IntegrationError, at: Situation) -> Decision:
    tries = at.run.tries + 1
    if tries >= at.settings.retry.tries:
        reason = f"the outcome of {error.operation} cannot be told: {error.message}"
        code = "outcome_unknown" if at.unknown_open else "no_clear_answer"  # then it may be asked again
        stop = NeedsPerson(error.operation, reason, code=code)
        return _person(at, stop, f"the outcome of {_words(error)} cannot be told")
    wait = backoff(tries, at.settings.retry.base, at.settings.retry.max, error.retry_after, at.jitter)
    values = _waiting(at, Wait.MAKING_SURE, f"{_words(error)}; making sure", at.now + wait)
    values |= {"tries": tries, "lock_held": at.run.lock_held, "wait_until": at.now + wait}
    return Decision(values | _cause(at, error), StepState.WAITING, note=f"{error.message}; making sure")


def _words(error: IntegrationError) -> str:
    """What the feed may say of a failure: no outside text, it may name people (rules §12)."""
    return f"{error.system} {error.operation}: {error.code}"


def _waiting(at: Situation, wait: Wait, reason: str, next_at: float) -> dict[str, Any]:
    near = next_at - at.now <= LOCK_KEPT_FOR
    return {
        "state": RunState.RETRYING,
        "wait": wait,
        "wait_reason": reason,
        "next_at": next_at,
        "lock_held": at.run.lock_held and (near or at.unknown_open),
    }


def _person(at: Situation, stop: NeedsPerson, words: str | None = None) -> Decision:
    """``words``: what the feed may say where the reason holds outside text."""
    cause = cause_of(at.step, "portal", stop.code, stop.reason)
    values = {
        "state": RunState.PARKED, "wait": Wait.PERSON, "wait_reason": words or stop.reason, "wait_until": None,
        "condition": None, "error_class": ErrorClass.OUTCOME_UNKNOWN, "error_operation": stop.operation, "error_code": stop.code,
        "error_message": stop.reason, "error_step": at.step, "fingerprint": cause.fingerprint,
        "lock_held": at.run.lock_held and at.unknown_open,
    }  # fmt: skip
    return Decision(values, StepState.WAITING, tell_salesforce=True, alarm=True, note=stop.reason)


def _parked(at: Situation, stop: Parked, words: str | None = None) -> Decision:
    since = _waiting_since(at, stop.condition.kind)
    if stop.limit is not None and at.now >= since + stop.limit:
        return _failed(at, stop.error_class, stop.system, stop.code, f"{stop.message} (waited for {stop.condition})")
    until = since + stop.limit if stop.limit is not None else None
    cause = cause_of(at.step, stop.system, stop.code, stop.message)
    values = {
        "state": RunState.PARKED, "wait": Wait.CONDITION, "wait_reason": words or stop.message, "wait_until": until,
        "condition": {**stop.condition.as_json(), "since": since, "limit": stop.limit}, "tries": 0,
        "lock_held": at.run.lock_held and at.unknown_open,
        "error_class": stop.error_class, "error_system": stop.system, "error_code": stop.code, "error_operation": None,
        "error_message": stop.message, "error_step": at.step, "fingerprint": cause.fingerprint,
    }  # fmt: skip
    return Decision(values, StepState.WAITING, tell_salesforce=True, note=stop.message)


def _waiting_since(at: Situation, kind: str) -> float:
    """A wait for the same thing goes on where it was, also after a pause of ours came in between."""
    known = at.run.condition or {}
    for condition in (known, known.get("before") or {}):
        if condition.get("kind") == kind:
            return float(condition.get("since", at.now))
    return at.now


def _not_now(at: Situation, stop: NotNow) -> Decision:
    if stop.condition is None:
        values = _waiting(at, Wait.RETRY, stop.reason, at.now + stop.after)
        return Decision(values, StepState.WAITING, note=stop.reason)
    condition: dict[str, Any] = {**stop.condition.as_json(), "since": at.now, "limit": None}
    if earlier := at.run.condition:
        condition["before"] = earlier.get("before") or {k: earlier[k] for k in ("kind", "since") if k in earlier}
    values = {
        "state": RunState.PARKED, "wait": Wait.CONDITION, "wait_reason": stop.reason, "wait_until": None,
        "condition": condition, "lock_held": at.run.lock_held and at.unknown_open,
    }  # fmt: skip
    return Decision(values, StepState.WAITING, note=stop.reason)


def _failed(
    at: Situation, error_class: ErrorClass, system: str, code: str, message: str, tries: int | None = None
) -> Decision:
    cause = cause_of(at.step, system, code, message)
    values = {
        "state": RunState.FAILED, "wait": None, "wait_reason": None, "wait_until": None, "condition": None,
        "lock_held": False, "ended_at": at.now, "error_class": error_class, "error_system": system, "error_operation": None,
        "error_code": code, "error_message": message, "error_step": at.step, "fingerprint": cause.fingerprint,
        "tries": at.run.tries if tries is None else tries,
    }  # fmt: skip
    withdrawn = code == "cancelled_meanwhile"
    return Decision(
        values,
        StepState.FAILED,
        status=None if withdrawn else "Failed",
        tell_salesforce=True,
        pause=system if error_class is ErrorClass.CONFIG and system != "portal" else None,
        alarm=True,
        note=message,
    )


def _cause(at: Situation, error: IntegrationError) -> dict[str, Any]:
    cause = cause_of(at.step, error.system, error.code, error.message)
    return {
        "error_class": error.error_class, "error_system": error.system, "error_operation": error.operation,
        "error_code": error.code, "error_message": error.message, "error_step": at.step, "fingerprint": cause.fingerprint,
    }  # fmt: skip
