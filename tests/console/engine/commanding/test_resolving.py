"""The way out of "can't tell": a person says what is there, or that nothing is."""

import pytest

from console.engine.commanding.errors import BadArgument, Changed, NotPossible, OutsideTrouble
from storage import calls
from tests.console.engine.commanding.conftest import OLGA, OTTO, SUE, Floor

SIM = 201


async def unknown(floor: Floor, *, made: bool, kind: str = "sim") -> str:
    """An order whose AddOrder nobody can tell of: no marker survives on this install."""
    for pid in (SIM, 204, 301, 303):
        await floor.parts.engine.markers.seen(pid, survived=False)
    floor.sandbox.whmcs.switch(marker_field="missing", honour_order_notes="no")
    fault = "timeout_after" if made else "reset"
    floor.sandbox.faults.add(system="whmcs", operation="AddOrder", kind=fault, options={"delay": 0.01})
    order_id = floor.order(kind)
    await floor.admit(order_id)
    run = await floor.until(order_id, "parked", wait="person")
    assert run.unknown_open
    return order_id


async def late_is_over(floor: Floor, order_id: str) -> None:
    call = floor.journal.peek(lambda db: calls.find(db, order_id, "whmcs.AddOrder"))
    assert call is not None
    assert call.wait_from is not None
    since = call.wait_from
    await floor.when(lambda: floor.parts.engine.clock.now() > since + 2.05)


async def test_such_an_order_offers_only_the_way_out(floor: Floor) -> None:
    order_id = await unknown(floor, made=True)
    offers = await floor.commander.possible(order_id, SUE)
    possible = {offer.command.id.removeprefix("order.") for offer in offers if offer.possible.ok}
    assert possible - {"resolve_absent"} == {"resolve_is", "note", "park", "unpark", "take"}
    reasons = {offer.command.id: offer.possible.reason for offer in offers}
    assert reasons["order.retry"] == "the outcome of whmcs.AddOrder is not known: resolve it first"
    assert reasons["order.untake"] == "nobody has taken this order"
    for command in ("note", "take", "retry"):
        plan = await floor.commander.plan(
            command,
            SUE,
            order_ids=[order_id, order_id],
            arguments={"text": "x"} if command == "note" else {},
            bulk=True,
        )
        assert "never part of a bulk act" in plan.items[0].reason


async def test_it_is_there(floor: Floor) -> None:
    order_id = await unknown(floor, made=True)
    (made,) = floor.whmcs_orders()
    plan = await floor.plan("resolve-is", OTTO, order_id, identifier=f"#{made['id']}")
    item = plan.items[0]
    assert item.will_do, item.reason
    same = {row.field: row.same for row in item.compared}
    assert same == {
        "client": True,
        "products": True,
        "amount": True,
        "status": True,
        "belongs to": True,
        "marker": False,
    }
    await floor.submit(plan, OTTO, order_id, identifier=f"#{made['id']}")
    await floor.until(order_id, "done")
    assert len(floor.whmcs_orders()) == 1
    call = floor.journal.peek(lambda db: calls.find(db, order_id, "whmcs.AddOrder"))
    assert call is not None
    assert (call.state, call.settled_by) == ("done", "resolve: otto")
    kinds = [s.kind for s in floor.journal.peek(lambda db: calls.sends(db, call.id))]
    assert "resolve" in kinds
    assert floor.salesforce(order_id)["WHMCS_Order_ID__c"] == str(made["id"])


async def test_what_it_may_have_made_is_listed_with_the_likely_one_first(floor: Floor) -> None:
    earlier = floor.order("sim")
    await floor.admit(earlier)
    await floor.until(earlier, "done")
    order_id = await unknown(floor, made=True)
    made = max(floor.whmcs_orders(), key=lambda row: int(row["id"]))
    found = await floor.commander.candidates(order_id, OTTO)
    assert found.call.operation == "whmcs.AddOrder"
    first, *others = found.found
    assert (first.identifier, first.match.why_not) == (str(made["id"]), None)
    assert others, "the customer's other orders are shown too"
    assert all(one.match.why_not for one in others)
    assert any("belongs to" in str(one.match.why_not) for one in others)
    assert f"{len(found.found)} orders in WHMCS" in found.words[0]
    await floor.act("resolve-is", OTTO, order_id, identifier=first.identifier)
    await floor.until(order_id, "done")
    with pytest.raises(NotPossible, match="done"):
        await floor.commander.candidates(order_id, OTTO)


async def test_another_orders_whmcs_order_is_not_taken(floor: Floor) -> None:
    first = floor.order("sim")
    await floor.admit(first)
    await floor.until(first, "done")
    (theirs,) = floor.whmcs_orders()
    order_id = await unknown(floor, made=False)
    plan = await floor.plan("resolve-is", OTTO, order_id, identifier=str(theirs["id"]))
    assert "belongs to" in str(plan.refusal)
    with pytest.raises(NotPossible):
        await floor.submit(plan, OTTO, order_id, identifier=str(theirs["id"]))


async def test_what_does_not_match_is_refused_side_by_side(floor: Floor) -> None:
    order_id = await unknown(floor, made=False)
    past = sorted(floor.before)
    refusals = []
    for number in past:
        plan = await floor.plan("resolve-is", OTTO, order_id, identifier=number)
        assert plan.refusal is not None
        assert plan.refusal.startswith("it does not match: ")
        refusals.append(plan.refusal)
    assert any("client: ours" in refusal for refusal in refusals)
    with pytest.raises(BadArgument, match="WHMCS has no order 999999"):
        await floor.plan("resolve-is", OTTO, order_id, identifier="999999")
    with pytest.raises(BadArgument, match="not a WHMCS id"):
        await floor.plan("resolve-is", OTTO, order_id, identifier="'; drop table")


async def test_it_is_not_there_only_after_it_could_have_landed(floor: Floor) -> None:
    order_id = await unknown(floor, made=False)
    early = await floor.plan("resolve-absent", SUE, order_id)
    if early.refusal is not None:
        assert "may still arrive until" in early.refusal
    await late_is_over(floor, order_id)
    assert "supervisor" in str((await floor.plan("resolve-absent", OTTO, order_id)).refusal)
    plan = await floor.plan("resolve-absent", SUE, order_id)
    assert any("none carries the marker" in line for line in plan.items[0].words)
    assert any("twice" in warning for warning in plan.items[0].warnings)
    await floor.submit(plan, SUE, order_id, reason="not in WHMCS, asked accounting")
    await floor.until(order_id, "done")
    assert len(floor.whmcs_orders()) == 1
    assert floor.asked("whmcs", "AddOrder") == 2


async def test_absent_shows_the_orders_that_could_be_it(floor: Floor) -> None:
    order_id = await unknown(floor, made=True)
    (made,) = floor.whmcs_orders()
    await late_is_over(floor, order_id)
    plan = await floor.plan("resolve-absent", SUE, order_id)
    assert any(f"order {made['id']} of" in line and "of no order we know" in line for line in plan.items[0].words)


async def test_absence_is_never_said_over_a_whmcs_that_cannot_be_read(floor: Floor) -> None:
    order_id = await unknown(floor, made=False)
    await late_is_over(floor, order_id)
    floor.sandbox.faults.add(system="whmcs", operation="GetOrders", kind="empty_ok", count=5)
    with pytest.raises(OutsideTrouble):
        await floor.plan("resolve-absent", SUE, order_id)


async def test_two_people_resolve_and_the_second_hears_of_it(floor: Floor) -> None:
    order_id = await unknown(floor, made=True)
    number = str(floor.whmcs_orders()[0]["id"])
    plans = [await floor.plan("resolve-is", who, order_id, identifier=number) for who in (OTTO, OLGA)]
    await floor.submit(plans[0], OTTO, order_id, identifier=number)
    with pytest.raises(Changed) as refused:
        await floor.submit(plans[1], OLGA, order_id, identifier=number)
    assert refused.value.by == "otto"


async def test_looking_again_is_always_possible(floor: Floor) -> None:
    order_id = await unknown(floor, made=True)
    floor.sandbox.whmcs.switch(honour_order_notes="order")
    (made,) = floor.whmcs_orders()
    records = floor.sandbox.whmcs.records
    row = records.orders.get(int(made["id"]))
    assert row is not None
    with floor.sandbox.whmcs._store.transaction():
        records.orders.change(row, notes=f"{floor.parts.engine.marker_root}:{order_id}")
    await floor.act("unpark", OTTO, order_id)
    await floor.until(order_id, "done")
    assert len(floor.whmcs_orders()) == 1


@pytest.mark.parametrize("floor", [{"PORTAL_ESIM__ORDER_BY": "type"}], indirect=True)
async def test_a_profile_that_the_provider_chose_is_named_by_its_iccid(floor: Floor) -> None:
    floor.sandbox.faults.add(system="esim", operation="downloadOrder", kind="timeout_after", options={"delay": 0.01})
    order_id = floor.order("travel")
    await floor.admit(order_id)
    run = await floor.until(order_id, "parked", wait="person")
    assert run.error_operation == "esim.downloadOrder"
    taken = [row for row in floor.sandbox.esim.smdp.profiles() if row["state"] != "Available"]
    iccid = str(taken[0]["iccid"])
    with pytest.raises(BadArgument, match="check digit"):
        await floor.plan("resolve-is", OTTO, order_id, identifier=iccid[:-1] + str((int(iccid[-1]) + 1) % 10))
    plan = await floor.plan("resolve-is", OTTO, order_id, identifier=f" {iccid[:4]}-{iccid[4:]}F")
    assert plan.refusal is None
    await floor.submit(plan, OTTO, order_id, identifier=f" {iccid[:4]}-{iccid[4:]}F")
    await floor.until(order_id, "done")
    assert floor.salesforce(order_id)["ESIM_ICCID__c"] == iccid
    assert floor.asked("esim", "downloadOrder") == 1
    second = floor.order("travel")
    floor.sandbox.faults.add(system="esim", operation="downloadOrder", kind="reset")
    await floor.admit(second)
    await floor.until(second, "parked", wait="person")
    theirs = await floor.plan("resolve-is", OTTO, second, identifier=iccid)
    assert "belongs to" in str(theirs.refusal)
    await floor.when(lambda: floor.parts.engine.clock.now() > floor.run(second).updated_at + 2.1)
    absent = await floor.plan("resolve-absent", SUE, second)
    assert any("the provider cannot be asked" in line for line in absent.items[0].words)
    await floor.submit(absent, SUE, second)
    await floor.until(second, "done")
