"""Which rows a live table shows while a person works on one of them: pure bookkeeping over ids.

While no row is in hand the newest order of rows is shown as it comes. With a row in hand below the first one the shown
rows stay where they are; what came in or would move above is counted, and comes in when the person asks for it or goes
to the first row. On the first row the row in hand stays the first, and the others are live beneath it. The row in hand
stays in place even after it has left the filter.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import overload


class Pinned(Sequence[str]):
    """``rows`` with ``key`` at place ``at``, whether it is among them or not; without a copy of them."""

    def __init__(self, rows: Sequence[str], key: str, at: int) -> None:
        self.rows, self.key = rows, key
        try:
            self._own: int | None = rows.index(key)
        except ValueError:
            self._own = None
        self.at = min(at, len(self) - 1)

    def __len__(self) -> int:
        return len(self.rows) + (self._own is None)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if at < 0:
            at += len(self)
        if at == self.at:
            return self.key
        before = at - (at > self.at)  # its place among the others
        return self.rows[before + (self._own is not None and before >= self._own)]

    def __contains__(self, key: object) -> bool:
        return key == self.key or key in self.rows

    def __iter__(self) -> Iterator[str]:
        others = (key for key in self.rows if key != self.key)
        return chain(islice(others, self.at), (self.key,), others)


class HeldRows:
    """``keys`` are the rows as shown, ``offered`` the rows as they would be now."""

    def __init__(self) -> None:
        self.keys: Sequence[str] = ()
        self.offered: Sequence[str] = ()
        self.in_hand: str | None = None
        self.still = False  # nothing comes in but by ``accept``
        self._index: dict[str, int] | None = None

    def offer(self, keys: Sequence[str], *, hold: bool = False) -> bool:
        """Take note of the rows as they would be now; true when they are shown at once. ``hold``: not now, because the
        person looks at rows further down or moves the mouse over them."""
        self.offered = keys
        if self.still or (hold and self.keys):
            return False
        if self.at_first:
            self.follow()
        elif self.in_hand is None:
            self._show(keys)
        else:
            return False
        return True

    def accept(self) -> None:
        """Show the rows as they would be now; the row in hand keeps its place if it is no longer among them."""
        keys = self.offered
        if self.in_hand is not None and self.in_hand not in self.offered:
            keys = Pinned(keys, self.in_hand, self.place or 0)
        self._show(keys)

    def extend(self, older: Sequence[str]) -> None:
        """Rows below all others: they move nothing, and are shown whatever is in hand."""
        same = self.keys is self.offered
        self.offered = [*self.offered, *older]
        self._show(self.offered if same else [*self.keys, *older])

    def follow(self) -> None:
        """Show the rows as they would be now beneath the row in hand, which stays the first."""
        if self.in_hand is not None and not self.still:
            self._show(Pinned(self.offered, self.in_hand, 0))

    def take(self, key: str | None) -> None:
        """Take a row in hand; None lets go, and the rows move again."""
        self.in_hand = key
        if key is None and not self.still:
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
        if self.in_hand is None:
            return None
        if isinstance(self.keys, Pinned) and self.keys.key == self.in_hand:
            return self.keys.at
        return self.index.get(self.in_hand)

    @property
    def at_first(self) -> bool:
        """Is the row in hand the first one shown?"""
        return self.in_hand is not None and bool(self.keys) and self.keys[0] == self.in_hand

    def has_left(self, key: str) -> bool:
        """Is this shown row no longer among the rows as they would be now?"""
        return self.keys is not self.offered and key not in self.offered

    def waiting(self, seen: str | None = None) -> int:
        """How many rows would come in above the row in hand, or anywhere when it has left the filter. ``seen``: the
        first visible row, which counts when none is in hand."""
        anchor = self.in_hand if self.in_hand is not None else seen
        shown = self.keys.rows if isinstance(self.keys, Pinned) else self.keys
        if anchor is None or shown is self.offered:
            return 0
        index = self.index
        shown_above = index.get(anchor, 0)
        try:
            above = self.offered.index(anchor)
        except ValueError:
            above = len(self.offered)
            shown_above = len(self.keys)
        return sum(1 for key in islice(self.offered, above) if index.get(key, shown_above) >= shown_above)

    def _show(self, keys: Sequence[str]) -> None:
        self.keys, self._index = keys, None
