"""Platform events: a durable, append-only log with rising, gapped replay ids (facts: platform-events §3, §8).

``publish`` appends inside the current transaction, so that a rolled-back save publishes nothing. Listeners are told
from a later turn of the event loop: no transaction spans two turns, hence they only ever see what was committed.
"""

import asyncio
import random
import secrets
import uuid
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from integrations.sandbox.salesforce.watched import WatchedTable
from integrations.sandbox.store import Document, Store

FIRST_REPLAY_ID = 1_000_000
MAX_GAP = 9

Listener = Callable[[str], None]


@dataclass(frozen=True)
class Event:
    """One published event. ``payload`` is as delivered: the event's fields plus CreatedDate and CreatedById."""

    channel: str  # "/event/OrderProvisionRequested__e"
    replay_id: int
    uuid: str
    payload: Mapping[str, Any]
    created_at: str  # ISO 8601, UTC

    def message(self) -> dict[str, Any]:
        """The Bayeux message that carries this event."""
        event = {"EventUuid": self.uuid, "replayId": self.replay_id}
        data = {"schema": schema_of(self.channel), "payload": dict(self.payload), "event": event}
        return {"channel": self.channel, "data": data}


@cache
def schema_of(channel: str) -> str:
    """The id of a channel's event schema: always the same, and a hash that is not made again for each event."""
    return uuid.uuid5(uuid.NAMESPACE_URL, channel).hex[:22]


class EventTable(WatchedTable):
    """The stored events by replay id, with the ids of each channel in order."""

    def __init__(self, store: Store) -> None:
        self.by_channel: dict[str, list[int]] = {}
        super().__init__(store, "sf.event")

    def changed(self, key: str, before: Document | None, after: Document | None) -> None:
        if before is not None:
            self.by_channel[before["channel"]].remove(int(key))
        if after is not None:
            insort(self.by_channel.setdefault(after["channel"], []), int(key))


class EventBus:
    """The event log of one org. ``channels`` are those that exist ("/event/X__e")."""

    def __init__(
        self,
        store: Store,
        channels: Iterable[str] = ("/event/OrderProvisionRequested__e",),
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        gaps: random.Random | None = None,
    ) -> None:
        self._store = store
        self._events = EventTable(store)
        self._counter = store.table("sf.replay")
        self._channels = frozenset(channels)
        self._now = now
        self._gaps = gaps or random.Random(0)
        self._listeners: list[Listener] = []
        self._told: set[str] = set()

    @property
    def channels(self) -> frozenset[str]:
        """The channels that exist."""
        return self._channels

    @property
    def retained_count(self) -> int:
        """How many events are kept, over all channels."""
        return len(self._events)

    def on_commit(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(channel)`` after each commit that appended to it, on the event loop; returns the way out."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def publish(self, channel: str, payload: Mapping[str, Any], *, created_by: str) -> str:
        """Append an event (call inside a transaction) and return its EventUuid. ``created_by`` is a user's id."""
        if channel not in self._channels:
            raise KeyError(channel)
        last = self._counter.get("last") or {"id": FIRST_REPLAY_ID}
        replay_id = int(last["id"]) + self._gaps.randint(1, MAX_GAP)
        at = self._now()
        event_uuid = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
        body = {"CreatedDate": stamp, "CreatedById": created_by[:15], **payload}
        self._counter.put("last", {"id": replay_id})
        self._events.put(str(replay_id), {"channel": channel, "uuid": event_uuid, "payload": body, "at": stamp})
        self._tell_later(channel)
        return event_uuid

    def read(self, channel: str, after: int = 0) -> list[Event]:
        """The retained events of ``channel`` with a replay id above ``after``, in order."""
        ids = self._events.by_channel.get(channel, [])
        return [self._event(replay_id) for replay_id in ids[bisect_right(ids, after) :]]

    def retained(self, channel: str, replay_id: int) -> bool:
        """Whether ``replay_id`` names an event of ``channel`` that is still kept."""
        row = self._events.get(str(replay_id))
        return row is not None and row["channel"] == channel

    def last(self, channel: str) -> int:
        """The replay id of the newest event ever published in the org (what -1 starts after); 0 if there is none."""
        last = self._counter.get("last")
        return int(last["id"]) if last else 0

    def trim(self, channel: str, up_to: int | None = None) -> int:
        """Forget the events up to and including ``up_to`` (None: all), as retention does; returns how many."""
        ids = list(self._events.by_channel.get(channel, []))
        doomed = ids if up_to is None else ids[: bisect_right(ids, up_to)]
        with self._store.transaction():
            for replay_id in doomed:
                self._events.delete(str(replay_id))
        return len(doomed)

    def all(self) -> list[Event]:
        """Every retained event of every channel, in order."""
        return [self._event(int(key)) for key, _ in self._events.items()]

    def _event(self, replay_id: int) -> Event:
        row = self._events.get(str(replay_id))
        if row is None:
            raise LookupError(replay_id)
        return Event(row["channel"], replay_id, row["uuid"], row["payload"], row["at"])

    def _tell_later(self, channel: str) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # filled before the server runs: nobody listens yet
            return
        if channel not in self._told:
            self._told.add(channel)
            loop.call_soon(self._tell, channel)

    def _tell(self, channel: str) -> None:
        self._told.discard(channel)
        for listener in list(self._listeners):
            listener(channel)
