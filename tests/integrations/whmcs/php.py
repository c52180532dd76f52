"""How PHP reads a form body, written for these tests and independent of the product: the oracle of the wire tests."""

import re
from typing import Any
from urllib.parse import unquote_plus

_BRACKETS = re.compile(r"\[([^\]]*)\]")


def parse_str(body: bytes) -> dict[str, Any]:
    """``parse_str``: brackets make arrays (kept as dicts in order), a repeated key keeps its last value."""
    form: dict[str, Any] = {}
    for pair in body.decode("ascii").split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        _put(form, unquote_plus(name), unquote_plus(value))
    return form


def _put(form: dict[str, Any], name: str, value: str) -> None:
    head, bracket, _ = name.partition("[")
    path = [re.sub(r"[ .]", "_", head.lstrip(" "))]
    if bracket:
        path += _BRACKETS.findall(name[len(head) :])
    where = form
    for key in path[:-1]:
        if not isinstance(where.get(key), dict):
            where[key] = {}
        where = where[key]
    last = path[-1]
    if last == "" and len(path) > 1:
        last = str(max((int(key) for key in where if key.isdigit()), default=-1) + 1)
    where[last] = value


def as_list(array: dict[str, str]) -> list[str]:
    """The array as a list, if PHP would call it one (keys 0, 1, 2 … in this order)."""
    assert list(array) == [str(index) for index in range(len(array))]
    return list(array.values())


def is_true(value: str | None) -> bool:
    """PHP's ``(bool)`` of a request parameter."""
    return value not in (None, "", "0")
