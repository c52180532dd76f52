"""Cancel: what stands is listed with its undo; the engine undoes; or it is left as it is."""

import pytest

from console.engine.commanding.errors import BadArgument, Changed, NotPossible
from tests.console.engine.commanding.conftest import OTTO, Floor


async def billed(floor: Floor, kind: str = "sim") -> str:
    """Failed after AddOrder, before AcceptOrder: WHMCS bills seven yen more than was approved."""
    floor.sandbox.whmcs.switch(price_drift=7)
    order_id = floor.order(kind)
    await floor.admit(order_id)
    assert (await floor.until(order_id, "failed")).error_code == "bill_differs"
    return order_id


def whmcs_status(floor: Floor) -> list[str]:
    return [row["status"] for row in floor.whmcs_orders()]


async def test_nothing_stands_and_the_order_is_cancelled(floor: Floor) -> None:
    order_id = await floor.failed()
    plan = await floor.plan("cancel", OTTO, order_id)
    assert plan.items[0].effects == ()
    await floor.submit(plan, OTTO, order_id)
    await floor.until(order_id, "cancelled")
    await floor.when(lambda: floor.salesforce(order_id)["Status"] == "Cancelled")


async def test_what_stands_wants_a_choice_and_is_undone(floor: Floor) -> None:
    order_id = await billed(floor)
    bare = await floor.plan("cancel", OTTO, order_id)
    assert "choose undo" in str(bare.refusal)
    effects = {line.what: line.undo for line in bare.items[0].effects}
    assert any(what.startswith("WHMCS order") and undo == "CancelOrder" for what, undo in effects.items())
    assert any(what.startswith("invoice") and undo for what, undo in effects.items())
    with pytest.raises(NotPossible):
        await floor.submit(bare, OTTO, order_id)
    with pytest.raises(BadArgument):
        await floor.plan("cancel", OTTO, order_id, undo=True, leave_as_is=True)
    await floor.act("cancel", OTTO, order_id, undo="yes")
    await floor.until(order_id, "cancelled")
    assert whmcs_status(floor) == ["Cancelled"]
    await floor.when(lambda: floor.salesforce(order_id)["Status"] == "Cancelled")


async def test_a_profile_goes_back_to_the_provider(floor: Floor) -> None:
    order_id = await billed(floor, "esim")
    plan = await floor.plan("cancel", OTTO, order_id, undo=True)
    assert any(line.what.startswith("eSIM profile") and line.undo for line in plan.items[0].effects)
    await floor.submit(plan, OTTO, order_id, undo=True)
    await floor.until(order_id, "cancelled")
    assert floor.asked("esim", "cancelOrder") == 1


async def test_left_as_it_is(floor: Floor) -> None:
    order_id = await billed(floor)
    done = await floor.act("cancel", OTTO, order_id, leave_as_is=True, reason="kept by the customer")
    assert done.outcome == "done"
    run = floor.run(order_id)
    assert (run.state, run.error_code) == ("failed", "left_as_is")
    assert "left as it is by otto (kept by the customer)" in str(run.error_message)
    assert whmcs_status(floor) == ["Pending"]
    await floor.when(lambda: floor.salesforce(order_id)["Provisioning_Error_Code__c"] == "left_as_is")
    assert floor.salesforce(order_id)["Status"] == "Failed"
    assert (await floor.plan("retry", OTTO, order_id)).refusal == "the order was closed as it stands"


async def test_an_accepted_order_cannot_be_undone(floor: Floor) -> None:
    floor.sandbox.whmcs.switch(module_failure=(1,), after_module_failure="active")
    order_id = floor.order("sim")
    await floor.admit(order_id)
    await floor.until(order_id, "failed")
    plan = await floor.plan("cancel", OTTO, order_id, undo=True)
    assert "cannot be undone" in str(plan.refusal)
    assert "it was accepted" in str(plan.refusal)
    with pytest.raises(NotPossible):
        await floor.submit(plan, OTTO, order_id, undo=True)
    assert whmcs_status(floor) == ["Active"]


async def test_an_order_without_a_run_is_cancelled_in_salesforce(floor: Floor) -> None:
    order_id = floor.order("vpn", status="Pending Review")
    await floor.act("cancel", OTTO, order_id)
    assert floor.salesforce(order_id)["Status"] == "Cancelled"


async def test_a_running_order_is_cancelled_after_its_call(floor: Floor) -> None:
    floor.sandbox.faults.add(system="whmcs", operation="GetPayMethods", kind="slow", options={"delay": 3600})
    order_id = floor.order("sim", pays_by="none")
    await floor.admit(order_id)
    await floor.when(lambda: floor.asked("whmcs", "GetPayMethods") == 1)
    assert floor.run(order_id).state == "running"
    await floor.act("cancel", OTTO, order_id)
    floor.sandbox.faults.clear()  # now it is answered
    await floor.until(order_id, "cancelled")  # although the step would have parked it
    assert floor.whmcs_orders() == []


async def test_effects_that_came_since_the_plan_are_a_change(floor: Floor) -> None:
    order_id = floor.order("sim")
    floor.sandbox.faults.add(system="whmcs", operation="GetPayMethods", kind="slow", options={"delay": 3600})
    await floor.admit(order_id)
    await floor.when(lambda: floor.asked("whmcs", "GetPayMethods") == 1)
    plan = await floor.plan("cancel", OTTO, order_id)
    floor.sandbox.faults.clear()  # now it is answered
    await floor.until(order_id, "done")
    with pytest.raises((Changed, NotPossible)):
        await floor.submit(plan, OTTO, order_id)
    assert whmcs_status(floor) == ["Active"]
