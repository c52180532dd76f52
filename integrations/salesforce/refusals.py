"""What an answer of Salesforce that is not a success proves.

Rules §3.5: a 4xx with Salesforce's error list is a refusal. Everything else (5xx, HTML, a 4xx without the list, a
redirect) proves nothing about a write.
"""

import re
from collections.abc import Mapping
from typing import Any

from integrations.errors import CallFailed, ErrorClass, System

_TRANSIENT = {
    "CONCURRENT_REQUESTS_LIMIT_EXCEEDED",
    "INVALID_SESSION_ID",
    "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE",
    "QUERY_TIMEOUT",
    "REQUEST_RUNNING_TOO_LONG",
    "SERVER_UNAVAILABLE",
    "UNABLE_TO_LOCK_ROW",
    "UNKNOWN_EXCEPTION",
}
_CAPACITY = {"LIMIT_EXCEEDED", "REQUEST_LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED"}
_CONFLICT = {"DUPLICATES_DETECTED", "DUPLICATE_VALUE", "ENTITY_IS_DELETED", "ENTITY_IS_LOCKED"}
_CONFIG = {
    "API_CURRENTLY_DISABLED",
    "API_DISABLED_FOR_ORG",
    "FUNCTIONALITY_NOT_ENABLED",
    "GONE",
    "INSUFFICIENT_ACCESS",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INVALID_FIELD",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "INVALID_TYPE",
    "PLATFORM_EVENT_ENCRYPTION_ERROR",
    "UNSUPPORTED_API_VERSION",
}
_CONSEQUENCES = ("PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK")


_NO_COLUMN = re.compile(r"No such column '[^']*' on entity '[^']*'")


def refusal(
    operation: str, status: int, body: Any, *, write: bool, headers: Mapping[str, str] | None = None
) -> CallFailed:
    """The failure for one answer (or composite sub-answer) with ``status`` ≥ 300 and the decoded or raw ``body``."""
    retry_after = _seconds((headers or {}).get("Retry-After"))
    errors = error_list(body)
    if status == 412:  # documented answer to If-Unmodified-Since, whatever its body: the row was not touched
        said = "the record was changed by somebody else meanwhile"
        return CallFailed(
            System.SALESFORCE, operation, ErrorClass.CONFLICT, "changed_meanwhile", said, http_status=status
        )
    if errors is None or not 400 <= status < 500:
        return _unproved(operation, status, errors, retry_after, write)
    first = errors[0]
    code, message = str(first.get("errorCode") or first.get("statusCode") or ""), str(first.get("message") or "")
    error_class, code = _judge(status, code, message)
    if found := _NO_COLUMN.search(message):  # it stands behind the whole query, which may be longer than we keep
        message = found[0]
    return CallFailed(
        System.SALESFORCE,
        operation,
        error_class,
        code,
        message,
        retry_after=retry_after,
        http_status=status,
        detail=_fields(first),
    )


def error_list(body: Any) -> list[dict[str, Any]] | None:
    """Salesforce's error list, consequences of another sub-request's failure put last; None if ``body`` is not one."""
    if not isinstance(body, list) or not body or not all(isinstance(entry, dict) for entry in body):
        return None
    if not all(entry.get("errorCode") or entry.get("statusCode") for entry in body):
        return None
    return sorted(body, key=lambda entry: entry.get("errorCode") in _CONSEQUENCES)


def is_consequence(body: Any) -> bool:
    """True for the body of a composite sub-request that failed only because another one did."""
    errors = error_list(body)
    return errors is not None and errors[0].get("errorCode") in _CONSEQUENCES


def _unproved(
    operation: str, status: int, errors: list[dict[str, Any]] | None, retry_after: float | None, write: bool
) -> CallFailed:
    code = f"http_{status}"
    message = f"Salesforce answered HTTP {status} without an error list"
    failure = ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.TRANSIENT
    if errors:
        code, message = str(errors[0].get("errorCode") or code), str(errors[0].get("message") or "")
    if 300 <= status < 400:
        code, message = "redirect_refused", f"redirected (HTTP {status}); redirects are not followed"
        failure = ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.CONFIG
    return CallFailed(System.SALESFORCE, operation, failure, code, message, retry_after=retry_after, http_status=status)


def _judge(status: int, code: str, message: str) -> tuple[ErrorClass, str]:
    """The class of one errorCode (facts/salesforce.md §6), and the code as the rest of the product knows it."""
    if code == "REQUEST_LIMIT_EXCEEDED":
        if "concurrent" in message.casefold():
            return ErrorClass.TRANSIENT, code
        return ErrorClass.CAPACITY, "REQUEST_LIMIT_EXCEEDED_DAILY"
    for known, error_class in (
        (_TRANSIENT, ErrorClass.TRANSIENT),
        (_CAPACITY, ErrorClass.CAPACITY),
        (_CONFLICT, ErrorClass.CONFLICT),
        (_CONFIG, ErrorClass.CONFIG),
    ):
        if code in known:
            return error_class, code
    if status == 429:
        return ErrorClass.TRANSIENT, code
    return (ErrorClass.CONFIG if status in (403, 410) else ErrorClass.DATA), code


def _fields(error: Mapping[str, Any]) -> dict[str, str]:
    fields = error.get("fields")
    if not isinstance(fields, list) or not fields:
        return {}
    return {"fields": ", ".join(str(name) for name in fields)}


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and value.isascii() and value.isdigit() else None
