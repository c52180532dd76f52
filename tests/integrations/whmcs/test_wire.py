"""Encodings against a PHP form parser written for the tests, against PHP's measured bytes, and against phpserialize."""

import base64
from decimal import Decimal
from typing import Any

import phpserialize
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.whmcs.wire import MAX_VARIABLES, encode_form, php_map
from tests.integrations.whmcs.php import as_list, is_true, parse_str

quick = settings(max_examples=30)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = st.one_of(texts, st.integers(), st.booleans(), st.none(), st.decimals(allow_nan=False, allow_infinity=False))


def php_text(value: Any) -> str | None:
    """What PHP must see of one value; None for a key that must be absent."""
    if value is None or value is False:
        return None
    return "1" if value is True else format(value, "f") if isinstance(value, Decimal) else str(value)


@quick
@given(st.dictionaries(names, scalars, max_size=8))
def test_scalars_arrive_as_text_and_false_is_absent(params: dict[str, Any]) -> None:
    wanted = {key: text for key, value in params.items() if (text := php_text(value)) is not None}
    assert parse_str(encode_form(params)) == wanted


@quick
@given(st.dictionaries(names, st.lists(scalars, min_size=1, max_size=6), max_size=5))
def test_lists_arrive_as_php_lists_with_their_positions(params: dict[str, Any]) -> None:
    seen = parse_str(encode_form(params))
    assert seen.keys() == params.keys()
    for key, values in params.items():
        assert as_list(seen[key]) == [php_text(value) or "" for value in values]


@quick
@given(names, st.dictionaries(st.integers(min_value=0, max_value=10**9), texts, min_size=1, max_size=5))
def test_mappings_arrive_as_php_maps(name: str, values: dict[int, str]) -> None:
    assert parse_str(encode_form({name: values})) == {name: {str(key): value for key, value in values.items()}}


@quick
@given(st.booleans())
def test_a_boolean_is_true_in_php_exactly_when_it_is_true_here(value: bool) -> None:
    assert is_true(parse_str(encode_form({"noemail": value})).get("noemail")) is value


def test_the_documented_add_order_arrays_are_encoded_as_php_does() -> None:
    encoded = encode_form({"pid": [1, 1], "dnsmanagement": ["0", "1"]})
    assert encoded == b"pid%5B0%5D=1&pid%5B1%5D=1&dnsmanagement%5B0%5D=0&dnsmanagement%5B1%5D=1"


@pytest.mark.parametrize("name", ["a.b", "a b", "", "a[0]", "a=b", "ä"])
def test_names_that_php_would_rewrite_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="PHP would rewrite"):
        encode_form({name: "1"})
    with pytest.raises(ValueError, match="PHP would rewrite"):
        encode_form({"map": {name: "1"}})


def test_more_variables_than_php_reads_are_refused() -> None:
    encode_form({"pid": [1] * MAX_VARIABLES})
    with pytest.raises(ValueError, match="drops the rest"):
        encode_form({"pid": [1] * (MAX_VARIABLES + 1)})


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode_form({"notes": "\udce9"})
    with pytest.raises(UnicodeEncodeError):
        php_map({1: "\udce9"})


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError):
        encode_form({"amount": 1.5})  # type: ignore[dict-item]


# measured with PHP 8.2 (facts/whmcs.md §4)
@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({1: "Google"}, "YToxOntpOjE7czo2OiJHb29nbGUiO30="),
        ({12: "C-00042", 7: ""}, "YToyOntpOjEyO3M6NzoiQy0wMDA0MiI7aTo3O3M6MDoiIjt9"),
        ({1: 999}, "YToxOntpOjE7aTo5OTk7fQ=="),
        ({1: "Zoë – 東京"}, "YToxOntpOjE7czoxNToiWm/DqyDigJMg5p2x5LqsIjt9"),
        (
            {9: {"optionid": 3, "qty": 2}},
            "YToxOntpOjk7YToyOntzOjg6Im9wdGlvbmlkIjtpOjM7czozOiJxdHkiO2k6Mjt9fQ==",
        ),
    ],
)
def test_serialised_maps_are_byte_identical_to_php(values: dict[int, Any], wanted: str) -> None:
    assert php_map(values) == wanted


fields = st.dictionaries(
    st.integers(min_value=0, max_value=2**31),
    st.one_of(texts, st.integers(-(2**31), 2**31), st.dictionaries(names, st.one_of(texts, st.integers(0, 99)))),
    max_size=6,
)


@quick
@given(fields)
def test_serialised_maps_survive_the_form_and_unserialise_to_the_same(values: dict[int, Any]) -> None:
    seen = parse_str(encode_form({"customfields": [php_map(values)]}))["customfields"]["0"]
    assert phpserialize.loads(base64.b64decode(seen, validate=True), decode_strings=True) == values


@pytest.mark.parametrize("values", [{"1": "a"}, {True: "a"}, {1: 1.0}, {1: True}, {1: None}, {1: {"a": False}}])
def test_what_php_would_read_otherwise_is_not_serialised(values: Any) -> None:
    with pytest.raises(TypeError):
        php_map(values)
