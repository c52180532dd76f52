"""Taking events in: journaled first, then each order brought to the door (rules §4; architecture §5)."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC

from console.engine.door import Act, Door
from console.engine.failures import NotNow
from console.engine.services import Engine
from integrations.errors import IntegrationError
from integrations.salesforce.events import RawEvent, is_heartbeat
from integrations.salesforce.ids import norm_id
from storage import inbox
from storage.errors import StorageError
from storage.inbox import Event, Incoming

log = logging.getLogger(__name__)
AT_ONCE = 8
AGAIN_AFTER = 2.0


class JournalInbox:
    """The journal as the event transport sees it: events and cursor in one transaction, gaps, poison."""

    def __init__(self, engine: Engine, transport: str) -> None:
        self._engine = engine
        self._transport = transport

    async def cursor(self, channel: str) -> str | None:
        return self._engine.journal.peek(lambda db: inbox.cursor(db, self._engine.org_id, self._transport, channel))

    async def append(self, events: Sequence[RawEvent]) -> int:
        rows = [incoming(event) for event in events]
        return await self._engine.journal.write(lambda db: inbox.append(db, self._engine.org_id, self._transport, rows))

    async def gap(self, channel: str, reason: str) -> None:
        now = self._engine.clock.now()
        await self._engine.journal.write(
            lambda db: inbox.gap(db, self._engine.org_id, self._transport, channel, reason, now)
        )
        await self._engine.alarms.raise_(
            "gap", f"events may have been missed on {channel}: {reason}", severity="critical"
        )


def incoming(event: RawEvent) -> Incoming:
    """A journal row for an event; one that names no order becomes a visible poison row (rules §4.4)."""
    raw, key = event.payload.get("OrderId__c"), event.payload.get("IdemKey__c")
    problem, order_id = event.problem or None, None
    if problem is None and not is_heartbeat(event):
        try:
            order_id = norm_id(raw if isinstance(raw, str) else "", "801")
        except ValueError:
            problem = "OrderId__c is missing" if raw in (None, "") else "OrderId__c is not the id of an order"
    return Incoming(
        channel=event.channel, replay_id=event.replay_id, event_uuid=event.event_uuid, order_id=order_id,
        idem_key=key if isinstance(key, str) else None, payload=event.payload,
        received_at=event.received_at.astimezone(UTC).timestamp(), problem=problem, heartbeat=is_heartbeat(event),
    )  # fmt: skip


class Intake:
    """Brings journaled events to the door. It goes on journaling while the door cannot read orders."""

    def __init__(self, engine: Engine, door: Door, stopped: Callable[[], str | None]) -> None:
        """``stopped`` says why no order may come in now (ownership, disk), or None."""
        self._engine = engine
        self._door = door
        self._stopped = stopped
        self._woken = asyncio.Event()
        self.last_error: str | None = None

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Work for ever; trouble with Salesforce only delays it."""
        while True:
            self._woken.clear()
            events = self._engine.journal.peek(inbox.waiting)
            if events and self._may_read() and await self._bring(events):
                continue
            await self._sleep(AGAIN_AFTER if events else 30.0)

    def _may_read(self) -> bool:
        """With little of Salesforce's allowance left the poll alone brings orders in: one list, not a read an event."""
        return self._stopped() is None and not self._engine.quota.low

    async def _bring(self, events: Sequence[Event]) -> int:
        by_order: dict[str, list[int]] = {}
        for event in events:
            if event.order_id is not None:
                by_order.setdefault(event.order_id, []).append(event.seq)
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(order_id: str, seqs: list[int]) -> int:
            async with limit:
                return await self._admit(order_id, seqs)

        return sum(await asyncio.gather(*(one(order_id, seqs) for order_id, seqs in by_order.items())))

    async def _admit(self, order_id: str, seqs: list[int]) -> int:
        """How many inbox rows were settled."""
        try:
            settled = await self._settled(order_id, seqs)
        except (IntegrationError, NotNow, StorageError) as error:
            self.last_error = str(error)
            return 0
        self.last_error = None
        return len(seqs) if settled else 0

    async def _settled(self, order_id: str, seqs: list[int]) -> bool:
        try:
            admission = await self._door.admit(order_id, source="event", seqs=seqs)
        except IntegrationError as error:
            if error.code != "order_not_found":
                raise
            now, reason = self._engine.clock.now(), "Salesforce has no such order"
            await self._engine.journal.write(lambda db: inbox.handled(db, seqs, "closed", now, reason=reason))
            return True
        return admission.act is not Act.WAITING

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
