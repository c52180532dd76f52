"""CometD at ``/cometd/NN.N``: the HTTP side of the sandbox's event bus, with its faults (facts: platform-events §8).

Long-polling only: a POST carries one or more Bayeux messages and is answered in one array. A poll that comes alone is
parked until an event, a revoked token, the session's end or advice.timeout releases it; other requests of the same
client are answered beside it. An answer that is lost on the way is lost: the events in it are not sent again.
"""

import asyncio
import json
import time
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from integrations.sandbox.faults import Fault, Faults
from integrations.sandbox.salesforce.bus import EventBus
from integrations.sandbox.salesforce.cometd_faults import (
    ADVICE_KINDS,
    AFTER_KINDS,
    BEFORE_KINDS,
    REFUSE_KINDS,
    REPLAY_KINDS,
    Lost,
    cut,
    spoil_after,
    spoil_before,
)
from integrations.sandbox.salesforce.cometd_sessions import (
    COOKIE,
    NONE,
    Caller,
    Message,
    Refusal,
    Session,
    Sessions,
    asks_for_stored_events,
    version_problem,
)
from integrations.sandbox.salesforce.tokens import TokenBook
from integrations.sandbox.traffic import Entry, Traffic

SYSTEM = "salesforce"
LARGEST_BODY = 32_768
TICK = 0.5  # seconds between two looks of a parked poll at its token and its connection


@dataclass(frozen=True)
class CometdOptions:
    """Seconds: ``poll_seconds`` is advice.timeout, ``session_seconds`` how long by ``clock`` a client may stay silent."""

    poll_seconds: float = 110.0
    session_seconds: float = 40.0
    events_per_reply: int = 2000
    events_in_subscribe_reply: bool = False  # replayed events in the subscribe reply, where some clients choke on them
    clock: Callable[[], float] = time.monotonic


class CometdControl:
    """What tests and the control API may do to the event bus's line, beside setting faults.

    Fault operations are cometd.handshake, cometd.connect, cometd.subscribe (also cometd.disconnect and
    cometd.unsubscribe); the kinds are listed in cometd_faults.py.
    """

    def __init__(self, sessions: Sessions, tokens: TokenBook) -> None:
        self.closed = False
        self._sessions = sessions
        self._tokens = tokens
        self._lines: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    @property
    def counts(self) -> Counter[str]:
        """How often: handshake, connect, subscribe, disconnect; events: how many were sent."""
        return self._sessions.counts

    @property
    def clients(self) -> int:
        """How many sessions there are."""
        return len(self._sessions)

    def expire_sessions(self) -> int:
        """Forget every client, as after 40 s of silence; returns how many."""
        return self._sessions.expire()

    def revoke_tokens(self) -> int:
        """Make every access token invalid and release the parked polls with 401; returns how many tokens."""
        revoked = self._tokens.revoke_all()
        self._sessions.wake()
        return revoked

    def drop_connections(self) -> int:
        """Cut every TCP connection that spoke CometD; returns how many."""
        lines = [line for line in self._lines if not line.is_closing()]
        for line in lines:
            line.abort()
        return len(lines)

    def wake(self) -> None:
        """Let every parked poll look again (after a token was revoked elsewhere, say)."""
        self._sessions.wake()

    def seen(self, request: web.Request) -> None:
        """Remember the connection of a request."""
        if isinstance(request.transport, asyncio.Transport):
            self._lines.add(request.transport)

    async def close(self, _app: web.Application) -> None:
        """For the server's stop: parked polls are cut, not answered."""
        self.closed = True
        self.drop_connections()
        self._sessions.wake()


def install_cometd(
    app: web.Application,
    *,
    bus: EventBus,
    tokens: TokenBook,
    faults: Faults,
    traffic: Traffic,
    options: CometdOptions,
) -> CometdControl:
    """Serve CometD on ``app`` (before it starts) and return the control over it."""
    sessions = Sessions(
        bus,
        tokens,
        poll_seconds=options.poll_seconds,
        session_seconds=options.session_seconds,
        events_per_reply=options.events_per_reply,
        clock=options.clock,
    )
    control = CometdControl(sessions, tokens)
    endpoint = Endpoint(sessions, control, tokens, faults, traffic, options)
    app.router.add_post("/cometd", endpoint.serve)
    app.router.add_post("/cometd/{version:[^/]*}{rest:.*}", endpoint.serve)
    leave = bus.on_commit(sessions.wake)

    async def stop(app: web.Application) -> None:
        leave()
        await control.close(app)

    app.on_shutdown.append(stop)
    return control


class Endpoint:
    """Answers the POSTs."""

    def __init__(
        self,
        sessions: Sessions,
        control: CometdControl,
        tokens: TokenBook,
        faults: Faults,
        traffic: Traffic,
        options: CometdOptions,
    ) -> None:
        self._sessions = sessions
        self._control = control
        self._tokens = tokens
        self._faults = faults
        self._traffic = traffic
        self._options = options

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self._control.seen(request)
        messages = await read_messages(request)
        if isinstance(messages, web.Response):
            return messages
        operation, facts = operation_of(messages[0])
        entry = self._traffic.asked(SYSTEM, operation, facts)
        try:
            response = await self._respond(request, messages, operation, facts, entry)
            await response.prepare(request)
            await response.write_eof()
        except (Lost, ConnectionError):
            cut(request)
            return web.Response(status=500)
        entry.status, entry.answered = response.status, True
        return response

    async def _respond(
        self, request: web.Request, messages: list[Message], operation: str, facts: dict[str, str], entry: Entry
    ) -> web.StreamResponse:
        if fault := self._take(operation, facts, BEFORE_KINDS, entry):
            response = await spoil_before(fault, self._faults, self._control)
            if response is not None:
                return response
        refusal = self._take(operation, facts, REFUSE_KINDS, entry)
        answers, browser = await self._answers(request, messages, refusal, facts, entry)
        if fault := self._take(operation, facts, ADVICE_KINDS, entry):
            first = next(answer for answer in answers if answer["channel"] == messages[0]["channel"])
            first["advice"] = {**first.get("advice", {}), **fault.options}
        has_events = any(not answer["channel"].startswith("/meta/") for answer in answers)
        if has_events or operation != "cometd.connect":
            fault = self._take(operation, facts, AFTER_KINDS, entry)
            if fault:
                answers = await spoil_after(fault, self._faults, request, answers)
        response = web.json_response(answers)
        if browser is not None:
            response.set_cookie(COOKIE, browser, path="/", httponly=True)
        return response

    def _take(self, operation: str, facts: dict[str, str], kinds: frozenset[str], entry: Entry) -> Fault | None:
        fault = self._faults.take(SYSTEM, operation, facts, kinds)
        if fault:
            entry.fault = fault.kind
        return fault

    async def _answers(
        self, request: web.Request, messages: list[Message], fault: Fault | None, facts: dict[str, str], entry: Entry
    ) -> tuple[list[Message], str | None]:
        """The answers to all messages, and the cookie to set after a handshake."""
        caller = Caller(
            request.headers.get("Authorization"), request.cookies.get(COOKIE), request.match_info.get("version", "")
        )
        answers: list[Message] = []
        browser: str | None = None
        for number, message in enumerate(messages):
            try:
                if fault and number == 0:
                    text = str(fault.options.get("text", "403::Unknown client"))
                    raise Refusal(text, str(fault.options.get("reconnect", "")))
                found, session = await self._answer(request, message, caller, len(messages) == 1, facts, entry)
                if message["channel"] == "/meta/handshake" and caller.browser is None and session:
                    browser = session.browser
            except Refusal as refusal:
                found = [refused(message, refusal)]
            if "id" in message:
                found[-1]["id"] = message["id"]
            answers += found
        return answers, browser

    async def _answer(
        self, request: web.Request, message: Message, caller: Caller, alone: bool, facts: dict[str, str], entry: Entry
    ) -> tuple[list[Message], Session | None]:
        """The answer to one message, last in the list, behind the events that go out with it."""
        if problem := version_problem(caller.version):
            raise Refusal(problem, NONE)
        channel = message["channel"]
        if channel == "/meta/handshake":
            answer, session = self._sessions.handshake(message, caller)
            return [answer], session
        session = self._sessions.find(message, caller)
        match channel:
            case "/meta/connect":
                return await self._connect(request, message, caller, session, alone), session
            case "/meta/subscribe":
                stored = asks_for_stored_events(message)
                fault = self._take("cometd.subscribe", facts, REPLAY_KINDS, entry) if stored else None
                answer = self._sessions.subscribe(session, message, expired=fault is not None)
                now = self._options.events_in_subscribe_reply
                return [*(self._sessions.take(session, caller.version) if now else []), answer], session
            case "/meta/unsubscribe":
                return [self._sessions.unsubscribe(session, message)], session
            case "/meta/disconnect":
                return [self._sessions.disconnect(session)], session
        if channel.startswith("/meta/"):
            raise Refusal(f"400::Unknown meta channel {channel}")
        raise Refusal(f"403::Publishing to {channel} by CometD is not supported")

    async def _connect(
        self, request: web.Request, message: Message, caller: Caller, session: Session, alone: bool
    ) -> list[Message]:
        kind = message.get("connectionType")
        if kind != "long-polling":
            raise Refusal(f"400::Invalid connection type {kind}", NONE)
        poll = session.poll = object()
        session.woken.set()  # a second poll releases the first
        advice = message.get("advice")
        at_once = isinstance(advice, dict) and advice.get("timeout") == 0
        try:
            if session.polled and alone and not at_once:
                await self._park(request, caller, session, poll)
            if session.left:
                return [{**self._sessions.connected(session), "advice": {"interval": 0, "reconnect": NONE}}]
            if session.poll is poll:
                self._sessions.find(message, caller)  # the token or the session may have gone meanwhile
                return [*self._sessions.take(session, caller.version), self._sessions.connected(session)]
            return [self._sessions.connected(session)]
        finally:
            if session.poll is poll:
                session.poll = None
                session.seen = self._sessions.clock()

    async def _park(self, request: web.Request, caller: Caller, session: Session, poll: object) -> None:
        """Until there is something to say, the poll's time is over, or nobody listens any more."""
        ends = time.monotonic() + self._options.poll_seconds
        while (left := ends - time.monotonic()) > 0 and session.poll is poll:
            session.woken.clear()
            if self._control.closed or request.transport is None or request.transport.is_closing():
                raise Lost
            refused_token = self._tokens.check(caller.authorization) is None
            if refused_token or not self._sessions.alive(session) or self._sessions.pending(session):
                return
            try:
                async with asyncio.timeout(min(left, TICK)):
                    await session.woken.wait()
            except TimeoutError:
                continue


async def read_messages(request: web.Request) -> list[Message] | web.Response:
    """The Bayeux messages of a request, or the HTTP error that answers a body which is none."""
    body = await request.read()
    if len(body) > LARGEST_BODY:
        return web.Response(status=413, text=f"The request body is larger than {LARGEST_BODY} bytes")
    try:
        found: Any = json.loads(body)
    except ValueError:
        return web.Response(status=400, text="The request body is not JSON")
    messages = found if isinstance(found, list) else [found]
    if not messages or not all(isinstance(item, dict) and isinstance(item.get("channel"), str) for item in messages):
        return web.Response(status=400, text="The request body holds no Bayeux messages")
    return messages


def operation_of(message: Message) -> tuple[str, dict[str, str]]:
    """The name of a request in the traffic log, and the facts that faults may ask for."""
    channel = message["channel"]
    operation = "cometd." + (channel.removeprefix("/meta/") if channel.startswith("/meta/") else "publish")
    facts = {"client": message.get("clientId"), "subscription": message.get("subscription")}
    return operation, {key: str(value) for key, value in facts.items() if value}


def refused(message: Message, refusal: Refusal) -> Message:
    """The answer ``successful: false``."""
    answer: Message = {"channel": message["channel"], "error": refusal.text, "successful": False}
    if refusal.ext:
        answer["ext"] = refusal.ext
    if "clientId" in message:
        answer["clientId"] = message["clientId"]
    if "subscription" in message:
        answer["subscription"] = message["subscription"]
    if refusal.reconnect:
        answer["advice"] = {"interval": 0, "reconnect": refusal.reconnect}
    return answer
