"""What the client reads out of answers, and the words for those that cannot be read."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from integrations.errors import CallFailed, ErrorClass, System
from integrations.salesforce.ids import norm_id
from integrations.salesforce.models import Row

NEXT_PAGE = re.compile(r"/services/data/v\d+\.\d+/(query(?:All)?/[A-Za-z0-9_-]+)")

ModelT = TypeVar("ModelT", bound=Row)


def order_id(value: str, operation: str) -> str:
    try:
        return norm_id(value, "801")
    except ValueError as error:
        raise not_found(value, operation) from error


def status(entry: Mapping[str, Any]) -> int:
    status = entry.get("httpStatusCode")
    return status if isinstance(status, int) else 0


def model(model: type[ModelT], row: Mapping[str, Any]) -> ModelT:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        where = ", ".join(sorted({".".join(str(part) for part in problem["loc"]) for problem in error.errors()}))
        raise unreadable("query", f"a row of {model.__name__} cannot be read: {where}") from error


def page(page: Any, operation: str) -> tuple[list[dict[str, Any]], int]:
    """Rows and promised total of one page of a query; trouble is an error, never "no rows"."""
    if not isinstance(page, dict) or not isinstance(page.get("done"), bool):
        raise unclear(operation, "the answer is not a query result", write=False)
    rows, total = page.get("records"), page.get("totalSize")
    if not isinstance(rows, list) or not isinstance(total, int) or not all(isinstance(row, dict) for row in rows):
        raise unclear(operation, "the query result has no records", write=False)
    return list(rows), total


def next_page(url: Any) -> str:
    """The path of the next page (rules §12: only ever a path on the same instance)."""
    match = NEXT_PAGE.fullmatch(url) if isinstance(url, str) else None
    if match is None:
        said = "the next page of a query is not a path of this instance"
        raise CallFailed(System.SALESFORCE, "query", ErrorClass.CONFIG, "next_page_refused", said)
    return match[1]


def created(operation: str, answer: Any) -> str:
    if not isinstance(answer, dict) or answer.get("success") is not True:
        raise unclear(operation, "the answer does not say that the row was made")
    try:
        return norm_id(str(answer.get("id") or ""))
    except ValueError as error:
        raise unclear(operation, "the answer names no row") from error


def not_found(order_id: str, operation: str) -> CallFailed:
    said = f"Salesforce has no order {order_id[:40]}"
    return CallFailed(System.SALESFORCE, operation, ErrorClass.DATA, "order_not_found", said)


def incomplete(operation: str, found: int, total: int) -> CallFailed:
    said = f"{found} different rows were read, {total} were promised"
    return CallFailed(System.SALESFORCE, operation, ErrorClass.TRANSIENT, "incomplete", said)


def unreadable(operation: str, said: str) -> CallFailed:
    return CallFailed(System.SALESFORCE, operation, ErrorClass.DATA, "unreadable_row", said)


def unclear(operation: str, said: str, *, write: bool = True) -> CallFailed:
    failure = ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.TRANSIENT
    return CallFailed(System.SALESFORCE, operation, failure, "malformed", said)
