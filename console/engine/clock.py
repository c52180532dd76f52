"""Time for the engine: durable times are wall time, durations inside a process are monotonic (rules §10)."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Wall time, seconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds from a start of its own; never jumps."""
        ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def as_datetime(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
