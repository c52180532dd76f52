"""The door and what knocks: events and polls of one order, orders that cannot be read, and what is kept of them."""

import asyncio
from typing import Any

import pytest

from console.engine import door
from console.engine.door import Act
from integrations.errors import IntegrationError
from storage import alerts, desk, inbox
from storage.inbox import Incoming
from tests.console.engine.plant import INTEGRATION, Plant


def event(uuid: str, order_id: str | None, at: float = 1.0) -> Incoming:
    return Incoming("/event/X__e", "1", uuid, order_id, None, {"OrderId__c": order_id}, at)


async def journal_events(plant: Plant, *events: Incoming) -> None:
    await plant.journal.write(lambda db: inbox.append(db, "00D", "cometd", list(events)))


async def bring(plant: Plant) -> int:
    return await plant.parts.intake._bring(plant.journal.peek(inbox.waiting))


async def test_duplicate_events_start_one_run_and_are_all_settled(plant: Plant) -> None:
    order_id = plant.place()
    await journal_events(plant, *(event(f"u{i}", order_id) for i in range(5)))
    assert await bring(plant) == 5
    await journal_events(plant, event("late", order_id))
    assert await bring(plant) == 1
    assert len(plant.runs(order_id)) == 1
    states = [e.state for e in plant.journal.peek(lambda db: inbox.of_order(db, order_id))]
    assert states == ["started"] * 5 + ["attached"]
    assert plant.requests("composite") == 2, "five events of one order are one reading"


async def test_event_and_poll_at_the_same_moment_start_one_run(plant: Plant) -> None:
    order_id = plant.place()
    acts = await asyncio.gather(*(plant.admit(order_id, source) for source in ("event", "poll", "event", "poll")))
    assert sorted(a.act for a in acts) == [Act.ATTACHED] * 3 + [Act.STARTED]
    assert len(plant.runs(order_id)) == 1


async def test_an_event_of_no_order_is_closed_and_one_that_cannot_be_read_waits(plant: Plant) -> None:
    order_id = plant.place()
    hidden, now = "801000000000999AAA", plant.clock.now()
    await journal_events(plant, event("a", hidden, now), event("b", order_id, now))
    plant.fault("salesforce", "composite", "http_503", count=1, where={"order": order_id})
    plant.fault("salesforce", "composite", "http_503", count=1)
    assert [await bring(plant) for _ in range(3)] in ([0, 1, 0], [0, 0, 1], [1, 0, 0])
    assert states_of(plant) == {"a": "new", "b": "started"}, "it may come to be seen"
    for _ in range(20):
        plant.clock.pass_(20)
        await bring(plant)
    assert states_of(plant)["a"] == "poison"
    assert [hidden in row["reason"] for row in plant.journal.peek(inbox.poison)] == [True]
    assert len(plant.runs(order_id)) == 1


def states_of(plant: Plant) -> dict[str, str]:
    return {e.event_uuid: e.state for e in plant.journal.peek(lambda db: inbox.newest(db))}


async def test_an_order_that_cannot_be_read_is_asked_for_ever_less_often(plant: Plant) -> None:
    hidden, good = "801000000000999AAA", plant.place()
    await journal_events(plant, event("a", hidden, plant.clock.now()))
    asked = []
    for second in range(100):
        before = plant.requests("composite")
        await bring(plant)
        asked += [second] * (plant.requests("composite") - before)
        plant.clock.pass_(1)
    assert asked == [0, 2, 6, 14, 30, 60, 90]
    await journal_events(plant, event("b", good, plant.clock.now()))
    assert await bring(plant) == 1, "it keeps no other out"


async def test_the_door_keeps_nothing_of_orders_that_are_gone(plant: Plant) -> None:
    ids = [plant.place() for _ in range(3)]
    await asyncio.gather(*(plant.admit(order_id) for order_id in ids for _ in range(3)))
    plant.fault("salesforce", "composite", "http_503", count=3)
    results = await asyncio.gather(*(plant.admit(ids[0]) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, IntegrationError) for result in results)
    modified = (await plant.crm(ids[0])).last_modified_at.timestamp()
    assert plant.parts.door._turns == {} and plant.parts.door.decided(ids[0], modified)
    for order_id in ids[1:]:
        plant.change(order_id, INTEGRATION, Status="Cancelled")
    await plant.parts.poll.once()
    assert set(plant.parts.door._seen) == {ids[0]}


async def test_one_order_that_we_cannot_take_in_keeps_no_other_out(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = plant.place(), plant.place()
    honest = door.order_row

    def broken(bundle: Any, *rest: Any) -> Any:
        if bundle.order.id == bad:
            raise ZeroDivisionError
        return honest(bundle, *rest)

    monkeypatch.setattr(door, "order_row", broken)
    await journal_events(plant, event("a", bad), event("b", good))
    assert await bring(plant) == 1
    assert len(plant.runs(good)) == 1 and plant.runs(bad) == []
    assert [(a.cause, a.severity) for a in plant.journal.peek(alerts.open_alerts)] == [("door", "critical")]
    assert [e.event_uuid for e in plant.journal.peek(inbox.waiting)] == ["a"], "it is tried again"


async def test_while_salesforce_is_paused_nothing_is_read(plant: Plant) -> None:
    order_id = plant.place()
    plant.engine.gates["salesforce"].pause = desk.Pause("salesforce", "otto", "maintenance", 1.0, False)
    await journal_events(plant, event("a", order_id))
    before = plant.requests("composite")
    assert await bring(plant) == 0
    assert plant.requests("composite") == before
    assert "maintenance" in str(plant.parts.intake.last_error)


async def test_an_order_that_is_not_there_is_no_order(plant: Plant) -> None:
    with pytest.raises(IntegrationError, match="order_not_found"):
        await plant.admit("801000000000999AAA")
