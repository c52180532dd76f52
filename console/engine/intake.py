"""Taking events in: journaled first, then each order brought to the door (rules §4; architecture §5)."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from console.engine.door import Act, Door
from console.engine.failures import NotNow
from console.engine.services import Engine
from integrations.errors import ErrorClass, IntegrationError
from integrations.salesforce.events import RawEvent, is_heartbeat
from integrations.salesforce.ids import norm_id
from storage import inbox
from storage.errors import StorageError
from storage.inbox import Event, Incoming

log = logging.getLogger(__name__)
AT_ONCE = 8
ENOUGH = 250  # orders on their way to the door; until some are there no more events are looked at
AGAIN_AFTER = 2.0
LONGEST_WAIT = 30.0  # for one order that cannot be read while others can
UNSEEN_FOR = 300.0  # seconds after an event in which its order may still come to be shown to us (sharing is late)


class JournalInbox:
    """The journal as the event transport sees it: events and cursor in one transaction, gaps, poison."""

    def __init__(self, engine: Engine, transport: str) -> None:
        self._engine = engine
        self._transport = transport

    async def cursor(self, channel: str) -> str | None:
        return self._engine.journal.peek(lambda db: inbox.cursor(db, self._engine.org_id, self._transport, channel))

    async def append(self, events: Sequence[RawEvent]) -> int:
        rows = [incoming(event) for event in events]
        new = await self._engine.journal.write(lambda db: inbox.append(db, self._engine.org_id, self._transport, rows))
        self._count(rows, new)
        return new

    def _count(self, rows: Sequence[Incoming], new: int) -> None:
        """Which of a batch were known already is not told, only how many: those count first."""
        known = len(rows) - new
        for i, row in enumerate(rows):
            if i < known:
                self._engine.meter.event_taken("duplicate")
            else:
                self._engine.meter.event_taken("poison" if row.problem else "new", _lag(row))

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


def _lag(row: Incoming) -> float | None:
    """Seconds from the publishing to the journal, where the event tells when it was made (by Salesforce's clock)."""
    try:
        return row.received_at - datetime.fromisoformat(str(row.payload["CreatedDate"])).timestamp()
    except (KeyError, ValueError):
        return None


class Intake:
    """Brings journaled events to the door. It goes on journaling while the door cannot read orders."""

    def __init__(self, engine: Engine, door: Door, stopped: Callable[[], str | None]) -> None:
        """``stopped`` says why no order may come in now (ownership, disk), or None."""
        self._engine = engine
        self._door = door
        self._stopped = stopped
        self._woken = asyncio.Event()
        self._waits: dict[str, tuple[float, float]] = {}  # order → (when it may be read again, the wait before that)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._taken: set[str] = set()  # orders on their way to the door
        self.last_error: str | None = None

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Work for ever; trouble with Salesforce only delays it. What comes in does not wait for what came before."""
        async with asyncio.TaskGroup() as bringing:
            while True:
                self._woken.clear()
                busy = len(self._taken) >= ENOUGH
                events = [] if busy else self._engine.journal.peek(inbox.waiting)
                fresh = [event for event in events if event.order_id not in self._taken]
                if fresh and self._may_read():
                    bringing.create_task(self._bring_and_look_again(fresh))
                    await asyncio.sleep(0)  # its orders are taken now
                await self._sleep(AGAIN_AFTER if events else 30.0)

    async def _bring_and_look_again(self, events: Sequence[Event]) -> None:
        if await self._bring(events):
            self.wake()

    def _may_read(self) -> bool:
        """With little of Salesforce's allowance left the poll alone brings orders in: one list, not a read an event."""
        return self._stopped() is None and not self._engine.quota.low

    async def _bring(self, events: Sequence[Event]) -> int:
        by_order: dict[str, list[Event]] = {}
        for event in events:
            if event.order_id is not None:
                by_order.setdefault(event.order_id, []).append(event)
        steady = self._engine.clock.monotonic()
        self._waits = {order_id: wait for order_id, wait in self._waits.items() if steady - wait[0] < 2 * LONGEST_WAIT}
        due = [order_id for order_id in by_order if self._waits.get(order_id, (0.0, 0.0))[0] <= steady]
        self._taken.update(due)

        async def one(order_id: str) -> int:
            try:
                async with self._turns:
                    return await self._admit(order_id, by_order[order_id])
            finally:
                self._taken.discard(order_id)

        if len(due) == 1:  # as it mostly is: no task for it, which would wait for its turn of the loop
            return await one(due[0])
        return sum(await asyncio.gather(*(one(order_id) for order_id in due)))

    async def _admit(self, order_id: str, events: Sequence[Event]) -> int:
        """How many inbox rows were settled."""
        try:
            settled = await self._settled(order_id, events)
        except IntegrationError as error:
            self.last_error = str(error)
            if error.error_class is not ErrorClass.TRANSIENT:  # others may be read all the same
                self._wait_longer(order_id)
            return 0
        except (NotNow, StorageError) as error:
            self.last_error = str(error)
            return 0
        self.last_error = None
        return len(events) if settled else 0

    def _wait_longer(self, order_id: str) -> None:
        before = self._waits.get(order_id, (0.0, AGAIN_AFTER / 2))[1]
        wait = min(LONGEST_WAIT, before * 2)
        self._waits[order_id] = (self._engine.clock.monotonic() + wait, wait)

    async def _settled(self, order_id: str, events: Sequence[Event]) -> bool:
        """An order that stays unseen is a person's: it is approved, or was deleted, or is hidden from our user."""
        seqs = [event.seq for event in events]
        try:
            admission = await self._door.admit(order_id, source="event", seqs=seqs)
        except IntegrationError as error:
            now = self._engine.clock.now()
            if error.code != "order_not_found" or now - max(event.received_at for event in events) < UNSEEN_FOR:
                raise
            reason = f"Salesforce shows our user no order {order_id}: it was deleted, or a sharing rule hides it"
            await self._engine.journal.write(lambda db: inbox.spoil(db, seqs, now, reason))
            return True
        return admission.act is not Act.WAITING

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
