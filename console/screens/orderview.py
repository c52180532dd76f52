"""A filtered, sorted list of the book's orders that is kept up to date change by change. Pure: no Textual."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import islice
from operator import itemgetter
from typing import Any, overload

from console.client.book import Book
from console.client.query import Query, Sort
from console.client.rows import BookRow

Entry = tuple[bool, Any, str]
SWEEP = 400  # rows looked at again per call of ``sweep``: filters like age>5m change with time alone
_TIMED = frozenset(("age", "updated", "until", "parked", "owner"))


class SortedKeys(Sequence[str]):
    """The ids of sorted entries at one moment, without a list of their own; finding one is fast."""

    def __init__(self, entries: Sequence[Entry], entry_of: Mapping[str, Entry], descending: bool) -> None:
        self._entries, self._entry_of, self._descending = entries, entry_of, descending

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(at)
        return self._entries[-1 - at if self._descending else at][2]

    def __contains__(self, key: object) -> bool:
        return key in self._entry_of

    def __iter__(self) -> Iterator[str]:
        return (entry[2] for entry in (reversed(self._entries) if self._descending else self._entries))

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        entry = self._entry_of.get(value)
        if entry is not None:
            at = bisect_left(self._entries, entry)
            if at < len(self._entries) and self._entries[at] == entry:
                return len(self) - 1 - at if self._descending else at
        return super().index(value)


class OrderView:
    """``keys`` are the ids that match, in order. The filter must not be beyond the book."""

    def __init__(self, book: Book, query: Query, sort: Sort, now: Callable[[], float]) -> None:
        self._book, self._now = book, now
        self.query, self.sort = query, sort
        self._entries: list[Entry] = []
        self._entry_of: dict[str, Entry] = {}
        self._keys: SortedKeys | None = None
        self._sweeping: Iterator[BookRow] | None = None
        self._timed = any(term.field is not None and term.field.name in _TIMED for term in query.terms)
        self.rebuild()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._entry_of

    @property
    def keys(self) -> Sequence[str]:
        """The same list as before when nothing moved."""
        if self._keys is None:
            self._keys = SortedKeys(self._entries.copy(), self._entry_of, self.sort.descending)
        return self._keys

    def rebuild(self) -> None:
        """Look at every order again."""
        self._entries = self._sorted(self.query.select(self._book, self._now()))
        self._entry_of = {entry[2]: entry for entry in self._entries}
        self._keys, self._sweeping = None, None

    def _sorted(self, rows: Sequence[BookRow]) -> list[Entry]:
        """The entries of these in order: by id, which they nearly are, and then by the one column. That is twice as
        fast as comparing whole entries."""
        key_of, descending = self.sort.key, self.sort.descending
        valued = [(descending, key, row.order_id) for row in rows if (key := key_of(row)) is not None]
        valued.sort(key=itemgetter(2))
        valued.sort(key=itemgetter(1))
        if len(valued) == len(rows):
            return valued
        without = sorted(entry for row in rows if (entry := self._entry(row))[0] is not descending)
        return [*without, *valued] if descending else [*valued, *without]

    def update(self, changed: Set[str]) -> bool:
        """Take the orders that changed in, move or drop them; true when ``keys`` became another list."""
        if len(changed) * 8 > len(self._book):
            self.rebuild()
            return True
        matches = self.query.predicate(self._now())
        moved = False
        for order_id in changed:
            row = self._book.get(order_id)
            moved |= self._place(order_id, row if row is not None and matches(row) else None)
        return moved

    def sweep(self) -> bool:
        """With a filter on time: look at some rows again; true when ``keys`` became another list."""
        if not self._timed or not self._book.complete:
            return False
        if self._sweeping is None:
            self._sweeping = iter(list(self._book))
        rows = list(islice(self._sweeping, SWEEP))
        if len(rows) < SWEEP:
            self._sweeping = None
        matches, present, listed = self.query.predicate(self._now()), self._book.get, self._entry_of
        moved = False
        for old in rows:
            row = present(old.order_id)
            if row is not None and (fits := matches(row)) != (row.order_id in listed):
                moved |= self._place(row.order_id, row if fits else None)
        return moved

    def _place(self, order_id: str, row: BookRow | None) -> bool:
        before = self._entry_of.get(order_id)
        after = self._entry(row) if row is not None else None
        if before == after:
            return False
        if before is not None:
            del self._entries[bisect_left(self._entries, before)]
            del self._entry_of[order_id]
        if after is not None:
            insort(self._entries, after)
            self._entry_of[order_id] = after
        self._keys = None
        return True

    def _entry(self, row: BookRow) -> Entry:
        """What has no value comes last in both directions."""
        key = self.sort.key(row)
        if key is None:
            return (not self.sort.descending, 0, row.order_id)
        return (self.sort.descending, key, row.order_id)


class AskedView:
    """A list that the daemon gave where the book is not enough. ``rows``: as it gave them; those that the book holds
    are shown live. ``seq``: where the feed stood."""

    def __init__(self, rows: Mapping[str, BookRow], total: int, at: float, seq: int) -> None:
        self.rows, self.keys, self.total, self.at, self.seq = rows, list(rows), total, at, seq

    def __len__(self) -> int:
        return len(self.keys)
