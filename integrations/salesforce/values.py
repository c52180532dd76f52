"""Values as the REST API takes them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any


def wire(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as the REST API takes them."""
    return {name: wire_value(value) for name, value in fields.items()}


def wire_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")  # Salesforce keeps whole seconds
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def http_date(when: datetime) -> str:
    return format_datetime(when.astimezone(UTC), usegmt=True)
