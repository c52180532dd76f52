"""What ``portal orders watch`` prints at first: what is open, what was asked for, and what ended since it began."""

import io
import json
from types import SimpleNamespace
from typing import Any, cast

from console.cli.order_watch import _Watch
from console.cli.output import Form, Output
from console.client.book import Book
from console.client.query import parse
from console.schema.book import COLUMNS, SnapshotHead


def row(n: int, state: str, updated: float) -> list[Any]:
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    values |= {"order_id": f"o{n}", "number": f"{n:08d}", "sf": "Approved", "state": state, "strip": "", "tries": 0}
    values |= {"attempt": 0, "unknown": False, "updated": updated, "version": 1, "run_id": n}
    return [values[name] for name in COLUMNS]


def test_an_order_that_ends_between_the_first_list_and_the_book_is_told() -> None:
    out = io.StringIO()
    desk = cast("Any", SimpleNamespace(output=Output(Form.JSON, out, out)))
    rows = [row(1, "done", 50.0), row(2, "running", 50.0), row(3, "done", 120.0), row(4, "done", 50.0)]
    book = Book()
    book.begin(SnapshotHead(seq=1, epoch=1, at=0.0, total=len(rows), columns=list(COLUMNS)))
    book.put_all(rows)
    book.ready()
    _Watch(desk, {"o4"}, parse(""), since=100.0).take(book)
    told = [json.loads(line)["number"] for line in out.getvalue().splitlines()]
    assert sorted(told) == ["00000002", "00000003", "00000004"]
