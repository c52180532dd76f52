"""Forms as PHP reads them: the ``$_REQUEST`` of an API call (rules measured against PHP 8.2, facts/whmcs.md §3).

A form is a map from name to text or to a nested map. PHP's arrays are maps here too: their keys stay text, because only
canonical decimal numbers become integer keys in PHP, so that the text tells both kinds apart.
"""

import re
from collections.abc import Iterable, Mapping
from email import message_from_bytes, policy
from urllib.parse import unquote_to_bytes

Form = dict[str, "str | Form"]

MAX_NESTING = 64  # max_input_nesting_level
MAX_FIELDS = 1000  # max_input_vars
_INTEGER_KEY = re.compile(r"0|-?[1-9][0-9]*")
_NOT_IN_NAMES = str.maketrans(" .[", "___")


def parse_request(query: str, content_type: str, body: bytes) -> Form:
    """``$_REQUEST``: query and body, POST winning; a body that is neither urlencoded nor multipart is not read."""
    form = parse_pairs(urlencoded(query.encode()))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        merge(form, parse_pairs(urlencoded(body)))
    elif kind == "multipart/form-data":
        merge(form, parse_pairs(multipart(content_type, body)))
    return form


def urlencoded(text: bytes) -> list[tuple[str, str]]:
    """Name and value of each ``&``-separated part; a part without ``=`` has the value ''."""
    pairs = []
    for part in text.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((_decoded(name), _decoded(value)))
    return pairs


def multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The text fields of a multipart body; uploaded files go to ``$_FILES`` and are left out."""
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = message_from_bytes(head + body, policy=policy.HTTP)
    pairs = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            payload = part.get_payload(decode=True)
            pairs.append((name, payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""))
    return pairs


def parse_pairs(pairs: Iterable[tuple[str, str]]) -> Form:
    """Register each pair as PHP does: brackets make arrays, a plain name that comes again wins over the first."""
    form: Form = {}
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_FIELDS:
            break
        keys = _keys(name)
        if keys:
            _register(form, keys, value)
    return form


def merge(into: Form, other: Mapping[str, "str | Form"]) -> None:
    """Lay ``other`` over ``into``; arrays on both sides are merged key by key."""
    for key, value in other.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            merge(present, value)
        else:
            into[key] = value


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "replace")


def _keys(name: str) -> list[str | None]:
    """``a.b[x][]`` → ["a_b", "x", None]; an unclosed bracket is part of the name; empty when PHP drops the field."""
    name = name.lstrip(" ")
    base, bracket, rest = name.partition("[")
    base = base.translate(_NOT_IN_NAMES)
    if not base:
        return []
    keys: list[str | None] = [base]
    while bracket:
        inner = rest.lstrip(" \t\r\n\v\f") if rest[:1].isspace() else rest
        if inner.startswith("]"):
            keys.append(None)
            rest = inner[1:]
        else:
            key, closed, after = rest.partition("]")
            if not closed:
                return _unclosed(keys, rest)
            keys.append(key)
            rest = after
        if len(keys) > MAX_NESTING + 1:
            return []
        bracket = rest[:1] if rest.startswith("[") else ""
        rest = rest[1:]
    return keys


def _unclosed(keys: list[str | None], rest: str) -> list[str | None]:
    """``a[b`` is the name ``a_b``; behind a closed bracket PHP loses what follows."""
    return [f"{keys[0]}_{rest}".translate(_NOT_IN_NAMES)] if len(keys) == 1 else keys


def _register(form: Form, keys: list[str | None], value: str) -> None:
    place = form
    for key in keys[:-1]:
        name = _next_index(place) if key is None else key
        inner = place.get(name)
        if not isinstance(inner, dict):
            inner = {}
            place[name] = inner
        place = inner
    last = keys[-1]
    place[_next_index(place) if last is None else last] = value


def _next_index(array: Form) -> str:
    return str(max((int(key) for key in array if _INTEGER_KEY.fullmatch(key)), default=-1) + 1)
