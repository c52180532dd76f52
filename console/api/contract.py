"""OpenAPI, the contract: every route with its problem documents and its security."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from console import __version__
from console.schema.problem import MEDIA_TYPE, Problem

_SAID = {
    400: "The request cannot be read", 401: "No token, or not a good one", 403: "The role is too low",
    404: "Not there; the detail says what was looked for", 405: "Another method", 409: "Not possible now, or changed meanwhile",
    410: "The feed cannot go on from there", 413: "Too large", 422: "Something in the request is wrong",
    429: "Too many failed sign-ins", 503: "A system is down, the disk is full, or the daemon is stopping",
}  # fmt: skip


def make_contract(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    document = get_openapi(title="Portal Console", version=__version__, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "ptl_…"}}
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, description in _SAID.items():
                operation["responses"][str(status)] = {"description": description, "content": content}
            operation["security"] = [{"token": []}]
    return document
