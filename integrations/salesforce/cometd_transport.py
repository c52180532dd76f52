"""The event transport over CometD: one session of aiosfstream, driven so that nothing is lost (facts: §5).

Order of a session: token, handshake, first poll, a subscription per channel with its durable cursor, and only when
all of them stand the first batch is journaled. What arrives earlier waits in memory: were it journaled at once, its
cursor could pass events that a subscription still owes.
"""

import asyncio
import dataclasses
import hashlib
import json
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import aiosfstream.exceptions

from integrations.errors import CallFailed, ErrorClass, System, plain_text
from integrations.http import check_address
from integrations.salesforce.cometd_client import ALL_RETAINED, JournalReplay, Login, StrictClient, TokenAuth, described
from integrations.salesforce.cometd_wire import WireFailed, WireLimits, WireOptions
from integrations.salesforce.events import EventJournal, RawEvent, SessionPhase, SessionState
from integrations.salesforce.events_tokens import Tokens

OLDEST_API = 59
BATCH = 500
BACKLOG_FIRST = 1.0  # seconds for which a backlog is only journaled
CAPACITY_TEXTS = ("limit exceeded", "limit_exceeded")
CONFIG_TEXTS = ("channel you requested to subscribe to does not exist", "api version")


@dataclass(frozen=True)
class CometdConfig:
    """``api_version`` is "59.0" or later; ``ca_file`` replaces the system's certificate authorities."""

    api_version: str = "63.0"
    ca_file: Path | None = None
    trust_env: bool = False
    limits: WireLimits = field(default_factory=WireLimits)

    def __post_init__(self) -> None:
        major, dot, minor = self.api_version.partition(".")
        if not (major.isdecimal() and dot and minor == "0" and int(major) >= OLDEST_API):
            raise ValueError(f"api_version must be {OLDEST_API}.0 or later, not {self.api_version!r}")


class CometdTransport:
    """EventTransport over CometD. It may run one session at a time."""

    name = "cometd"

    def __init__(
        self,
        config: CometdConfig,
        tokens: Tokens,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._tokens = tokens
        self._now = now
        self._monotonic = monotonic
        self._state = SessionState()
        self._listening_from: float | None = None
        self._token_seen: tuple[str, datetime] | None = None
        self._tls: ssl.SSLContext | None = None
        self._changed: list[Callable[[], None]] = []

    @property
    def state(self) -> SessionState:
        started = self._listening_from
        if started is None:
            return self._state
        return dataclasses.replace(self._state, listened=self._monotonic() - started)

    def watch(self, changed: Callable[[], None]) -> None:
        """See EventTransport."""
        self._changed.append(changed)

    async def run_session(
        self, channels: Sequence[str], journal: EventJournal, on_batch: Callable[[], None]
    ) -> NoReturn:
        """See EventTransport. Raises CallFailed, LoginFailed (from the token source) or what the journal raises."""
        auth, replay = TokenAuth(self._tokens, self._logged_in), JournalReplay(journal)
        self._state = SessionState(last_poll_at=self._state.last_poll_at)
        client = StrictClient(auth, replay, lambda: self._state.endpoint, await self._wire())
        try:
            self._enter(SessionPhase.OPENING)
            await self._establish(client, replay, journal, channels)
            self._listening_from = self._monotonic()
            self._enter(SessionPhase.LISTENING, listening_since=self._now())
            await self._pump(client, journal, on_batch, dict(replay.sent))
        except aiosfstream.exceptions.AiosfstreamException as error:
            if auth.login is not None and token_refused(error):
                await self._tokens.invalidate(auth.login.access_token)
            raise as_call_failed(error) from error
        finally:
            try:
                await client.leave()
            finally:
                listened, self._listening_from = self.state.listened, None
                self._enter(SessionPhase.CLOSED, listened=listened)

    async def _wire(self) -> WireOptions:
        if self._config.ca_file is not None and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=str(self._config.ca_file))
        return WireOptions(self._config.limits, self._tls, self._config.trust_env, self._polled)

    async def _establish(
        self,
        client: StrictClient,
        replay: JournalReplay,
        journal: EventJournal,
        channels: Sequence[str],
    ) -> None:
        try:
            async with asyncio.timeout(self._config.limits.open):
                await client.open()  # token, handshake, first poll
                for channel in channels:
                    await self._subscribe(client, replay, journal, channel)
        except TimeoutError as error:
            raise failed("cometd.handshake", "timeout", "the session did not open in time") from error

    async def _logged_in(self, login: Login) -> None:
        """Note the login of the session that opens; raises IntegrationError for an address that may not be used."""
        await asyncio.to_thread(check_address, login.instance_url, System.SALESFORCE)
        if self._token_seen is None or self._token_seen[0] != login.access_token:
            self._token_seen = (login.access_token, self._now())
        endpoint = f"{login.instance_url.rstrip('/')}/cometd/{self._config.api_version}"
        self._state = dataclasses.replace(self._state, endpoint=endpoint, token_since=self._token_seen[1])

    async def _subscribe(
        self, client: StrictClient, replay: JournalReplay, journal: EventJournal, channel: str
    ) -> None:
        """Subscribe with the cursor; where the bus refuses that cursor, record the gap and take all it retains."""
        try:
            await client.subscribe(channel)
        except aiosfstream.exceptions.ServerError as error:
            if not cursor_refused(error) or replay.sent.get(channel) == ALL_RETAINED:
                raise
            await journal.gap(channel, plain_text(described(error)))
            await client.subscribe(channel)

    async def _pump(
        self, client: StrictClient, journal: EventJournal, on_batch: Callable[[], None], cursors: dict[str, str]
    ) -> NoReturn:
        """Behind a full batch there are more: journaling them goes before their orders, which would take its time."""
        loop = asyncio.get_running_loop()
        later: asyncio.TimerHandle | None = None
        try:
            while True:
                messages = await client.batch(BATCH)
                received_at = self._now()
                events = [raw_event(message, cursors, received_at) for message in messages]
                await journal.append(events)  # durable before anything else sees it
                if len(messages) < BATCH:
                    on_batch()
                elif later is None or later.when() < loop.time():
                    later = loop.call_later(BACKLOG_FIRST, on_batch)
        finally:
            if later is not None:
                later.cancel()
                on_batch()

    def _enter(self, phase: SessionPhase, **values: Any) -> None:
        self._state = dataclasses.replace(self._state, phase=phase, **values)
        for changed in self._changed:
            changed()

    def _polled(self) -> None:
        self._state = dataclasses.replace(self._state, last_poll_at=self._now())


def raw_event(message: dict[str, Any], cursors: dict[str, str], received_at: datetime) -> RawEvent:
    """Read one Bayeux event message, however malformed; ``cursors`` (by channel) follows the replay ids."""
    channel = message["channel"]
    data = storable(message.get("data"))
    body = data if isinstance(data, dict) else {}
    found = body.get("event")
    event = found if isinstance(found, dict) else {}
    payload, replay_id, uuid = body.get("payload"), event.get("replayId"), event.get("EventUuid")
    problems = []
    if not isinstance(payload, dict):
        problems.append("no payload object")
    if isinstance(replay_id, int | str) and not isinstance(replay_id, bool):
        cursors[channel] = json.dumps(replay_id)
    else:
        problems.append("no replay id")
    if not isinstance(uuid, str) or not uuid:
        uuid = "sha256:" + hashlib.sha256((channel + json.dumps(data, sort_keys=True)).encode()).hexdigest()
    return RawEvent(
        channel=channel,
        replay_id=cursors.get(channel, ALL_RETAINED),
        event_uuid=uuid,
        payload=payload if isinstance(payload, dict) else {"malformed": data},
        received_at=received_at,
        problem=", ".join(problems),
    )


def storable(data: Any) -> Any:
    """``data`` itself, or with "?" for lone surrogates, which no database can hold as text."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode(errors="replace"))
    return data


def cursor_refused(error: Exception) -> bool:
    """True for ``400::The replayId {N} you provided was invalid. …``."""
    text = described(error).lower()
    return text.startswith("400:") and "replayid" in text


def token_refused(error: Exception) -> bool:
    """True where the token was refused: HTTP 401, ``401::…``, a denied handshake; not ``403::Unknown client``."""
    if isinstance(error, WireFailed):
        return error.status == 401
    text = described(error)
    return text.startswith("401:") or "Handshake denied" in text


def as_call_failed(error: Exception) -> CallFailed:
    """The library's error in the words of the house; the class says how long to wait."""
    if isinstance(error, WireFailed):
        operation = "cometd." + error.channel.rpartition("/")[2]
        return failed(operation, error.code, str(error), class_of(str(error)), http_status=error.status)
    response = getattr(error, "response", None) or {}
    operation = "cometd." + str(response.get("channel") or "/meta/connect").rpartition("/")[2]
    text = described(error)
    if not text:
        advice = response.get("advice")
        advised = advice.get("reconnect") if isinstance(advice, dict) else None
        text = f"advice reconnect {advised}" if advised else str(error)
        return failed(operation, "session_ended", text)
    return failed(operation, text.partition(":")[0], text, class_of(text))


def class_of(text: str) -> ErrorClass:
    """CAPACITY for a used-up limit, CONFIG for what a person must set right, else TRANSIENT."""
    lower = text.lower()
    if any(part in lower for part in CAPACITY_TEXTS):
        return ErrorClass.CAPACITY
    if any(part in lower for part in CONFIG_TEXTS):
        return ErrorClass.CONFIG
    return ErrorClass.TRANSIENT


def failed(
    operation: str,
    code: str,
    message: str,
    error_class: ErrorClass = ErrorClass.TRANSIENT,
    http_status: int | None = None,
) -> CallFailed:
    """A failed session: nothing was written, so the outcome is never unknown."""
    return CallFailed(System.SALESFORCE, operation, error_class, code, message, http_status=http_status)
