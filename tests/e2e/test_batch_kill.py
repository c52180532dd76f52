"""A bulk act outlives kill -9 of the daemon: each order is tried again once, and every result is there (rules §8)."""

import asyncio

from console.client.api import ApiClient, new_key
from console.client.errors import ApiError
from console.schema.commands import BatchView, PlanRequest, SubmitRequest
from integrations.sandbox.people import Placed
from tests.e2e.operators import address
from tests.e2e.rig import PATIENCE, Rig

ORDERS = 6


async def failed(rig: Rig) -> list[Placed]:
    """Orders whose clients were closed in WHMCS when they were loaded; mended since."""
    customers = [rig.customer(nth=n) for n in range(ORDERS)]
    clients = {p.number: p.whmcs_client_id for p in rig.sandbox.world.people}

    def switch(status: str) -> None:
        records = rig.sandbox.whmcs.records
        with rig.sandbox.whmcs._store.transaction():
            for number in customers:
                row = records.clients.get(clients[number])
                assert row is not None
                records.clients.change(row, status=status)

    switch("Closed")
    orders = [rig.order("vpn", customer=number) for number in customers]
    await rig.settled(*orders)
    assert {rig.run(order).state for order in orders} == {"failed"}, rig.story()
    switch("Active")
    return orders


async def batch_of(rig: Rig, batch_id: str) -> BatchView | None:
    """As the daemon tells it; None while it does not answer."""
    async with ApiClient(address(rig)) as client:
        try:
            return await client.batch(batch_id)
        except ApiError:
            return None


async def test_a_batch_goes_on_after_kill_9_and_does_nothing_twice(rig: Rig) -> None:
    await rig.start()
    orders = await failed(rig)
    asked = PlanRequest(orders=[order.id for order in orders])
    async with ApiClient(address(rig)) as client:
        plan = await client.plan("order.retry", asked)
        request = SubmitRequest(**asked.model_dump(), plan_hash=plan.hash, reason="mended", pace=4, stop_after=3)
        answer = await client.submit("order.retry", request, key=new_key())
    assert answer.batch_id is not None
    for most in (1, 3):  # twice: early, and in the midst of it
        at_rest = 0
        end = asyncio.get_running_loop().time() + PATIENCE
        while at_rest < most:
            assert asyncio.get_running_loop().time() < end, rig.story()
            at_rest = rig.journal.count(
                "SELECT COUNT(*) FROM batch_items WHERE batch_id = ? AND state IN ('working', 'done')", answer.batch_id
            )
            await asyncio.sleep(0.01)
        await rig.daemon.kill()
        await rig.start()
    end = asyncio.get_running_loop().time() + PATIENCE
    while (batch := await batch_of(rig, answer.batch_id)) is None or batch.ended_at is None:
        assert asyncio.get_running_loop().time() < end, f"{batch}\n{rig.story()}"
        await asyncio.sleep(0.05)
    await rig.settled(*orders)
    rig.judge()
    assert (batch.state, batch.counts) == ("done", {"done": ORDERS}), [(i.state, i.message) for i in batch.items]
    assert {rig.run(order).state for order in orders} == {"done"}, rig.story()
    assert len(rig.sandbox.survey.census().bills) == ORDERS
    for order in orders:
        tries = rig.journal.count(
            "SELECT COUNT(*) FROM runs WHERE order_id = ? AND workflow = 'provision_order'", order.id
        )
        assert tries == 2, "the failed run, and one that was begun by the batch"
    rows = "SELECT COUNT(*) FROM audit WHERE command = 'order.retry' AND phase = ?"
    assert [rig.journal.count(rows, phase) for phase in ("intent", "outcome")] == [1, 1]
