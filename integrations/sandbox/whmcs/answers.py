"""API answers on the wire: errors, list envelopes, and the typing drift between installs (facts/whmcs.md §2, §5)."""

import html
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.whmcs.switches import EmptyLists, Switches

Answer = dict[str, Any]

UNSET_DATE = "0000-00-00"
UNSET_TIME = "0000-00-00 00:00:00"


class ApiError(Exception):
    """A refusal in WHMCS's words: business errors are HTTP 200."""

    def __init__(self, message: str, status: int = 200, key: str = "result") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.key = key


class Html(str):
    """Text that WHMCS itself writes as HTML or as an address: never encoded again."""

    __slots__ = ()


@dataclass(frozen=True)
class Rows:
    """A list inside its envelope: ``{"<key>": [row, …]}``."""

    key: str
    rows: Sequence[Answer]


def render(answer: Answer, action: str, switches: Switches, draw: random.Random) -> bytes:
    """The success answer as JSON; Python integers are database numbers and follow ``switches.types``."""
    first = "status" if action in switches.status_key else "result"
    whole = {first: "success", **answer}
    return to_json(_Shaping(switches, draw).mapping(whole))


def render_error(error: ApiError) -> bytes:
    return to_json({error.key: "error", "message": error.message})


def to_json(value: Any) -> bytes:
    r"""PHP's json_encode: ASCII, without spaces, ``/`` as ``\/`` (a slash stands in JSON only inside of strings)."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


class _Shaping:
    """Rewrites one answer as the install's switches say."""

    def __init__(self, switches: Switches, draw: random.Random) -> None:
        self._switches = switches
        self._draw = draw
        self._as_text = switches.types == "string"
        self._entities = switches.entities

    def mapping(self, value: Mapping[str, Any]) -> Answer:
        shaped: Answer = {}
        for key, item in value.items():
            kind = type(item)
            if kind is str and not self._entities:
                shaped[key] = item
            elif kind is Rows:
                self._put_rows(shaped, key, item)
            else:
                shaped[key] = self._any(item)
        return shaped

    def _any(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return _encoded(value) if self._entities else value
        if kind is int:
            return str(value) if self._as_text else value
        if isinstance(value, Mapping):
            return self.mapping(value)
        if isinstance(value, list):
            return [self._any(item) for item in value]
        return value

    def _put_rows(self, into: Answer, key: str, listed: Rows) -> None:
        rows = [self.mapping(row) for row in listed.rows]
        shape = self._switches.list_shape
        if not rows:
            put_empty(into, key, listed.key, self._switches.empty_lists, self._draw)
        elif shape == "numeric_keys":
            into[key] = {listed.key: {str(number): row for number, row in enumerate(rows)}}
        elif shape == "single_object" and len(rows) == 1:
            into[key] = {listed.key: rows[0]}
        else:
            into[key] = {listed.key: rows}


def put_empty(into: Answer, key: str, inner: str, shape: EmptyLists, draw: random.Random) -> None:
    """An empty list as this install writes it; "absent" leaves the key out."""
    if shape == "mixed":
        shape = draw.choice(("nested", "string", "list", "object", "null"))
    shapes: dict[str, Any] = {"nested": {inner: []}, "string": "", "list": [], "object": {}, "null": None}
    if shape in shapes:
        into[key] = shapes[shape]


def _encoded(text: str) -> str:
    return html.escape(text, quote=True).replace("&#x27;", "&#039;")
