"""Field values: what clients send, turned into what is stored and sent (one form for both), or refused."""

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from integrations.salesforce.ids import norm_id
from integrations.sandbox.salesforce.errors import Entry
from integrations.sandbox.salesforce.rows import TIME_FORMAT
from integrations.sandbox.salesforce.schema import Field

EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
TRUE_FALSE = {"true": True, "false": False, "1": True, "0": False}


class BadValue(Exception):
    """One field's value is refused; ``entry`` says how."""

    def __init__(self, code: str, message: str, field: Field) -> None:
        super().__init__(message)
        self.entry = Entry(code, message, (field.name,))


def stored(field: Field, value: Any) -> Any:
    """``value`` (from JSON) in stored form, None for empty. Raises BadValue.

    Text is trimmed and "" is null, numbers are floats rounded to the field's scale (ints for type int), dates are ISO,
    datetimes UTC in whole seconds, ids 18 characters.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        start = "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"
        raise BadValue("JSON_PARSER_ERROR", f"Cannot deserialize instance of {field.type} from {start} value", field)
    match field.type:
        case "boolean":
            return _boolean(field, value)
        case "int" | "double" | "currency" | "percent":
            return _number(field, value)
        case "date":
            return _date(field, value)
        case "datetime":
            return _datetime(field, value)
        case "id" | "reference":
            return _id(field, value)
    return _text(field, value)


def _unreadable(field: Field, value: Any) -> BadValue:
    message = f"Cannot deserialize instance of {field.type} from VALUE_STRING value {value}"
    return BadValue("JSON_PARSER_ERROR", f"{message} or request may be missing a required field", field)


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    found = TRUE_FALSE.get(str(value).lower())
    if found is None:
        raise _unreadable(field, value)
    return found


def _number(field: Field, value: Any) -> float | int:
    if isinstance(value, bool):
        raise _unreadable(field, value)
    try:
        exact = Decimal(str(value).strip())
        rounded = exact.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)
    except InvalidOperation as error:
        raise _unreadable(field, value) from error
    digits = (field.precision or 18) - field.scale
    if not rounded.is_finite() or abs(rounded) >= Decimal(10) ** digits:
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise BadValue("NUMBER_OUTSIDE_VALID_RANGE", message, field)
    return int(rounded) if field.type == "int" else float(rounded)


def _date(field: Field, value: Any) -> str:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError as error:
        raise _unreadable(field, value) from error


def _datetime(field: Field, value: Any) -> str:
    try:
        return parse_moment(str(value)).strftime(TIME_FORMAT)
    except ValueError as error:
        raise _unreadable(field, value) from error


def parse_moment(text: str) -> datetime:
    """An ISO 8601 date and time as an aware UTC datetime; without an offset it is UTC. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _id(field: Field, value: Any) -> str:
    try:
        return norm_id(str(value))
    except ValueError as error:
        message = f"{field.label}: id value of incorrect type: {value}"
        raise BadValue("MALFORMED_ID", message, field) from error


def _text(field: Field, value: Any) -> str | None:
    text = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if not text:
        return None
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise BadValue("STRING_TOO_LONG", message, field)
    if field.type == "email" and not EMAIL.fullmatch(text):
        raise BadValue("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field)
    if field.type == "picklist":
        return _choice(field, text)
    return text


def _choice(field: Field, text: str) -> str:
    """A picklist's value in its own spelling; free text only where the picklist is not restricted."""
    for choice in field.picklist:
        if choice.value.casefold() == text.casefold():
            return choice.value
    if field.restricted:
        code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        raise BadValue(code, f"{field.label}: bad value for restricted picklist field: {text}", field)
    return text
