"""The Salesforce sandbox: one HTTP listener with OAuth, REST and CometD of one org on loopback.

``SalesforceSandbox(store, faults, traffic, options)``, then ``load(world)``, then ``start``. Fault kinds beside the
general HTTP ones: ``expire_token`` (every token is revoked, this call is the first to learn it), ``lock_row`` (the
first save of the request finds its row locked), ``stale_read`` (a read sees each row as it was before its last change),
``limit_daily`` and ``limit_concurrent`` (403 REQUEST_LIMIT_EXCEEDED; ``http_403`` with option json is the former),
``http_500`` and ``http_503`` with option json as Salesforce words them, ``refuse_login`` on operation ``token``,
``lose_event`` on operation ``publish``: the event, the Flow's too, is accepted and never appended.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from integrations.salesforce.package import load_package
from integrations.sandbox.faults import HTTP_KINDS, Fault, Faults, spoil
from integrations.sandbox.salesforce.access import Access
from integrations.sandbox.salesforce.bus import EventBus
from integrations.sandbox.salesforce.calls import Answer, Request, split_path
from integrations.sandbox.salesforce.cometd import CometdControl, CometdOptions, install_cometd
from integrations.sandbox.salesforce.desk import Desk
from integrations.sandbox.salesforce.errors import SalesforceError, not_found
from integrations.sandbox.salesforce.oauth import OAuth, Refused, identity, make_key, userinfo
from integrations.sandbox.salesforce.operations import Classifier, Operation
from integrations.sandbox.salesforce.org import Org, make_org
from integrations.sandbox.salesforce.rest import Rest, versions
from integrations.sandbox.salesforce.save import Context
from integrations.sandbox.salesforce.seed import seed_org, seed_world
from integrations.sandbox.salesforce.tokens import TokenBook
from integrations.sandbox.salesforce.users import ADMIN, INTEGRATION, Consumer, User, make_consumers, make_users
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Entry, Traffic
from integrations.sandbox.world import World

SYSTEM = "salesforce"
LARGEST_BODY = 50 * 1024 * 1024
LONGEST_LINE = 16_384 + 64  # bytes of the request line; Salesforce takes addresses up to 16,384
JSON = "application/json;charset=UTF-8"
OWN_KINDS = frozenset({"expire_token", "lock_row", "stale_read", "limit_daily", "limit_concurrent", "refuse_login"})
READ_ONLY_KINDS = frozenset({"stale_read"})
WORDED = {
    "http_403": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "limit_daily": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "limit_concurrent": (
        403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    "http_500": (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId: 1844-(-1)"),
    "http_503": (503, "SERVER_UNAVAILABLE", "Server is temporarily unavailable, please try again."),
}  # fmt: skip
ALWAYS_WORDED = frozenset({"limit_daily", "limit_concurrent"})


@dataclass(frozen=True)
class SalesforceOptions:
    """``directory`` is where the JWT key is written (None: nowhere). ``batch_size``: records per query page.

    ``permissions`` holds REST users to the package's permission sets: integration and staff then see and write only
    what these grant. Off, anybody may do anything that the rules of the objects allow.
    """

    directory: Path | None = None
    is_sandbox: bool = True
    zone: str = "Asia/Tokyo"
    daily_limit: int = 100_000
    batch_size: int = 2000
    token_lifetime: timedelta | None = None
    permissions: bool = False
    cometd: CometdOptions = field(default_factory=CometdOptions)


@dataclass(frozen=True)
class Parts:
    """What ``load`` puts together."""

    org: Org
    rest: Rest
    tokens: TokenBook
    oauth: OAuth
    classifier: Classifier
    desk: Desk
    users: dict[str, User]
    consumers: dict[str, Consumer]
    private_key: str


class SalesforceSandbox:
    """One org. ``desk`` places and approves orders, ``bus``, ``tokens`` and ``cometd`` are for tests and control."""

    def __init__(
        self,
        store: Store,
        faults: Faults,
        traffic: Traffic,
        options: SalesforceOptions | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._faults = faults
        self._traffic = traffic
        self._options = options or SalesforceOptions()
        self._now = now
        self._loaded: Parts | None = None
        self._runner: web.AppRunner | None = None
        self._base_url = ""
        self.cometd: CometdControl | None = None

    def load(self, world: World) -> None:
        """Put the org together and, on first start, fill it from ``world``. Call it before ``start``, each time."""
        package = load_package()
        users = make_users(package)
        consumers = make_consumers(self._store, users)
        by_id = {user.id: user for user in users.values()}
        org = make_org(
            self._store, world.org_id, by_id, now=self._now, lost=self._lost, zone=self._options.zone,
            package=package, daily_limit=self._options.daily_limit, batch_size=self._options.batch_size,
        )  # fmt: skip
        seed_org(org, is_sandbox=self._options.is_sandbox)
        seed_world(org, world, users[ADMIN])
        tokens = TokenBook(self._store, org.id, by_id, now=self._now, lifetime=self._options.token_lifetime)
        key = self._private_key()
        oauth = OAuth(org.id, tokens, by_id, tuple(consumers.values()), key, self._now)
        used = self._store.table("sf.usage").get("daily")
        org.usage.used = int(used["used"]) if used else 0
        self._loaded = Parts(
            org, Rest(org), tokens, oauth, Classifier(org.db), Desk(org, users), users, consumers, key
        )  # fmt: skip

    @property
    def _parts(self) -> Parts:
        if self._loaded is None:
            raise RuntimeError("load(world) has not been called")
        return self._loaded

    @property
    def org(self) -> Org:
        return self._parts.org

    @property
    def bus(self) -> EventBus:
        return self._parts.org.bus

    @property
    def tokens(self) -> TokenBook:
        return self._parts.tokens

    @property
    def desk(self) -> Desk:
        return self._parts.desk

    @property
    def users(self) -> Mapping[str, User]:
        """The org's users by alias: integration, placer, approver, admin."""
        return self._parts.users

    def set_is_sandbox(self, value: bool) -> None:
        """What Organization.IsSandbox says from now on."""
        seed_org(self.org, is_sandbox=value)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; ``port`` 0 takes a free one."""
        app = web.Application(client_max_size=LARGEST_BODY)
        self.cometd = install_cometd(
            app, bus=self.bus, tokens=self.tokens, faults=self._faults, traffic=self._traffic,
            options=self._options.cometd,
        )  # fmt: skip
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, max_line_size=LONGEST_LINE)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        self._base_url = f"http://{host}:{bound[1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            with self._store.transaction():
                self._store.table("sf.usage").put("daily", {"used": self.org.usage.used})
            await self._runner.cleanup()
            self._runner = None

    def endpoint(self) -> dict[str, Any]:
        """Addresses and credentials. ``client_id``/``client_secret`` are the integration user's; ``users`` has all."""
        parts = self._parts
        app = parts.consumers[INTEGRATION]
        people = {
            alias: {
                "id": user.id,
                "username": user.username,
                "name": user.name,
                "client_id": parts.consumers[alias].key,
                "client_secret": parts.consumers[alias].secret,
            }
            for alias, user in parts.users.items()
        }
        key_file = self._key_file()
        return {
            "login_url": self._base_url,
            "instance_url": self._base_url,
            "token_url": f"{self._base_url}/services/oauth2/token",
            "cometd_url": f"{self._base_url}/cometd/63.0",
            "api_version": "63.0",
            "org_id": parts.org.id,
            "client_id": app.key,
            "client_secret": app.secret,
            "username": parts.users[INTEGRATION].username,
            "jwt_audience": "https://test.salesforce.com"
            if self._options.is_sandbox
            else "https://login.salesforce.com",
            "private_key_file": str(key_file) if key_file else None,
            "users": people,
        }

    def world(self) -> dict[str, list[dict[str, Any]]]:
        return self.desk.world()

    def _key_file(self) -> Path | None:
        return self._options.directory / "salesforce-jwt.pem" if self._options.directory else None

    def _private_key(self) -> str:
        """The JWT key, made at first start, kept in the store and written to the directory."""
        table = self._store.table("sf.key")
        row = table.get("jwt")
        if row is None:
            row = {"pem": make_key()}
            with self._store.transaction():
                table.put("jwt", row)
        file = self._key_file()
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(row["pem"], "utf-8")
        return str(row["pem"])

    def _lost(self, facts: Mapping[str, str]) -> bool:
        return self._faults.take(SYSTEM, "publish", facts, frozenset({"lose_event"})) is not None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        wire = Wire(request, body)
        parts = self._parts
        operation = parts.classifier.classify(wire.method, wire.path, request.query_string, wire.parsed)
        user = parts.tokens.check(request.headers.get("Authorization"))
        if user is not None:
            operation.facts["user"] = user.username.partition("@")[0]
        entry = self._traffic.asked(SYSTEM, operation.name, operation.facts)
        fault = self._take(operation, entry)
        response = await self._respond(request, wire, operation, fault)
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:  # the client went away: the effect stands, the answer does not
            return response
        entry.status, entry.answered = response.status, not (fault and fault.kind in LOST_KINDS)
        return response

    def _take(self, operation: Operation, entry: Entry) -> Fault | None:
        kinds = HTTP_KINDS | OWN_KINDS
        fault = self._faults.take(
            SYSTEM, operation.name, operation.facts, kinds - READ_ONLY_KINDS if operation.write else kinds
        )
        if fault is not None:
            entry.fault = fault.kind
        return fault

    async def _respond(
        self, request: web.Request, wire: "Wire", operation: Operation, fault: Fault | None
    ) -> web.StreamResponse:
        if fault is not None and (fault.kind in ALWAYS_WORDED or (fault.kind in WORDED and fault.options.get("json"))):
            status, code, message = WORDED[fault.kind]
            return self._response(Answer(status, SalesforceError(code, message).body()))
        if fault is not None and fault.kind == "expire_token":
            self.tokens.revoke_all()
        own = fault.kind if fault is not None and fault.kind in OWN_KINDS else ""
        return await spoil(None if own else fault, self._faults, request, lambda: self._effect(wire, own))

    def _effect(self, wire: "Wire", own: str) -> web.Response:
        """Make the request's effect in one transaction and its true answer."""
        first = wire.segments[:2]
        if first == ("services", "oauth2"):
            return self._oauth(wire, own)
        if wire.segments == ("services", "data") and wire.method in ("GET", "HEAD"):
            return _json(200, versions(), {})
        try:
            user = self._user(wire)
            with self.org.db.transaction():
                answer = self._answer(wire, user, own)
        except SalesforceError as error:
            answer = Answer(error.http, error.body())
        return self._response(answer)

    def _user(self, wire: "Wire") -> User:
        user = self.tokens.check(wire.headers.get("authorization"))
        if user is None:
            raise SalesforceError("INVALID_SESSION_ID", "Session expired or invalid", http=401)
        if self.org.usage.exhausted:
            raise SalesforceError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", http=403)
        self.org.usage.count()
        return user

    def _answer(self, wire: "Wire", user: User, own: str) -> Answer:
        if wire.segments[:1] == ("id",) and len(wire.segments) == 3:
            return Answer(200, identity(user, self.org.id, self._base_url))
        version, path = split_path(wire.path)
        if wire.malformed:
            raise SalesforceError("JSON_PARSER_ERROR", wire.malformed)
        granted = self.org.package.permission_sets.get(user.permission_set) if self._options.permissions else None
        ctx = Context(user, Access(granted) if granted else None, lock_row=own == "lock_row")
        request = Request(wire.method, path, version, ctx, wire.params, wire.parsed, wire.headers)
        if own == "stale_read":
            with self.org.db.stale():
                return self._parts.rest.dispatch(request)
        return self._parts.rest.dispatch(request)

    def _oauth(self, wire: "Wire", own: str) -> web.Response:
        match wire.segments[2:]:
            case ("token",):
                return self._token(wire, own)
            case ("userinfo",):
                try:
                    return _json(200, userinfo(self._user(wire), self.org.id, self._base_url), {})
                except SalesforceError as error:
                    return self._response(Answer(error.http, error.body()))
            case ("revoke",):
                self.tokens.revoke(wire.form.get("token") or wire.params.get("token", ""))
                return web.Response(status=200)
        return self._response(Answer(404, not_found().body()))

    def _token(self, wire: "Wire", own: str) -> web.Response:
        try:
            if own == "refuse_login":
                raise Refused("invalid_grant", "no client credentials user enabled")
            if wire.method != "POST":
                raise Refused("invalid_request", "must use HTTP POST")
            form = {**wire.params, **wire.form}
            found = self._parts.oauth.token(form, wire.headers.get("authorization"), self._base_url)
        except Refused as error:
            return _json(400, error.body, {"Cache-Control": "no-store"})
        return _json(200, found, {"Cache-Control": "no-store"})

    def _response(self, answer: Answer) -> web.Response:
        headers = {**answer.headers, "Sforce-Limit-Info": self.org.usage.header()}
        return _json(answer.status, answer.body, headers)


LONE_SURROGATE = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)  # half a character, perhaps: only then is it looked for
LOST_KINDS = frozenset({"timeout_before", "timeout_after", "hold", "late_effect", "reset", "truncate"})


class Wire:
    """One HTTP request, read once: path without repeated or trailing slashes, body as JSON or form."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self.segments = tuple(part for part in request.rel_url.raw_path.split("/") if part)
        self.path = "/" + "/".join(self.segments)
        self.params: Mapping[str, str] = dict(request.query)
        self.method = request.method
        if self.method == "POST" and "_HttpMethod" in self.params:
            self.method = self.params["_HttpMethod"].upper()
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        self.form: dict[str, str] = {}
        self.parsed: Any = None
        self.malformed = ""
        kind = self.headers.get("content-type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            self.form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        elif body:
            try:
                self.parsed = json.loads(body, parse_constant=_no_number)
                if LONE_SURROGATE.search(body):
                    json.dumps(self.parsed, ensure_ascii=False).encode()
            except (ValueError, RecursionError) as error:
                self.parsed, self.malformed = None, f"Unexpected character or end of input: {error}"


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _json(status: int, body: Any, headers: Mapping[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return web.Response(status=status, body=text.encode(), headers={**headers, "Content-Type": JSON})
