"""One row of the book: an order as the daemon's read model shows it. No personal data."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from console.schema.book import COLUMNS
from console.schema.orders import OrderLine


class BookRow(NamedTuple):
    """The columns of ``console.schema.book`` in their order (``class`` is ``error_class``).

    A tuple, because 50,000 of them are made while a screen waits for its first board.
    """

    order_id: str
    number: str
    account: str | None
    kind: str | None
    plan: str | None
    amount: int | None
    sf: str
    read_at: float | None
    run_id: int | None
    version: int | None
    state: str
    wait: str | None
    wait_reason: str | None
    until: float | None
    next_at: float | None
    waits_for: int | None
    step: str | None
    strip: str
    tries: int
    attempt: int
    error_class: str | None
    system: str | None
    code: str | None
    cause: str | None
    error_step: str | None
    message: str | None
    unknown: bool
    parked: str | None
    created: float | None
    updated: float
    mail: str | None
    owner: str | None
    owner_until: float | None

    def owned_by(self, now: float) -> str | None:
        """Who looks after it; a take ends by itself."""
        return self.owner if self.owner is not None and (self.owner_until or 0.0) > now else None


def row_of(line: OrderLine) -> BookRow:
    """The row of an order that is not in the book: one that only Salesforce knows, or an old one."""
    return BookRow._make(getattr(line, name) for name in BookRow._fields)


_REPEATED = (
    "kind", "plan", "sf", "state", "wait", "step", "strip", "class", "system", "code", "cause", "error_step", "mail", "owner",
)  # fmt: skip
_INTERNED = tuple(COLUMNS.index(name) for name in _REPEATED)


class RowMaker:
    """Reads rows whose columns stand in the daemon's order: a newer daemon may send more, or in another order.

    Raises ValueError when a column this client needs is missing. Words that many rows share are kept once.
    """

    def __init__(self, columns: Sequence[str] = COLUMNS) -> None:
        missing = [name for name in COLUMNS if name not in columns]
        if missing:
            raise ValueError(f"the daemon's book has no {', '.join(missing)}: it is of another version")
        self._same = tuple(columns) == COLUMNS
        self._at = [list(columns).index(name) for name in COLUMNS]

    def __call__(self, values: Sequence[Any]) -> BookRow:
        row = list(values) if self._same else [values[i] for i in self._at]
        for i in _INTERNED:
            if row[i] is not None:
                row[i] = sys.intern(row[i])
        return BookRow._make(row)

    def all(self, rows: Iterable[Sequence[Any]]) -> list[BookRow]:
        """Many at once, where whoever read them shares their words already."""
        if self._same:
            return list(map(BookRow._make, rows))
        return [self(values) for values in rows]
