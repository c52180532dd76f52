"""Failure → state, the whole table of rules §7: class × tries × an open unknown outcome, and every way a step stops."""

import random
from dataclasses import replace
from typing import Any

import pytest

from console.engine.failures import (
    Condition,
    Held,
    MakingSure,
    NeedsPerson,
    NotNow,
    OrderWithdrawn,
    Parked,
    conflict,
    data_error,
)
from console.engine.fallout import advice
from console.engine.outcome import LOCK_KEPT_FOR, Decision, Situation, decide
from console.settings.engine import EngineSettings
from integrations.errors import CallFailed, ErrorClass, LoginFailed, System
from storage.runs import Run

NOW = 1_800_000_000.0
TRIES = 8
DAY = 86_400.0


def run(**values: Any) -> Run:
    fields = dict.fromkeys(
        (
            "order_number", "step", "wait", "wait_reason", "wait_until", "condition", "waits_for", "error_class",
            "error_system", "error_operation", "error_code", "error_message", "fingerprint", "error_step", "retry_of",
            "taken_by", "taken_at",
        )
    )  # fmt: skip
    known: dict[str, Any] = {
        "id": 1, "workflow": "provision_order", "workflow_steps": "", "subject": "o", "order_id": "o", "state": "running",
        "next_at": NOW, "tries": 0, "lock_key": "1001", "lock_held": True, "version": 3, "attempt": 1, "look_first": False,
        "unknown_open": False, "cancel_asked": False, "source": "event",
    }  # fmt: skip
    return Run(**{**fields, **known, **values})


def decided(
    stop: Any, *, unknown: bool = False, now: float = NOW, to_midnight: float = 3600.0, **values: Any
) -> Decision:
    current = run(unknown_open=unknown, **values)
    return decide(
        stop, Situation(current, "billing", now, EngineSettings(), random.Random(1), unknown, to_midnight=to_midnight)
    )


def failure(kind: ErrorClass, **values: Any) -> CallFailed:
    return CallFailed(System.WHMCS, "AddOrder", kind, values.pop("code", "code"), "words", **values)


# class → (state, wait, Order.Status, paused, told to Salesforce) at the first answer
FIRST = {
    ErrorClass.TRANSIENT: ("retrying", "retry", None, None, False),
    ErrorClass.OUTCOME_UNKNOWN: ("retrying", "making_sure", None, None, False),
    ErrorClass.CAPACITY: ("parked", "condition", None, None, True),
    ErrorClass.CUSTOMER: ("parked", "condition", None, None, True),
    ErrorClass.DATA: ("failed", None, "Failed", None, True),
    ErrorClass.CONFLICT: ("failed", None, "Failed", None, True),
    ErrorClass.CONFIG: ("failed", None, "Failed", "whmcs", True),
}


@pytest.mark.parametrize("kind", ErrorClass)
@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("tries", range(TRIES))
def test_the_table(kind: ErrorClass, unknown: bool, tries: int) -> None:
    found = decided(failure(kind), unknown=unknown, tries=tries)
    last = tries == TRIES - 1
    expected = FIRST[kind]
    if last and kind is ErrorClass.TRANSIENT:
        expected = ("parked", "person", None, None, True) if unknown else ("failed", None, "Failed", None, True)
    if last and kind is ErrorClass.OUTCOME_UNKNOWN:
        expected = ("parked", "person", None, None, True)
    values = found.values
    assert (values["state"], values["wait"], found.status, found.pause, found.tell_salesforce) == expected
    if values["state"] == "retrying":
        assert values["tries"] == tries + 1
        assert values["next_at"] > NOW
    if values["state"] == "failed":
        assert values["ended_at"] == NOW and not values["lock_held"]
    if unknown and values["state"] != "failed":
        assert values["lock_held"], "an unknown guarded outcome keeps the customer locked"
    assert values["fingerprint"] and values["error_step"] == "billing"
    assert found.alarm == (values["state"] == "failed" or values["wait"] == "person")


def test_every_class_has_a_row() -> None:
    assert set(FIRST) == set(ErrorClass)


@pytest.mark.parametrize("kind", [ErrorClass.CAPACITY, ErrorClass.CUSTOMER])
@pytest.mark.parametrize("tries", range(TRIES))
def test_parking_burns_no_try(kind: ErrorClass, tries: int) -> None:
    assert decided(failure(kind), tries=tries).values["tries"] == 0


def test_back_off_grows_and_is_never_sooner_than_the_far_side_asks() -> None:
    waits = [decided(failure(ErrorClass.TRANSIENT), tries=n).values["next_at"] - NOW for n in range(TRIES - 1)]
    assert all(2.0**n <= wait <= 2.0 ** (n + 1) for n, wait in enumerate(waits))
    asked = decided(failure(ErrorClass.TRANSIENT, retry_after=55.0)).values["next_at"] - NOW
    assert asked == 55.0


def test_jitter_spreads_equal_failures() -> None:
    at = [
        decide(
            failure(ErrorClass.TRANSIENT), Situation(run(tries=5), "b", NOW, EngineSettings(), random.Random(i), False)
        ).values["next_at"]
        for i in range(20)
    ]
    assert len(set(at)) == 20 and max(at) - min(at) > 5


def test_the_lock_is_kept_over_short_waits_only() -> None:
    short = decided(failure(ErrorClass.TRANSIENT, retry_after=LOCK_KEPT_FOR))
    long = decided(failure(ErrorClass.TRANSIENT, retry_after=LOCK_KEPT_FOR + 1))
    assert short.values["lock_held"] and not long.values["lock_held"]
    assert decided(failure(ErrorClass.TRANSIENT, retry_after=5000), unknown=True).values["lock_held"]


@pytest.mark.parametrize(
    "stop",
    [
        failure(ErrorClass.TRANSIENT), failure(ErrorClass.OUTCOME_UNKNOWN), NotNow("guarded", "a hold"),
        MakingSure("whmcs.AddOrder", "not yet", NOW + 5, NOW + 900), NeedsPerson("whmcs.AddOrder", "cannot be told"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("unknown", [False, True])
def test_a_lock_that_is_not_held_is_never_claimed_by_the_way(stop: Exception, unknown: bool) -> None:
    """Another run of that customer may hold it: claiming it here would break the unique lock."""
    assert not decided(stop, unknown=unknown, lock_held=False).values["lock_held"]
    assert not decided(stop, unknown=unknown, lock_held=False, lock_key=None).values["lock_held"]


# Conditions -----------------------------------------------------------------------------------------------------------


def parked(limit: float | None = DAY, kind: str = "paymethod") -> Parked:
    return Parked(Condition(kind, "1001"), ErrorClass.CUSTOMER, "whmcs", "no_pay_method", "no pay method", limit)


def test_a_condition_names_its_kind_its_beginning_and_its_end() -> None:
    values = decided(parked()).values
    assert values["condition"] == {"kind": "paymethod", "argument": "1001", "since": NOW, "limit": DAY}
    assert values["wait_until"] == NOW + DAY
    assert (values["error_class"], values["error_system"], values["error_code"]) == (
        "customer",
        "whmcs",
        "no_pay_method",
    )


def test_the_same_wait_goes_on_and_ends_at_its_limit() -> None:
    condition = decided(parked()).values["condition"]
    later = decided(parked(), now=NOW + DAY - 1, condition=condition)
    assert later.values["state"] == "parked" and later.values["condition"]["since"] == NOW
    over = decided(parked(), now=NOW + DAY, condition=condition)
    assert (over.values["state"], over.values["error_class"], over.status) == ("failed", "customer", "Failed")
    assert "waited" in over.values["error_message"]


def test_another_wait_begins_anew() -> None:
    condition = decided(parked(kind="stock")).values["condition"]
    assert decided(parked(), now=NOW + 5, condition=condition).values["condition"]["since"] == NOW + 5


def test_a_pause_of_ours_in_between_does_not_begin_the_wait_anew() -> None:
    condition = decided(parked()).values["condition"]
    paused = NotNow("whmcs", "whmcs is paused", condition=Condition("resumed", "whmcs"))
    between = decided(paused, now=NOW + 100, condition=condition).values["condition"]
    again = decided(paused, now=NOW + 150, condition=between).values["condition"]
    assert again["kind"] == "resumed"
    assert decided(parked(), now=NOW + 200, condition=again).values["condition"]["since"] == NOW


def test_no_limit_waits_for_ever() -> None:
    condition = decided(parked(None)).values["condition"]
    assert decided(parked(None), now=NOW + 1000 * DAY, condition=condition).values["state"] == "parked"


@pytest.mark.parametrize(
    ("error", "seconds", "limit"),
    [
        (failure(ErrorClass.CAPACITY, retry_after=42.0), 42.0, DAY),
        (failure(ErrorClass.CAPACITY), 300.0, DAY),
        (failure(ErrorClass.CAPACITY, code="REQUEST_LIMIT_EXCEEDED_DAILY"), 7000.0, DAY),
        (failure(ErrorClass.CUSTOMER), 3600.0, 14 * DAY),
    ],
)
def test_outside_capacity_and_customer_park_until_a_time(error: CallFailed, seconds: float, limit: float) -> None:
    values = decided(error, to_midnight=7000.0).values
    assert values["condition"] == {"kind": "after", "argument": str(NOW + seconds), "since": NOW, "limit": limit}


# The other ways to stop ------------------------------------------------------------------------------------------------


def test_making_sure_says_until_when_and_burns_no_try() -> None:
    values = decided(MakingSure("whmcs.AddOrder", "not there yet", NOW + 5, NOW + 960), unknown=True, tries=3).values
    assert (values["state"], values["wait"], values["next_at"], values["wait_until"]) == (
        "retrying", "making_sure", NOW + 5, NOW + 960,
    )  # fmt: skip
    assert values["tries"] == 0 and values["lock_held"]


def test_a_person_is_told_what_cannot_be_told() -> None:
    found = decided(NeedsPerson("whmcs.AddOrder", "two orders carry our marker"), unknown=True)
    values = found.values
    assert (values["state"], values["wait"], values["error_class"]) == ("parked", "person", "outcome_unknown")
    assert (values["error_operation"], values["error_message"]) == ("whmcs.AddOrder", "two orders carry our marker")
    assert values["lock_held"] and found.alarm and found.status is None


@pytest.mark.parametrize(("guarded", "wanted"), [(True, "then resolve"), (False, "then retry")])
def test_the_advice_is_what_can_be_done(guarded: bool, wanted: str) -> None:
    """Only a guarded call is resolved; one that may be asked again is retried (rules §2, §8)."""
    values = decided(failure(ErrorClass.OUTCOME_UNKNOWN), unknown=guarded, tries=TRIES - 1).values
    assert wanted in advice(values["error_code"], values["error_class"])


def test_held_runs_hold_no_lock_and_tell_nobody() -> None:
    found = decided(Held("observing", "observing: would order 1 × VPN"))
    assert (found.values["state"], found.values["wait"], found.values["error_code"]) == ("held", "person", "observing")
    assert not found.values["lock_held"] and not found.tell_salesforce and not found.alarm


def test_not_now_waits_or_parks_without_burning_a_try() -> None:
    soon = decided(NotNow("guarded", "the clock jumped", after=7.0), tries=3).values
    assert (soon["state"], soon["wait"], soon["next_at"]) == ("retrying", "retry", NOW + 7.0)
    assert "tries" not in soon
    parked_ = decided(NotNow("whmcs", "paused", condition=Condition("resumed", "whmcs")), tries=3).values
    assert (parked_["state"], parked_["wait"], parked_["wait_until"]) == ("parked", "condition", None)
    assert "tries" not in parked_


@pytest.mark.parametrize(
    ("stop", "kind", "code"),
    [
        (data_error("no_items", "the order has no products"), "data", "no_items"),
        (conflict("bill_differs", "other price", system="whmcs"), "conflict", "bill_differs"),
    ],
)
def test_trouble_that_we_found_ourselves_fails_the_run(stop: Exception, kind: str, code: str) -> None:
    found = decided(stop)
    assert (found.values["state"], found.values["error_class"], found.values["error_code"]) == ("failed", kind, code)
    assert found.status == "Failed" and found.pause is None


def test_what_a_person_withdrew_is_not_set_to_failed_in_salesforce() -> None:
    stands = decided(conflict("cancelled_meanwhile", "cancelled in Salesforce, these effects stand: WHMCS order"))
    assert (stands.values["state"], stands.status, stands.tell_salesforce) == ("failed", None, True)
    nothing = decided(OrderWithdrawn("Cancelled"))
    assert (nothing.values["state"], nothing.values["cancel_asked"], nothing.status) == ("queued", True, None)


def test_a_login_that_fails_pauses_its_system() -> None:
    found = decided(LoginFailed(System.SALESFORCE, "invalid_client", "no such client"))
    assert (found.values["state"], found.pause, found.alarm) == ("failed", "salesforce", True)


def test_our_own_settings_pause_nothing() -> None:
    stop = replace_system(failure(ErrorClass.CONFIG), "portal")
    assert decided(stop).pause is None


def replace_system(error: CallFailed, system: str) -> CallFailed:
    error.system = system  # type: ignore[assignment]
    return error


@pytest.mark.parametrize("kind", [ErrorClass.TRANSIENT, ErrorClass.OUTCOME_UNKNOWN, ErrorClass.CAPACITY])
def test_what_waits_is_told_without_outside_words(kind: ErrorClass) -> None:
    values = decided(replace_message(failure(kind), "user taro@example.ne.jp is over quota")).values
    assert "taro" not in values["wait_reason"] and "AddOrder" in values["wait_reason"]
    assert "taro" in values["error_message"]


def replace_message(error: CallFailed, message: str) -> CallFailed:
    error.message = message
    return error


def test_deciding_changes_nothing() -> None:
    before = run(condition={"kind": "paymethod", "argument": "1", "since": NOW, "limit": 5.0})
    copy = replace(before, condition=dict(before.condition or {}))
    decide(parked(), Situation(before, "billing", NOW, EngineSettings(), random.Random(1), False))
    assert before == copy
