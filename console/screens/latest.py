"""Asking for the latest state of something that may change many times a second."""

from collections.abc import Awaitable, Callable

from textual.widget import Widget


class Latest:
    """Call it whenever there may be something new: one question at a time is under way, and once more after it if it
    was called meanwhile. No question is cut off, so an order that never rests is shown all the same."""

    def __init__(self, owner: Widget, ask: Callable[[], Awaitable[None]]) -> None:
        self._owner, self._ask = owner, ask
        self._busy = self._again = False

    def __call__(self) -> None:
        if self._busy:
            self._again = True
            return
        self._busy = True
        self._owner.run_worker(self._until_rested(), exit_on_error=False)

    async def _until_rested(self) -> None:
        try:
            while True:
                self._again = False
                await self._ask()
                if not self._again:
                    return
        finally:
            self._busy = False
