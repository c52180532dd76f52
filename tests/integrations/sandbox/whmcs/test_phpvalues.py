"""PHP's casts and serialised fields (facts/whmcs.md §1.3, §4)."""

import base64
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sandbox.whmcs import phpvalues


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("1", True), ("false", True), ("False", True), ("0.0", True), ("0", False), ("", False), (None, False), ({}, False),
     ({"0": ""}, True)],
)  # fmt: skip
def test_truth_is_phps(value: phpvalues.Value, wanted: bool) -> None:
    assert phpvalues.truthy(value) is wanted


@pytest.mark.parametrize(
    ("value", "wanted"), [("12", 12), ("12abc", 12), (" -3", -3), ("abc", 0), ("", 7), (None, 7), ({"0": "1"}, 7)]
)
def test_numbers_are_cast(value: phpvalues.Value, wanted: int) -> None:
    assert phpvalues.integer(value, 7) == wanted


@pytest.mark.parametrize(
    ("packed", "wanted"),
    [
        ("YToxOntpOjE7czo2OiJHb29nbGUiO30=", {1: "Google"}),
        ("YToyOntpOjEyO3M6NzoiQy0wMDA0MiI7aTo3O3M6MDoiIjt9", {12: "C-00042", 7: ""}),
        ("YToxOntpOjE7aTo5OTk7fQ==", {1: 999}),
        ("YToxOntpOjE7czoxNToiWm/DqyDigJMg5p2x5LqsIjt9", {1: "Zoë – 東京"}),
        ("YToxOntpOjk7YToyOntzOjg6Im9wdGlvbmlkIjtpOjM7czozOiJxdHkiO2k6Mjt9fQ==", {9: {"optionid": 3, "qty": 2}}),
    ],
)
def test_the_documented_encodings_are_read(packed: str, wanted: object) -> None:
    assert phpvalues.serialised(packed) == wanted


@pytest.mark.parametrize("text", ['a:1:{i:1;s:99:"x";}', 'O:8:"stdClass":0:{}', "i:5;", "", "\xff"])
def test_what_php_cannot_unserialise_is_passed_over(text: str) -> None:
    assert phpvalues.serialised(base64.b64encode(text.encode()).decode()) == {}
    assert phpvalues.serialised("%%%") == {}
    assert phpvalues.serialised({"0": "array"}) == {}


@given(st.binary(max_size=60))
def test_nothing_breaks_the_reader(raw: bytes) -> None:
    phpvalues.serialised(base64.b64encode(raw).decode())


def test_names_are_no_ids() -> None:
    packed = base64.b64encode(b'a:2:{s:5:"ICCID";s:1:"x";s:1:"7";s:1:"y";}').decode()
    assert phpvalues.serialised(packed) == {7: "y"}


def test_decimals() -> None:
    assert phpvalues.decimal("12.50") == Decimal("12.50")
    assert phpvalues.decimal("NaN") is None
    assert phpvalues.decimal("x") is None
    assert phpvalues.decimal(None) is None
