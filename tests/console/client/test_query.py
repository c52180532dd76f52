"""The filter grammar: what it reads, how it tells mistakes, and that SQL and predicate agree."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.client.query import Query, QueryError, complete, parse, parse_sort
from console.client.query_words import FIELDS, KINDS, STATES, STATUSES, SYSTEMS, WAITS
from console.client.rows import BookRow
from console.schema.book import STEPS
from storage import book, desk, orders
from storage.journal import Journal
from tests.console.client.journal_rows import put_order, take

NOW = 100_000.0


@pytest.mark.parametrize(
    ("text", "start", "end", "nearest"),
    [
        ("stat:failed", 0, 4, "state"),
        ("state:faild", 6, 11, "failed"),
        ("age>2h colour:red", 7, 13, ""),
        ("kind:vpm", 5, 8, "vpn"),
        ("age:2h", 4, 6, ""),
        ("age>2x", 4, 6, ""),
        ("try>=many", 5, 9, ""),
        ("state>failed", 6, 12, "failed"),
        ('cause:"no profile', 6, 17, ""),
        ("state:", 6, 7, ""),
        ("state:failed,", 13, 14, ""),
        ("x -", 2, 3, ""),
        ("sf:pendin", 3, 9, "pending review"),
        ("state:failed |", 13, 14, ""),
        ("| state:failed", 0, 1, ""),
        ("a | | b", 4, 5, ""),
    ],
)
def test_mistakes_are_told_at_their_token(text: str, start: int, end: int, nearest: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.start == start
    if text != "state>failed":
        assert (caught.value.end, caught.value.nearest) == (end, nearest)
    assert caught.value.message


def test_monsters_are_refused_in_words() -> None:
    with pytest.raises(QueryError, match="at most 1000 characters"):
        parse("あ" * 10_000)
    with pytest.raises(QueryError, match="at most 50 terms"):
        parse("x " * 400)
    assert parse("😀 'or 1=1 --").beyond == ("😀", "'or", "1=1", "--")


def test_full_width_signs_and_spaces_are_read() -> None:
    query = parse("ｓｔａｔｅ：ｆａｉｌｅｄ　ｔｒｙ＞＝３")
    assert [(t.field.name if t.field else None, t.operator) for t in query.terms] == [("state", ":"), ("try", ">=")]
    assert query.beyond == ()


def test_what_the_book_cannot_answer_is_named() -> None:
    assert parse('state:failed 田中 customer:"abc" kind:vpn').beyond == ("田中", 'customer:"abc"')
    with pytest.raises(ValueError, match="田中"):
        parse("田中").predicate(NOW)


def test_a_bar_that_stands_alone_parts_alternatives() -> None:
    query = parse("owner:@me ｜ state:parked until<12h | a|b")
    assert [[t.field.name if t.field else t.values[0].text for t in group] for group in query.groups] == [
        ["owner"], ["state", "until"], ["a|b"],
    ]  # fmt: skip
    assert query.beyond == ("a|b",)


def test_sorting_by_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(QueryError) as caught:
        parse_sort("-updatd")
    assert caught.value.nearest == "updated"


def test_completion_offers_fields_and_values() -> None:
    assert [c.insert for c in complete("st", 2)] == ["state:", "step:"]
    found = complete("state:failed,re", 15)
    assert [(c.start, c.insert) for c in found] == [(13, "retrying")]
    assert '"pending review"' in [c.insert for c in complete("sf:", 3)]
    assert complete("nosuch:", 7) == []


# SQL and predicate agree ----------------------------------------------------------------------------------------------

_orders = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["SIM", "eSIM", "Internet", "VPN", "eSIM+SIM", None]),
        "plan": st.sampled_from(["SIM 20GB", "ｅＳＩＭ　Travel", "Internet 10G", None]),
        "amount": st.sampled_from([0, 2178, 54450, None]),
        "sf_status": st.sampled_from(["Approved", "Provisioning", "Failed", "Pending Review", "Activated"]),
        "customer_number": st.sampled_from(["C-004417", "c-004418", None]),
    }
)
_runs = st.none() | st.fixed_dictionaries(
    {
        "state": st.sampled_from([s for s in STATES if s != "none"]),
        "wait": st.sampled_from([None, *WAITS]),
        "wait_reason": st.sampled_from([None, "not there; looking once more", "until STOCK"]),
        "wait_until": st.sampled_from([None, NOW - 5, NOW + 3600, NOW + 100_000]),
        "condition": st.sampled_from(
            [None, {"kind": "stock", "argument": "TRAVEL-5G"}, {"kind": "up", "argument": "whmcs"}]
        ),
        "step": st.sampled_from([None, "esim", "billing"]),
        "error_step": st.sampled_from([None, "esim", "crm"]),
        "tries": st.integers(0, 4),
        "attempt": st.integers(0, 2),
        "error_class": st.sampled_from([None, "capacity", "data"]),
        "error_system": st.sampled_from([None, "whmcs", "esim"]),
        "error_code": st.sampled_from([None, "8.2.5/3.7", "stock_empty"]),
        "error_message": st.sampled_from([None, "No more Profile", "在庫なし"]),
        "fingerprint": st.sampled_from([None, "a1b2c3d4e5f6"]),
        "unknown_open": st.sampled_from([0, 1]),
        "created_at": st.sampled_from([NOW - 10, NOW - 7200, NOW - 86400]),
        "updated_at": st.sampled_from([NOW - 5, NOW - 3600, NOW - 90000]),
    }
)
_takes = st.none() | st.tuples(st.sampled_from(["mira", "佐藤"]), st.sampled_from([NOW - 1, NOW + 3600]))
_worlds = st.lists(st.tuples(_orders, _runs, _takes), min_size=1, max_size=8)


def _words(name: str, words: tuple[str, ...]) -> st.SearchStrategy[str]:
    values = st.lists(st.sampled_from(words), min_size=1, max_size=3, unique=True)
    return values.map(lambda chosen: f"{name}:" + ",".join(f'"{w}"' if " " in w else w for w in chosen))


_COMPARES = st.sampled_from([">", ">=", "<", "<="])
_terms = st.one_of(
    _words("state", (*STATES, "open")),
    _words("wait", WAITS),
    _words("step", STEPS),
    _words("sf", STATUSES),
    _words("kind", KINDS),
    _words("class", ("capacity", "data", "config")),
    _words("system", SYSTEMS),
    _words("mail", ("none", "sent")),
    _words("unknown", ("yes", "no")),
    _words("owner", ("@me", "@none", "佐藤", "nobody")),
    _words("account", ("C-004417", "ｃ-004418")),
    _words("number", ("1", "0003", "00000002")),
    _words("plan", ("esim", "20gb", "10G")),
    _words("cause", ("no more", "8.2.5", "a1b2c3d4e5f6", "在庫", "looking once")),
    _words("parked", ("stock", "travel-5g", "up(")),
    st.tuples(
        st.sampled_from(["age", "updated", "until", "parked"]), _COMPARES, st.sampled_from(["6s", "59m", "2h", "1d"])
    ).map("".join),
    st.tuples(
        st.sampled_from(["amount", "try", "attempt"]), _COMPARES | st.just(":"), st.sampled_from(["0", "2", "2178"])
    ).map("".join),
)
_group = st.lists(st.tuples(st.sampled_from(["", "-"]), _terms).map("".join), min_size=1, max_size=4).map(" ".join)
_filters = st.lists(_group, min_size=1, max_size=3).map(" | ".join)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    opened = Journal.open(tmp_path_factory.mktemp("query") / "journal.db")
    yield opened
    opened.close()


def _fill(db: sqlite3.Connection, world: list[tuple[dict[str, Any], dict[str, Any] | None, Any]]) -> list[BookRow]:
    for table in ("orders", "order_keys", "runs", "steps", "takes"):
        db.execute(f"DELETE FROM {table}")
    for n, (order, run, taken) in enumerate(world, 1):
        order_id = put_order(db, n, order, run)
        if taken is not None:
            take(db, order_id, taken[0], NOW - 50_000, taken[1])
    return [BookRow(*row) for row in book.after(db, "", 1000)]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=_worlds, text=_filters)
def test_sql_and_predicate_agree(journal: Journal, world: Any, text: str) -> None:
    query = parse(text, me="mira")
    db = journal._connection  # the writer's thread is idle in this test
    db.execute("BEGIN")
    try:
        rows = _fill(db, world)
        where, bound = query.where(NOW)
        by_sql = set(orders.select_ids(db, where, bound, "o.order_id", 1000, 0))
        assert orders.count(db, where, bound) == len(by_sql)
        by_predicate = {row.order_id for row in rows if query.matches(row, NOW)}
        assert by_sql == by_predicate, text
        assert query.select(rows, NOW) == [row for row in rows if row.order_id in by_predicate], text
    finally:
        db.execute("ROLLBACK")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    world=_worlds,
    name=st.sampled_from(
        ["number", "account", "kind", "plan", "amount", "sf", "state", "step", "try", "class", "age", "until"]
    ),
    sign=st.sampled_from(["", "-"]),
)
def test_sorting_in_sql_and_in_the_book_agree(journal: Journal, world: Any, name: str, sign: str) -> None:
    sort = parse_sort(sign + name)
    db = journal._connection
    db.execute("BEGIN")
    try:
        rows = _fill(db, world)
        assert orders.select_ids(db, "1", [], sort.order_by, 100, 0) == [row.order_id for row in sort.sorted(rows)]
    finally:
        db.execute("ROLLBACK")


def _answer(journal: Journal, query: Query) -> list[str]:
    where, bound = query.where(NOW)
    return journal.peek(lambda db: orders.select_ids(db, where, bound, "o.number", 10, 0))


async def test_fields_beyond_the_book_are_answered_by_sql(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    try:
        wanted = await journal.write(lambda db: put_order(db, 7, {"customer_name": "ＴＡＮＡＫＡ　Hanako"}, None))
        await journal.write(lambda db: put_order(db, 8, {"customer_name": "Emily Clark"}, None))
        await journal.write(
            lambda db: orders.add_keys(db, wanted, [("iccid", "8981100000000000398"), ("whmcs", "2291")])
        )
        for text in (
            "customer:tanaka", 'customer:"tanaka hanako"', "tanaka", "iccid:8981100000000000398", "id:2291", "id:4007", f"id:{wanted}",
            f"id:{wanted[:15]}", "id:7", "7",
        ):  # fmt: skip
            query = parse(text)
            assert _answer(journal, query) == [wanted], text
            assert query.beyond
        await journal.write(lambda db: desk.add_note(db, wanted, NOW - 7200, "mira", "called"))
        assert _answer(journal, parse("noted<3h")) == [wanted]
        assert _answer(journal, parse("noted<1h")) == []
        assert len(_answer(journal, parse("-noted<1h"))) == 2
    finally:
        journal.close()


def test_every_field_has_help() -> None:
    assert all(field.help for field in FIELDS.values())
