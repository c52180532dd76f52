"""Forms against what PHP 8.2 makes of them (facts/whmcs.md §3, measured there)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.sandbox.whmcs.phpform import Form, parse_pairs, parse_request, urlencoded

FORM = "application/x-www-form-urlencoded"


def read(body: str, query: str = "", content_type: str = FORM) -> Form:
    return parse_request(query, content_type, body.encode())


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("pid[0]=5&pid[1]=6", {"pid": {"0": "5", "1": "6"}}),
        ("pid[]=5&pid[]=6", {"pid": {"0": "5", "1": "6"}}),
        ("pid%5B0%5D=5&pid%5B1%5D=6", {"pid": {"0": "5", "1": "6"}}),
        ("pid=5&pid=6", {"pid": "6"}),
        ("pid=5,6", {"pid": "5,6"}),
        ("pid[1]=6&pid[0]=5", {"pid": {"1": "6", "0": "5"}}),
        ("a.b=1&c d=2", {"a_b": "1", "c_d": "2"}),
        ("pid[3]=5&pid[]=6&pid[x]=7", {"pid": {"3": "5", "4": "6", "x": "7"}}),
        ("pid[01]=5&pid[]=6", {"pid": {"01": "5", "0": "6"}}),
        ("a[b][c]=1&a[b][]=2", {"a": {"b": {"c": "1", "0": "2"}}}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=1&a=2", {"a": "2"}),
        ("a[b=1", {"a_b": "1"}),
        ("a[b]c=1", {"a": {"b": "1"}}),
        ("[a]=1&=2&&  x=3", {"x": "3"}),
        ("a&b=&c==", {"a": "", "b": "", "c": "="}),
        ("a=%E6%9D%B1+%26%3D", {"a": "東 &="}),
        ("a=%ff", {"a": "�"}),
    ],
)
def test_the_body_is_read_as_php_reads_it(body: str, wanted: Mapping[str, Any]) -> None:
    assert read(body) == wanted


def test_key_order_is_kept() -> None:
    pid = read("pid[1]=6&pid[0]=5")["pid"]
    assert isinstance(pid, dict)
    assert list(pid) == ["1", "0"]


def test_post_wins_over_query_and_arrays_are_merged() -> None:
    form = read("action=B&pid[0]=1", query="action=A&x=1&pid[1]=2")
    assert form == {"action": "B", "x": "1", "pid": {"1": "2", "0": "1"}}


def test_a_body_that_is_no_form_is_not_read() -> None:
    assert read('{"action": "AddOrder"}', query="a=1", content_type="application/json") == {"a": "1"}


def test_nesting_and_number_of_fields_are_limited() -> None:
    assert read("a" + "[x]" * 65 + "=1") == {}
    assert len(read("&".join(f"k{n}=1" for n in range(1200)))) == 1000


def http_build_query(form: Mapping[str, Any], prefix: str = "") -> str:
    """What PHP's http_build_query sends for ``form``."""
    parts = []
    for key, value in form.items():
        name = f"{prefix}[{key}]" if prefix else key
        parts.append(
            http_build_query(value, name) if isinstance(value, dict) else f"{quote_plus(name)}={quote_plus(value)}"
        )
    return "&".join(parts)


names = st.text("abcXYZ019_東", min_size=1, max_size=4)
leaves = st.text(st.characters(codec="utf-8"), max_size=12)
arrays = st.dictionaries(names, leaves, min_size=1, max_size=4)


@given(st.dictionaries(names, leaves | arrays | st.dictionaries(names, arrays, min_size=1, max_size=2), max_size=5))
def test_what_http_build_query_sends_comes_back(form: dict[str, Any]) -> None:
    assert parse_pairs(urlencoded(http_build_query(form).encode())) == form


@given(st.binary(max_size=200))
def test_no_body_breaks_the_parser(body: bytes) -> None:
    for content_type in (FORM, "multipart/form-data; boundary=x", "multipart/form-data", "", "text/plain; boundary"):
        parse_request("", content_type, body)
