"""The Bayeux side of the sandbox's event bus: sessions, subscriptions with replay, and the answers to meta messages.

Shapes and texts are those of facts platform-events §3. Sessions live in memory, as with the real server: a restart
forgets them and the next message is answered ``403::Unknown client``.
"""

import asyncio
import re
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.salesforce.bus import Event, EventBus
from integrations.sandbox.salesforce.tokens import TokenBook

COOKIE = "BAYEUX_BROWSER"
OLDEST_VERSION = 37
EVENT_UUID_VERSION = 52
TIP, EVERYTHING = -1, -2  # ext.replay: only what comes, all that is retained
RETRY, HANDSHAKE, NONE = "retry", "handshake", "none"

Message = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """What the HTTP request says about who sends a message."""

    authorization: str | None
    browser: str | None  # the session cookie
    version: str  # as in the path, "" when it is missing


@dataclass
class Session:
    """One CometD client. ``subscriptions`` maps a channel to the last replay id that was read for it."""

    client_id: str
    browser: str
    seen: float
    subscriptions: dict[str, int] = field(default_factory=dict)
    unsent: deque[Event] = field(default_factory=deque)
    polled: bool = False
    poll: object | None = None  # the parked poll, None while there is none
    left: bool = False  # it said /meta/disconnect
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Refusal(Exception):
    """A message is answered ``successful: false`` with this error text and advice."""

    def __init__(self, text: str, reconnect: str = "", ext: Message | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.reconnect = reconnect
        self.ext = ext


def version_problem(version: str) -> str:
    """Why an endpoint version is refused; "" for one that is served."""
    if not version or not re.fullmatch(r"\d+\.\d", version):
        return "400::API version in the URI is mandatory. URI format: '/cometd/67.0'"
    if int(version.partition(".")[0]) < OLDEST_VERSION:
        return "400::Unsupported API version. Only API versions '37.0' and later are supported."
    return ""


class Sessions:
    """All CometD clients of the org. ``poll_seconds`` is advice.timeout, ``session_seconds`` the silence allowed."""

    def __init__(
        self,
        bus: EventBus,
        tokens: TokenBook,
        *,
        poll_seconds: float,
        session_seconds: float,
        events_per_reply: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._bus = bus
        self._tokens = tokens
        self._poll_seconds = poll_seconds
        self._session_seconds = session_seconds
        self._events_per_reply = events_per_reply
        self.clock = clock
        self._by_id: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, message: Message, caller: Caller) -> Session:
        """The session a message belongs to. Raises Refusal for a bad token, an unknown client or a missing cookie."""
        self.check_token(caller)
        client_id = str(message.get("clientId"))
        session = self._by_id.get(client_id)
        if session is None or self._silent(session):
            self._by_id.pop(client_id, None)
            raise Refusal("403::Unknown client", HANDSHAKE)
        if caller.browser is None:
            raise Refusal(f"400::Client {client_id} has established a session, but no {COOKIE} cookie present", NONE)
        if caller.browser != session.browser:
            raise Refusal("403::Unknown client", HANDSHAKE)
        return session

    def check_token(self, caller: Caller) -> None:
        if not caller.authorization:
            raise Refusal("401::Request requires authentication", NONE)
        if self._tokens.check(caller.authorization) is None:
            raise Refusal("401::Authentication invalid", NONE)

    def alive(self, session: Session) -> bool:
        return self._by_id.get(session.client_id) is session

    def handshake(self, message: Message, caller: Caller) -> tuple[Message, Session]:
        """A new session and the answer that announces it."""
        try:
            self.check_token(caller)
        except Refusal as refusal:
            ext = {"sfdc": {"failureReason": refusal.text}, "replay": True, "payload.format": True}
            known = bool(caller.authorization)
            raise Refusal("403::Handshake denied" if known else refusal.text, NONE, ext) from refusal
        offered = message.get("supportedConnectionTypes")
        types = offered if isinstance(offered, list) else []
        if "long-polling" not in types:
            raise Refusal(f"400::Invalid connection type {', '.join(map(str, types))}", NONE)
        self._forget_silent()
        client_id = secrets.token_hex(14)
        session = Session(client_id, caller.browser or secrets.token_hex(16), self.clock())
        self._by_id[client_id] = session
        self.counts["handshake"] += 1
        answer = {
            "ext": {"replay": True, "payload.format": True},
            "minimumVersion": "1.0",
            "clientId": client_id,
            "supportedConnectionTypes": ["long-polling"],
            "channel": "/meta/handshake",
            "version": "1.0",
            "successful": True,
        }
        return answer, session

    def subscribe(self, session: Session, message: Message, *, expired: bool) -> Message:
        """Subscribe to one channel or a list of them; ``expired`` refuses any stored replay id."""
        wanted = message.get("subscription")
        channels = wanted if isinstance(wanted, list) else [wanted]
        starts = {str(name): self._start(name, message, expired=expired) for name in channels or [None]}
        session.subscriptions.update(starts)
        session.unsent = deque(event for event in session.unsent if event.channel not in starts)
        session.woken.set()
        self.counts["subscribe"] += 1
        return self._done("/meta/subscribe", session, subscription=wanted)

    def unsubscribe(self, session: Session, message: Message) -> Message:
        wanted = message.get("subscription")
        for channel in wanted if isinstance(wanted, list) else [wanted]:
            session.subscriptions.pop(str(channel), None)
        session.unsent = deque(event for event in session.unsent if event.channel in session.subscriptions)
        return self._done("/meta/unsubscribe", session, subscription=wanted)

    def disconnect(self, session: Session) -> Message:
        self._by_id.pop(session.client_id, None)
        session.left = True
        session.woken.set()
        self.counts["disconnect"] += 1
        return self._done("/meta/disconnect", session)

    def connected(self, session: Session) -> Message:
        """The answer to a poll; the first one of a session carries the advice."""
        self.counts["connect"] += 1
        session.seen = self.clock()
        answer = self._done("/meta/connect", session)
        if not session.polled:
            session.polled = True
            timeout = int(self._poll_seconds * 1000)
            return {**answer, "advice": {"interval": 0, "timeout": timeout, "reconnect": RETRY}}
        return answer

    def pending(self, session: Session) -> bool:
        """Whether there are events for this client; reads what was published since it was asked last."""
        found: list[Event] = []
        for channel, last in session.subscriptions.items():
            if new := self._bus.read(channel, last):
                session.subscriptions[channel] = new[-1].replay_id
                found += new
        session.unsent.extend(sorted(found, key=lambda event: event.replay_id))
        return bool(session.unsent)

    def take(self, session: Session, version: str) -> list[Message]:
        """The next events for this client, in order of replay id; they count as sent whether they arrive or not."""
        self.pending(session)
        count = min(self._events_per_reply, len(session.unsent))
        self.counts["events"] += count
        return [event_message(session.unsent.popleft(), version) for _ in range(count)]

    def wake(self, channel: str | None = None) -> None:
        """Let the parked polls look again: all of them, or those that listen to ``channel``."""
        for session in self._by_id.values():
            if channel is None or channel in session.subscriptions:
                session.woken.set()

    def expire(self) -> int:
        """Forget every client; parked polls are answered 403::Unknown client."""
        gone = list(self._by_id.values())
        self._by_id.clear()
        for session in gone:
            session.woken.set()
        return len(gone)

    def _start(self, channel: object, message: Message, *, expired: bool) -> int:
        if not isinstance(channel, str) or not channel:
            raise Refusal("400::Channel name not specified")
        if not channel.startswith("/"):
            raise Refusal("400::Channel subscriptions must start with a leading '/'")
        if channel not in self._bus.channels:
            raise Refusal(f"400::The channel you requested to subscribe to does not exist {channel}")
        asked = self._asked_replay(channel, message)
        number = int(asked) if re.fullmatch(r"-?\d{1,18}", asked) else 0
        if number == TIP:
            return self._bus.last(channel)
        if number == EVERYTHING:
            return 0
        if expired or not self._bus.retained(channel, number):
            raise Refusal(
                f"400::The replayId {{{asked}}} you provided was invalid. Please provide a valid ID, -2 to replay all "
                "events, or -1 to replay only new events."
            )
        return number

    @staticmethod
    def _asked_replay(channel: str, message: Message) -> str:
        """``ext.replay`` of the channel, a number or a string; -1 where the client says nothing."""
        ext = message.get("ext")
        replay = ext.get("replay") if isinstance(ext, Mapping) else None
        asked = replay.get(channel, TIP) if isinstance(replay, Mapping) else TIP
        return str(asked).strip()

    def _silent(self, session: Session) -> bool:
        return session.poll is None and self.clock() - session.seen > self._session_seconds

    def _forget_silent(self) -> None:
        for session in [session for session in self._by_id.values() if self._silent(session)]:
            del self._by_id[session.client_id]

    @staticmethod
    def _done(channel: str, session: Session, **more: Any) -> Message:
        return {"clientId": session.client_id, "channel": channel, **more, "successful": True}


def asks_for_stored_events(message: Message) -> bool:
    """Whether a subscribe message carries a replay id of an event, neither -1 nor -2."""
    ext = message.get("ext")
    replay = ext.get("replay") if isinstance(ext, Mapping) else None
    asked = replay.values() if isinstance(replay, Mapping) else ()
    return any(str(value).strip() not in (str(TIP), str(EVERYTHING)) for value in asked)


def event_message(event: Event, version: str) -> Message:
    """The message that carries ``event``; EventUuid only comes from API version 52.0 on."""
    message = event.message()
    if int(version.partition(".")[0]) < EVENT_UUID_VERSION:
        del message["data"]["event"]["EventUuid"]
    return message
