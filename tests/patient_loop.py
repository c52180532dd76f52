"""An event loop whose time does not pass while the machine lets it wait for a processor.

Client and server of a test stand in one loop. On a busy machine the loop may be held up for seconds, and by the clock on
the wall a healthy call of a client with a short time-out is late then, although nobody kept it waiting. Here only the
time counts in which the loop had nothing to do: what times out was really left without an answer.
"""

import asyncio
import selectors
import time

WORK = 0.001  # of what happens between two looks for work, at most so much counts
HOP = 0.01  # of a wait that brought work: it may have been there long before the process could see it
ROUNDING = 0.002  # of a wait that brought none: the system counts in whole milliseconds


class _Selector(selectors.DefaultSelector):
    """Counts the time spent waiting for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._since = time.monotonic()
        self._counted = self._since

    def now(self) -> float:
        return self._counted + min(time.monotonic() - self._since, WORK)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._counted = self.now()
        began = time.monotonic()
        found = super().select(timeout)
        self._since = time.monotonic()
        most = HOP if found or timeout is None else max(timeout, 0.0) + ROUNDING
        self._counted += min(self._since - began, most)
        return found


class PatientLoop(asyncio.SelectorEventLoop):
    """Never ahead of the clock on the wall: who sleeps a second here has slept at least a second."""

    def __init__(self) -> None:
        self._idle = _Selector()
        super().__init__(self._idle)

    def time(self) -> float:
        return self._idle.now()
