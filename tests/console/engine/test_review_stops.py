"""What must stop at once, what must not stop for good, and what an undo gives back (rules §5.2, §6, §8, §10)."""

import asyncio
import contextlib

import pytest

from console.engine.clockwatch import ClockWatch
from console.engine.failures import NotNow
from integrations.errors import LoginFailed, System
from storage import outbox, profiles
from tests.console.engine.hands import Bench
from tests.console.engine.plant import Plant


async def test_a_jump_of_the_clock_holds_guarded_calls_before_anybody_looked(bench: Bench) -> None:
    watch = ClockWatch(bench.engine)
    bench.engine.holds.check()
    bench.clock.jump(86_400)
    with pytest.raises(NotNow, match="jumped"):
        bench.engine.holds.check()
    await watch.check()
    bench.engine.holds.check()


async def test_a_hold_is_waited_for_without_asking_anybody(plant: Plant) -> None:
    """A clock that differs may take hours to mend: the order is not read again and again meanwhile."""
    plant.engine.holds.set("clock_skew:whmcs", "our clock and whmcs's differ by +90 s")
    order_id = plant.place()
    await plant.admit(order_id)
    await plant.turn()
    run, asked = plant.run(order_id), len(plant.sandbox.traffic.since())
    assert (run.state, run.wait) == ("parked", "condition")
    assert "differ by +90 s" in str(run.wait_reason)
    for _ in range(10):
        plant.clock.pass_(60)
        assert await plant.parts.conditions.check() == 0 and await plant.turn() == 0
    assert len(plant.sandbox.traffic.since()) == asked
    plant.engine.holds.lift("clock_skew:whmcs")
    assert await plant.parts.conditions.check() == 1
    assert (await plant.go(order_id)).state == "done"


async def test_whoever_lost_the_org_works_on_no_run_and_writes_no_status(plant: Plant) -> None:
    order_id = plant.place()
    await plant.admit(order_id)
    now = plant.clock.now()
    await plant.journal.write(lambda db: outbox.put(db, order_id, {"Status": "Failed"}, now))
    plant.engine.holds.set("ownership", "another journal took this org over")
    tasks = [asyncio.create_task(part.run()) for part in (plant.parts.dispatcher, plant.parts.writeback)]
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert plant.run(order_id).state == "queued"
    assert (await plant.crm(order_id)).status == "Approved"


async def test_a_status_write_waits_for_a_login_that_is_mended(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = plant.place()
    await plant.journal.write(lambda db: outbox.put(db, order_id, {"Status": "Failed"}, plant.clock.now()))

    async def refused(*_: object, **__: object) -> None:
        raise LoginFailed(System.SALESFORCE, "invalid_client", "the secret was changed")

    monkeypatch.setattr(plant.engine.salesforce, "read_order", refused)
    await plant.deliver()
    row = plant.outbox(order_id)
    assert row is not None
    assert row.state == "waiting"
    assert plant.engine.alarms.opened("writeback:invalid_client") is not None
    monkeypatch.undo()
    plant.clock.pass_(61)
    await plant.deliver()
    assert (await plant.crm(order_id)).status == "Failed"


async def test_cancel_settles_a_download_that_was_lost(plant: Plant) -> None:
    """The provider never got it: cancelOrder alone would be refused for ever."""
    plant.fault("esim", "downloadOrder", "reset")
    order_id = plant.place("esim")
    await plant.admit(order_id)
    await plant.turn()
    assert plant.effects(order_id)["esim.downloadOrder"] == "unknown"
    run = await plant.cancel(order_id)
    assert (run.state, run.error_message) == ("cancelled", None)
    assert plant.profiles(order_id) == []


@pytest.mark.parametrize("kind", ["reset", "timeout_after"])
async def test_cancel_gives_no_profile_back_while_a_lost_order_may_still_take_it(plant: Plant, kind: str) -> None:
    """Back in stock it would be taken when the lost request lands; the refusal of a repeat proves that it has landed."""
    plant.fault("esim", "downloadOrder", kind, options={"delay": 0.01})
    order_id = plant.place("esim")
    await plant.admit(order_id)
    await plant.turn()
    assert plant.effects(order_id)["esim.downloadOrder"] == "unknown"
    lost_at = plant.clock.now()
    await plant.ask_cancel(order_id)
    await plant.turn()
    run = plant.run(order_id)
    if kind == "timeout_after":
        assert (run.state, plant.requests("cancelOrder")) == ("cancelled", 1)
        return
    assert (run.state, run.wait, plant.requests("cancelOrder")) == ("retrying", "making_sure", 0)
    assert plant.profiles(order_id)[0].state != "free"
    assert (await plant.go(order_id)).state == "cancelled"
    assert plant.clock.now() - lost_at >= plant.engine.late_after(System.ESIM) - 1
    assert plant.requests("cancelOrder") == 1


def retype(plant: Plant, order_id: str, item_type: str) -> None:
    """The order's product is of another profile type now, as after a change of the product in Salesforce."""
    db = plant.sandbox.salesforce.org.db
    for item in db.having("OrderItem", "OrderId", order_id):
        product = db.get("Product2", item["Product2Id"])
        if product is not None and product.get("ESIM_Profile_Type__c"):
            with db.transaction():
                db.put("Product2", {**product, "ESIM_Profile_Type__c": item_type})


@pytest.mark.parametrize("stock", [True, False])
async def test_a_changed_type_gives_the_old_profile_back(plant: Plant, stock: bool) -> None:
    client = plant.person("none")
    order_id = plant.place("esim", customer=client.number)
    await plant.admit(order_id)
    assert (await plant.go(order_id)).state == "parked"  # claimed, and nothing to pay with
    (old,) = plant.profiles(order_id)
    if not stock:
        await plant.journal.write(
            lambda db: db.execute("UPDATE profiles SET state = 'unusable' WHERE type = 'TRAVEL-10G'")
        )
    retype(plant, order_id, "TRAVEL-10G")
    plant.sandbox.people.set_pay_method(client.whmcs_client_id, "card")
    run = await plant.retry(order_id)
    back = plant.journal.peek(lambda db: profiles.get(db, old.iccid))
    assert back is not None and (back.state, back.order_id) == ("free", None)
    if stock:
        assert run.state == "done", run.error_message
        (new,) = plant.profiles(order_id)
        assert (new.type, (await plant.crm(order_id)).esim_iccid) == ("TRAVEL-10G", new.iccid)
        assert {p["iccid"] for p in plant.sandbox.esim.smdp.profiles() if p["matching_id"]} == {new.iccid}
    else:
        assert (run.state, run.error_code) == ("parked", "stock_empty")
        assert (await plant.crm(order_id)).esim_iccid is None


async def test_a_type_that_changes_after_the_profile_was_ordered_is_a_persons(plant: Plant) -> None:
    plant.install(price_drift=7)
    order_id = plant.place("esim")
    await plant.admit(order_id)
    assert (await plant.go(order_id)).state == "failed"
    retype(plant, order_id, "TRAVEL-10G")
    run = await plant.retry(order_id)
    assert (run.state, run.error_class, run.error_code) == ("failed", "conflict", "order_changed")
    assert len(plant.profiles(order_id)) == 1


async def test_a_profile_the_provider_refused_is_not_given_to_the_next_order(plant: Plant) -> None:
    """It is in use elsewhere: back in stock it would stop every order after this one."""
    order_id = plant.place("esim")
    await plant.admit(order_id)
    few = "DELETE FROM profiles WHERE state = 'free' AND iccid NOT IN (SELECT MIN(iccid) FROM profiles GROUP BY type)"
    await plant.journal.write(lambda db: db.execute(few))
    stock = plant.journal.peek(lambda db: profiles.listed(db, None, "free", 1000))
    for row in stock:
        await plant.engine.esim.download(iccid=row.iccid, profile_type=row.type, eid=None, call_id="another")
    run = await plant.go(order_id)
    assert (run.state, run.error_code) == ("failed", "taken_by_another")
    iccid = plant.profiles(order_id)[0].iccid
    assert (await plant.cancel(order_id)).state == "cancelled"
    back = plant.journal.peek(lambda db: profiles.get(db, iccid))
    assert back is not None
    assert back.state == "unusable"
