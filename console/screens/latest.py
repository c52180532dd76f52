"""Asking for the latest state of something that may change many times a second."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from textual.app import App
from textual.widget import Widget

LONGEST_REST = 1.0  # seconds


class Latest:
    """Call it whenever there may be something new: one question at a time is under way, and once more after it if it
    was called meanwhile. No question is cut off, so an order that never rests is shown all the same. Of many in a row
    each but the first two waits as long as the one before it took, so that asking takes half of the time at most."""

    def __init__(self, owner: Widget | App[object], ask: Callable[[], Awaitable[None]]) -> None:
        self._owner, self._ask = owner, ask
        self._busy = self._again = False

    def __call__(self) -> None:
        if self._busy:
            self._again = True
            return
        self._busy = True
        self._owner.run_worker(self._until_rested(), exit_on_error=False)

    async def _until_rested(self) -> None:
        rest = 0.0
        try:
            while True:
                self._again = False
                began = monotonic()
                await self._ask()
                if not self._again:
                    return
                took = monotonic() - began
                await asyncio.sleep(rest)
                rest = min(took, LONGEST_REST)
        finally:
            self._busy = False
