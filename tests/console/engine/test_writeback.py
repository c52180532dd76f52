"""Status writes from the outbox: latest wins, one in flight, an unknown outcome is settled by reading, people win."""

from dataclasses import fields
from typing import Any

import pytest

from integrations.errors import ErrorClass
from storage import alerts, desk, feed, orders, outbox
from tests.console.engine.plant import APPROVER, INTEGRATION, Plant

FAILED = {"Status": "Failed", "Provisioning_Status__c": "Failed", "Provisioning_Error_Code__c": "no_items"}


async def put(plant: Plant, order_id: str, **fields: object) -> None:
    now = plant.clock.now()
    await plant.journal.write(lambda db: outbox.put(db, order_id, fields or FAILED, now))


async def begun(plant: Plant) -> str:
    order_id = plant.place()
    plant.change(order_id, INTEGRATION, Status="Provisioning", Provisioning_Status__c="In Progress")
    return order_id


def read_as(status: str, order_id: str) -> orders.OrderRow:
    """The order as some earlier reading left it in the journal."""
    values: dict[str, Any] = {field.name: None for field in fields(orders.OrderRow)}
    return orders.OrderRow(
        **{**values, "order_id": order_id, "number": "00000001", "sf_status": status, "read_at": 0.0}
    )


def state(plant: Plant, order_id: str) -> str:
    row = plant.outbox(order_id)
    assert row is not None
    return row.state


async def settle(plant: Plant, order_id: str, most: int = 12) -> None:
    for _ in range(most):
        if state(plant, order_id) == "settled":
            return
        row = plant.outbox(order_id)
        assert row is not None
        plant.clock.pass_(max(0.0, row.next_at - plant.clock.now()) + 0.001)
        await plant.deliver()
    raise AssertionError(plant.outbox(order_id))


async def test_what_shall_stand_is_written_and_read_back(plant: Plant) -> None:
    order_id = await begun(plant)
    await put(plant, order_id)
    await plant.deliver()
    order = await plant.crm(order_id)
    assert (order.status, order.provisioning_error_code) == ("Failed", "no_items")
    assert state(plant, order_id) == "settled"


@pytest.mark.parametrize("fault", [None, {"kind": "timeout_after", "options": {"delay": 0.01}}])
async def test_who_looks_at_the_order_is_told_its_new_status(plant: Plant, fault: dict[str, Any] | None) -> None:
    order_id = await begun(plant)
    await plant.journal.write(lambda db: orders.put(db, read_as("Approved", order_id)))
    if fault is not None:
        plant.fault("salesforce", "order.patch", **fault)
    await put(plant, order_id)
    await settle(plant, order_id)
    assert (shown := plant.shown(order_id)) is not None and shown.sf_status == "Failed"
    told = await plant.journal.read(lambda db: [row for row in feed.after(db, 0) if row.kind == "order"])
    assert [(row.order_id, row.body) for row in told] == [(order_id, {"status": "Failed"})]


async def test_what_stands_already_is_not_written_again(plant: Plant) -> None:
    order_id = await begun(plant)
    for _ in range(2):
        await put(plant, order_id)
        await plant.deliver()
    assert plant.requests("order.patch") == 1


async def test_the_latest_wins(plant: Plant) -> None:
    order_id = await begun(plant)
    await put(plant, order_id)
    await put(plant, order_id, Status="Cancelled")
    await plant.deliver()
    assert (await plant.crm(order_id)).status == "Cancelled"
    assert plant.requests("order.patch") == 1


LOST: dict[str, Any] = {
    "kind": "timeout_after",
    "options": {"delay": 0.01},
}  # the effect is made, the connection breaks
NEVER: dict[str, Any] = {"kind": "http_500"}


@pytest.mark.parametrize("fault", [LOST, NEVER, {"kind": "reset"}])
async def test_an_unknown_outcome_is_settled_by_reading(plant: Plant, fault: dict[str, Any]) -> None:
    order_id = await begun(plant)
    await put(plant, order_id)
    plant.fault("salesforce", "order.patch", **fault)
    await plant.deliver()
    assert state(plant, order_id) == "in_flight"
    made = (await plant.crm(order_id)).status == "Failed"
    await settle(plant, order_id)
    assert (await plant.crm(order_id)).status == "Failed"
    assert plant.requests("order.patch") == (1 if made else 2)


@pytest.mark.parametrize("fault", [LOST, NEVER])
async def test_none_newer_goes_before_the_older_is_settled(plant: Plant, fault: dict[str, Any]) -> None:
    order_id = await begun(plant)
    await put(plant, order_id)
    plant.fault("salesforce", "order.patch", **fault)
    await plant.deliver()
    await put(plant, order_id, Status="Cancelled")
    row = plant.outbox(order_id)
    assert row is not None and row.in_flight == FAILED and row.state == "in_flight"
    await settle(plant, order_id)
    assert (await plant.crm(order_id)).status == "Cancelled"


async def test_a_reading_that_fails_settles_nothing(plant: Plant) -> None:
    """It tells nothing about the write in flight: no newer one may go, and no claim."""
    order_id = await begun(plant)
    await put(plant, order_id)
    plant.fault("salesforce", "order.patch", **LOST)
    await plant.deliver()
    plant.fault("salesforce", "composite", "http_503")
    plant.clock.pass_(60)
    await plant.deliver()
    row = plant.outbox(order_id)
    assert row is not None and row.in_flight == FAILED
    assert not await plant.journal.write(lambda db: outbox.drop(db, order_id))
    await settle(plant, order_id)


async def test_a_death_under_the_write_is_settled_by_reading(plant: Plant) -> None:
    order_id = await begun(plant)
    await put(plant, order_id)
    now = plant.clock.now()
    assert await plant.journal.write(lambda db: outbox.intend(db, order_id, 1, now))
    plant.change(order_id, INTEGRATION, **FAILED)  # it had left
    await settle(plant, order_id)
    assert plant.requests("order.patch") == 0


@pytest.mark.parametrize("decided", ["Cancelled", "Activated"])
async def test_what_a_person_or_the_end_decided_stands(plant: Plant, decided: str) -> None:
    order_id = await begun(plant)
    plant.change(order_id, INTEGRATION if decided == "Activated" else APPROVER, Status=decided)
    await put(plant, order_id)
    await plant.deliver()
    order = await plant.crm(order_id)
    assert order.status == decided and state(plant, order_id) == "settled"
    assert order.provisioning_status != "Failed"
    assert plant.journal.peek(alerts.open_alerts) == []


async def test_a_change_in_between_is_read_before_it_is_written_over(plant: Plant) -> None:
    """If-Unmodified-Since: between our reading and our writing a person cancels."""
    order_id = await begun(plant)
    await put(plant, order_id)
    row = plant.outbox(order_id)
    assert row is not None
    bundle = await plant.engine.salesforce.read_order(order_id)
    plant.change(order_id, Status="Cancelled")
    error = None
    try:
        await plant.parts.writeback._send(row, bundle)
    except Exception as caught:  # noqa: BLE001 - judged below
        error = caught
    assert getattr(error, "code", None) == "changed_meanwhile"
    assert getattr(error, "error_class", None) is ErrorClass.CONFLICT
    assert (await plant.crm(order_id)).status == "Cancelled"


async def test_that_conflict_is_tried_again_at_once_and_sees_the_decision(plant: Plant) -> None:
    order_id = await begun(plant)
    await put(plant, order_id)
    honest = plant.engine.salesforce.read_order

    async def overtaken(*args: object, **values: object) -> object:
        bundle = await honest(*args, **values)  # type: ignore[arg-type]
        plant.engine.salesforce.read_order = honest  # type: ignore[method-assign]
        plant.change(order_id, Status="Cancelled")
        return bundle

    plant.engine.salesforce.read_order = overtaken  # type: ignore[method-assign, assignment]
    await plant.deliver()
    await settle(plant, order_id)
    assert (await plant.crm(order_id)).status == "Cancelled"


async def test_a_refusal_for_good_is_given_up_and_told(plant: Plant) -> None:
    order_id = await begun(plant)
    await put(plant, order_id, Provisioning_Error_Code__c="x" * 300)
    await plant.deliver()
    assert state(plant, order_id) == "given_up"
    assert [a.order_id for a in plant.journal.peek(alerts.open_alerts)] == [order_id]
    await put(plant, order_id)
    await plant.deliver()
    assert (await plant.crm(order_id)).status == "Failed"


async def test_while_salesforce_is_paused_it_waits(plant: Plant) -> None:
    order_id = await begun(plant)
    await put(plant, order_id)
    plant.engine.gates["salesforce"].pause = desk.Pause("salesforce", "otto", "maintenance", 1.0, False)
    await plant.deliver()
    assert state(plant, order_id) == "waiting"
    plant.engine.gates["salesforce"].pause = None
    await settle(plant, order_id)


async def test_the_claim_overtakes_what_waits_and_waits_for_what_is_in_flight(plant: Plant) -> None:
    order_id = plant.place()
    await plant.admit(order_id)
    await put(plant, order_id)
    now = plant.clock.now()
    await plant.journal.write(lambda db: outbox.intend(db, order_id, 1, now))
    await plant.turn()
    run = plant.run(order_id)
    assert (run.state, run.tries) == ("retrying", 0) and "not settled" in str(run.wait_reason)
    await plant.journal.write(lambda db: outbox.again(db, order_id, now, "it did not arrive", now, clear=True))
    assert (await plant.go(order_id)).state == "done"
    assert plant.outbox(order_id) is None
