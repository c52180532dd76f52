"""The door: the order itself decides, whoever knocks (rules §4.1): every row of its table, and what holds an order."""

import sqlite3
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.engine.clock import as_datetime
from console.engine.door import Act
from storage import alerts, calls, desk, runs
from tests.console.engine.plant import APPROVER, INTEGRATION, PLACER, Plant


async def has_run(plant: Plant, order_id: str, state: str, **values: Any) -> int:
    """A run of this order as it may stand here; ``sf_modified`` is that of the approval it served."""
    now = plant.clock.now()
    served = (await plant.crm(order_id)).last_modified_at.timestamp()
    given = {"state_data": {"sf_modified": served}, "source": "event"} | values
    return await plant.journal.write(
        lambda db: runs.insert(
            db, ("load",), now, workflow="provision_order", subject=order_id, order_id=order_id, state=state, **given
        )
    )


async def stands(plant: Plant, order_id: str, state: str = "done") -> None:
    def write(db: sqlite3.Connection) -> None:
        call_id, _ = calls.intend(
            db, run_id=1, order_id=order_id, step="billing", operation="whmcs.AddOrder", item="", system="whmcs",
            effect="guarded", marker="m", request={}, now=1.0, deadline=2.0, correlation="c",
        )  # fmt: skip
        if state == "unknown":
            calls.unknown(db, call_id)
        elif state != "intended":
            calls.settle(db, call_id, state, 2.0, output={"order_id": "55"})

    await plant.journal.write(write)


def approve_again(plant: Plant, order_id: str) -> None:
    """By whoever may: a clerk may not approve a cancelled order, an administrator's tool can."""
    plant.change(order_id, INTEGRATION, Status="Approved")


# The table ------------------------------------------------------------------------------------------------------------


async def test_approved_and_none_here_starts(plant: Plant) -> None:
    order_id = plant.place()
    admission = await plant.admit(order_id)
    run = plant.run(order_id)
    assert (admission.act, admission.run_id) == (Act.STARTED, run.id)
    assert (run.state, run.look_first, run.source) == ("queued", False, "event")
    assert run.lock_key == str(plant.person().whmcs_client_id)
    shown = plant.shown(order_id)
    assert shown is not None and (shown.sf_status, shown.customer_name) == ("Approved", plant.person().name)


@pytest.mark.parametrize("state", ["queued", "running", "retrying", "parked", "held"])
async def test_approved_or_provisioning_and_open_here_attaches(plant: Plant, state: str) -> None:
    order_id = plant.place()
    run_id = await has_run(plant, order_id, state)
    for _ in range(2):
        admission = await plant.admit(order_id)
        assert (admission.act, admission.run_id) == (Act.ATTACHED, run_id)
        plant.change(order_id, INTEGRATION, Status="Provisioning")
    assert len(plant.runs(order_id)) == 1


async def test_approved_again_after_a_failure_is_a_new_run_that_looks(plant: Plant) -> None:
    order_id = plant.place()
    old = await has_run(plant, order_id, "failed")
    plant.change(order_id, INTEGRATION, Status="Provisioning")
    plant.change(order_id, INTEGRATION, Status="Failed")
    approve_again(plant, order_id)
    admission = await plant.admit(order_id)
    run = plant.run(order_id)
    assert (admission.act, run.retry_of, run.look_first) == (Act.STARTED, old, True)


async def test_the_approval_that_failed_is_not_started_anew(plant: Plant) -> None:
    """Our Failed is still on its way to Salesforce; a retry is a person's."""
    order_id = plant.place()
    await has_run(plant, order_id, "failed")
    admission = await plant.admit(order_id)
    assert (admission.act, admission.run_id) == (Act.CLOSED, None)
    assert "retry" in admission.reason


@pytest.mark.parametrize("state", ["done", "unknown", "intended"])
async def test_approved_again_over_standing_effects_never_starts(plant: Plant, state: str) -> None:
    order_id = plant.place()
    await has_run(plant, order_id, "done" if state == "done" else "cancelled")
    await stands(plant, order_id, state)
    plant.change(order_id, INTEGRATION, Status="Provisioning")
    plant.change(order_id, INTEGRATION, Status="Failed")
    approve_again(plant, order_id)
    admission = await plant.admit(order_id)
    run = plant.run(order_id)
    assert (admission.act, run.state, run.error_code, run.error_class) == (
        Act.HELD,
        "held",
        "approved_again",
        "conflict",
    )
    assert run.fingerprint and run.look_first


async def test_approved_again_after_done_is_held_also_without_a_known_effect(plant: Plant) -> None:
    order_id = plant.place()
    await has_run(plant, order_id, "done", state_data={})  # trimmed after ninety days
    assert (await plant.admit(order_id)).act is Act.HELD


async def test_an_approval_that_was_served_while_it_was_read_is_no_conflict(plant: Plant) -> None:
    """A duplicate event may be read before and decided after the whole run."""
    order_id = plant.place()
    await has_run(plant, order_id, "done")
    assert (await plant.admit(order_id)).act is Act.CLOSED


@pytest.mark.parametrize("state", [None, "undone", "refused", "resolved_absent"])
async def test_cancelled_with_nothing_standing_starts_again(plant: Plant, state: str | None) -> None:
    order_id = plant.place()
    await has_run(plant, order_id, "cancelled")
    if state is not None:
        await stands(plant, order_id, state)
    plant.change(order_id, Status="Cancelled")
    approve_again(plant, order_id)
    admission = await plant.admit(order_id)
    assert (admission.act, plant.run(order_id).look_first) == (Act.STARTED, True)


async def test_provisioning_and_none_here_is_adopted(plant: Plant) -> None:
    """Somebody else began: a new run, looks first, and waits for what may still land."""
    order_id = plant.place()
    plant.change(order_id, INTEGRATION, Status="Provisioning", Provisioning_Status__c="In Progress")
    admission = await plant.admit(order_id, "poll")
    run = plant.run(order_id)
    assert (admission.act, run.look_first, run.source) == (Act.STARTED, True, "poll")
    assert run.state_data["foreign_since"] == plant.clock.now()


@pytest.mark.parametrize("status", ["Draft", "Pending Review", "Cancelled", "Rejected"])
async def test_anything_else_closes_the_event_with_that_status(plant: Plant, status: str) -> None:
    order_id = plant.place(status="Draft" if status == "Draft" else "Pending Review")
    if status in ("Cancelled", "Rejected"):
        plant.change(order_id, Status=status)
    admission = await plant.admit(order_id)
    assert (admission.act, plant.runs(order_id)) == (Act.CLOSED, [])
    assert status in admission.reason


@pytest.mark.parametrize("state", ["failed", "done", "cancelled"])
async def test_provisioning_with_an_ended_run_here_is_left_alone(plant: Plant, state: str) -> None:
    order_id = plant.place()
    await has_run(plant, order_id, state)
    plant.change(order_id, INTEGRATION, Status="Provisioning")
    assert (await plant.admit(order_id)).act is Act.CLOSED
    assert len(plant.runs(order_id)) == 1


async def test_an_order_that_was_left_as_it_is_never_starts(plant: Plant) -> None:
    order_id = plant.place()
    await has_run(plant, order_id, "failed", error_code="left_as_is", state_data={})
    assert (await plant.admit(order_id)).act is Act.HELD


# Held -----------------------------------------------------------------------------------------------------------------


async def test_approved_before_the_start_is_held(plant: Plant) -> None:
    order_id = plant.place(days_ago=3)
    admission = await plant.admit(order_id, "poll")
    run = plant.run(order_id)
    assert (admission.act, run.state, run.error_code, run.look_first) == (Act.HELD, "held", "before_start", False)


async def test_begun_before_the_start_is_held_and_looks_when_a_person_starts_it(plant: Plant) -> None:
    order_id = plant.place(days_ago=3)
    plant.change(order_id, INTEGRATION, Status="Provisioning", WHMCS_Order_ID__c="77")
    plant.change(order_id, INTEGRATION, Status="Approved")
    plant.sandbox.people._crm.date_back(order_id, as_datetime(plant.clock.now()) - timedelta(days=3))
    await plant.admit(order_id, "poll")
    run = plant.run(order_id)
    assert (run.state, run.error_code, run.look_first) == ("held", "before_start", True)
    assert run.state_data["foreign_since"] == plant.clock.now()


async def test_approved_by_whoever_placed_it_is_held(plant: Plant) -> None:
    order_id = plant.place(status="Pending Review")
    plant.change(order_id, PLACER, Placed_By__c=plant.sandbox.salesforce.users[PLACER].id)
    plant.change(order_id, PLACER, Status="Approved")
    admission = await plant.admit(order_id)
    assert (admission.act, plant.run(order_id).error_code) == (Act.HELD, "four_eyes")


@pytest.mark.parametrize("user", [APPROVER, INTEGRATION])
async def test_somebody_else_or_the_portal_itself_may_approve(plant: Plant, user: str) -> None:
    order_id = plant.place(status="Pending Review")
    plant.change(order_id, user, Status="Approved")
    assert (await plant.admit(order_id)).act is Act.STARTED


async def test_a_named_approver_counts_not_who_touched_it_last(plant: Plant) -> None:
    order_id = plant.place(status="Pending Review")
    plant.change(order_id, Status="Approved", Approved_By__c="olga")
    plant.change(order_id, PLACER, Description="a note")
    assert (await plant.admit(order_id)).act is Act.STARTED


async def test_a_later_edit_hides_neither_when_nor_by_whom_it_was_approved(plant: Plant) -> None:
    old, own = plant.place(days_ago=3), plant.place(status="Pending Review")
    plant.change(own, PLACER, Placed_By__c=plant.sandbox.salesforce.users[PLACER].id)
    plant.change(own, PLACER, Status="Approved")
    for order_id in (old, own):
        plant.change(order_id, Description="somebody else's note")
        assert (await plant.admit(order_id)).act is Act.HELD
    assert [plant.run(order_id).error_code for order_id in (old, own)] == ["before_start", "four_eyes"]


async def test_the_console_name_of_an_earlier_approval_is_nobody_s_second_pair_of_eyes(plant: Plant) -> None:
    """Approved in the console once; after it failed its placer approves it again in Salesforce."""
    order_id = plant.place(status="Pending Review")
    plant.change(order_id, PLACER, Placed_By__c=plant.sandbox.salesforce.users[PLACER].id)
    plant.change(order_id, INTEGRATION, Status="Approved", Approved_By__c="olga")
    plant.change(order_id, INTEGRATION, Status="Provisioning")
    plant.change(order_id, INTEGRATION, Status="Failed", Attempt_Count__c=None)
    plant.change(order_id, PLACER, Status="Approved")
    assert (await plant.admit(order_id)).act is Act.HELD
    assert plant.run(order_id).error_code == "four_eyes"


async def test_an_org_without_the_stamp_is_judged_by_the_last_edit(plant: Plant) -> None:
    old, own = plant.place(days_ago=3), plant.place(status="Pending Review")
    plant.change(own, PLACER, Placed_By__c=plant.sandbox.salesforce.users[PLACER].id)
    plant.change(own, PLACER, Status="Approved")
    for order_id in (old, own):
        plant.forget(order_id, "Approved_At__c", "Approved_By_User__c")
        assert (await plant.admit(order_id)).act is Act.HELD
    assert [plant.run(order_id).error_code for order_id in (old, own)] == ["before_start", "four_eyes"]


async def test_an_effective_date_to_come_parks_until_that_day_begins_in_japan(plant: Plant) -> None:
    order_id = plant.place("starts_later")
    assert (await plant.admit(order_id)).act is Act.STARTED
    run = plant.run(order_id)
    assert (run.state, run.wait) == ("parked", "condition")
    assert run.condition is not None
    day = (await plant.crm(order_id)).effective_date
    begins = float(run.condition["argument"])
    assert datetime.fromtimestamp(begins, ZoneInfo("Asia/Tokyo")).isoformat() == f"{day}T00:00:00+09:00"
    assert await plant.parts.conditions.check() == 0
    plant.clock.pass_(begins - plant.clock.now())
    assert await plant.parts.conditions.check() == 1
    assert plant.run(order_id).state == "queued"


@pytest.mark.parametrize("field", ["WHMCS_Order_ID__c", "ESIM_ICCID__c"])
async def test_an_order_that_shows_effects_is_no_first_start(plant: Plant, field: str) -> None:
    order_id = plant.place()
    plant.change(order_id, INTEGRATION, Status="Provisioning")
    plant.change(order_id, INTEGRATION, **{field: "8981012345678901234"})
    plant.change(order_id, INTEGRATION, Status="Approved")
    await plant.admit(order_id)
    assert plant.run(order_id).look_first
    assert plant.run(order_id).state_data["foreign_since"] == plant.clock.now()


async def test_in_recovery_every_start_looks_first(plant: Plant) -> None:
    plant.engine.recovery = True
    order_id = plant.place()
    await plant.admit(order_id)
    assert plant.run(order_id).look_first and "foreign_since" in plant.run(order_id).state_data


# The brake ------------------------------------------------------------------------------------------------------------


async def test_the_brake_stops_more_than_an_hour_should_bring_and_asks_a_person(plant: Plant) -> None:
    plant.engine.settings.intake.__dict__["max_new_per_hour"] = 3
    ids = [plant.place() for _ in range(5)]
    acts = [(await plant.admit(order_id)).act for order_id in ids]
    assert acts == [Act.STARTED] * 3 + [Act.WAITING] * 2
    assert "intake" in plant.journal.peek(desk.pauses)
    assert [a.cause for a in plant.journal.peek(alerts.open_alerts)] == ["brake"]
    assert plant.parts.stopped() is not None
    plant.clock.pass_(1)
    now = plant.clock.now()
    assert await plant.journal.write(lambda db: plant.parts.brake.release(db, now))
    assert (await plant.admit(ids[3])).act is Act.STARTED


async def test_an_hour_later_they_may_come_in_but_only_a_person_releases_it(plant: Plant) -> None:
    plant.engine.settings.intake.__dict__["max_new_per_hour"] = 1
    one, two = plant.place(), plant.place()
    await plant.admit(one)
    await plant.admit(two)
    plant.clock.pass_(7200)
    assert (await plant.admit(two)).act is Act.WAITING


async def test_held_orders_do_not_pull_the_brake(plant: Plant) -> None:
    plant.engine.settings.intake.__dict__["max_new_per_hour"] = 2
    for _ in range(5):
        assert (await plant.admit(plant.place(days_ago=3))).act is Act.HELD
    assert (await plant.admit(plant.place())).act is Act.STARTED
