"""What was asked of the sandbox, in order: the source of the kill points (design/rules.md §14)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web


@dataclass
class Entry:
    """One request. ``answered`` turns true when the answer was handed to the socket."""

    n: int
    at: str
    system: str
    operation: str
    facts: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    fault: str | None = None
    answered: bool = False


async def write_out(request: web.Request, entry: Entry, response: web.StreamResponse) -> web.StreamResponse:
    """Write the answer here, before the log says that it went out."""
    entry.status = response.status
    if request.transport is None or request.transport.is_closing():
        return response
    if not response.prepared:
        await response.prepare(request)
        await response.write_eof()
    entry.answered = True
    return response


class Traffic:
    """A log in memory, newest last, cut at ``limit`` entries (numbers go on)."""

    def __init__(self, limit: int = 200_000) -> None:
        self._entries: list[Entry] = []
        self._limit = limit
        self._count = 0

    def asked(self, system: str, operation: str, facts: Mapping[str, str]) -> Entry:
        """Note a request as it comes in; ``facts`` are short identifying values (order id, ICCID), never secrets."""
        self._count += 1
        entry = Entry(self._count, datetime.now(UTC).isoformat(), system, operation, dict(facts))
        self._entries.append(entry)
        if len(self._entries) > self._limit:
            del self._entries[: self._limit // 10]
        return entry

    def since(self, n: int = 0) -> list[dict[str, Any]]:
        first = self._entries[0].n if self._entries else 0
        return [asdict(entry) for entry in self._entries[max(n + 1 - first, 0) :]]

    def clear(self) -> None:
        self._entries.clear()
