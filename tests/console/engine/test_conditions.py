"""Parked runs go on when what they wait for comes true, oldest first, and fail when it takes too long (rules §7)."""

from storage import desk, profiles, runs
from tests.console.engine.plant import Plant, import_stock

DAY = 86_400.0


async def empty_stock(plant: Plant) -> None:
    await plant.journal.write(lambda db: db.execute("UPDATE profiles SET state = 'unusable' WHERE state = 'free'"))


async def test_no_pay_method_parks_until_there_is_one(plant: Plant) -> None:
    person = plant.person("none")
    run = await plant.provision(customer=person.number)
    assert (run.state, run.wait, run.error_code, run.lock_held) == ("parked", "condition", "no_pay_method", False)
    assert plant.billed() == []
    assert await plant.parts.conditions.check() == 0
    plant.sandbox.people.set_pay_method(person.whmcs_client_id, "card")
    assert await plant.parts.conditions.check() == 0, "it was asked a moment ago"
    plant.clock.pass_(301)
    assert await plant.parts.conditions.check() == 1
    assert (await plant.go(str(run.order_id))).state == "done"


async def test_a_card_that_has_run_out_says_so(plant: Plant) -> None:
    run = await plant.provision(customer=plant.person("expired").number)
    assert (run.state, run.error_code) == ("parked", "pay_method_expired")


async def test_the_customer_has_fourteen_days(plant: Plant) -> None:
    run = await plant.provision(customer=plant.person("none").number)
    began, order_id = plant.clock.now(), str(run.order_id)
    plant.clock.pass_(13 * DAY)
    await plant.parts.conditions.check()
    assert plant.run(order_id).state == "parked"
    plant.clock.pass_(DAY)
    assert await plant.parts.conditions.check() == 1
    run = await plant.go(order_id)
    assert (run.state, run.error_class, run.error_code) == ("failed", "customer", "no_pay_method")
    assert plant.clock.now() - began >= 14 * DAY


async def test_stock_lets_as_many_go_on_as_there_are_profiles(plant: Plant) -> None:
    await empty_stock(plant)
    people = [p.number for p in plant.sandbox.world.people if p.pays_by == "card" and p.status == "Active"][:3]
    ids = [str((await plant.provision("esim", customer=number)).order_id) for number in people]
    assert {plant.run(order_id).error_code for order_id in ids} == {"stock_empty"}
    now, kind = plant.clock.now(), "JP-VOICE-25G"
    free = [p.iccid for p in plant.sandbox.world.profiles if p.profile_type == kind][:2]
    for iccid in free:
        await plant.journal.write(lambda db, i=iccid: profiles.set_state(db, i, "free", now, None))  # type: ignore[misc]
    assert await plant.parts.conditions.check() == 2
    assert [plant.run(order_id).state for order_id in ids] == ["queued", "queued", "parked"]
    assert [(await plant.go(order_id)).state for order_id in ids] == ["done", "done", "parked"]


async def test_a_pause_that_is_lifted_lets_everything_go_on(plant: Plant) -> None:
    now = plant.clock.now()
    await plant.journal.write(lambda db: desk.pause(db, "whmcs", "otto", "maintenance", now))
    plant.engine.gates.load(plant.journal.peek(desk.pauses))
    run = await plant.provision()
    assert (run.state, run.tries) == ("parked", 0)
    assert await plant.parts.conditions.check() == 0
    await plant.journal.write(lambda db: desk.resume(db, "whmcs"))
    plant.engine.gates.load(plant.journal.peek(desk.pauses))
    assert await plant.parts.conditions.check() == 1
    assert (await plant.go(str(run.order_id))).state == "done"


async def test_a_broken_system_is_asked_itself(plant: Plant) -> None:
    gate = plant.engine.gates["whmcs"]
    gate.breaker.opened_at = plant.clock.monotonic()
    run = await plant.provision()
    assert run.condition is not None and run.condition["kind"] == "up"
    plant.clock.pass_(31)
    assert await plant.parts.conditions.check() == 1
    assert gate.state == "up"
    assert (await plant.go(str(run.order_id))).state == "done"


async def test_what_a_person_moved_meanwhile_is_left_alone(plant: Plant) -> None:
    run = await plant.provision(customer=plant.person("none").number)
    now = plant.clock.now()
    await plant.journal.write(lambda db: runs.change(db, run.id, now, state="held"))
    await plant.parts.conditions._release([run])
    assert plant.run(str(run.order_id)).state == "held"


async def test_imported_stock_is_seen_at_once(plant: Plant) -> None:
    await plant.journal.write(lambda db: db.execute("DELETE FROM profiles"))
    run = await plant.provision("esim")
    assert run.error_code == "stock_empty"
    await import_stock(plant.journal, plant.sandbox, plant.clock)
    plant.parts.conditions.wake()
    assert await plant.parts.conditions.check() == 1
    assert (await plant.go(str(run.order_id))).state == "done"
