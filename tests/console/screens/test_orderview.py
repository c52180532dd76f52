"""The view kept up to date change by change shows what a fresh look at all orders would."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from console.client.book import Book
from console.client.query import parse, parse_sort
from console.schema.book import COLUMNS, SnapshotHead
from console.screens.orderview import OrderView

NOW = 10_000.0
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 12), st.sampled_from(["queued", "failed", "parked", "done"]), st.none() | st.integers(1, 5),
        st.floats(1, 9000, allow_nan=False), st.none() | st.sampled_from(["mira", "sato"]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


def row(number: int, state: str, amount: int | None, updated: float, owner: str | None, version: int) -> list[Any]:
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    values |= {
        "order_id": f"id{number:02d}", "number": f"{number:08d}", "sf": "Provisioning", "run_id": 1, "version": version, "state": state,
        "strip": ".......", "tries": 1, "attempt": 1, "unknown": False, "created": 1.0, "updated": updated, "amount": amount,
        "owner": owner, "owner_until": NOW + 10 if owner else None,
    }  # fmt: skip
    return [values[name] for name in COLUMNS]


def fresh(book: Book, text: str, sort: str) -> list[str]:
    query = parse(text, me="mira")
    matches = query.predicate(NOW)
    return [found.order_id for found in parse_sort(sort).sorted(one for one in book if matches(one))]


@settings(max_examples=60, deadline=None)
@given(
    CHANGES,
    st.sampled_from(["", "state:failed,parked", "-state:done", "age>5m owner:@me", "amount>=2", "updated<2h"]),
    st.sampled_from(["-updated", "updated", "amount", "-amount", "number", "state", "-owner"]),
    st.integers(1, 7),
)
def test_small_steps_lead_where_a_fresh_look_leads(changes: list[Any], text: str, sort: str, step: int) -> None:
    book = Book()
    book.begin(SnapshotHead(seq=1, epoch=1, at=NOW, total=0, columns=list(COLUMNS)))
    book.put_all(row(n, "queued", None, 1.0, None, 0) for n in range(60))
    book.ready()
    book.take_dirty()
    view = OrderView(book, parse(text, me="mira"), parse_sort(sort), lambda: NOW)
    for at in range(0, len(changes), step):
        book.put_all(
            row(n, state, yen, updated, owner, at + i + 1)
            for i, (n, state, yen, updated, owner) in enumerate(changes[at : at + step])
        )
        before = list(view.keys)
        moved = view.update(book.take_dirty())
        assert moved or list(view.keys) == before
        assert list(view.keys) == fresh(book, text, sort)
    for place, key in enumerate(view.keys):
        assert view.keys.index(key) == place
        assert key in view.keys


def test_a_filter_on_time_lets_orders_go_as_time_passes() -> None:
    book = Book()
    book.begin(SnapshotHead(seq=1, epoch=1, at=0, total=0, columns=list(COLUMNS)))
    book.put_all([row(1, "failed", None, 100.0, None, 1), row(2, "failed", None, 900.0, None, 1)])
    book.ready()
    time = [1000.0]
    view = OrderView(book, parse("updated<10m"), parse_sort("-updated"), lambda: time[0])
    assert list(view.keys) == ["id02"]
    time[0] = 2000.0
    assert view.sweep()
    assert list(view.keys) == []
