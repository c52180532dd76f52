from datetime import UTC

import pytest

from console.widgets.wording import condition

NOW = 1_795_403_071.0  # 2026-11-23 03:04:31 UTC


@pytest.mark.parametrize(
    ("parked", "shown"),
    [
        ("after(1797951600)", "12-22 15:00"),
        ("after(1795406671.5)", "04:04:31"),
        ("stock(TRAVEL-5G)", "stock(TRAVEL-5G)"),
        ("after(tomorrow)", "after(tomorrow)"),
    ],
)
def test_a_moment_that_is_waited_for_is_one_that_people_read(parked: str, shown: str) -> None:
    assert condition(parked, NOW, UTC) == shown
