"""Edits: a whitelist, checked, with old and new value kept."""

import pytest

from console.engine.commanding.errors import BadArgument, NotPossible
from storage import desk, runs
from tests.console.engine.commanding.conftest import OTTO, SUE, Floor

EID = "89049032123451234512345678901235"


async def waiting_for_stock(floor: Floor) -> str:
    """An eSIM order that finds no profile of its type."""
    await floor.journal.write(lambda db: db.execute("UPDATE profiles SET state = 'unusable' WHERE type = 'TRAVEL-10G'"))
    order_id = floor.order("travel")
    await floor.admit(order_id)
    await floor.until(order_id, "parked", wait="condition")
    return order_id


async def test_a_supervisor_sets_the_eid_and_the_order_goes_on_with_it(floor: Floor) -> None:
    order_id = await waiting_for_stock(floor)
    with pytest.raises(BadArgument, match="not an EID"):
        await floor.plan("edit", SUE, order_id, field="eid", value="1234")
    operator = await floor.commander.plan("edit", OTTO, order_ids=[order_id], arguments={"field": "eid", "value": EID})
    assert "needs a supervisor" in str(operator.refusal)
    plan = await floor.plan("edit", SUE, order_id, field="eid", value=EID)
    assert any("→ 8904••••" in line for line in plan.items[0].words)
    assert EID not in str(plan.items[0]), "the whole EID is kept with the edit alone"
    assert any("eSIM Travel" in line and "¥3,300" in line for line in plan.items[0].words)
    version = floor.run(order_id).version
    await floor.submit(plan, SUE, order_id, field="eid", value=EID)
    await floor.when(lambda: floor.run(order_id).version > version + 1)
    (edit,) = floor.journal.peek(lambda db: desk.edits(db, order_id))
    assert (edit.field, edit.new, edit.actor, edit.reason) == ("eid", EID, "sue", "because")
    outcome = floor.audit()[-1]
    assert outcome.detail is not None
    assert (outcome.detail["field"], outcome.detail["old"]) == ("eid", "")
    assert str(outcome.detail["new"]).startswith("8904••••")
    assert EID not in str([row.detail for row in floor.audit()])
    await floor.until(order_id, "parked", wait="condition")
    same = await floor.commander.plan("edit", SUE, order_ids=[order_id], arguments={"field": "eid", "value": EID})
    assert same.refusal == "that is its value already"


async def test_an_operator_changes_the_profile_type_while_none_is_reserved(floor: Floor) -> None:
    order_id = await waiting_for_stock(floor)
    with pytest.raises(BadArgument, match="no profiles of type"):
        await floor.plan("edit", OTTO, order_id, field="profile_type", value="EUROPE")
    await floor.act("edit", OTTO, order_id, field="profile_type", value="JP-VOICE-25G")
    await floor.until(order_id, "done")


async def test_a_type_is_not_changed_under_a_reserved_or_ordered_profile(floor: Floor) -> None:
    floor.sandbox.whmcs.switch(price_drift=7)
    order_id = floor.order("travel")
    await floor.admit(order_id)
    await floor.until(order_id, "failed")
    for field in ("eid", "profile_type"):
        value = EID if field == "eid" else "JP-VOICE-25G"
        plan = await floor.plan("edit", SUE, order_id, field=field, value=value)
        assert "cannot be changed any more" in str(plan.refusal)


async def test_what_is_not_editable_says_the_way_that_is(floor: Floor) -> None:
    order_id = await waiting_for_stock(floor)
    for field, way in (
        ("price", "have it approved again"), ("client", "WHMCS_Client_ID__c"), ("iccid", "cancel with undo"),
        ("colour", "eid, profile_type"), ("option", "option:<id>"),
    ):  # fmt: skip
        with pytest.raises(BadArgument) as refused:
            await floor.plan("edit", SUE, order_id, field=field, value="x")
        assert way in refused.value.remedy, field
    with pytest.raises(BadArgument, match="no product"):
        await floor.plan("edit", SUE, order_id, field="eid", value=EID, item="nothing")


async def test_an_option_is_checked_against_the_product(floor: Floor) -> None:
    order_id = floor.order("travel")
    floor.break_customer()
    await floor.admit(order_id)
    await floor.until(order_id, "failed")
    with pytest.raises(BadArgument, match="no option 999"):
        await floor.plan("edit", SUE, order_id, field="option:999", value="Europe")
    with pytest.raises(BadArgument, match="has no choice"):
        await floor.plan("edit", SUE, order_id, field="option:23", value="Moon")
    refusals = []
    for name in ("Asia", "Europe", "World"):
        plan = await floor.plan("edit", SUE, order_id, field="option:23", value=name)
        refusals.append(plan.refusal)
    assert refusals.count(None) == 2, "one of the three is what was ordered"
    assert "that is its value already" in refusals
    operator = await floor.plan("edit", OTTO, order_id, field="option:23", value="World")
    assert "needs a supervisor" in str(operator.refusal)


async def test_the_language_of_mails_is_anybodys(floor: Floor) -> None:
    order_id = await waiting_for_stock(floor)
    with pytest.raises(BadArgument, match="ja or en"):
        await floor.plan("edit", OTTO, order_id, field="language", value="fr")
    await floor.act("edit", OTTO, order_id, field="language", value="en")
    (edit,) = floor.journal.peek(lambda db: desk.edits(db, order_id))
    assert (edit.item, edit.field, edit.new) == ("", "language", "en")


async def test_nothing_is_edited_while_an_outcome_is_unknown(floor: Floor) -> None:
    for pid in (203,):
        await floor.parts.engine.markers.seen(pid, survived=False)
    floor.sandbox.whmcs.switch(marker_field="missing", honour_order_notes="no")
    floor.sandbox.faults.add(system="whmcs", operation="AddOrder", kind="timeout_after", options={"delay": 0.01})
    order_id = floor.order("travel")
    await floor.admit(order_id)
    await floor.until(order_id, "parked", wait="person")
    assert floor.journal.peek(lambda db: runs.open_orders(db)) == {order_id}
    with pytest.raises(NotPossible, match="not known"):
        await floor.act("edit", SUE, order_id, field="language", value="en")


async def test_the_form_holds_what_this_role_may_edit_and_the_way_for_the_rest(floor: Floor) -> None:
    order_id = await waiting_for_stock(floor)
    form = {one.field: one for one in await floor.commander.edit_form(order_id, SUE)}
    assert not form["eid"].why_not
    assert form["profile_type"].choices and not form["profile_type"].why_not
    assert form["option:23"].choices and form["option:23"].value in form["option:23"].choices
    assert (form["language"].value, form["language"].choices) == ("the client's", ("ja", "en"))
    assert "approved again" in form["price"].way
    operator = {one.field: one for one in await floor.commander.edit_form(order_id, OTTO)}
    for field in ("eid", "option:23"):
        assert "needs a supervisor" in operator[field].why_not
    assert not operator["profile_type"].why_not
    await floor.journal.write(
        lambda db: desk.add_edit(db, desk.Edit(order_id, 1.0, "sue", form["eid"].item, "eid", "", EID, "because"))
    )
    after = {one.field: one.value for one in await floor.commander.edit_form(order_id, SUE)}
    assert after["eid"].startswith("8904••••")


async def test_there_is_no_form_for_an_order_that_went_well(floor: Floor) -> None:
    order_id = floor.order("vpn")
    await floor.admit(order_id)
    await floor.until(order_id, "done")
    with pytest.raises(NotPossible, match="the order is done"):
        await floor.commander.edit_form(order_id, SUE)
