"""The book, the client's errors and addresses."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.client.address import parse_address
from console.client.book import Book, FeedGap
from console.client.connection import problem_of
from console.client.errors import (
    BadAnswer,
    ChangedMeanwhile,
    Conflict,
    DaemonFailed,
    Forbidden,
    Gone,
    InFlight,
    Invalid,
    NotFound,
    NotPossible,
    TooMany,
    Unauthorized,
    Unavailable,
)
from console.client.rows import BookRow, RowMaker
from console.schema.book import COLUMNS, FeedEvent, SnapshotHead
from console.schema.problem import FieldProblem, Problem


def _row(n: int, state: str = "running", version: int = 1, run_id: int = 1, **more: Any) -> list[Any]:
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    values |= {"order_id": f"o{n}", "number": f"{n:08d}", "sf": "Approved", "state": state, "strip": "", "tries": 0}
    values |= {"attempt": 0, "unknown": False, "updated": 1.0, "version": version, "run_id": run_id, **more}
    return [values[name] for name in COLUMNS]


def _event(seq: int, row: list[Any] | None = None, *, prev: int | None = None, epoch: int = 1) -> FeedEvent:
    order_id = row[0] if row else None
    return FeedEvent(
        seq=seq,
        prev=seq - 1 if prev is None else prev,
        epoch=epoch,
        at=float(seq),
        kind="run",
        order_id=order_id,
        row=row,
    )


def _book(*rows: list[Any], seq: int = 10) -> Book:
    book = Book()
    book.begin(SnapshotHead(seq=seq, epoch=1, at=0.0, total=len(rows), columns=list(COLUMNS)))
    book.put_all(rows)
    book.ready()
    book.take_dirty()
    return book


def test_applying_twice_is_harmless() -> None:
    book = _book(_row(1), _row(2))
    event = _event(11, _row(1, "failed", 2))
    assert book.apply(event)
    before = {row.order_id: row for row in book}
    assert not book.apply(event)
    assert {row.order_id: row for row in book} == before
    assert (book.counts["failed"], book.counts["running"], book.seq) == (1, 1, 11)
    assert book.take_dirty() == {"o1"}
    assert book.take_dirty() == set()


def test_an_act_is_news_of_its_order_also_where_the_row_is_the_same() -> None:
    book = _book(_row(1))
    book.take_dirty()
    note = _event(11, _row(1))
    assert book.apply(note) and book.take_dirty() == {"o1"} and book.acted == 10, "the snapshot may hold acts"
    begun = note.model_copy(update={"seq": 12, "prev": 11, "kind": "audit", "row": None})
    ended = begun.model_copy(update={"seq": 13, "prev": 12, "body": {"outcome": "done"}})
    assert book.apply(begun) and book.take_dirty() == {"o1"} and book.acted == 10
    assert book.apply(ended) and book.take_dirty() == {"o1"} and book.acted == 13
    assert list(book.recent) == [note], "what an act changed told of itself"


def test_a_gap_is_noticed() -> None:
    book = _book(_row(1))
    with pytest.raises(FeedGap, match="the book is at 10, the feed goes on after 11"):
        book.apply(_event(12))
    assert book.apply(_event(12, prev=10))  # pruned numbers in between are no gap


def test_an_event_that_was_read_before_the_snapshot_does_not_turn_an_order_back() -> None:
    book = _book(_row(1, "failed", 5))
    book.apply(_event(11, _row(1, "running", 4)))
    row = book.get("o1")
    assert row is not None
    assert row.state == "failed"
    book.apply(_event(12, _row(1, "queued", 1, run_id=2)))
    row = book.get("o1")
    assert row is not None
    assert row.state == "queued"


def test_a_new_snapshot_drops_what_is_gone_and_keeps_showing_until_it_is_whole() -> None:
    book = _book(_row(1), _row(2))
    book.begin(SnapshotHead(seq=20, epoch=1, at=0.0, total=1, columns=list(COLUMNS)))
    assert (len(book), book.complete) == (2, False)
    book.put_all([_row(2, "done", 3)])
    book.ready()
    assert [row.order_id for row in book] == ["o2"]
    assert book.take_dirty() == {"o1", "o2"}
    assert +book.counts == {"done": 1}
    assert book.by_number("1") is None
    assert book.by_number("0002") is not None


def test_a_newer_daemon_may_send_more_columns_in_another_order() -> None:
    columns = ["brand_new", *reversed(COLUMNS)]
    make = RowMaker(columns)
    row = make(["?", *reversed(_row(3))])
    assert (row.order_id, row.number) == ("o3", "00000003")
    with pytest.raises(ValueError, match="no state"):
        RowMaker([name for name in COLUMNS if name != "state"])


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["queued", "running", "failed", "done"])), max_size=40))
def test_any_run_of_events_ends_in_the_last_row_of_each_order(changes: list[tuple[int, str]]) -> None:
    book, expected = _book(seq=0), {}
    for seq, (n, state) in enumerate(changes, 1):
        row = _row(n, state, seq)
        book.apply(_event(seq, row))
        book.apply(_event(seq, row))
        expected[f"o{n}"] = BookRow(*row)
    assert {row.order_id: row for row in book} == expected
    assert sum(book.counts.values()) == len(book) == len(expected)


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "bad-filter", Invalid), (401, "unauthorized", Unauthorized), (403, "forbidden", Forbidden),
        (404, "not-found", NotFound), (409, "changed-meanwhile", ChangedMeanwhile), (409, "in-flight", InFlight),
        (409, "not-possible", NotPossible), (409, "conflict", Conflict), (410, "feed-gone", Gone), (413, "too-large", Invalid),
        (422, "invalid", Invalid), (429, "too-many-failures", TooMany), (500, "internal", DaemonFailed),
        (503, "system-down", Unavailable),
    ],
)  # fmt: skip
def test_each_problem_is_its_own_exception(status: int, kind: str, error: type[Exception]) -> None:
    document = Problem(
        type=f"urn:portal:problem:{kind}", title="T", status=status, detail="what is wrong",
        errors=[FieldProblem(field="reason", problem="it is missing", remedy="write why")],
    )  # fmt: skip
    raised = problem_of(status, document.model_dump_json().encode())
    assert type(raised) is error
    assert str(raised) == "what is wrong; reason: it is missing (write why)"


def test_another_servers_error_is_no_answer_of_ours() -> None:
    for content in (b"<html>nginx</html>", b"", b"[]", b'{"error": 1}'):
        assert isinstance(problem_of(502, content), BadAnswer)


def test_addresses() -> None:
    assert parse_address("unix:/run/portal.sock").shown == "/run/portal.sock"
    assert parse_address("/run/portal.sock").socket is not None
    assert parse_address("https://portal.example.jp/", token="t").shown == "https://portal.example.jp"
    assert "ptl_secret" not in repr(parse_address("https://portal.example.jp", token="ptl_secret"))
    assert parse_address("http://127.0.0.1:80").url
    for text, words in {
        "http://portal.example.jp": "use https",
        "https://u:p@x.jp": "user name or password",
        "portal.example.jp": "is no address",
        "ftp://x": "is no address",
        "": "is no address",
    }.items():
        with pytest.raises(ValueError, match=words):
            parse_address(text)


def test_the_client_is_light() -> None:
    """No screen, no server, no store, no integration is loaded with it."""
    code = (
        "import sys, console.client.api, console.client.feed, console.client.query; heavy = {'textual', 'fastapi',"
        " 'uvicorn', 'starlette', 'storage', 'integrations', 'sqlite_utils', 'aiohttp'};"
        " print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
