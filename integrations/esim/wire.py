"""The ES2+ envelope: what is sent, and what an answer proves (facts/esim.md §1.1, §1.2).

Judged by content, not by content type: servers label JSON as text/html and answer errors as 200. Only a readable
status Failed is a refusal; Expired, a 5xx, a page, a missing header leave the outcome unknown (rules §3.5).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from integrations.errors import CallFailed, ErrorClass, LoginFailed, System, plain_text
from integrations.esim.pairs import order_pair

SUCCESS = "Executed-Success"
WITH_WARNING = "Executed-WithWarning"
FAILED = "Failed"
_CARRIES_MATCHING_ID = frozenset({"confirmOrder", "cancelOrder"})  # a server's text may quote what it was sent
_OPEN_SUBJECTS = frozenset({"8.2.1", "8.2.5"})  # ICCID and profile type: not secret, unlike a matching id


class _Codes(BaseModel):
    """The codes are strings; one sent as a number keeps its digits (see ``_document``)."""

    model_config = ConfigDict(frozen=True)
    subject: str = Field(alias="subjectCode")
    reason: str = Field(alias="reasonCode")
    identifier: str | None = Field(default=None, alias="subjectIdentifier")
    message: str | None = None


class _Execution(BaseModel):
    model_config = ConfigDict(frozen=True)
    status: str
    codes: _Codes | None = Field(default=None, alias="statusCodeData")


@dataclass(frozen=True)
class Executed:
    """A success. ``values`` are the reply's string keys beside the header; ``warning`` is a code pair or ""."""

    values: Mapping[str, str]
    warning: str = ""


def request_body(requester_id: str, call_id: str, values: Mapping[str, str | bool]) -> bytes:
    """One request; keys of ``values`` as in SGP.22."""
    header = {"functionRequesterIdentifier": requester_id, "functionCallIdentifier": call_id}
    return json.dumps({"header": header, **values}).encode()


def read_answer(function: str, response: httpx.Response, *, write: bool = True) -> Executed:
    """Return the success that ``response`` carries, or raise CallFailed or LoginFailed.

    ``write`` False (a probe) turns "outcome unknown" into transient: nothing can have been changed.
    """
    status = response.status_code
    execution, document = _execution(response) if status < 500 else (None, {})
    if execution is None:
        raise unclear(function, f"http_{status}" if status != 200 else "not_es2plus", response, write=write)
    if execution.status in (SUCCESS, WITH_WARNING):
        values = {key: value for key, value in document.items() if isinstance(value, str)}
        return Executed(values, _code(execution.codes) if execution.status == WITH_WARNING else "")
    if execution.status == FAILED:
        raise _refusal(function, execution.codes, status)
    code = "expired" if execution.status == "Expired" else "unknown_status"
    raise unclear(function, code, response, write=write, codes=_code(execution.codes))


def _execution(response: httpx.Response) -> tuple[_Execution | None, dict[str, Any]]:
    """The execution status wherever the header stands, or None when this is not an ES2+ answer."""
    try:
        document = _document(response.content)
        header = document.get("header")
        status = header.get("functionExecutionStatus") if isinstance(header, dict) else None
        if not isinstance(status, dict):
            return None, {}
        return _lenient(status), document
    except (ValueError, RecursionError):
        return None, {}


def _document(content: bytes) -> dict[str, Any]:
    """JSON with numbers kept as text: an ICCID or a code 3.10 must not pass through a float."""
    document = json.loads(content.decode("utf-8-sig"), parse_int=str, parse_float=str)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _lenient(status: dict[str, Any]) -> _Execution:
    """A status whose code data cannot be read is still a status."""
    try:
        return _Execution.model_validate(status)
    except ValidationError:
        return _Execution.model_validate({"status": status.get("status")})


def _code(codes: _Codes | None) -> str:
    return f"{codes.subject}/{codes.reason}" if codes else ""


def _refusal(function: str, codes: _Codes | None, status: int) -> CallFailed | LoginFailed:
    if codes is None:
        said = "refused without a code pair"
        return CallFailed(System.ESIM, function, ErrorClass.DATA, "failed", said, http_status=status)
    pair = order_pair(codes.subject, codes.reason)
    if codes.subject == "1.1":
        return LoginFailed(System.ESIM, pair.code, pair.meaning, http_status=status)
    detail = {"action": pair.action}
    if codes.message and function not in _CARRIES_MATCHING_ID:
        detail["said"] = plain_text(codes.message)
    if codes.identifier and codes.subject in _OPEN_SUBJECTS:
        detail["subject"] = codes.identifier
    return CallFailed(
        System.ESIM, function, pair.error_class, pair.code, pair.meaning, http_status=status, detail=detail
    )


def unclear(function: str, code: str, response: httpx.Response, *, write: bool, codes: str = "") -> CallFailed:
    """The failure for an answer that does not prove a refusal."""
    return CallFailed(
        System.ESIM,
        function,
        ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.TRANSIENT,
        code,
        "the answer does not tell whether the call took effect",
        retry_after=retry_after(response),
        http_status=response.status_code,
        detail={"codes": codes} if codes else None,
    )


def retry_after(response: httpx.Response) -> float | None:
    """Seconds of a Retry-After header (a number or a date measured against the answer's own Date); else None."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        answered = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return max(0.0, (_aware(until) - _aware(answered)).total_seconds())


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
