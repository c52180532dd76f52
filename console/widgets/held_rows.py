"""Which rows a live table shows while a person works on one of them: pure bookkeeping over ids.

While no row is in hand the newest order of rows is shown as it comes. From the moment a row is in hand the shown rows
stay where they are; what came in or would move above is counted, and comes in when the person asks for it. The row in
hand stays in place even after it has left the filter.
"""

from collections.abc import Sequence
from itertools import islice


class HeldRows:
    """``keys`` are the rows as shown, ``offered`` the rows as they would be now."""

    def __init__(self) -> None:
        self.keys: Sequence[str] = ()
        self.offered: Sequence[str] = ()
        self.in_hand: str | None = None
        self._index: dict[str, int] | None = None

    def offer(self, keys: Sequence[str]) -> bool:
        """Take note of the rows as they would be now; true when they are shown at once."""
        self.offered = keys
        if self.in_hand is not None:
            return False
        self._show(keys)
        return True

    def accept(self) -> None:
        """Show the rows as they would be now; the row in hand keeps its place if it is no longer among them."""
        keys = self.offered
        if self.in_hand is not None and self.in_hand not in self.offered:
            at = min(self.index.get(self.in_hand, 0), len(keys))
            keys = [*keys[:at], self.in_hand, *keys[at:]]
        self._show(keys)

    def take(self, key: str | None) -> None:
        """Take a row in hand; None lets go, and the rows move again."""
        self.in_hand = key
        if key is None:
            self._show(self.offered)

    @property
    def index(self) -> dict[str, int]:
        """Row id → place among the shown rows."""
        if self._index is None:
            self._index = {key: i for i, key in enumerate(self.keys)}
        return self._index

    @property
    def place(self) -> int | None:
        """Where the row in hand is shown."""
        return None if self.in_hand is None else self.index.get(self.in_hand)

    def has_left(self, key: str) -> bool:
        """Is this shown row no longer among the rows as they would be now?"""
        return self.keys is not self.offered and key not in self.offered

    def waiting(self) -> int:
        """How many rows would come in above the row in hand, or anywhere when it has left the filter."""
        if self.in_hand is None or self.keys is self.offered:
            return 0
        shown_above = self.place or 0
        try:
            above = self.offered.index(self.in_hand)
        except ValueError:
            above = len(self.offered)
            shown_above = len(self.keys)
        index = self.index
        return sum(1 for key in islice(self.offered, above) if index.get(key, shown_above) >= shown_above)

    def _show(self, keys: Sequence[str]) -> None:
        self.keys, self._index = keys, None
