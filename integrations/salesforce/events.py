"""Platform events: what a subscriber takes in, and what it needs from its transport and from the journal.

An event is a hint; the truth is the order in Salesforce. The subscriber's one promise is that every event which
reached this process is durably journaled, together with the cursor that says so, before anybody acts on it. The parts:

    EventTransport    one session with the event bus (CometD now, the Pub/Sub API later)
    EventJournal      events, cursors and gaps, durable (implemented by the application)
    Supervisor        events_supervisor.py: session after session, with back-off

A cursor is opaque and belongs to one (org, transport, channel): never compute one, never carry one from one transport
to another (facts: platform-events §4, §6).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, Protocol

PROVISION_CHANNEL = "/event/OrderProvisionRequested__e"

# A well-formed Order id that no record can have: an event that carries it proves that the stream is alive.
HEARTBEAT_ORDER_ID = "801000000000000AAA"


@dataclass(frozen=True)
class RawEvent:
    """One event as received.

    ``replay_id`` is JSON text, to be kept and sent back unread. An event without a usable one carries the id that its
    channel stood at before, so storing the last event's id as the cursor is always right. ``event_uuid`` is
    Salesforce's EventUuid, or "sha256:…" over channel and body where there is none. ``problem`` says why the body
    could not be read ("" for a good one); ``payload`` is then {"malformed": the body}.
    """

    channel: str
    replay_id: str
    event_uuid: str
    payload: dict[str, Any]
    received_at: datetime
    problem: str = ""


def is_heartbeat(event: RawEvent) -> bool:
    """True for the application's own sign of life, which is never an order."""
    order_id = event.payload.get("OrderId__c")
    return isinstance(order_id, str) and order_id in (HEARTBEAT_ORDER_ID, HEARTBEAT_ORDER_ID[:15])


class EventJournal(Protocol):
    """Durable home of events, cursors and gaps. A call that raises has changed nothing."""

    async def cursor(self, channel: str) -> str | None:
        """The replay id (JSON text) of the last event of ``channel``; None before the first one and after a gap."""

    async def append(self, events: Sequence[RawEvent]) -> int:
        """Store ``events`` in their order and, per channel, the last one's replay id as the cursor: one transaction.

        An event whose ``event_uuid`` is known is skipped, but still moves the cursor. Returns how many were new.
        """

    async def gap(self, channel: str, reason: str) -> None:
        """Record that events of ``channel`` may be missing since its cursor, and forget the cursor: one transaction."""


class SessionPhase(StrEnum):
    """Where the transport's session stands."""

    CLOSED = "closed"
    OPENING = "opening"
    LISTENING = "listening"


@dataclass(frozen=True)
class SessionState:
    """The transport's session as shown in health; the last one's after it ended. Ages are in seconds."""

    phase: SessionPhase = SessionPhase.CLOSED
    endpoint: str = ""
    listening_since: datetime | None = None
    listened: float = 0.0  # monotonic age of the session since all channels were subscribed
    last_poll_at: datetime | None = None  # the bus last answered a poll, with or without events
    token_since: datetime | None = None  # when the access token in use was first seen


class EventTransport(Protocol):
    """One way to listen to the event bus."""

    @property
    def name(self) -> str:
        """Part of the cursor's key: "cometd" or "pubsub"."""

    @property
    def state(self) -> SessionState:
        """How the present session stands, or how the last one ended."""

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed()`` whenever the phase of the session changed."""

    async def run_session(
        self, channels: Sequence[str], journal: EventJournal, on_batch: Callable[[], None]
    ) -> NoReturn:
        """Listen until something fails, then clean up and raise; leaves no task and no connection behind.

        Starts each channel at the journal's cursor, or with everything retained where there is none; a cursor that
        the bus refuses becomes a gap, and everything retained follows. Each batch is appended before ``on_batch``,
        which is called for each, but within a backlog only about once a second, and for its end.
        Raises IntegrationError for whatever the bus, the network or the login did (class CAPACITY when a limit of the
        org is used up); what the journal raises passes through.
        """
