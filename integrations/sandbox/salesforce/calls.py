"""One REST request without its transport: what HTTP, composite, batch and graph all hand to the same handlers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from integrations.sandbox.salesforce.errors import SalesforceError, not_found
from integrations.sandbox.salesforce.save import Context


@dataclass(frozen=True)
class Request:
    """``path`` holds the decoded segments after /services/data/vNN.0; header names are lower-case."""

    method: str
    path: tuple[str, ...]
    version: str  # "63.0"
    ctx: Context
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def object_body(self) -> dict[str, Any]:
        """The body as a JSON object. Raises JSON_PARSER_ERROR."""
        if not isinstance(self.body, dict):
            message = "The HTTP entity body is required, but this request has no entity body, or it is not an object."
            raise SalesforceError("JSON_PARSER_ERROR", message)
        return self.body

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}"


@dataclass(frozen=True)
class Answer:
    """``body`` None means an empty answer (204)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.status < 300 or self.status == 304


def split_path(raw: str) -> tuple[str, tuple[str, ...]]:
    """API version and decoded segments of "/services/data/v63.0/…" (repeated and trailing slashes do not count).

    Raises NOT_FOUND for anything else.
    """
    parts = [unquote(part) for part in raw.split("/") if part]
    if len(parts) < 3 or parts[:2] != ["services", "data"] or not parts[2].startswith("v"):
        raise not_found()
    return parts[2][1:], tuple(parts[3:])


def nested(request: Request, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Request:
    """The request that a sub-request of ``request`` stands for."""
    path, _, query = url.partition("?")
    full = path if path.lstrip("/").startswith("services/") else f"services/data/{path.lstrip('/')}"
    version, segments = split_path(full)
    lowered = {name.lower(): str(value) for name, value in headers.items()}
    params = dict(parse_qsl(query, keep_blank_values=True))
    return Request(method.upper(), segments, version, request.ctx, params, body, lowered)
