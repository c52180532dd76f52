"""Strict long polling on aiocometd's transport base: one exchange either succeeds whole or ends the session.

aiocometd 0.4.5 cannot open on Python ≥ 3.10, and where it can, its own reconnecting loses events for good (facts:
platform-events §2, D1-D18). Of the library remain the framing of messages and the hooks for token and replay id; the
HTTP exchange and what follows a poll are replaced here. Nothing reconnects, re-handshakes or re-subscribes in place:
the reply that a broken poll may have carried is only to be had again by a new session with the durable cursor.
"""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import aiosfstream.exceptions
from aiocometd.constants import CONNECT_MESSAGE, ConnectionType, TransportState
from aiocometd.transports.base import TransportBase

from integrations.errors import plain_text

Message = dict[str, Any]

FIRST_POLL_SECONDS = 110.0  # Salesforce's own advice; used until the server has given one
LONGEST_POLL = 600.0
LONGEST_PAUSE = 30.0  # the server forgets a client after 40 s without a poll
HIGH_WATER = 2000  # events not yet journaled above which no further poll is sent


@dataclass(frozen=True)
class WireLimits:
    """Seconds. A poll may last ``advice.timeout`` x ``poll_factor`` + ``poll_slack``."""

    open: float = 60.0
    connect: float = 10.0
    control: float = 20.0
    poll_factor: float = 1.2
    poll_slack: float = 5.0
    goodbye: float = 2.0


@dataclass(frozen=True)
class WireOptions:
    """How to reach the server, and whom to tell about polls that were answered."""

    limits: WireLimits
    tls: ssl.SSLContext | None
    trust_env: bool
    on_poll: Callable[[], None]


class WireFailed(aiosfstream.exceptions.TransportError):
    """One HTTP exchange did not bring what was asked for. ``status`` is None when there was no complete answer."""

    def __init__(self, channel: str, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{channel}: {message}")
        self.channel = channel
        self.code = code
        self.status = status


class Refused(aiosfstream.exceptions.ServerError):
    """The server answered a message with ``successful: false`` or advised anything but another poll."""


class Inbox:
    """Events received and not yet journaled, and behind the last of them the error that ended the session."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._failure: BaseException | None = None
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, message: Message) -> None:
        self._messages.append(message)
        self._arrived.set()
        if len(self._messages) > HIGH_WATER:
            self._room.clear()

    def end(self, failure: BaseException) -> None:
        self._failure = failure
        self._arrived.set()

    async def batch(self, limit: int) -> list[Message]:
        """The next 1…``limit`` events in order of arrival; once they are out, raises what ended the session.

        Nothing is taken out before the wait is over, so a cancel loses nothing (the library's receive() does: D9).
        """
        while not self._messages:
            if self._failure is not None:
                raise self._failure
            self._arrived.clear()
            await self._arrived.wait()
        found = [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]
        if len(self._messages) <= HIGH_WATER:
            self._room.set()
        return found

    async def room(self) -> None:
        """Wait while too much is unread: back-pressure between polls, never inside one (D10)."""
        await self._room.wait()


class StrictLongPolling(TransportBase):
    """One session's exchanges with the CometD endpoint."""

    def __init__(self, options: WireOptions, **base: Any) -> None:
        super().__init__(incoming_queue=asyncio.Queue(), **base)  # the library's queue stays empty
        self.inbox = Inbox()
        self._options = options
        self._poll_seconds = FIRST_POLL_SECONDS
        self._first_poll = True
        self.failure: BaseException | None = None

    @property
    def connection_type(self) -> ConnectionType:
        return ConnectionType.LONG_POLLING

    async def _get_http_session(self) -> aiohttp.ClientSession:
        """A session of our own: its cookie jar also keeps the cookie of a server addressed by IP."""
        if self._http_session is None:
            options = self._options
            self._http_session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=options.tls if options.tls is not None else True),
                cookie_jar=aiohttp.CookieJar(unsafe=True),
                trust_env=options.trust_env,
            )
        return self._http_session

    async def _send_payload_with_auth(self, payload: list[Message]) -> Message:
        """Send once; the library would log in again in place, on every 403, and wedge when that fails (D4, D15)."""
        reply: Message = await self._send_payload(payload)
        return reply

    async def _send_final_payload(self, payload: list[Message], *, headers: dict[str, str]) -> Message:
        """One HTTP exchange. Raises WireFailed unless the answer is whole, well-formed and answers the request."""
        channel = _text(payload[0]["channel"])
        status, body = await self._exchange(channel, payload, headers)
        messages = read_messages(channel, status, body)
        for message in messages:
            timeout = (message.get("advice") or {}).get("timeout")
            if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
                self._poll_seconds = min(timeout, LONGEST_POLL * 1000) / 1000  # none given: the old one stays (D6)
        reply: Message | None = await self._consume_payload(messages, find_response_for=payload[0])
        if reply is None:
            raise WireFailed(channel, "no_reply", "the answer holds no reply to the request", status)
        return reply

    async def _exchange(self, channel: str, payload: list[Message], headers: dict[str, str]) -> tuple[int, bytes]:
        limits = self._options.limits
        polling = channel == "/meta/connect" and not self._first_poll
        total = self._poll_seconds * limits.poll_factor + limits.poll_slack if polling else limits.control
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=limits.connect)
        session = await self._get_http_session()
        try:
            async with session.post(
                self._url, json=payload, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except TimeoutError as error:
            raise WireFailed(channel, "timeout", f"no answer within {total:.1f} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise WireFailed(channel, "connection_lost", f"{type(error).__name__}: {error}") from error

    async def _consume_message(self, response_message: Message) -> None:
        """Queue whatever is not the protocol's own; the library drops an event without a body unseen."""
        if not response_message["channel"].startswith(("/meta/", "/service/")):
            self.inbox.put(response_message)

    async def _connect(self) -> Message:
        """Send one poll and nothing else with it (the library would re-subscribe here, unchecked: D3).

        The first one asks to be answered at once, as the protocol allows, so that opening never waits out a poll.
        """
        message: Message = dict(CONNECT_MESSAGE)
        if self._first_poll:
            message["advice"] = {"timeout": 0}
        reply = await self._send_payload_with_auth([message])
        self._first_poll = False
        return reply

    def _connect_done(self, future: "asyncio.Future[Message]") -> None:
        """A poll is over: note it and start the next one, or end the session."""
        failure: BaseException | None
        if future.cancelled():  # by leave(), or from within the HTTP library: then nobody else would notice
            failure = WireFailed("/meta/connect", "connection_lost", "the poll was cancelled")
        else:
            failure = future.exception()  # reading it marks it as retrieved
        if self.state == TransportState.DISCONNECTING:
            return
        reply = {} if failure else future.result()
        advice = reply.get("advice") or {}
        if failure is None and (not reply.get("successful") or advice.get("reconnect", "retry") != "retry"):
            failure = Refused("the server ended the session", reply)
        if failure is not None:
            self._state = TransportState.SERVER_DISCONNECTED
            self.failure = failure
            self.inbox.end(failure)
            return
        self._options.on_poll()
        self._state = TransportState.CONNECTED
        self._start_connect_task(self._next_poll(pause_seconds(advice.get("interval"))))

    async def _next_poll(self, pause: float) -> Message:
        await self.inbox.room()
        if pause:
            await asyncio.sleep(pause)
        return await self._connect()

    async def leave(self) -> None:
        """Say goodbye if the server still listens, then drop tasks and connections; safe in any state, also twice."""
        polling, session = self._connect_task, self._http_session
        try:
            async with asyncio.timeout(self._options.limits.goodbye):
                await self.disconnect()
        except (TimeoutError, aiosfstream.exceptions.AiosfstreamException):
            pass  # the goodbye is a courtesy: without it the server forgets the session after 40 s
        finally:
            if session is not None:
                await session.close()
            if polling is not None and not polling.done():
                polling.cancel()
                await asyncio.wait([polling])


def read_messages(channel: str, status: int, body: bytes) -> list[Message]:
    """The Bayeux messages of an HTTP answer; WireFailed for anything that is not a list of well-formed ones."""
    try:
        # NaN and Infinity are not JSON and no journal could give them back as such: read as null
        messages = json.loads(body, parse_constant=lambda _: None) if status == 200 else None
    except ValueError as error:
        raise WireFailed(channel, "bad_json", f"HTTP 200: {error}", status) from error
    if not isinstance(messages, list) or not all(_well_formed(message) for message in messages):
        shown = plain_text(body[:200].decode("utf-8", "replace"), 120)
        code = f"http_{status}" if status != 200 else "bad_answer"
        raise WireFailed(channel, code, f"HTTP {status}: {shown}", status)
    return messages


def _well_formed(message: Any) -> bool:
    """What the library takes for granted: a text channel, ``successful`` on meta replies, an object as advice."""
    if not isinstance(message, dict) or not isinstance(message.get("channel"), str):
        return False
    if not isinstance(message.get("advice", {}), dict | None):
        return False
    channel = message["channel"]
    if channel in ("/meta/subscribe", "/meta/unsubscribe") and message.get("successful") is True:
        return isinstance(message.get("subscription"), str)
    return not channel.startswith("/meta/") or isinstance(message.get("successful"), bool)


def pause_seconds(interval: object) -> float:
    """Seconds to wait before the next poll from ``advice.interval``, which is in milliseconds (D5)."""
    if isinstance(interval, bool) or not isinstance(interval, int | float) or interval <= 0:
        return 0.0
    return min(interval, LONGEST_PAUSE * 1000) / 1000  # in this order: an integer may exceed every float


def _text(channel: Any) -> str:
    return str(getattr(channel, "value", channel))
