"""Interleavings around the claim and the look that would bill twice, or bill what nobody approved (rules §2, §3, §9)."""

from typing import Any

import pytest

from console.engine.clock import as_datetime
from integrations.sandbox.salesforce.users import ADMIN, INTEGRATION
from tests.console.engine.plant import Plant


async def test_an_attempt_that_another_journal_counted_is_no_first_start(plant: Plant) -> None:
    """A lost journal placed the order, failed, and the order was approved again: the new journal looks first."""
    order_id = plant.place(status="Draft")
    plant.change(order_id, ADMIN, Attempt_Count__c=1)
    plant.change(order_id, ADMIN, Status="Pending Review")
    plant.change(order_id, Status="Approved")
    await plant.admit(order_id)
    assert plant.run(order_id).look_first
    await plant.turn()
    assert plant.requests("GetOrders") > 0
    assert plant.requests("AddOrder") == 0


async def test_an_order_that_salesforce_names_and_nobody_marked_is_a_persons(plant: Plant) -> None:
    """Somebody placed it by hand in WHMCS and noted its number in Salesforce: a second one would be billed twice."""
    order_id = plant.place()
    plant.change(order_id, ADMIN, WHMCS_Order_ID__c="4711")
    await plant.admit(order_id)
    run = await plant.go(order_id)
    assert (run.state, run.wait) == ("parked", "person")
    assert run.error_message is not None and "4711" in run.error_message
    assert plant.requests("AddOrder") == 0


async def test_an_unknown_order_is_not_looked_for_at_another_client(plant: Plant) -> None:
    """AddOrder was lost for one client, then the account was mapped to another: absent there proves nothing."""
    plant.fault("whmcs", "AddOrder", "timeout_after", options={"delay": 0.01})
    order_id = plant.place()
    await plant.admit(order_id)
    await plant.turn()
    assert plant.effects(order_id)["whmcs.AddOrder"] == "unknown"
    call = plant.call(order_id, "whmcs.AddOrder")
    assert call is not None
    await plant.journal.write(
        lambda db: (
            db.execute(
                "UPDATE calls SET input = json_set(input, '$.client_id', '999') WHERE id = ?", (call.id,)
            ).rowcount
        )
    )
    run = await plant.go(order_id)
    assert (run.state, run.wait) == ("parked", "person")
    assert plant.requests("AddOrder") == 1


async def test_items_that_change_between_plan_and_claim_are_planned_anew(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item's change does not touch the order's own stamp, so that the condition of the claim does not see it."""
    order_id = plant.place()
    await plant.admit(order_id)
    whmcs = plant.engine.whmcs
    read_products = whmcs.get_products
    item = (await plant.engine.salesforce.read_order(order_id)).items[0]

    async def slow(pids: Any) -> Any:
        monkeypatch.undo()
        await plant.engine.salesforce.patch_order(order_id, {}, items={item.id: {"Quantity": 2}})
        return await read_products(pids)

    monkeypatch.setattr(whmcs, "get_products", slow)
    await plant.go(order_id)
    fresh = (await plant.engine.salesforce.read_order(order_id)).items[0]
    assert fresh.quantity == 2
    assert plant.requests("AddOrder") <= 1
    added = plant.call(order_id, "whmcs.AddOrder")
    assert added is None or added.input["lines"][0]["quantity"] == 2


async def test_a_start_date_that_was_moved_is_waited_for(plant: Plant) -> None:
    order_id = plant.place()
    await plant.admit(order_id)
    later = as_datetime(plant.clock.now() + 3 * 86_400)
    plant.change(order_id, ADMIN, EffectiveDate=later.date().isoformat())
    run = await plant.go(order_id)
    assert (run.state, run.wait) == ("parked", "condition")
    assert run.condition is not None and run.condition["kind"] == "after"
    assert (await plant.crm(order_id)).status == "Approved"


async def test_a_list_from_before_the_order_is_read_again(plant: Plant) -> None:
    """It lacks services that the order itself names: no bill that differs, and no marker that did not survive."""
    plant.fault("whmcs", "GetClientsProducts", "stale_read", count=3)
    run = await plant.provision("vpn")
    assert (run.state, run.error_code) == ("done", None)
    assert plant.outputs(str(run.order_id))["billing"]["unmarked"] == []
    assert plant.requests("AddOrder") == 1


async def test_a_service_that_stays_away_is_a_persons(plant: Plant) -> None:
    plant.fault("whmcs", "GetClientsProducts", "stale_read", count=100)
    run = await plant.provision("vpn")
    assert (run.state, run.error_code) == ("failed", "bill_differs")
    assert plant.requests("AddOrder") == 1


def between_reading_and_claim(plant: Plant, monkeypatch: pytest.MonkeyPatch, order_id: str, **fields: Any) -> None:
    """Somebody changes the order after we have read it and before we claim it."""
    honest = plant.engine.whmcs.get_client
    done: list[str] = []

    async def get_client(client_id: str) -> Any:
        if not done:
            done.append(client_id)
            plant.change(order_id, INTEGRATION, **fields)
        return await honest(client_id)

    monkeypatch.setattr(plant.engine.whmcs, "get_client", get_client)


@pytest.mark.parametrize("when", ["before we read it", "after we read it"])
async def test_an_order_activated_by_a_person_before_our_claim_is_theirs(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Also where our claim was refused for it: a refused claim is none."""
    order_id = plant.place("esim")
    await plant.admit(order_id)
    if when == "before we read it":
        plant.change(order_id, INTEGRATION, Status="Activated")
    else:
        between_reading_and_claim(plant, monkeypatch, order_id, Status="Activated")
    run = await plant.go(order_id)
    assert (run.state, run.error_code) == ("failed", "order_not_approved")
    assert plant.requests("downloadOrder") == 0


async def test_whoever_was_faster_to_claim_may_have_billed_already(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our claim is refused, the order is Provisioning by somebody else: nothing is sent before a look."""
    order_id = plant.place()
    await plant.admit(order_id)
    between_reading_and_claim(plant, monkeypatch, order_id, Status="Provisioning", Attempt_Count__c=1)
    for _ in range(4):
        plant.clock.pass_(max(0.0, plant.run(order_id).next_at - plant.clock.now()) + 0.001)
        await plant.turn()
    assert plant.requests("GetOrders") > 0
    assert plant.requests("AddOrder") == 0
    assert "foreign_since" in plant.run(order_id).state_data
