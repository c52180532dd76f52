"""The approval Flow and published events: after commit, never on rollback, once per approval."""

import asyncio
from itertools import pairwise
from pathlib import Path

from integrations.sandbox.salesforce.bus import EventBus
from integrations.sandbox.store import Store
from tests.integrations.sandbox.salesforce.conftest import DATA, EVENT_CHANNEL, Bench, Wire


async def test_an_approval_publishes_one_event(bench: Bench, staff: Wire) -> None:
    key = bench.place()
    assert bench.events() == []
    await staff.patch(f"/sobjects/Order/{key}", {"Status": "Approved"})
    (event,) = bench.events()
    assert event.payload["OrderId__c"] == key
    assert event.payload["IdemKey__c"] == f"{key}-0"
    assert event.payload["CreatedById"] == bench.sandbox.users["placer"].id[:15]
    message = event.message()
    assert message["channel"] == EVENT_CHANNEL
    assert message["data"]["event"] == {"EventUuid": event.uuid, "replayId": event.replay_id}


async def test_later_changes_of_an_approved_order_publish_nothing(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    bench.sandbox.desk.approve(key)
    await wire.patch(f"/sobjects/Order/{key}", {"Description": "x"})
    await wire.patch(f"/sobjects/Order/{key}", {"Status": "Approved"})
    assert len(bench.events()) == 1


async def test_approving_again_publishes_again_with_the_attempt(bench: Bench, wire: Wire) -> None:
    key = bench.place()
    bench.sandbox.desk.approve(key)
    await wire.patch(f"/sobjects/Order/{key}", {"Status": "Failed", "Attempt_Count__c": 1})
    bench.sandbox.desk.approve(key)
    assert [event.payload["IdemKey__c"] for event in bench.events()] == [f"{key}-0", f"{key}-1"]


async def test_an_order_created_as_approved_publishes(bench: Bench, wire: Wire) -> None:
    fields = {"AccountId": bench.account(), "EffectiveDate": "2026-11-23", "Status": "Approved"}
    made = await wire.post("/sobjects/Order", fields)
    assert [event.payload["OrderId__c"] for event in bench.events()] == [made.body["id"]]


async def test_a_rolled_back_approval_publishes_nothing(bench: Bench, staff: Wire) -> None:
    key = bench.place()
    told: list[str] = []
    bench.sandbox.bus.on_commit(told.append)
    approve = {
        "method": "PATCH",
        "url": f"{DATA}/sobjects/Order/{key}",
        "referenceId": "a",
        "body": {"Status": "Approved"},
    }
    fail = {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "b", "body": {}}
    reply = await staff.composite(approve, fail)
    assert [sub["httpStatusCode"] for sub in reply.body["compositeResponse"]] == [400, 400]
    assert bench.order(key)["Status"] == "Pending Review"
    assert bench.events() == []
    assert (await staff.composite(approve, fail, all_or_none=False)).status == 200
    assert len(bench.events()) == 1 and bench.order(key)["Status"] == "Approved"
    await asyncio.sleep(0)
    assert told[-1] == EVENT_CHANNEL


async def test_listeners_see_what_was_committed(bench: Bench) -> None:
    seen: list[tuple[str, str]] = []
    key = bench.place()
    bench.sandbox.bus.on_commit(lambda channel: seen.append((channel, bench.order(key)["Status"])))
    with bench.sandbox.org.db.transaction():
        bench.sandbox.desk.approve(key)
        assert seen == []
    await asyncio.sleep(0)
    assert seen == [(EVENT_CHANNEL, "Approved")]


async def test_publishing_over_rest(bench: Bench, wire: Wire) -> None:
    reply = await wire.post("/sobjects/OrderProvisionRequested__e/", {"OrderId__c": "801x", "IdemKey__c": "k"})
    assert reply.status == 201
    (event,) = bench.events()
    enqueued = {"statusCode": "OPERATION_ENQUEUED", "message": event.uuid, "fields": []}
    assert reply.body == {"id": reply.body["id"], "success": True, "errors": [enqueued]}
    assert reply.body["id"].startswith("e01")
    missing = await wire.post("/sobjects/OrderProvisionRequested__e/", {"IdemKey__c": "k"})
    assert missing.body[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    unknown = await wire.post("/sobjects/OrderProvisionRequested__e/", {"Nonsense__c": "k"})
    assert unknown.body[0]["errorCode"] == "INVALID_FIELD"
    assert len(bench.events()) == 1


async def test_events_cannot_be_queried_or_changed(wire: Wire) -> None:
    reply = await wire.query("SELECT Id FROM OrderProvisionRequested__e")
    assert reply.body[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"


async def test_a_lost_event_is_never_appended(bench: Bench) -> None:
    bench.faults.add(system="salesforce", operation="publish", kind="lose_event")
    key, other = bench.place(), bench.place()
    bench.sandbox.desk.approve(key)
    assert bench.order(key)["Status"] == "Approved" and bench.events() == []
    bench.sandbox.desk.approve(other)
    assert [event.payload["OrderId__c"] for event in bench.events()] == [other]
    assert bench.faults.hits()[0].facts["order"] == key


async def test_replay_ids_rise_with_gaps_and_survive(bench: Bench, tmp_path: Path) -> None:
    with bench.sandbox.org.db.transaction():
        for n in range(50):
            bench.sandbox.bus.publish(EVENT_CHANNEL, {"n": n}, created_by="0055h0000000001AAA")
    ids = [event.replay_id for event in bench.events()]
    steps = {after - before for before, after in pairwise(ids)}
    assert min(steps) >= 1 and max(steps) <= 9 and len(steps) > 1
    store = Store(tmp_path / "sandbox.db")
    again = EventBus(store)
    assert [event.replay_id for event in again.read(EVENT_CHANNEL)] == ids
    assert [event.replay_id for event in again.read(EVENT_CHANNEL, ids[40])] == ids[41:]
    assert again.retained(EVENT_CHANNEL, ids[3]) and not again.retained(EVENT_CHANNEL, ids[-1] + 1)
    assert again.trim(EVENT_CHANNEL, ids[9]) == 10
    assert [event.replay_id for event in again.read(EVENT_CHANNEL)] == ids[10:]
    assert again.last(EVENT_CHANNEL) == ids[-1]
    store.close()
