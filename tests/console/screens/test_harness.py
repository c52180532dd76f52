from pathlib import Path

from tests.console.screens.harness import measure_board


async def test_the_board_takes_in_every_update_and_keeps_the_order_in_hand(tmp_path: Path) -> None:
    """Counts only: the benchmark judges the times."""
    measured = await measure_board(tmp_path, count=2_000, rate=200, seconds=1.0)
    assert measured.applied >= 20
    assert measured.in_hand_kept
    assert 0 <= measured.p50 <= measured.p95 <= measured.p99
