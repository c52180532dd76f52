"""What the calls of the last minutes came to, for people who look at an integration: rates and durations of real calls."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

SLOT = 15.0  # seconds
SLOTS = 20


@dataclass
class _Slot:
    number: int
    failed: int = 0
    refused: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Figures:
    """Of the last ``window`` seconds. ``failed``: no answer or a broken one; ``refused``: an answer that said no.

    ``latency``: mean seconds of a call in each slot of ``SLOT`` seconds, oldest first, None where there was no call;
    ``p50`` and ``p95`` of all calls of the window, None without any.
    """

    window: float
    calls: int
    failed: int
    refused: int
    latency: tuple[float | None, ...]
    p50: float | None
    p95: float | None


class Recent:
    """Calls by the slot they ended in; older slots are forgotten."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._slots: deque[_Slot] = deque(maxlen=SLOTS)

    def note(self, seconds: float, *, failed: bool = False, refused: bool = False) -> None:
        """A call ended now and took so long."""
        number = int(self._monotonic() // SLOT)
        if not self._slots or self._slots[-1].number != number:
            self._slots.append(_Slot(number))
        slot = self._slots[-1]
        slot.seconds.append(seconds)
        slot.failed += failed
        slot.refused += refused

    def figures(self) -> Figures:
        now = self._monotonic()
        oldest = int(now // SLOT) - SLOTS + 1
        kept = {slot.number: slot for slot in self._slots if slot.number >= oldest}
        took = sorted(seconds for slot in kept.values() for seconds in slot.seconds)
        slots = [kept.get(number) for number in range(oldest, oldest + SLOTS)]
        return Figures(
            window=min(now - oldest * SLOT, now - self._began), calls=len(took),
            failed=sum(slot.failed for slot in kept.values()), refused=sum(slot.refused for slot in kept.values()),
            latency=tuple(sum(slot.seconds) / len(slot.seconds) if slot else None for slot in slots),
            p50=_quantile(took, 0.5), p95=_quantile(took, 0.95),
        )  # fmt: skip


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
