"""Conditions and periods as people write them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from console.engine.commanding.errors import BadArgument
from console.engine.commanding.until import Until, parse_period, parse_until

ZONE = "Asia/Tokyo"
NOW = datetime(2026, 3, 31, 23, 30, tzinfo=ZoneInfo(ZONE)).timestamp()


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("stock(TRAVEL-5G) > 0", Until("stock", "TRAVEL-5G")), ("stock TRAVEL-5G", Until("stock", "TRAVEL-5G")),
        ("paymethod(2210)", Until("paymethod", "2210")), ("paymethod()", Until("paymethod", "")),
        (" up( whmcs ) ", Until("up", "whmcs")), ("up esim", Until("up", "esim")),
    ],
)  # fmt: skip
def test_conditions(text: str, condition: Until) -> None:
    assert parse_until(text, NOW, ZONE) == condition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("after(9:00)", "2026-04-01T09:00"), ("after 23:45", "2026-03-31T23:45"), ("after(23:30)", "2026-04-01T23:30"),
        ("after(2h)", "2026-04-01T01:30"), ("after(2026-04-02)", "2026-04-02T00:00"),
        ("after(2026-04-01T09:00+00:00)", "2026-04-01T18:00"),
    ],
)  # fmt: skip
def test_times_are_the_installs(text: str, expected: str) -> None:
    moment = datetime.fromtimestamp(float(parse_until(text, NOW, ZONE).argument), ZoneInfo(ZONE))
    assert f"{moment:%Y-%m-%dT%H:%M}" == expected


@pytest.mark.parametrize("text", ["", "stock()", "up(moon)", "paymethod(abc)", "sf(field)", "after()", "after(25:00)"])
def test_what_is_not_a_condition_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        parse_until(text, NOW, ZONE)


def test_periods() -> None:
    assert [parse_period(text, "limit") for text in ("90s", "1.5h", "14d", " 30 M ")] == [90, 5400, 1209600, 1800]
    for text in ("", "soon", "-1h", "1w", "９h x"):
        with pytest.raises(BadArgument):
            parse_period(text, "limit")
