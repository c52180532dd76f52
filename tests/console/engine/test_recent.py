"""The figures of the last five minutes: what is older is forgotten, what is younger is counted once."""

from console.engine.recent import SLOT, SLOTS, Recent
from tests.console.engine.hands import HandClock


def test_only_the_window_counts_and_a_young_process_says_so() -> None:
    clock = HandClock()
    recent = Recent(clock.monotonic)
    recent.note(0.2)
    clock.pass_(10)
    assert recent.figures().window == 10 and recent.figures().calls == 1
    clock.pass_(SLOT * (SLOTS - 2))
    recent.note(1.0, failed=True)
    recent.note(0.6, refused=True)
    found = recent.figures()
    assert (found.calls, found.failed, found.refused) == (3, 1, 1)
    assert found.latency[-1] == 0.8 and found.p95 == 1.0 and found.p50 == 0.6
    clock.pass_(SLOT * SLOTS)
    assert recent.figures().calls == 0 and recent.figures().p50 is None
    assert set(recent.figures().latency) == {None}


def test_the_window_is_never_longer_than_five_minutes() -> None:
    clock = HandClock()
    recent = Recent(clock.monotonic)
    for _ in range(100):
        clock.pass_(7)
        recent.note(0.1)
    found = recent.figures()
    assert SLOT * (SLOTS - 1) < found.window <= SLOT * SLOTS
    assert found.window // 7 <= found.calls <= found.window // 7 + 1
