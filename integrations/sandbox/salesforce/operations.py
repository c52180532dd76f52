"""What a request is called in traffic log, faults and metrics, and the short facts that identify it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from integrations.salesforce.ids import norm_id, to18
from integrations.sandbox.salesforce.rows import Database

ORDER_ID = re.compile(r"801[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?")
NAMES = {"portal_journal__c": "journal"}
VERBS = {"POST": "insert", "PATCH": "patch", "DELETE": "delete", "GET": "get", "HEAD": "get", "PUT": "patch"}
MAX_ORDERS = 20


@dataclass
class Operation:
    """``name`` as in the traffic log ("order.patch"); ``facts``: method, path, object, order(s), status, user."""

    name: str
    write: bool
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    """One request or sub-request: the segments of its path and its body."""

    method: str
    segments: tuple[str, ...]
    query: str
    body: Any


class Classifier:
    """Names requests; looks up the order behind an order product's id."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def classify(self, method: str, path: str, query: str, body: Any) -> Operation:
        """``path`` from /services/… on; ``body`` the parsed JSON or None."""
        segments = tuple(unquote(part) for part in path.split("/") if part)
        if segments[:2] == ("services", "oauth2"):
            return Operation("token" if segments[2:] == ("token",) else "identity", False, {"method": method})
        if segments[:1] == ("id",):
            return Operation("identity", False, {"method": method})
        part = _Part(method, segments[3:], query, body)
        parts = list(_inner(part)) or [part]
        writes = [inner for inner in parts if self._name(inner)[1]]
        name, write = self._name(writes[0]) if writes else self._name(part)
        facts = {"method": method, "path": "/".join(segments[3:])}
        about = writes[0] if writes else parts[0]
        if about.segments[:1] == ("sobjects",) and len(about.segments) > 1:
            facts["object"] = about.segments[1]
        facts |= self._orders(parts) | _statuses(parts)
        return Operation(name, write, facts)

    def _name(self, part: _Part) -> tuple[str, bool]:
        """The name of one request, and whether it writes."""
        match part.segments:
            case ("sobjects", name) | ("sobjects", name, _) | ("sobjects", name, _, _):
                if name.lower().endswith("__e") and part.method == "POST":
                    return "publish", True
                if (len(part.segments) == 2 and part.method != "POST") or part.segments[2:] == ("describe",):
                    return "describe", False
                verb = VERBS.get(part.method, "get")
                return f"{NAMES.get(name.lower(), name.lower())}.{verb}", verb != "get"
            case ("query" | "queryAll", *_):
                return "query", False
            case ("limits",):
                return "limits", False
            case ("composite", "sobjects", *_):
                write = part.method != "GET" and not (part.method == "POST" and len(part.segments) == 3)
                return f"collections.{VERBS.get(part.method, 'get')}" if write else "collections.get", write
            case ("composite", "tree", *_):
                return "tree", True
            case ("composite", *_):
                return "composite", False
            case ("commerce", *_):
                return "placeorder", part.method != "GET"
            case () | ("sobjects",):
                return "describe" if part.segments else "versions", False
        return part.segments[0].lower(), part.method not in ("GET", "HEAD")

    def _orders(self, parts: list[_Part]) -> dict[str, str]:
        found: dict[str, None] = {}
        for part in parts:
            for key in self._order_ids(part):
                found[key] = None
                if len(found) >= MAX_ORDERS:
                    break
        return {"order": next(iter(found)), "orders": ",".join(found)} if found else {}

    def _order_ids(self, part: _Part) -> Iterator[str]:
        for text in (*part.segments, part.query):
            for key in ORDER_ID.findall(text):
                yield key if len(key) == 18 else to18(key)
        if part.segments[:2] == ("sobjects", "OrderItem") and len(part.segments) == 3:
            row = self._db.table("OrderItem").get(_full(part.segments[2]))
            if row is not None:
                yield row["OrderId"]
        if isinstance(part.body, Mapping):
            for name in ("OrderId", "OrderId__c", "Id"):
                value = part.body.get(name)
                if isinstance(value, str) and ORDER_ID.fullmatch(value):
                    yield _full(value)


def _full(key: str) -> str:
    try:
        return norm_id(key)
    except ValueError:
        return key


def _inner(part: _Part) -> Iterator[_Part]:
    """The sub-requests of a composite, graph or batch, and the records of a collection as requests of their own."""
    if part.segments[:1] != ("composite",) or not isinstance(part.body, Mapping):
        return
    if part.segments[1:2] == ("sobjects",) and len(part.segments) == 2:
        for record in _dicts(part.body.get("records")):
            attributes = record.get("attributes")
            kind = attributes.get("type", "") if isinstance(attributes, Mapping) else ""
            yield _Part(part.method, ("sobjects", str(kind), str(record.get("id", record.get("Id", "")))), "", record)
        return
    groups = [part.body, *_dicts(part.body.get("graphs"))]
    for group in groups:
        for sub in (*_dicts(group.get("compositeRequest")), *_dicts(group.get("batchRequests"))):
            path, _, query = str(sub.get("url", "")).partition("?")
            segments = [unquote(piece) for piece in path.split("/") if piece]
            start = 3 if segments[:2] == ["services", "data"] else 1
            method = str(sub.get("method", "GET")).upper()
            yield _Part(method, tuple(segments[start:]), unquote(query), sub.get("body", sub.get("richInput")))


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _statuses(parts: list[_Part]) -> dict[str, str]:
    """The Order.Status that the request writes, if it writes one."""
    for part in parts:
        if part.method in ("POST", "PATCH") and isinstance(part.body, Mapping) and "Status" in part.body:
            return {"status": str(part.body["Status"])}
    return {}
