"""The read model: every order's row as of a feed sequence number. Pure: no network, no clock, no screen."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from console.client.rows import BookRow, RowMaker
from console.schema.book import FeedEvent, SnapshotHead

RECENT = 500
ACT = "audit"  # the kind of the rows that tell of acts of people


class FeedGap(Exception):
    """Events between the book's and this one's were missed: the book must be fetched again."""


class Book:
    """Fill it from a snapshot (``begin``, ``put_all``, ``ready``), then ``apply`` the feed's events in their order.

    Applying an event twice is harmless. ``take_dirty`` says what changed since it was asked last.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.epoch = 0
        self.complete = False
        self.total = 0  # orders the daemon knew when the snapshot was made
        self.at = 0.0  # the daemon's time of the newest thing that was heard
        self.acted = 0  # the number of the newest row that tells what came of a person's act
        self.counts: Counter[str] = Counter()
        self.recent: deque[FeedEvent] = deque(maxlen=RECENT)
        self._rows: dict[str, BookRow] = {}
        self._numbers: dict[str, str] = {}
        self._dirty: set[str] = set()
        self._make = RowMaker()
        self._stale: set[str] = set()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._rows

    def __iter__(self) -> Iterator[BookRow]:
        return iter(self._rows.values())

    @property
    def partial(self) -> bool:
        """The daemon knows more (old, finished) orders than this book holds: "nothing" may not be said from it."""
        return len(self._rows) < self.total

    def get(self, order_id: str) -> BookRow | None:
        return self._rows.get(order_id)

    def by_number(self, number: str) -> BookRow | None:
        """By order number, with or without its leading zeros."""
        order_id = self._numbers.get(number.lstrip("0"))
        return self._rows.get(order_id) if order_id is not None else None

    # Filling ----------------------------------------------------------------------------------------------------------

    def begin(self, head: SnapshotHead) -> None:
        """A snapshot starts. Rows that it does not name are dropped by ``ready``; until then the old ones stay."""
        self._make = RowMaker(head.columns)
        self.seq, self.epoch, self.at, self.total = head.seq, head.epoch, head.at, head.total
        self.acted = head.seq  # who did what in between is not known
        self.complete = False
        self._stale = set(self._rows)

    def put_all(self, rows: Iterable[Sequence[Any]]) -> None:
        """A part of the snapshot."""
        found = {row.order_id: row for row in self._make.all(rows)}
        if self._rows.keys().isdisjoint(found):
            self._add(found)
            return
        self._stale.difference_update(found)
        for row in found.values():
            self._put(row, newer=True)

    def _add(self, found: Mapping[str, BookRow]) -> None:
        """Orders that the book does not hold: in bulk, because the first board waits for all of them."""
        self._rows.update(found)
        self._numbers.update([(row.number.lstrip("0"), row.order_id) for row in found.values()])
        self.counts.update([row.state for row in found.values()])
        self._dirty.update(found)

    def ready(self) -> None:
        """The snapshot was complete."""
        for order_id in self._stale:
            gone = self._rows.pop(order_id)
            self.counts[gone.state] -= 1
            self._numbers.pop(gone.number.lstrip("0"), None)
            self._dirty.add(order_id)
        self._stale = set()
        self.complete = True

    def apply(self, event: FeedEvent) -> bool:
        """Take one event in; False when it was known already. Raises FeedGap."""
        if event.seq <= self.seq and event.epoch == self.epoch:
            return False
        if event.prev > self.seq or event.epoch < self.epoch:
            raise FeedGap(f"the book is at {self.seq}, the feed goes on after {event.prev}")
        self.seq, self.epoch, self.at = event.seq, event.epoch, max(self.at, event.at)
        if event.kind != ACT:
            self.recent.append(event)  # what an act changes tells of itself
        elif "outcome" in event.body:
            self.acted = event.seq
        if event.row is not None:
            self._put(self._make(event.row), newer=False)
        if event.order_id is not None:  # also where its row is the same: a note, an act under way
            self._dirty.add(event.order_id)
        return True

    def _put(self, row: BookRow, *, newer: bool) -> None:
        old = self._rows.get(row.order_id)
        if old == row:
            return
        if old is not None:
            if not newer and _older(row, old):  # the snapshot read this order later than the event did
                return
            self.counts[old.state] -= 1
        else:
            self._numbers[row.number.lstrip("0")] = row.order_id
        self._rows[row.order_id] = row
        self.counts[row.state] += 1
        self._dirty.add(row.order_id)

    # Reading ----------------------------------------------------------------------------------------------------------

    def take_dirty(self) -> set[str]:
        """Ids of the orders that changed (or went) since the last call."""
        dirty, self._dirty = self._dirty, set()
        return dirty


def _older(row: BookRow, old: BookRow) -> bool:
    if row.run_id != old.run_id:
        return (row.run_id or 0) < (old.run_id or 0)
    return (row.version or 0) < (old.version or 0)
