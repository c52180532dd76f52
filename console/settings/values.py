"""The kinds of values that settings have: durations, secrets, ports, roles."""

import math
import re
from email.utils import parseaddr
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from console.observe.redact import stripped

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")

Role = Literal["viewer", "operator", "supervisor", "admin"]


class Section(BaseModel):
    """One table of the settings file: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def missing(self) -> list[tuple[str, str]]:
        """(key inside this section, why it is needed) for what a daemon cannot run without and is not set."""
        return []


def parse_duration(value: Any) -> Any:
    """Seconds from "15m", "60s", "1h", "90d", "250ms", "1.5h" or a plain number (of seconds)."""
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value.strip().lower())
    if not found:
        raise ValueError('must be a duration such as "30s", "15m", "24h", "14d" or a number of seconds')
    return float(found[1]) * UNITS[found[2] or "s"]


def format_duration(seconds: float) -> str:
    """The shortest exact writing with one unit: 900 → "15m"."""
    for unit in ("d", "h", "m"):
        if seconds and math.isclose(seconds % UNITS[unit], 0.0, abs_tol=1e-9):
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


def needed(section: Section, reasons: dict[str, str]) -> list[tuple[str, str]]:
    """Those keys of ``reasons`` whose value in ``section`` is empty (None, "", 0 or an empty secret)."""
    return [
        (key, why)
        for key, why in reasons.items()
        if not (value.get_secret_value() if isinstance(value := getattr(section, key), SecretStr) else value)
    ]


class Duration:
    """Marks a field of seconds that is shown as a duration."""


def check_web_address(value: str | SecretStr) -> str | SecretStr:
    """An absolute http(s) address without credentials, or empty. Which hosts may be plain http is judged on connecting."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if text:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or text != text.strip():
            raise ValueError("must be an address such as https://host.example/path")
        if parts.username or parts.password:
            raise ValueError("must not carry a user name or password")
    return value


def check_sender(value: str) -> str:
    """``Name <address>``, an address, or empty."""
    _, address = parseaddr(value)
    if value and ("@" not in address or stripped(value) != value):
        raise ValueError("must be an address, with or without a name: Acme <no-reply@acme.example>")
    return value


# Both are seconds. A wait of zero is allowed (tests, the sandbox), a period of zero would be a busy loop.
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(ge=0, allow_inf_nan=False), Duration()]
Period = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, allow_inf_nan=False), Duration()]
WebAddress = Annotated[str, AfterValidator(check_web_address)]
SecretWebAddress = Annotated[SecretStr, AfterValidator(check_web_address)]
Sender = Annotated[str, AfterValidator(check_sender)]
Port = Annotated[int, Field(ge=0, le=65535)]
