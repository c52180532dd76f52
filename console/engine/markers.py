"""Which of our markers this WHMCS install keeps, learnt by reading every order back (rules §3.4)."""

import json
import sqlite3

from storage import meta
from storage.journal import Journal

KEY = "markers"


class Markers:
    """Product id → did a marker survive the last time. Kept in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[str, bool] = json.loads(journal.peek(lambda db: meta.get(db, KEY)) or "{}")

    def lost(self) -> set[int]:
        """Products on which no marker survived: an unknown outcome for them is never absent."""
        return {int(pid) for pid, survived in self._known.items() if not survived}

    def proved(self) -> set[int]:
        """Products on which a marker was seen to survive."""
        return {int(pid) for pid, survived in self._known.items() if survived}

    async def seen(self, pid: int, *, survived: bool) -> None:
        if self._known.get(str(pid)) == survived:
            return
        self._known[str(pid)] = survived
        packed = json.dumps(self._known)

        def write(db: sqlite3.Connection) -> None:
            meta.put(db, KEY, packed)

        await self._journal.write(write)
