"""An operator's retry never makes an effect a second time, however often and from wherever it comes (rules §8)."""

import pytest

from tests.e2e.operators import act, two_at_once
from tests.e2e.points import Moment, Point, all_points
from tests.e2e.rig import Rig
from tests.e2e.test_kill import kill_at, name


async def retried_while_it_recovers(rig: Rig, point: Point) -> None:
    """Twice, each time from two clients, while the restarted daemon finds out what stands."""
    order = await kill_at(rig, point)
    await rig.start()
    said = await two_at_once(rig, "order.retry", order.id)
    said += await two_at_once(rig, "order.retry", order.id)
    await rig.settled(order)
    rig.judge()
    assert rig.run(order).state == "done", f"{said}\n{rig.story()}"


async def test_retried_while_it_makes_sure(rig: Rig) -> None:
    await retried_while_it_recovers(rig, Point("whmcs.AddOrder", 1, Moment.INSIDE))


@pytest.mark.matrix
@pytest.mark.parametrize("point", all_points(), ids=name)
async def test_retried_wherever_it_was_killed(rig: Rig, point: Point) -> None:
    await retried_while_it_recovers(rig, point)


async def test_a_failed_order_is_retried_once_by_two_clients(rig: Rig) -> None:
    """Its integration is mended and resumed; of two retries at once one wins, and one bill is made."""
    await rig.start()
    rig.fault("whmcs", "AcceptOrder", "role_denied")
    order = rig.order("vpn")
    await rig.settled(order)
    assert rig.run(order).state == "failed", rig.story()
    rig.sandbox.faults.clear()
    assert await act(rig, "system.resume", subject="whmcs") == "done"
    said = await two_at_once(rig, "order.retry", order.id)
    assert sum(not outcome.startswith("refused") for outcome in said) >= 1, said
    await rig.settled(order)
    rig.judge()
    assert rig.run(order).state == "done", rig.story()
    assert len(rig.sandbox.survey.census().bills) == 1
