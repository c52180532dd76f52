"""What WHMCS's JSON may hold where one value or one list is meant, and what we make of it.

Types drift between actions, versions and PHP builds (facts/whmcs.md §5). Every reader here accepts the known spellings
of a value and raises ValueError for anything else, so that trouble never passes for an empty value.
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_AMOUNT = re.compile(r"(?P<before>[^0-9]*)(?P<number>[0-9](?:[0-9.,' ]*[0-9])?)(?P<after>[^0-9]*)")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TRUE = frozenset({"1", "true", "on", "yes"})
_FALSE = frozenset({"0", "false", "off", "no", ""})


def decode_entities(text: str) -> str:
    """Decode HTML entities once. Only ``&name;`` forms: PHP always writes the semicolon, so "R&D&copy" stays."""
    return _ENTITY.sub(lambda match: html.unescape(match.group()), text) if "&" in text else text


def identifier(value: Any) -> str | None:
    """An id: int or digits in text, as text without blanks; None for empty or null."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise ValueError("true/false where an id is expected")
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value.strip() or None
    raise ValueError(f"{type(value).__name__} where an id is expected")


def identifiers(value: Any) -> tuple[str, ...]:
    """Ids as WHMCS lists them: "1,2", one int, or a real list; empty and null are none."""
    parts = value if isinstance(value, list) else str(value).split(",") if isinstance(value, str) else [value]
    return tuple(text for part in parts if (text := identifier(part)) is not None)


def whole(value: Any) -> int | None:
    """A whole number: int or its text; None for empty or null."""
    text = identifier(value)
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ValueError("not a whole number")
    return int(text)


def truth(value: Any) -> bool:
    """true/false, 1/0, on/off, yes/no, as values or as text; empty and null are false."""
    if value is None:
        return False
    if isinstance(value, (bool, int, str)):
        text = str(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
    raise ValueError("neither true nor false")


def date_text(value: Any) -> str | None:
    """A date as WHMCS wrote it (no zone, format by install); None where it is unset (empty, null, 0000-00-00 …)."""
    text = display_text(value)
    return None if not text or text.startswith("0000-00-00") else text


def display_text(value: Any) -> str:
    """Text with entities decoded once. Null and PHP's empty containers are ""."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, str):
        return decode_entities(value)
    if isinstance(value, (bool, int, Decimal)):
        return str(value)
    raise ValueError(f"{type(value).__name__} where text is expected")


def money(value: Any) -> Decimal | None:
    """An amount: "15.95", 15, "$-8.67 USD", "¥1,234", "1.234,56 €"; None for empty or null. Never a float."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError(f"{type(value).__name__} where an amount is expected")
    if not isinstance(value, str):
        return Decimal(value)
    text = value.strip()
    if not text:
        return None
    if _PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    # NFKC: full-width digits and yen signs, no-break spaces between thousands
    match = _AMOUNT.fullmatch(unicodedata.normalize("NFKC", decode_entities(text)).replace("−", "-"))
    if match is None or match["before"].strip(" -") in (".", ","):
        raise ValueError("not an amount")
    amount = Decimal(_ungrouped(match["number"]))
    return -amount if "-" in match["before"] else amount


def _ungrouped(number: str) -> str:
    """``number`` in Python's spelling; WHMCS has the formats 1234.56, 1,234.56, 1.234,56 and 1,234."""
    if " " in number or "'" in number:
        if not re.fullmatch(r"[0-9]{1,3}(?:[ '][0-9]{3})+(?:[.,][0-9]+)?", number):
            raise ValueError("not an amount")
        return number.replace(" ", "").replace("'", "").replace(",", ".")
    point = max(number.rfind("."), number.rfind(","))
    if point < 0:
        return number
    mark = number[point]
    other = "," if mark == "." else "."
    if other not in number:
        grouped = re.fullmatch(r"[0-9]{1,3}(?:[.,][0-9]{3})+", number) is not None
        # one comma before three digits groups thousands; one point there is a decimal point ("0.000")
        if grouped and (mark == "," or number.count(mark) > 1):
            return number.replace(mark, "")
    if number.count(mark) != 1:
        raise ValueError("not an amount")
    return number.replace(other, "").replace(mark, ".")


def cycle(value: Any) -> str:
    """A billing cycle in AddOrder's spelling: "One-Time", "One Time" → "onetime"; "Free Account" → "free"."""
    text = re.sub(r"[\s-]+", "", display_text(value)).lower()
    return "free" if text == "freeaccount" else text


def rows(value: Any, name: str) -> list[Mapping[str, Any]] | None:
    """The rows of a list envelope such as ``{"order": […]}`` (``name`` is "order").

    Accepts a plain list, one object instead of a list, an object with numeric keys, and ``""``, ``[]``, ``{}`` for an
    empty list, with or without the inner name (one object without it must have an id). Returns None where the list is absent or null: that says nothing.
    Raises ValueError for anything that is not rows.
    """
    if isinstance(value, Mapping) and name in value:
        inner = value[name]
        return None if inner is None else _rows(inner, single=True)
    if value is None:
        return None
    return _rows(value, single=isinstance(value, Mapping) and "id" in value)


def _rows(value: Any, *, single: bool) -> list[Mapping[str, Any]]:
    if value == "" or value == {}:
        return []
    if isinstance(value, Mapping):
        if all(str(key).isdigit() for key in value):
            value = [value[key] for key in sorted(value, key=int)]
        elif single:
            value = [value]
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise ValueError("not a list of rows")
    return value
