"""Every spelling of a value and of a list that installs are known to send (facts/whmcs.md §5)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.whmcs import values


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (1, "1"), ("1", "1"), (" 1 ", "1"), ("", None), (None, None), (7858259149, "7858259149"), (Decimal("1.0"), "1"),
    ],
)  # fmt: skip
def test_ids(sent: Any, read: str | None) -> None:
    assert values.identifier(sent) == read


@pytest.mark.parametrize("sent", [True, [], {}, Decimal("1.5")])
def test_what_is_no_id_is_not_taken_for_none(sent: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        values.identifier(sent)


@pytest.mark.parametrize(("sent", "read"), [(3, 3), ("3", 3), ("-1", -1), ("", None), (None, None), ("007", 7), (0, 0)])
def test_whole_numbers(sent: Any, read: int | None) -> None:
    assert values.whole(sent) == read


@pytest.mark.parametrize("sent", ["3 items", "1e3", True, [1], "9" * 30])
def test_what_is_no_whole_number_is_not_taken_for_none(sent: Any) -> None:
    with pytest.raises(ValueError, match=r"whole number|expected"):
        values.whole(sent)


@pytest.mark.parametrize(
    ("sent", "read"), [("1,2", ("1", "2")), (5, ("5",)), ("", ()), (None, ()), ([1, "2"], ("1", "2"))]
)
def test_lists_of_ids(sent: Any, read: tuple[str, ...]) -> None:
    assert values.identifiers(sent) == read


@pytest.mark.parametrize("sent", [True, 1, "1", "on", "yes", "true", "TRUE"])
def test_true(sent: Any) -> None:
    assert values.truth(sent) is True


@pytest.mark.parametrize("sent", [False, 0, "0", "off", "no", "false", "", None])
def test_false(sent: Any) -> None:
    assert values.truth(sent) is False


def test_neither_true_nor_false() -> None:
    with pytest.raises(ValueError, match="neither"):
        values.truth("maybe")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("15.95", "15.95"), (15, "15"), (Decimal("15.95"), "15.95"), ("$-8.67 USD", "-8.67"), ("-$8.67", "-8.67"),
        ("−8.67", "-8.67"), ("¥1,234 JPY", "1234"), ("￥１，２３４", "1234"), ("1.234,56 €", "1234.56"),
        ("1,234.56", "1234.56"), ("1,234,567", "1234567"), ("1.234.567", "1234567"), ("12,5", "12.5"),
        ("0.000", "0.000"), ("CHF 1'234.50", "1234.50"), ("1 234,56 kr", "1234.56"), ("Rs.50", "50"),
        ("&yen;980", "980"), ("0.00", "0.00"),
    ],
)  # fmt: skip
def test_money(sent: Any, read: str) -> None:
    assert values.money(sent) == Decimal(read)


@pytest.mark.parametrize("sent", ["", None, "  "])
def test_no_money(sent: Any) -> None:
    assert values.money(sent) is None


@pytest.mark.parametrize(
    "sent", ["free", "1.2.3", "1,2.3,4", "1 + 1", "4111 1111 1111 1111", ".50", True, [], {}, "1/2", 1.5]
)
def test_what_is_no_amount_is_not_taken_for_none(sent: Any) -> None:
    with pytest.raises(ValueError, match="amount"):
        values.money(sent)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2), st.sampled_from(["", "$", "¥", "Rs. "]))
def test_every_currency_format_reads_back(amount: Decimal, prefix: str) -> None:
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    for number in (f"{amount:.2f}", english, german):
        assert values.money(f"{prefix}{number} X") == amount


@pytest.mark.parametrize("sent", ["", None, "0000-00-00", "0000-00-00 00:00:00", [], {}])
def test_unset_dates(sent: Any) -> None:
    assert values.date_text(sent) is None


@pytest.mark.parametrize("sent", ["2020-09-23", "2020-09-23 13:59:35", "17/05/2019 10:01"])
def test_dates_stay_as_they_are_written(sent: str) -> None:
    assert values.date_text(sent) == sent


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("One Time", "onetime"), ("One-Time", "onetime"), ("Semi-Annually", "semiannually"), ("Monthly", "monthly"),
        ("Free Account", "free"), ("", ""), (None, ""),
    ],
)  # fmt: skip
def test_cycles_in_the_spelling_of_add_order(sent: Any, read: str) -> None:
    assert values.cycle(sent) == read


def test_entities_are_decoded_once() -> None:
    assert values.display_text("Tom &amp; J&#039;s &quot;Caf&eacute;&quot; &amp;lt;") == 'Tom & J\'s "Café" &lt;'
    assert values.display_text("R&D&copy &;") == "R&D&copy &;"


@given(st.text(alphabet="ABCxyz019:_.-", max_size=60))
def test_a_marker_survives_decoding(marker: str) -> None:
    assert values.display_text(marker) == marker


ROW = {"id": "1"}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"order": [ROW, ROW]}, [ROW, ROW]),
        ({"order": ROW}, [ROW]),
        ({"order": {"0": ROW, "10": {"id": "3"}, "9": {"id": "2"}}}, [ROW, {"id": "2"}, {"id": "3"}]),
        ({"0": ROW}, [ROW]),
        ([ROW], [ROW]),
        (ROW, [ROW]),
        ({"order": []}, []),
        ({"order": ""}, []),
        ({"order": {}}, []),
        ("", []),
        ([], []),
        ({}, []),
        (None, None),
        ({"order": None}, None),
    ],
)
def test_list_envelopes(sent: Any, read: Any) -> None:
    assert values.rows(sent, "order") == read


@pytest.mark.parametrize(
    "sent", ["none", 0, False, [1], ["", ROW], {"order": "x"}, {"other": [ROW]}, {"order": [None]}]
)
def test_what_is_no_list_is_not_taken_for_an_empty_one(sent: Any) -> None:
    with pytest.raises(ValueError, match="not a list of rows"):
        values.rows(sent, "order")
