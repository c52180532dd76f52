"""One reading of an HTTP answer of api.php: success, an error that WHMCS itself states, or trouble.

Only a complete JSON object that says ``result`` (or ``status``, as some actions do) is WHMCS speaking. Everything else
(pages of proxies and firewalls, 5xx of any kind, text, an object without a verdict, only a ``warning``) is trouble: it
proves nothing, and no part of it is kept.

A PHP that shows its warnings prints them before the JSON, and may call the whole thing text/html. Such an answer is
*noisy*: a read may use what it names, a write may not take it for proof of anything, nor a list for proof that there is
nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import httpx

from integrations.whmcs.values import decode_entities

JSON_TYPES = ("application/json", "text/json")

# How much may stand before the JSON, and how many braces in it are tried as its beginning.
_MOST_NOISE, _MOST_BRACES = 65_536, 100

NOISE = "PHP printed something else around its answer: set display_errors to Off in the PHP of WHMCS"


class Verdict(StrEnum):
    SUCCESS = "success"
    ERROR = "error"
    TROUBLE = "trouble"


@dataclass(frozen=True)
class Answer:
    """One answer. ``body`` only for a success, ``message`` only for an error, ``trouble`` (a code) only for trouble.

    ``spoken`` says in words what was received; ``retry_after`` is in seconds. ``noisy``: not JSON alone, or not called so.
    """

    verdict: Verdict
    http_status: int
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    message: str = ""
    trouble: str = ""
    spoken: str = ""
    retry_after: float | None = None
    noisy: bool = False

    @property
    def blocked(self) -> bool:
        """A 403 that WHMCS did not write: a firewall's, seen tied to one kept-alive connection (facts §2)."""
        return self.verdict is Verdict.TROUBLE and self.http_status == 403


def read_answer(response: httpx.Response) -> Answer:
    """Judge one finished HTTP exchange. Never raises for anything that was received."""
    status = response.status_code
    retry_after = _retry_after(response.headers.get("Retry-After", ""))

    def trouble(code: str, spoken: str) -> Answer:
        return Answer(Verdict.TROUBLE, status, trouble=code, spoken=spoken, retry_after=retry_after)

    if status >= 500 or 300 <= status < 400 or status == 429:
        return trouble(f"http_{status}", f"answered HTTP {status}")
    body = _json_object(response.content) if _called_json(response) else None
    noisy = body is None
    if body is None and status == 200:
        body = _json_in_noise(response.content)
    if body is None:
        code = "not_json" if status == 200 else f"http_{status}"
        return trouble(code, f"answered something else than JSON (HTTP {status})")
    said = _verdict(body)
    if said == "success" and status == 200:
        return Answer(Verdict.SUCCESS, status, body=body, noisy=noisy)
    message = _message(body)
    if said == "error" and status in (200, 400, 401, 403, 404):
        spoken = message or "an error without a message"
        return Answer(Verdict.ERROR, status, message=message, spoken=spoken, noisy=noisy)
    if status != 200:
        return trouble(f"http_{status}", f"answered HTTP {status}")
    if said:
        return trouble("odd_result", "answered with a result that is neither success nor error")
    if "warning" in body:
        return trouble("warning_only", f"only a warning: {_text(body['warning'])}")
    return trouble("no_result", "answered JSON without a result")


def _called_json(response: httpx.Response) -> bool:
    """Whether the answer says that it is JSON. A missing content type is taken for JSON, another one is not."""
    declared = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    return not declared or declared in JSON_TYPES or declared.endswith("+json")


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(content, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _json_in_noise(content: bytes) -> dict[str, Any] | None:
    """The JSON object with a verdict that ends the body, whatever was printed before it; or None."""
    start = -1
    for _ in range(_MOST_BRACES):
        start = content.find(b"{", start + 1, _MOST_NOISE)
        if start < 0:
            return None
        body = _json_object(content[start:])
        if body is not None:
            return body if _verdict(body) else None
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _verdict(body: Mapping[str, Any]) -> str:
    """``result``, else ``status`` (AddBillableItem, GetEmails), in lower case; "" where neither is text."""
    for key in ("result", "status"):
        value = body.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip().lower()
    return ""


def _message(body: Mapping[str, Any]) -> str:
    return _text(body.get("message")) or _text(body.get("error"))


def _text(value: Any) -> str:
    return " ".join(decode_entities(value).split()) if isinstance(value, str) else ""


def _retry_after(text: str) -> float | None:
    """Seconds of a Retry-After header; its date form is not used by WHMCS and says too little about our clock."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def server_date(response: httpx.Response) -> datetime | None:
    """The Date header as aware UTC, or None where it is missing or unreadable."""
    try:
        date = parsedate_to_datetime(response.headers.get("Date", ""))
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
