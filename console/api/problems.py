"""Errors of the API as RFC 9457 problem documents: what is wrong, where, and what to do; never a traceback."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from console.api.asking import in_words
from console.client.query_words import QueryError
from console.engine.commanding import errors as commanding
from console.engine.failures import NotNow
from console.schema.problem import MEDIA_TYPE, TYPE_PREFIX, Change, FieldProblem, Problem
from integrations.correlation import correlation_id
from integrations.errors import IntegrationError, System, plain_text
from storage.errors import StorageError, StoreFull

log = logging.getLogger(__name__)


class ProblemError(Exception):
    """Raise it anywhere in a route."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        errors: Sequence[FieldProblem] = (),
        changes: Sequence[Change] = (),
        retry_after: float | None = None,
        see: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, round(retry_after)))
        self.problem = Problem(
            type=TYPE_PREFIX + kind, title=title, status=status, detail=plain_text(detail, 600), errors=list(errors),
            changes=list(changes), retry_after=retry_after, see=see,
        )  # fmt: skip


def not_found(what: str, looked_for: str, where: str = "") -> ProblemError:
    """404 with what was looked for."""
    shown = plain_text(looked_for, 80)
    return ProblemError(404, "not-found", f"There is no such {what}", f"{what} “{shown}” is not known{where}")


def forbidden(detail: str) -> ProblemError:
    return ProblemError(403, "forbidden", "This is not allowed for you", detail)


def invalid(field: str, problem: str, remedy: str = "") -> ProblemError:
    errors = [FieldProblem(field=field, problem=problem, remedy=remedy)]
    return ProblemError(422, "invalid", "Something in the request is wrong", f"{field}: {problem}", errors=errors)


def bad_filter(error: QueryError, field: str = "filter") -> ProblemError:
    """400 at the token, with the nearest name."""
    remedy = f"did you mean {error.nearest}?" if error.nearest else ""
    found = FieldProblem(
        field=field, problem=plain_text(error.message), remedy=remedy, start=error.start, end=error.end
    )
    return ProblemError(400, "bad-filter", "The filter cannot be read", str(error), errors=[found])


def system_down(system: str, reason: str, retry_after: float | None = None) -> ProblemError:
    title = f"{system} cannot be asked now" if system in tuple(System) else "Not now"
    return ProblemError(503, "system-down", title, reason, retry_after=retry_after)


def of_error(error: Exception) -> ProblemError | None:
    """The problem that stands for a failure of the layers below, or None for one that nobody foresaw."""
    match error:
        case ProblemError():
            return error
        case QueryError():
            return bad_filter(error)
        case IntegrationError():
            return system_down(error.system, in_words(error), error.retry_after)
        case NotNow():
            return system_down(error.subject, error.reason, error.after)
        case StoreFull():
            return ProblemError(503, "store-full", "The journal cannot be written", str(error), retry_after=10)
        case StorageError():
            return ProblemError(503, "store-full", "The journal cannot do that now", str(error), retry_after=5)
        case commanding.CommandError():
            return _of_command(error)
    return None


def _of_command(error: commanding.CommandError) -> ProblemError:
    match error:
        case commanding.BadArgument(field=field, why=why, remedy=remedy):
            return invalid(f"arguments.{field}", plain_text(why), remedy)
        case commanding.NeedsReason():
            return invalid("reason", str(error), "write why")
        case commanding.Changed(what=what, by=by, order_id=order_id, at=at):
            change = Change(order_id=order_id or "", what=what, by=by, at=at)
            return ProblemError(
                409, "changed-meanwhile", "It changed since it was planned", str(error), changes=[change]
            )
        case commanding.PlanStale():
            return ProblemError(409, "changed-meanwhile", "The plan does not fit any more", str(error))
        case commanding.OutsideTrouble(system=system):
            return system_down(system, f"{error}; nothing was done")
    return ProblemError(409, "not-possible", "This is not possible now", str(error))


def response_of(error: ProblemError) -> Response:
    content = error.problem.model_dump_json(exclude_none=True)
    return Response(content, error.problem.status, media_type=MEDIA_TYPE, headers=error.headers)


def install(app: FastAPI) -> None:
    """Every way a request can fail ends in a problem document."""

    async def known(request: Request, error: Exception) -> Response:
        return response_of(of_error(error) or unforeseen(request.method, request.url.path, error))

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return response_of(of_validation(error.errors()))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return response_of(of_http(request, error))

    for kind in (ProblemError, QueryError, IntegrationError, NotNow, StorageError, commanding.CommandError):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)


def unforeseen(method: str, path: str, error: BaseException) -> ProblemError:
    """500 for a defect of ours: told in the log, not to the client."""
    log.error("%s %s failed", method, plain_text(path, 200), exc_info=error)
    detail = f"look for {correlation_id.get() or method} in the daemon's log"
    return ProblemError(500, "internal", "The daemon failed at this", detail)


def of_http(request: Request, error: HTTPException) -> ProblemError:
    headers = dict(error.headers or {})
    path = plain_text(request.url.path, 120)
    match error.status_code:
        case 404:
            return ProblemError(404, "not-found", "There is no such address", f"{path} is not an address of this API")
        case 405:
            detail = f"{path} takes {headers.get('Allow', headers.get('allow', 'other methods'))}, not {request.method}"
            return ProblemError(405, "method-not-allowed", "Not with this method", detail, headers=headers)
    return ProblemError(error.status_code, "bad-request", "The request cannot be read", str(error.detail))


_SAID = {
    "missing": ("it is missing", "give it"),
    "extra_forbidden": ("there is no such field", "leave it out"),
    "json_invalid": ("this is not JSON", "send a JSON object"),
    "string_type": ("it must be text", ""),
    "dict_type": ("it must be an object", ""),
    "list_type": ("it must be a list", ""),
    "model_attributes_type": ("it must be a JSON object", "send Content-Type: application/json"),
}


def of_validation(found: Sequence[Mapping[str, Any]]) -> ProblemError:
    """422 with every field that is wrong, in words; what was sent is not repeated."""
    errors = [_field_problem(error) for error in found[:50]]
    detail = "; ".join(f"{error.field}: {error.problem}" for error in errors[:5])
    return ProblemError(422, "invalid", "Something in the request is wrong", detail, errors=errors)


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    place = [
        plain_text(str(part), 60) for part in error.get("loc", ()) if part not in ("body", "query", "path", "header")
    ]
    field = ".".join(place) or "body"
    limits = error.get("ctx") or {}
    kind = str(error.get("type"))
    match kind:
        case "string_too_long" | "too_long":
            return FieldProblem(field=field, problem="it is too long", remedy=f"at most {limits.get('max_length')}")
        case "string_too_short" | "too_short":
            return FieldProblem(field=field, problem="it is too short", remedy=f"at least {limits.get('min_length')}")
        case "literal_error":
            return FieldProblem(field=field, problem="it is not known", remedy=f"one of {limits.get('expected')}")
    if kind in _SAID:
        problem, remedy = _SAID[kind]
        return FieldProblem(field=field, problem=problem, remedy=remedy)
    return FieldProblem(field=field, problem=plain_text(str(error.get("msg", "it is wrong"))))
