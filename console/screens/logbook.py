"""What this console itself did: each act as its command line, what was said, requests that failed. All of it masked."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from console.client.errors import ApiError

KEPT = 500


class Did(StrEnum):
    """Kinds of entries."""

    ACT = "act"
    SAID = "said"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """``at``: seconds since 1970; ``count``: how often the same thing happened in a row."""

    at: float
    kind: Did
    text: str
    count: int = 1


class LogBook:
    """The newest entries, oldest first. ``mask`` takes secrets and personal data out of a text."""

    def __init__(self, now: Callable[[], float], mask: Callable[[str], str]) -> None:
        self._now, self._mask = now, mask
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self.turn = 0  # grows with every entry

    @property
    def entries(self) -> Sequence[Entry]:
        return tuple(self._entries)

    def note(self, kind: Did, text: str) -> None:
        """Add an entry; one that repeats the last is counted there."""
        masked = self._mask(text)
        last = self._entries[-1] if self._entries else None
        count = 1
        if last is not None and (last.kind, last.text) == (kind, masked):
            self._entries.pop()
            count = last.count + 1
        self._entries.append(Entry(self._now(), kind, masked, count))
        self.turn += 1

    def failed(self, method: str, path: str, error: ApiError) -> None:
        """A request that did not succeed."""
        self.note(Did.FAILED, f"{method} {path}: {error}")
