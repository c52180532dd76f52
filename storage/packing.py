"""JSON columns: one encoder for all (making one for each value costs more than the encoding)."""

import json
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
unpack = json.loads


def pack(value: Any) -> str:
    return storable(_encode(value))


def storable(text: str) -> str:
    """Half a surrogate pair (JSON may bring one: a single escape of D800 to DFFF) has no UTF-8 and becomes "?"."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
