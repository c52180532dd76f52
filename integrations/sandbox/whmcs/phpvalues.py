"""PHP's reading of request values: truth, numbers, and base64 of serialize() (facts/whmcs.md §1.3, §4)."""

import base64
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import phpserialize

from integrations.sandbox.whmcs.phpform import Form

Value = str | Form | None

_LEADING_INTEGER = re.compile(r"\s*[+-]?[0-9]+")


def truthy(value: Value) -> bool:
    """``(bool) $value``: everything but '', '0', an empty array and a missing key, so the text "false" is true."""
    return value not in (None, "", "0", {})


def integer(value: Value, default: int = 0) -> int:
    """``(int) $value``: the leading digits; ``default`` for a missing key, an empty text or an array."""
    if not isinstance(value, str) or not value:
        return default
    match = _LEADING_INTEGER.match(value)
    return int(match.group()) if match else 0


def decimal(value: Value) -> Decimal | None:
    """A decimal number, or None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def unserialised(value: Value) -> dict[Any, Any]:
    """The map inside base64(serialize(map)); {} for whatever PHP could not unserialise."""
    if not isinstance(value, str) or not value:
        return {}
    try:
        loaded = phpserialize.loads(base64.b64decode(value), decode_strings=True)
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def serialised(value: Value) -> dict[int, Any]:
    """The map of ids inside base64(serialize(map)).

    WHMCS does not complain about a field that it cannot read, it goes on without it. Keys that are no ids are dropped.
    """
    ids = ((str(key), item) for key, item in unserialised(value).items())
    return {int(key): item for key, item in ids if key.isascii() and key.isdecimal()}


def as_text(value: Any) -> str:
    """A scalar of a serialised map as PHP prints it; arrays and null are ''."""
    if value is True:
        return "1"
    return "" if value is None or value is False or isinstance(value, dict) else str(value)
