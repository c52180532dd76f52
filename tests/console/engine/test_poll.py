"""The poll: what no event told of is found, deafness is noticed, gaps are reconciled, the past is not provisioned."""

import pytest

from integrations.errors import IntegrationError
from storage import alerts, desk, inbox, meta
from storage.inbox import Incoming
from tests.console.engine.plant import INTEGRATION, Plant


def causes(plant: Plant) -> list[str]:
    return [alert.cause for alert in plant.journal.peek(alerts.open_alerts)]


async def test_what_no_event_told_of_is_found(plant: Plant) -> None:
    approved, begun, other = plant.place(), plant.place(), plant.place(status="Pending Review")
    plant.change(begun, INTEGRATION, Status="Provisioning")
    assert await plant.parts.poll.once() == 2
    assert plant.run(approved).source == "poll" and not plant.run(approved).look_first
    assert plant.run(begun).look_first
    assert plant.runs(other) == []
    assert plant.parts.poll.last_ok_at == plant.clock.now()


async def test_open_runs_are_not_asked_for_again(plant: Plant) -> None:
    plant.place()
    await plant.parts.poll.once()
    before = plant.requests("composite")
    assert await plant.parts.poll.once() == 0
    assert plant.requests("composite") == before


async def test_what_the_door_has_decided_is_only_read_again_by_a_sweep(plant: Plant) -> None:
    order_id = plant.place()
    plant.change(order_id, INTEGRATION, Status="Provisioning")
    await plant.parts.poll.once()
    await plant.journal.write(lambda db: db.execute("UPDATE runs SET state = 'failed'"))
    assert await plant.parts.poll.once() == 0
    plant.clock.pass_(3601)
    assert await plant.parts.poll.once() == 1


# First contact ----------------------------------------------------------------------------------------------------------


async def test_the_past_is_held_and_pulls_no_brake(plant: Plant) -> None:
    old = [plant.place(days_ago=3) for _ in range(25)]
    new = plant.place()
    assert await plant.parts.poll.once() == 26
    assert {plant.run(order_id).error_code for order_id in old} == {"before_start"}
    assert plant.run(new).state == "queued"
    assert plant.parts.stopped() is None
    assert plant.requests("order.patch") == 0


async def test_a_first_poll_with_many_asks_a_person_before_any_starts(plant: Plant) -> None:
    ids = [plant.place() for _ in range(21)]
    assert await plant.parts.poll.once() == 0
    assert all(plant.runs(order_id) == [] for order_id in ids)
    assert "brake" in causes(plant) and "21 orders" in plant.journal.peek(desk.pauses)["intake"].reason
    plant.clock.pass_(1)
    now = plant.clock.now()
    await plant.journal.write(lambda db: plant.parts.brake.release(db, now))
    assert await plant.parts.poll.once() == 21


async def test_later_polls_may_bring_many(plant: Plant) -> None:
    await plant.parts.poll.once()
    assert plant.journal.peek(lambda db: meta.get(db, "first_poll_at")) is not None
    for _ in range(21):
        plant.place()
    assert await plant.parts.poll.once() == 21


# Deafness and gaps --------------------------------------------------------------------------------------------------------


async def told(plant: Plant, order_id: str) -> None:
    now = plant.clock.now()
    incoming = Incoming("/event/X__e", "1", f"u-{order_id}", order_id, None, {}, now)
    await plant.journal.write(lambda db: inbox.append(db, "00D", "cometd", [incoming]))


async def test_twice_an_old_approval_without_an_event_is_deafness(plant: Plant) -> None:
    await plant.parts.poll.once()
    for expected in ([], ["deaf"]):
        plant.place()
        plant.clock.pass_(61)
        await plant.parts.poll.once()
        assert causes(plant) == expected
    plant.clock.pass_(3601)
    await plant.parts.poll.once()
    assert causes(plant) == []


async def test_a_fresh_approval_or_one_that_was_told_of_is_none(plant: Plant) -> None:
    await plant.parts.poll.once()
    for _ in range(3):
        order_id = plant.place()
        plant.clock.pass_(30)
        await plant.parts.poll.once()
        order_id = plant.place()
        await told(plant, order_id)
        plant.clock.pass_(61)
        await plant.parts.poll.once()
    assert causes(plant) == []


async def test_without_a_subscriber_nobody_is_deaf(plant: Plant) -> None:
    plant.parts.poll._events_on = False
    for _ in range(3):
        plant.place()
        plant.clock.pass_(61)
        await plant.parts.poll.once()
    assert causes(plant) == []


async def test_a_gap_is_reconciled_by_a_poll_that_began_after_it(plant: Plant) -> None:
    now = plant.clock.now()
    await plant.journal.write(lambda db: inbox.gap(db, "00D", "cometd", "/event/X__e", "expired", now))
    order_id = plant.place()
    plant.clock.pass_(1)
    await plant.parts.poll.once()
    assert plant.journal.peek(lambda db: inbox.gaps(db, open_only=True)) == []
    assert plant.run(order_id).state == "queued"


async def test_a_poll_that_could_not_bring_an_order_reconciles_nothing(plant: Plant) -> None:
    now = plant.clock.now()
    await plant.journal.write(lambda db: inbox.gap(db, "00D", "cometd", "/event/X__e", "expired", now))
    order_id = plant.place()
    plant.clock.pass_(1)
    plant.fault("salesforce", "composite", "http_503", count=1)
    with pytest.raises(IntegrationError):
        await plant.parts.poll.once()
    assert len(plant.journal.peek(lambda db: inbox.gaps(db, open_only=True))) == 1
    assert await plant.parts.poll.once() == 1
    assert plant.run(order_id).state == "queued"
    assert plant.journal.peek(lambda db: inbox.gaps(db, open_only=True)) == []


async def test_a_list_that_cannot_be_read_is_trouble_not_emptiness(plant: Plant) -> None:
    plant.place()
    for kind in ("http_503", "truncate", "html", "malformed"):
        plant.fault("salesforce", "query", kind)
        with pytest.raises(IntegrationError):
            await plant.parts.poll.once()
    assert await plant.parts.poll.once() == 1


async def test_a_withdrawn_order_is_noticed_while_its_run_waits(plant: Plant) -> None:
    order_id = plant.place("vpn", customer=plant.person("none").number)
    await plant.admit(order_id)
    assert (await plant.go(order_id)).state == "parked"
    plant.change(order_id, Status="Cancelled")
    await plant.parts.poll.once()
    assert (await plant.go(order_id)).state == "cancelled"
    assert plant.billed() == []
