"""Finding an order by whatever a clerk types: folded names, numbers, phones in any spelling, and nonsense."""

from typing import Any

import pytest

from storage import orders
from storage.journal import Journal
from storage.orders import OrderRow, digits, fold


def row(order_id: str = "801A", **values: Any) -> OrderRow:
    given: dict[str, Any] = dict.fromkeys(OrderRow.__slots__)
    given |= {"order_id": order_id, "number": "00000107", "sf_status": "Approved", "read_at": 1.0}
    return OrderRow(**{**given, **values})


async def put(journal: Journal, *given: OrderRow) -> None:
    for one in given:
        await journal.write(lambda db, one=one: orders.put(db, one))  # type: ignore[misc]


def named(journal: Journal, text: str) -> list[str]:
    return journal.peek(lambda db: orders.by_name(db, text))


@pytest.mark.parametrize(
    "typed",
    [
        "髙橋 太郎", "髙橋　太郎", "太郎", "  髙橋  ", "太郎 髙橋", "光インターネット", "ホーム", "ﾎｰﾑ", "ﾎｰﾑ 1G", "１Ｇ", "c-004417", "Ｃ－００４４１７",
        "004417",
    ],
)  # fmt: skip
async def test_a_name_is_found_in_any_writing(journal: Journal, typed: str) -> None:
    await put(
        journal,
        row("801A", customer_name="髙橋 太郎", customer_number="C-004417", plan="光インターネット ホーム 1G"),
        row("801B", customer_name="Emma Müller", customer_number="C-009999", plan="VPN Basic"),
    )
    assert named(journal, typed) == ["801A"]


@pytest.mark.parametrize("typed", ["emma müller", "EMMA", "MÜLLER", "Mu\u0308ller", "müller emma", "vpn basic emma"])
async def test_latin_names_fold_too(journal: Journal, typed: str) -> None:
    await put(journal, row("801B", customer_name="Emma Müller", plan="VPN Basic"), row("801A", customer_name="Anna"))
    assert named(journal, typed) == ["801B"]


@pytest.mark.parametrize(
    "typed",
    [
        "", "   ", "%", "_", "100%", "a_c", "'", '"; DROP TABLE orders; --', "😀", "\x00", "\ud800", "髙" * 10_000, "😀" * 10_000, "%" * 10_000,
        "a " * 5_000, "\u202e",
    ],
)  # fmt: skip
async def test_nonsense_finds_nothing_and_breaks_nothing(journal: Journal, typed: str) -> None:
    await put(journal, row("801A", customer_name="abc 髙橋", plan="plan"))
    assert named(journal, typed) == []
    assert journal.peek(lambda db: orders.by_key(db, "customer", typed)) == []


async def test_patterns_are_taken_as_text(journal: Journal) -> None:
    await put(journal, row("801A", customer_name="100% Juice_Bar!"), row("801B", customer_name="100 JuiceXBar"))
    assert named(journal, "100%") == ["801A"]
    assert named(journal, "juice_bar") == ["801A"]
    assert named(journal, "bar!") == ["801A"]


@pytest.mark.parametrize(
    "spelling",
    [
        "090-1234-5678", "09012345678", "090 1234 5678", "(090) 1234-5678", "+81 90 1234 5678", "+81-90-1234-5678", "819012345678",
        "+81 (0)90-1234-5678", "０９０－１２３４－５６７８", "090.1234.5678", "tel: 090-1234-5678",
    ],
)  # fmt: skip
async def test_a_phone_is_found_in_any_spelling(journal: Journal, spelling: str) -> None:
    await put(journal, row("801A", phone="+81-90-1234-5678"), row("801B", phone="03-1234-5678"))
    assert digits(spelling) == "09012345678"
    assert journal.peek(lambda db: orders.by_key(db, "phone", digits(spelling))) == ["801A"]


@pytest.mark.parametrize("spelling", ["03-1234-5678", "+81 3 1234 5678", "81312345678", "+81 (0)3 1234 5678"])
def test_land_lines_too(spelling: str) -> None:
    assert digits(spelling) == "0312345678"


def test_foreign_numbers_are_left_as_they_are() -> None:
    assert digits("+49 30 901820") == "4930901820"
    assert digits("no number") == ""


async def test_what_find_looks_up_exactly(journal: Journal) -> None:
    await put(journal, row("801A", customer_number="C-004417", client_id="1010", email="Taro@Example.jp"))
    await journal.write(lambda db: orders.add_keys(db, "801A", [("iccid", "8981012345678901234"), ("whmcs", "55")]))
    for kind, value in [
        ("number", "107"), ("customer", "c-004417"), ("customer", "Ｃ-004417"), ("client", "1010"), ("email", "taro@example.jp"),
        ("iccid", "8981012345678901234"), ("whmcs", "55"),
    ]:  # fmt: skip
        assert journal.peek(lambda db, k=kind, v=value: orders.by_key(db, k, v)) == ["801A"], (kind, value)  # type: ignore[misc]
    assert journal.peek(lambda db: orders.by_key(db, "whmcs", "1010")) == []


async def test_of_many_orders_with_one_key_the_newest_come_first(journal: Journal) -> None:
    for n in (3, 1, 2):
        await put(journal, row(f"801{n}", number=f"0000010{n}", customer_number="C-004417"))
    assert journal.peek(lambda db: orders.by_key(db, "customer", "C-004417", 2)) == ["8013", "8012"]


async def test_a_later_reading_replaces_what_changed_and_keeps_what_it_does_not_know(journal: Journal) -> None:
    await put(journal, row(customer_name="Old", phone="090-1", email="a@example.jp", amount=5, sf_status="Approved"))
    await put(
        journal, row(customer_name="New", phone=None, email=None, amount=None, sf_status="Provisioning", read_at=2.0)
    )
    kept = journal.peek(lambda db: orders.get(db, "801A"))
    assert kept is not None
    assert (kept.customer_name, kept.phone, kept.email, kept.amount, kept.sf_status) == (
        "New", "090-1", "a@example.jp", None, "Provisioning",
    )  # fmt: skip
    assert named(journal, "new") == ["801A"] and named(journal, "old") == []


def test_folding_twice_changes_nothing() -> None:
    for text in ("ﾀﾅｶ　Taro", "Straße", "①②", "㈱テスト", "Ǆ"):
        assert fold(fold(text)) == fold(text)
