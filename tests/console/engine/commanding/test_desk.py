"""Taking, notes, mails sent again; systems; one service's module."""

import time

import pytest

from console.engine import recovery
from console.engine.brake import Brake
from console.engine.commanding.errors import BadArgument, NeedsReason, NotPossible
from storage import desk, mail, meta, profiles, runs
from tests.console.engine.commanding.conftest import OLGA, OTTO, SUE, VERA, Floor


async def test_taking_is_a_claim_and_not_a_lock(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    await floor.act("take", OTTO, order_id)
    take = floor.journal.peek(lambda db: desk.taken(db, order_id, time.time()))
    assert take is not None
    assert take.expires_at == pytest.approx(time.time() + 12 * 3600, abs=600)
    assert (await floor.plan("approve", OLGA, order_id)).items[0].taken_by == "otto"
    assert "a supervisor" in str((await floor.plan("untake", OLGA, order_id)).refusal)
    plan = await floor.plan("take", OLGA, order_id)
    assert plan.items[0].warnings == ("otto has it",)
    await floor.submit(plan, OLGA, order_id)
    await floor.act("untake", SUE, order_id)
    assert floor.journal.peek(lambda db: desk.taken(db, order_id, time.time())) is None


async def test_a_note_is_plain_text(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    await floor.act("note", OTTO, order_id, text="asked \x1b[2Jthe‮ customer\n[bold]")
    (note,) = floor.journal.peek(lambda db: desk.notes(db, order_id))
    assert (note.actor, note.text) == ("otto", "asked [2Jthe customer [bold]")
    with pytest.raises(BadArgument, match="2,001 characters"):
        await floor.act("note", OTTO, order_id, text="x" * 2001)
    with pytest.raises(BadArgument, match="missing"):
        await floor.act("note", OTTO, order_id, text="  ")
    assert "the customer" not in str([row.detail for row in floor.audit()])


async def test_a_mail_is_sent_again_under_a_new_number(floor: Floor) -> None:
    order_id = floor.order("travel")
    await floor.admit(order_id)
    await floor.until(order_id, "done")
    await floor.when(lambda: all(m.state == "sent" for m in floor.journal.peek(lambda db: mail.of_order(db, order_id))))
    with pytest.raises(BadArgument) as which:
        await floor.plan("resend", OTTO, order_id)
    assert "esim_activation, order_provisioned" in which.value.remedy
    before = len(floor.sandbox.mail.world()["mails"]) if "mails" in floor.sandbox.mail.world() else None
    done = await floor.act("resend", OTTO, order_id, kind="esim_activation")
    rows = [m for m in floor.journal.peek(lambda db: mail.of_order(db, order_id)) if m.kind == "esim_activation"]
    assert [m.resend for m in rows] == [0, 1]
    assert rows[0].message_id != rows[1].message_id
    assert rows[1].queued_by == "otto"
    run_id = done.run_id
    assert run_id is not None

    def sent() -> bool:
        run = floor.journal.peek(lambda db: runs.get(db, run_id))
        return run is not None and run.state == "done"

    await floor.when(sent)
    if before is not None:
        assert len(floor.sandbox.mail.world()["mails"]) == before + 1


async def test_a_mail_that_recovery_held_leaves_once(floor: Floor) -> None:
    floor.parts.engine.recovery = True
    order_id = floor.order("vpn")
    await floor.admit(order_id)
    await floor.until(order_id, "done")
    (row,) = floor.journal.peek(lambda db: mail.of_order(db, order_id))
    assert row.state == "held"
    plan = await floor.plan("resend", OTTO, order_id)
    assert any("for the first time" in line for line in plan.items[0].words)
    await floor.submit(plan, OTTO, order_id)
    await floor.when(lambda: floor.journal.peek(lambda db: mail.of_order(db, order_id))[0].state == "sent")
    assert len(floor.journal.peek(lambda db: mail.of_order(db, order_id))) == 1


async def test_a_paused_system_parks_runs_until_it_is_resumed(floor: Floor) -> None:
    floor.spawn(floor.parts.conditions.run())
    with pytest.raises(BadArgument, match="did you mean whmcs"):
        await floor.plan("pause", OTTO, subject="whcms")
    with pytest.raises(NeedsReason):
        await floor.act("pause", OTTO, subject="whmcs", reason=None)
    await floor.act("pause", OTTO, subject="whmcs")
    assert "paused by otto" in str((await floor.plan("pause", OLGA, subject="WHMCS")).refusal)
    order_id = floor.order("vpn")
    await floor.admit(order_id)
    assert (await floor.until(order_id, "parked", wait="condition")).tries == 0
    plan = await floor.plan("resume", OLGA, subject="whmcs")
    assert "1 order waits for whmcs and goes on" in plan.items[0].words
    await floor.submit(plan, OLGA, subject="whmcs")
    await floor.until(order_id, "done")
    assert (await floor.plan("resume", OLGA, subject="esim")).refusal == "nothing is paused"


async def test_a_product_is_paused(floor: Floor) -> None:
    await floor.act("pause", OTTO, subject="product:301")
    assert "product:301" in floor.parts.engine.gates.product_pauses
    await floor.act("resume", OTTO, subject="product:301")
    assert not floor.parts.engine.gates.product_pauses


async def test_the_brake_is_released_by_a_supervisor(floor: Floor) -> None:
    brake = floor.parts.brake
    await floor.journal.write(lambda db: brake.pull(db, time.time(), "201 new orders within an hour"))
    assert "supervisor" in str((await floor.plan("release-brake", OTTO)).refusal)
    plan = await floor.plan("release-brake", SUE)
    assert "the brake is on: 201 new orders within an hour" in plan.items[0].words
    await floor.submit(plan, SUE)
    assert floor.journal.peek(brake.on) is None
    assert floor.journal.peek(lambda db: meta.get(db, "brake_released_at"))
    await floor.act("pause", SUE, subject="intake")
    await floor.act("pause", SUE, subject="mail")
    with pytest.raises(BadArgument, match="release the brake"):
        await floor.plan("resume", SUE, subject="intake")
    assert isinstance(brake, Brake)


async def test_recovery_ends_after_everything_was_listed(floor: Floor) -> None:
    await floor.journal.write(lambda db: recovery.begin(db, "restored", 500, time.time()))
    floor.parts.engine.recovery = True
    assert "not listed yet" in str((await floor.plan("end-recovery", SUE)).refusal)
    await recovery.list_changed(floor.parts.engine)
    plan = await floor.plan("end-recovery", SUE)
    await floor.submit(plan, SUE)
    assert floor.journal.peek(recovery.present) is None
    assert not floor.parts.engine.recovery
    assert not [row for row in floor.journal.peek(profiles.stock) if row[1] == "quarantined"]
    with pytest.raises(NotPossible, match="not in recovery"):
        await floor.act("end-recovery", SUE)


async def test_what_the_system_offers_follows_from_its_state(floor: Floor) -> None:
    offers = {o.command.id: o.possible for o in await floor.commander.possible_for_system(SUE)}
    assert offers["system.pause"].ok
    assert offers["system.release_brake"].reason == "the brake is not on"
    assert all(o.possible.never for o in await floor.commander.possible_for_system(VERA))


# One service's module -------------------------------------------------------------------------------------------------


async def service_pending(floor: Floor) -> tuple[str, str]:
    floor.sandbox.whmcs.switch(module_failure=(1,), after_module_failure="active")
    order_id = floor.order("sim")
    await floor.admit(order_id)
    await floor.until(order_id, "failed")
    services = [s for s in floor.sandbox.whmcs.world()["services"] if not s["past"] and s["status"] == "Pending"]
    return order_id, str(services[0]["id"])


async def test_a_pending_services_module_is_run_once(floor: Floor) -> None:
    order_id, service = await service_pending(floor)
    with pytest.raises(BadArgument, match="not of this order"):
        await floor.plan("module-create", OTTO, order_id, service="1")
    floor.sandbox.whmcs.switch(module_failure=())
    done = await floor.act("module-create", OTTO, order_id, service=service)
    assert done.outcome == "done"
    again = await floor.plan("module-create", OTTO, order_id, service=service)
    assert "is Active: retry the order" in str(again.refusal)
    await floor.act("retry", OTTO, order_id)
    await floor.until(order_id, "done")


@pytest.mark.parametrize("floor", [{"PORTAL_WHMCS__LATE_AFTER": "600"}], indirect=True)
async def test_an_unknown_module_call_is_looked_for_before_it_is_sent_again(floor: Floor) -> None:
    order_id, service = await service_pending(floor)
    floor.sandbox.whmcs.switch(module_failure=())
    floor.sandbox.faults.add(system="whmcs", operation="ModuleCreate", kind="reset")
    first = await floor.act("module-create", OTTO, order_id, service=service)
    assert first.outcome == "unknown"
    assert floor.run(order_id).unknown_open
    second = await floor.act("module-create", OTTO, order_id, service=service)
    assert second.outcome == "unknown"
    assert "may still arrive" in second.message
    assert floor.asked("whmcs", "ModuleCreate") == 1
    is_there = await floor.plan("resolve-is", OTTO, order_id, identifier=service)
    assert "status: ours Active, theirs Pending" in str(is_there.refusal)
