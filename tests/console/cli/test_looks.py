"""How an order looks on one line of the command line."""

import time

import pytest

from console.cli.looks import note_of
from console.schema.orders import OrderLine


@pytest.mark.parametrize(
    ("parked", "shown"),
    [("stock(TRAVEL-10G)", "until stock(TRAVEL-10G)"), ("after(1797951600.0)", "until 2026-12-2"), ("after(now)", "until after(now)")],
)  # fmt: skip
def test_a_moment_waited_for_is_told_as_people_read_it(parked: str, shown: str) -> None:
    line = OrderLine(
        order_id="8015h00000000001AA", number="1", sf="Approved", state="parked", wait="condition",
        wait_reason="starts later", parked=parked, updated=time.time(),
    )  # fmt: skip
    assert shown in note_of(line)
    assert "1797951600" not in note_of(line)
