"""What the door read is handed to load only where the claim would notice every later change."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.engine.handover import KEPT_FOR, MOST, Handover
from integrations.salesforce.models import Order, OrderBundle

CHANGED = datetime(2026, 11, 23, 9, 0, 0, 400_000, tzinfo=UTC)


def reading(read_at: datetime | None, order_id: str = "801000000000001AAA") -> OrderBundle:
    fields = {"Id": order_id, "OrderNumber": "1", "Status": "Approved", "LastModifiedDate": CHANGED}
    order = Order.model_validate({**fields, "SystemModstamp": "x"})
    return OrderBundle(order=order, items=(), account=None, read_at=read_at)


def at(seconds: float) -> Any:
    return cast("Any", SimpleNamespace(monotonic=lambda: seconds))


@pytest.mark.parametrize(("seconds", "at_rest"), [(0.5, False), (0.599, False), (0.6, True), (30.0, True)])
def test_an_order_is_at_rest_when_the_second_of_its_change_is_over(seconds: float, at_rest: bool) -> None:
    assert reading(CHANGED + timedelta(seconds=seconds)).at_rest is at_rest
    assert reading(None).at_rest is False


def test_a_reading_is_given_out_once_and_only_at_rest() -> None:
    handover = Handover(at(100.0))
    moving, resting = reading(CHANGED), reading(CHANGED + timedelta(seconds=2), "801000000000002AAA")
    handover.give(moving, 99.0)
    handover.give(resting, 99.0)
    assert handover.take(moving.order.id) is None
    assert handover.take(resting.order.id) is resting
    assert handover.take(resting.order.id) is None


def test_an_old_reading_is_not_given_out_and_there_are_never_many() -> None:
    resting = reading(CHANGED + timedelta(seconds=2))
    handover = Handover(at(100.0 + KEPT_FOR + 0.1))
    handover.give(resting, 100.0)
    assert handover.take(resting.order.id) is None
    for n in range(MOST + 1):
        handover.give(reading(CHANGED + timedelta(seconds=2), f"8010000{n:08}AAA"), 110.0)
    assert handover.take("801000000000000AAA") is None
    assert handover.take("801000000000001AAA") is not None
