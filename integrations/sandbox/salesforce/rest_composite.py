"""``/composite``, ``/composite/graph`` and ``/composite/batch``: several requests in one, with references."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from integrations.sandbox.salesforce.calls import Answer, Request, nested
from integrations.sandbox.salesforce.errors import Entry, SalesforceError, method_not_allowed, not_found
from integrations.sandbox.salesforce.org import Org

Dispatch = Callable[[Request], Answer]

MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
MAX_GRAPHS = 75
MAX_NODES = 500
REFERENCE = re.compile(r"@\{([^}]+)\}")
STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
FORBIDDEN_HEADERS = frozenset({"accept", "authorization", "content-type"})
HALTED = Entry(
    "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed."
)


class _Halt(Exception):
    """One sub-request of an all-or-none group failed: the transaction around it must roll back."""

    def __init__(self, culprit: int, answer: Answer) -> None:
        super().__init__(culprit)
        self.culprit = culprit
        self.answer = answer


class CompositeResource:
    """``dispatch`` answers one sub-request; it raises SalesforceError for a refusal."""

    def __init__(self, org: Org, dispatch: Dispatch) -> None:
        self._org = org
        self._dispatch = dispatch

    def composite(self, request: Request) -> Answer:
        if len(request.path) != 1:
            raise not_found()
        if request.method != "POST":
            raise method_not_allowed(request.method, "POST")
        body = request.object_body()
        subs = _subrequests(body, MAX_SUBREQUESTS)
        queries = sum("/query" in str(sub["url"]).lower() for sub in subs)
        if queries > MAX_QUERIES:
            raise _invalid(f"The request contains {queries} query operations; at most {MAX_QUERIES} are allowed")
        return Answer(200, {"compositeResponse": self._group(request, subs, all_or_none=bool(body.get("allOrNone")))})

    def graph(self, request: Request) -> Answer:
        if request.method != "POST":
            raise method_not_allowed(request.method, "POST")
        graphs = request.object_body().get("graphs")
        if not _objects(graphs) or len(graphs) > MAX_GRAPHS:
            raise _invalid(f"graphs must be a list of 1 to {MAX_GRAPHS} graphs")
        parsed = [(str(graph.get("graphId", "")), _subrequests(graph, MAX_NODES)) for graph in graphs]
        if sum(len(subs) for _, subs in parsed) > MAX_NODES:
            raise _invalid(f"The request contains more than {MAX_NODES} nodes")
        answers = []
        for graph_id, subs in parsed:
            if any("/sobjects/" not in str(sub["url"]) for sub in subs):
                raise _invalid(f"Graph {graph_id} may only contain sobjects URLs")
            responses = self._group(request, subs, all_or_none=True)
            fine = all(response["httpStatusCode"] < 300 for response in responses)
            answers.append(
                {"graphId": graph_id, "graphResponse": {"compositeResponse": responses}, "isSuccessful": fine}
            )
        return Answer(200, {"graphs": answers})

    def batch(self, request: Request) -> Answer:
        if request.method != "POST":
            raise method_not_allowed(request.method, "POST")
        body = request.object_body()
        subs = body.get("batchRequests")
        if not _objects(subs) or len(subs) > MAX_SUBREQUESTS:
            raise _invalid(f"batchRequests must be a list of 1 to {MAX_SUBREQUESTS} requests")
        results: list[dict[str, Any]] = []
        failed = False
        for sub in subs:
            if failed and body.get("haltOnError"):
                halted = Entry("BATCH_PROCESSING_HALTED", "Batch processing halted per request")
                results.append({"statusCode": 412, "result": [halted.rest()]})
                continue
            inner = nested(request, str(sub.get("method", "GET")), str(sub.get("url", "")), sub.get("richInput"), {})
            answer = self._safely(inner)
            failed = failed or not answer.ok
            results.append({"statusCode": answer.status, "result": answer.body})
        return Answer(200, {"hasErrors": failed, "results": results})

    def _group(self, request: Request, subs: list[dict[str, Any]], *, all_or_none: bool) -> list[dict[str, Any]]:
        """Run the sub-requests in order; all or none rolls back the whole group when one of them fails."""
        done: list[Answer] = []
        try:
            with self._org.db.transaction():
                known: dict[str, Any] = {}
                for n, sub in enumerate(subs):
                    answer = self._one(request, sub, known)
                    if all_or_none and not answer.ok:
                        raise _Halt(n, answer)
                    known[sub["referenceId"]] = answer.body if answer.ok else None
                    done.append(answer)
        except _Halt as halt:
            rolled_back = Answer(400, [HALTED.rest()])
            done = [halt.answer if n == halt.culprit else rolled_back for n in range(len(subs))]
        return [
            {
                "body": answer.body,
                "httpHeaders": dict(answer.headers),
                "httpStatusCode": answer.status,
                "referenceId": sub["referenceId"],
            }
            for sub, answer in zip(subs, done, strict=True)
        ]

    def _one(self, request: Request, sub: Mapping[str, Any], known: Mapping[str, Any]) -> Answer:
        try:
            url = _filled(str(sub["url"]), known)
            body = _filled(sub.get("body"), known)
            headers = _filled(sub.get("httpHeaders") or {}, known)
            if not isinstance(headers, dict):
                raise _invalid("httpHeaders must be an object")
            if forbidden := FORBIDDEN_HEADERS & {name.lower() for name in headers}:
                raise _invalid(f"Sub-request headers may not include: {', '.join(sorted(forbidden))}")
            inner = nested(request, str(sub["method"]), url, body, headers)
            if inner.path[:1] == ("composite",) and inner.path[1:2] not in (("sobjects",), ("tree",)):
                raise _invalid("A composite request cannot be a sub-request")
        except SalesforceError as error:
            return Answer(error.http, error.body())
        return self._safely(inner)

    def _safely(self, request: Request) -> Answer:
        """The answer of one sub-request; its effect is undone when it is refused."""
        try:
            with self._org.db.transaction():
                return self._dispatch(request)
        except SalesforceError as error:
            return Answer(error.http, error.body())


def _invalid(message: str) -> SalesforceError:
    return SalesforceError("INVALID_INPUT", message)


def _objects(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    """Whether ``value`` is a list of at least one JSON object."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _subrequests(body: Mapping[str, Any], most: int) -> list[dict[str, Any]]:
    """The list of sub-requests, each with method, url and a referenceId of its own. Raises INVALID_INPUT."""
    subs = body.get("compositeRequest")
    if not _objects(subs):
        raise SalesforceError("REQUIRED_FIELD_MISSING", "Required field is missing: compositeRequest")
    if len(subs) > most:
        raise _invalid(f"The request contains {len(subs)} sub-requests; at most {most} are allowed")
    seen: set[str] = set()
    for sub in subs:
        if not all(sub.get(key) for key in ("method", "url", "referenceId")):
            raise _invalid("Each sub-request needs method, url and referenceId")
        if not re.fullmatch(r"[A-Za-z0-9_]+", str(sub["referenceId"])) or sub["referenceId"] in seen:
            raise _invalid(f"Invalid or duplicate referenceId: {sub['referenceId']}")
        seen.add(sub["referenceId"])
    return subs


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    """``value`` with every @{reference.path} replaced; a text that is one reference takes the value's own type."""
    if isinstance(value, dict):
        return {key: _filled(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, known) for inner in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = REFERENCE.fullmatch(value)
    if whole:
        return _resolved(whole[1], known)
    return REFERENCE.sub(lambda match: str(_resolved(match[1], known)), value)


def _resolved(path: str, known: Mapping[str, Any]) -> Any:
    """The value at "ref.records[0].Id" in the earlier answers. Raises PROCESSING_HALTED where there is none."""
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    value = known.get(name)
    for key, index in STEP.findall(path[len(name) :]):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif key and isinstance(value, dict):
            value = next((inner for found, inner in value.items() if found.lower() == key.lower()), None)
        else:
            value = None
    if value is None:
        message = f"Invalid reference specified. No value for {path} found in {name}"
        raise SalesforceError("PROCESSING_HALTED", message)
    return value
