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
    return to_json(_shaped(whole, switches, draw))


def render_error(error: ApiError) -> bytes:
    return to_json({error.key: "error", "message": error.message})


def to_json(value: Any) -> bytes:
    r"""PHP's json_encode: ASCII, without spaces, ``/`` as ``\/`` (a slash stands in JSON only inside of strings)."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def _shaped(value: Any, switches: Switches, draw: random.Random) -> Any:
    if isinstance(value, str):
        return _encoded(value) if switches.entities and not isinstance(value, Html) else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return str(value) if switches.types == "string" else value
    if isinstance(value, Mapping):
        shaped: Answer = {}
        for key, item in value.items():
            if isinstance(item, Rows):
                _put_rows(shaped, key, item, switches, draw)
            else:
                shaped[key] = _shaped(item, switches, draw)
        return shaped
    return [_shaped(item, switches, draw) for item in value]


def _put_rows(into: Answer, key: str, listed: Rows, switches: Switches, draw: random.Random) -> None:
    rows = [_shaped(row, switches, draw) for row in listed.rows]
    if not rows:
        put_empty(into, key, listed.key, switches.empty_lists, draw)
    elif switches.list_shape == "numeric_keys":
        into[key] = {listed.key: {str(number): row for number, row in enumerate(rows)}}
    elif switches.list_shape == "single_object" and len(rows) == 1:
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
