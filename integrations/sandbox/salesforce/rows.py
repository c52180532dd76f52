"""The org's rows: one indexed table per object type, transactions, and the view of the past that ``stale_read`` shows.

A row is a JSON document keyed by field API name, empty fields left out, values in the form in which REST sends them
(``values.py``). Rows are values: change one by ``put`` of a copy. Deleted rows stay, with IsDeleted true.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from integrations.salesforce.ids import to18
from integrations.sandbox.salesforce.schema import Schema, SObject
from integrations.sandbox.salesforce.watched import WatchedTable
from integrations.sandbox.store import Document, Store

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
POD = "5h0"  # the middle of every record id: instance and a reserved character
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.000+0000"


def folded(value: Any) -> str:
    """The form in which values are equal to a unique check or a query: text without case, numbers by value."""
    return value.casefold() if isinstance(value, str) else repr(float(value))


class RowTable(WatchedTable):
    """The rows of one object type, by id, with an index per field that is unique, external or a reference."""

    def __init__(self, store: Store, sobject: SObject) -> None:
        self._index: dict[str, dict[str, set[str]]] = {f.name: {} for f in sobject.fields if f.indexed}
        super().__init__(store, f"sf.{sobject.name}")

    def indexes(self, field: str) -> bool:
        return field in self._index

    def having(self, field: str, value: Any) -> list[str]:
        """The ids of the rows (deleted ones too) whose indexed ``field`` equals ``value``, oldest first."""
        return sorted(self._index[field].get(folded(value), ()))

    def changed(self, key: str, before: Document | None, after: Document | None) -> None:
        for field, index in self._index.items():
            old = before.get(field) if before else None
            new = after.get(field) if after else None
            if old == new:
                continue
            if old is not None:
                keys = index[folded(old)]
                keys.discard(key)
                if not keys:
                    del index[folded(old)]
            if new is not None:
                index.setdefault(folded(new), set()).add(key)


class Database:
    """All tables. Writes belong inside ``transaction``; a nested one is a savepoint."""

    def __init__(self, store: Store, schema: Schema, now: Callable[[], datetime]) -> None:
        self.schema = schema
        self._store = store
        self._now = now
        self._tables = {s.name: RowTable(store, s) for s in schema.sobjects if not s.event}
        self._before: dict[str, Document] = {}
        self._touched: dict[str, Document] = {}
        self._depth = 0
        self._stale = False

    @property
    def is_stale(self) -> bool:
        """Whether reads see the past now: indexes, which know only the present, must not be used then."""
        return self._stale

    def now(self) -> str:
        """The current moment as a stored datetime; whole seconds, as in Salesforce."""
        return self._now().astimezone(UTC).strftime(TIME_FORMAT)

    def clock(self) -> datetime:
        return self._now()

    def table(self, name: str) -> RowTable:
        return self._tables[name]

    def new_id(self, sobject: SObject) -> str:
        number = self._store.next_number(f"sf.{sobject.name}")
        digits = ""
        for _ in range(9):
            number, rest = divmod(number, 62)
            digits = BASE62[rest] + digits
        return to18(sobject.prefix + POD + digits)

    def next_number(self, series: str, start: int) -> int:
        return self._store.next_number(f"sf.{series}", start)

    def get(self, name: str, key: str) -> Document | None:
        """The live row, or None; under ``stale`` as it was before its last change."""
        row = self._seen(key, self._tables[name].get(key))
        return None if row is None or row.get("IsDeleted") else row

    def deleted(self, name: str, key: str) -> bool:
        row = self._tables[name].get(key)
        return row is not None and bool(row.get("IsDeleted"))

    def rows(self, name: str, *, deleted: bool = False) -> Iterable[Document]:
        """Every row, in the order of insertion."""
        for key, now in self._tables[name].items():
            row = self._seen(key, now)
            if row is not None and (deleted or not row.get("IsDeleted")):
                yield row

    def having(self, name: str, field: str, value: Any, *, deleted: bool = False) -> list[Document]:
        """The rows whose ``field`` equals ``value`` (text without case), oldest first; quick where indexed."""
        table = self._tables[name]
        if self._stale or not table.indexes(field):
            wanted = folded(value)
            rows = self.rows(name, deleted=deleted)
            return [row for row in rows if row.get(field) is not None and folded(row[field]) == wanted]
        found = (table.get(key) for key in table.having(field, value))
        return [row for row in found if row is not None and (deleted or not row.get("IsDeleted"))]

    def put(self, name: str, row: Document) -> None:
        key = str(row["Id"])
        table = self._tables[name]
        before = table.get(key)
        if before is not None:
            self._touched.setdefault(key, before)
        table.put(key, row)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One request's effect, or one record's inside of it. An exception undoes what happened inside."""
        self._depth += 1
        try:
            with self._store.transaction():
                yield
            if self._depth == 1:
                self._before.update(self._touched)
        finally:
            self._depth -= 1
            if not self._depth:
                self._touched.clear()

    @contextmanager
    def stale(self) -> Iterator[None]:
        """Reads inside see each row as it was before the last transaction that changed it."""
        self._stale = True
        try:
            yield
        finally:
            self._stale = False

    def _seen(self, key: str, row: Document | None) -> Document | None:
        return self._before.get(key, row) if self._stale else row
