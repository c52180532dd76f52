"""How an order looks on one line of the command line."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from console.cli.looks import note_of
from console.schema.orders import OrderLine


@pytest.mark.parametrize(
    ("parked", "shown"),
    [("stock(TRAVEL-10G)", "until stock(TRAVEL-10G)"), ("after(4070952000.0)", "until 2099-01-0"), ("after(now)", "until after(now)")],
)  # fmt: skip
def test_a_moment_waited_for_is_told_as_people_read_it(parked: str, shown: str) -> None:
    line = OrderLine(
        order_id="8015h00000000001AA", number="1", sf="Approved", state="parked", wait="condition",
        wait_reason="starts later", parked=parked, updated=time.time(),
    )  # fmt: skip
    assert shown in note_of(line)
    assert "4070952000" not in note_of(line)


@pytest.mark.parametrize(("here", "told"), [("UTC", "2099-12-22 15:00 UTC"), ("Asia/Tokyo", "2099-12-23 00:00 JST")])
def test_a_moment_beside_the_day_it_stands_for_names_its_zone(
    monkeypatch: pytest.MonkeyPatch, here: str, told: str
) -> None:
    """The day is of the install's zone, the moment of this machine's: 15:00 of the day before is the same moment."""
    begins = datetime(2099, 12, 23, tzinfo=ZoneInfo("Asia/Tokyo")).timestamp()
    line = OrderLine(
        order_id="8015h00000000001AA", number="1", sf="Approved", state="parked", wait="condition",
        wait_reason="starts on 2099-12-23", parked=f"after({begins})", until=begins + 86_400.0, updated=begins - 1e7,
    )  # fmt: skip
    try:
        with monkeypatch.context() as patched:
            patched.setenv("TZ", here)
            time.tzset()
            said = note_of(line)
    finally:
        time.tzset()
    assert said.startswith(f"starts on 2099-12-23 · until {told} · at most until ")
    assert said.endswith(told[-4:])
