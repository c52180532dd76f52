"""aiosfstream's client with every automatism taken out: it opens, subscribes, hands over batches, and leaves."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiosfstream.exceptions
from aiocometd.constants import ConnectionType, MetaChannel, TransportState
from aiosfstream.auth import AuthenticatorBase
from aiosfstream.client import Client, ReplayMarkerStoragePolicy
from aiosfstream.replay import ReplayMarker, ReplayMarkerStorage

from integrations.salesforce.cometd_wire import Message, Refused, StrictLongPolling, WireOptions
from integrations.salesforce.events import EventJournal
from integrations.salesforce.events_tokens import Tokens

ALL_RETAINED = "-2"  # as a cursor: everything the bus still keeps


@dataclass(frozen=True)
class Login:
    """The access token of a session and the address that it is good for."""

    access_token: str
    instance_url: str


class TokenAuth(AuthenticatorBase):
    """Puts the access token of one session on its requests. It never logs in again by itself (D4, D14, D15)."""

    def __init__(self, tokens: Tokens, on_login: Callable[[Login], Awaitable[None]]) -> None:
        super().__init__()
        self._tokens = tokens
        self._on_login = on_login
        self.login: Login | None = None

    async def authenticate(self) -> None:
        """Take the token, once for the session's life. Raises what the token source or ``on_login`` raises."""
        if self.login is not None:
            return
        login = Login(*await self._tokens.token())
        await self._on_login(login)
        self.login = login
        self.access_token, self.instance_url = login.access_token, login.instance_url
        self.token_type = "Bearer"  # noqa: S105  # the scheme's name, not a secret

    async def _authenticate(self) -> tuple[int, Message]:
        raise NotImplementedError("tokens come from the token source")


class JournalReplay(ReplayMarkerStorage):
    """Writes the durable cursor into subscribe messages, as it came; stores nothing of its own (D12)."""

    def __init__(self, journal: EventJournal) -> None:
        super().__init__()
        self._journal = journal
        self.sent: dict[str, str] = {}  # the cursor each channel was last subscribed with

    async def outgoing(self, payload: list[Message], headers: dict[str, str]) -> None:
        """Also for ids that are falsy in Python, which the library would leave out."""
        for message in payload:
            if message["channel"] == MetaChannel.SUBSCRIBE:
                channel = message["subscription"]
                self.sent[channel] = await self._journal.cursor(channel) or ALL_RETAINED
                message["ext"] = {"replay": {channel: json.loads(self.sent[channel])}}

    async def get_replay_marker(self, subscription: str) -> ReplayMarker | None:
        return None

    async def set_replay_marker(self, subscription: str, replay_marker: ReplayMarker) -> None:
        """The journal moves the cursor, together with the events."""


class StrictClient(Client):
    """One session. Build it inside a running loop, ``open``, ``subscribe``, ``batch`` …, and always ``leave``.

    ``endpoint()`` gives the CometD address once the token is there.
    """

    def __init__(self, auth: TokenAuth, replay: JournalReplay, endpoint: Callable[[], str], wire: WireOptions) -> None:
        super().__init__(
            auth,
            replay=replay,
            replay_storage_policy=ReplayMarkerStoragePolicy.MANUAL,
            max_pending_count=0,
            loop=asyncio.get_running_loop(),
        )
        self._endpoint = endpoint
        self._wire = wire
        self._line: StrictLongPolling | None = None

    async def _negotiate_transport(self) -> StrictLongPolling:
        """Handshake for long polling on the strict transport, without the library's process-wide registry.

        The library's own endpoint, version 45.0, is too old for EventUuid (D11).
        """
        line = StrictLongPolling(
            self._wire,
            url=self._endpoint(),
            extensions=self.extensions,
            auth=self.auth,
            loop=self._loop,
        )
        self._line = self._transport = line  # before the first await: leave() must find it
        reply = await line.handshake([ConnectionType.LONG_POLLING])
        self._verify_response(reply)
        offered = reply.get("supportedConnectionTypes")
        if not line.client_id or not isinstance(offered, list) or "long-polling" not in offered:
            raise Refused("the handshake offers no long-polling session", reply)
        return line

    async def _check_server_disconnected(self) -> None:
        if self._line is not None and self._line.state == TransportState.SERVER_DISCONNECTED:
            raise self._line.failure or aiosfstream.exceptions.TransportError("the session is over")

    async def batch(self, limit: int) -> list[Message]:
        """See Inbox.batch."""
        if self._line is None:
            raise RuntimeError("the session is not open")
        return await self._line.inbox.batch(limit)

    async def leave(self) -> None:
        """End the session and free what it holds, in whatever state it is."""
        self._closed = True
        if self._line is not None:
            await self._line.leave()


def described(error: Any) -> str:
    """The server's own error text of a refusal, "403::Unknown client", with the reason inside a denied handshake."""
    response = getattr(error, "response", None) or {}
    text = str(response.get("error") or "")
    extension = response.get("ext")
    inner = extension.get("sfdc") if isinstance(extension, dict) else None
    reason = inner.get("failureReason") if isinstance(inner, dict) else None
    return f"{text} ({reason})" if reason and str(reason) != text else text
