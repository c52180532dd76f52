"""What one run writes: changes that may wait ride on the run's next durable write, so that a call costs one commit."""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from storage.journal import Journal

T = TypeVar("T")
Change = Callable[[sqlite3.Connection], Any]


class Ledger:
    """``later`` keeps a change for the next ``commit``; a crash in between loses it, which is always the safe side:
    an outcome that was not written is looked for, a step that was not marked done is done again.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._waiting: list[Change] = []

    def later(self, change: Change) -> None:
        self._waiting.append(change)

    async def commit(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Write all that waits and ``change`` in one transaction; durable on return."""
        waiting, self._waiting = self._waiting, []

        def together(db: sqlite3.Connection) -> T:
            for earlier in waiting:
                earlier(db)
            return change(db)

        return await self.journal.write(together)

    async def flush(self) -> None:
        if self._waiting:
            await self.commit(lambda _: None)
