"""Who owns the org when its row is gone, and a breaker whose trial call was given up (rules §5.2, §7)."""

import asyncio

import pytest

from console.engine.gates import Breaker, Gate
from tests.console.engine.hands import HandClock
from tests.console.engine.plant import Plant


async def test_a_deleted_journal_row_is_written_again(plant: Plant) -> None:
    """Without it the next daemon would think that nobody owns the org, and would look for nothing."""
    owned = await plant.parts.ownership.take()
    for row in await plant.engine.salesforce.journal_rows():
        await plant.engine.salesforce.delete_journal(row.record_id)
    await plant.parts.ownership.renew()
    assert [row.generation for row in await plant.engine.salesforce.journal_rows()] == [owned.generation]
    await plant.parts.ownership.renew()
    assert plant.parts.ownership.lost_to is None


async def test_a_trial_call_that_is_cancelled_in_the_queue_does_not_close_the_gate_for_ever() -> None:
    clock = HandClock()
    gate = Gate("whmcs", clock, 1, 0, Breaker(1, 60, 30))
    gate.breaker.failed(clock.monotonic())
    clock.pass_(31)

    async def ask() -> None:
        gate.check()
        async with gate.enter():
            await asyncio.Event().wait()

    async with gate._slots:
        waiting = asyncio.create_task(ask())
        await asyncio.sleep(0)
        assert gate.breaker.trying
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    gate.check()
