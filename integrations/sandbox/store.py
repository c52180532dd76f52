"""The sandbox's state: JSON documents in tables, held in memory, written through to one SQLite file.

One transaction is one request's effect. It is committed before the answer leaves, so that a kill -9 of the sandbox
never takes back what a client was told, and rolled back whole when the handler raises. Single-threaded: a transaction
contains no ``await``.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]
Observer = Callable[[str, Document | None, Document | None], None]

UPSERT = "INSERT INTO doc VALUES (?, ?, ?) ON CONFLICT(tab, key) DO UPDATE SET body = excluded.body"


class Table:
    """Documents by string key, in insertion order. Treat documents as values: change one by ``put`` of a copy.

    A row whose deletion was rolled back stands last until the next start.
    """

    def __init__(self, store: "Store", name: str) -> None:
        self.name = name
        self._store = store
        self._rows: dict[str, Document] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def get(self, key: str) -> Document | None:
        return self._rows.get(key)

    def items(self) -> list[tuple[str, Document]]:
        return list(self._rows.items())

    def values(self) -> list[Document]:
        return list(self._rows.values())

    def put(self, key: str, document: Document) -> None:
        self._store.record(self, key)
        self._rows[key] = document

    def delete(self, key: str) -> None:
        if key in self._rows:
            self._store.record(self, key, deleted=True)
            del self._rows[key]

    def restore(self, key: str, before: Document | None) -> None:
        """Undo one change; only the store calls this."""
        if before is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = before

    def load(self, key: str, document: Document) -> None:
        """Fill from the file; only the store calls this."""
        self._rows[key] = document


class Store:
    """All tables of one sandbox. ``path`` None keeps everything in memory (unit tests)."""

    def __init__(self, path: Path | None = None) -> None:
        self._tables: dict[str, Table] = {}
        self._undo: list[tuple[Table, str, Document | None]] = []
        self._deleted: set[tuple[str, str]] = set()
        self._observers: list[tuple[str, Observer]] = []
        self._depth = 0
        self._file = _open(path) if path else None
        if self._file:
            for name, key, body in self._file.execute("SELECT tab, key, body FROM doc ORDER BY rowid"):
                self.table(name).load(key, json.loads(body))

    def table(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = Table(self, name)
        return self._tables[name]

    def next_number(self, series: str, start: int = 1) -> int:
        """The next number of a series; call inside a transaction."""
        counters = self.table("counter")
        number = int((counters.get(series) or {"next": start})["next"])
        counters.put(series, {"next": number + 1})
        return number

    def observe(self, table: str, observer: Observer) -> None:
        """Call ``observer(key, before, after)`` for each row of ``table`` that a transaction changed, right before its
        commit and inside it: what the observer writes stands if and only if the change does."""
        self._observers.append((table, observer))

    def record(self, table: Table, key: str, *, deleted: bool = False) -> None:
        if not self._depth:
            raise RuntimeError(f"{table.name} changed outside of a transaction")
        self._undo.append((table, key, table.get(key)))
        if deleted:
            self._deleted.add((table.name, key))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nested ones are savepoints: an exception undoes just what happened inside."""
        mark = len(self._undo)
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self._tell()
                self._commit()
        except BaseException:
            for table, key, before in reversed(self._undo[mark:]):
                table.restore(key, before)
            del self._undo[mark:]
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._undo.clear()
                self._deleted.clear()

    def _tell(self) -> None:
        for name, observer in self._observers:
            first: dict[str, tuple[Table, Document | None]] = {}
            for table, key, before in self._undo:
                if table.name == name:
                    first.setdefault(key, (table, before))
            for key, (table, before) in first.items():
                if before is not None or table.get(key) is not None:
                    observer(key, before, table.get(key))

    def _commit(self) -> None:
        changed = {(table.name, key): table.get(key) for table, key, _ in self._undo}
        rows = [
            (name, key, json.dumps(body, ensure_ascii=False))
            for (name, key), body in changed.items()
            if body is not None
        ]
        if not changed or self._file is None:
            return
        self._file.execute("BEGIN IMMEDIATE")
        try:
            # A row that was deleted and put again is a new one: it stands last, in the file as in memory.
            self._file.executemany("DELETE FROM doc WHERE tab = ? AND key = ?", self._deleted & changed.keys())
            self._file.executemany(UPSERT, rows)
            self._file.execute("COMMIT")
        except BaseException:
            self._file.execute("ROLLBACK")
            raise

    def close(self) -> None:
        if self._file:
            self._file.close()


def _open(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    path.chmod(0o600)
    file = sqlite3.connect(path, isolation_level=None)
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("PRAGMA synchronous=NORMAL")  # survives kill -9 of the process; a power cut may cost the last effects
    file.execute("CREATE TABLE IF NOT EXISTS doc(tab TEXT, key TEXT, body TEXT, PRIMARY KEY(tab, key))")
    return file
