"""The poll: what an event missed is found here; Salesforce is the truth (rules §4.2)."""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable

from console.engine.brake import Brake
from console.engine.door import Door
from console.engine.failures import NotNow
from console.engine.quota import SLOWER
from console.engine.services import Engine
from console.engine.withdrawal import Withdrawals
from integrations.errors import ErrorClass, IntegrationError, System
from integrations.salesforce.models import OrderRef
from storage import inbox, meta, runs
from storage.errors import StorageError

log = logging.getLogger(__name__)
STATUSES = ("Approved", "Provisioning")
HOUR = 3600.0
AT_ONCE = 4


class Poll:
    """Asks Salesforce for approved orders, brings them to the door, and notices when the event stream is deaf."""

    def __init__(
        self, engine: Engine, door: Door, brake: Brake, stopped: Callable[[], str | None], *, events_on: bool
    ) -> None:
        self._engine = engine
        self._door = door
        self._brake = brake
        self._stopped = stopped
        self._events_on = events_on
        self._withdrawals = Withdrawals(engine)
        self._fast_until = 0.0
        self._next_sweep = 0.0
        self._missed: deque[float] = deque(maxlen=10)
        self._woken = asyncio.Event()
        self.last_ok_at: float | None = None
        self.last_error: str | None = None
        self.unbegun: dict[str, float] = {}  # orders Approved in Salesforce with no run here → since when

    def hurry(self) -> None:
        """A session was lost or a gap noted: poll fast for a while."""
        self._fast_until = self._engine.clock.monotonic() + self._engine.settings.intake.poll_fast_for
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            if self._stopped() is None:
                await self._once_safely()
            await self._sleep()

    async def _once_safely(self) -> None:
        try:
            await self.once()
            self.last_error = None
        except (IntegrationError, NotNow, StorageError) as error:
            self.last_error = str(error)
            log.warning("poll: %s", error)

    async def once(self) -> int:
        """One poll; returns how many orders were brought to the door. Raises IntegrationError, NotNow, StorageError."""
        began, settings = self._engine.clock.now(), self._engine.settings.intake
        gate = self._engine.gates[System.SALESFORCE]
        gate.check()
        async with gate.enter():
            found = await self._engine.salesforce.list_orders(STATUSES)
        sweep = self._engine.clock.monotonic() >= self._next_sweep
        if sweep:
            self._next_sweep = self._engine.clock.monotonic() + settings.sweep_every
        open_orders = self._engine.journal.peek(runs.open_orders)
        fresh = [ref for ref in found if ref.id not in open_orders and (sweep or not self._decided(ref))]
        try:
            if not await self._brake_allows(fresh):
                return 0
            await self._watch_for_deafness(fresh, began)
            await self._bring(fresh)
        finally:
            self._note_unbegun(fresh)
        self._door.keep({ref.id for ref in found})
        await self._withdrawals.look({ref.id for ref in found}, sweep=sweep)
        await self._engine.journal.write(lambda db: inbox.reconcile_gaps(db, began, self._engine.clock.now()))
        self.last_ok_at = self._engine.clock.now()
        return len(fresh)

    def _note_unbegun(self, fresh: list[OrderRef]) -> None:
        """For the alarm "oldest approved order": what this poll found and the door did not decide about."""
        open_orders = self._engine.journal.peek(runs.open_orders)
        left = [ref for ref in self._ours(fresh) if ref.id not in open_orders and not self._decided(ref)]
        since = {ref.id: ref.approved_since.timestamp() for ref in left if ref.status == "Approved"}
        self.unbegun = {order: min(at, self.unbegun.get(order, at)) for order, at in since.items()}

    def _ours(self, found: list[OrderRef]) -> list[OrderRef]:
        """Without those of before intake.start_at, which are held."""
        start_at = self._engine.settings.intake.start_at
        return [ref for ref in found if start_at is None or ref.approved_since >= start_at]

    def _decided(self, ref: OrderRef) -> bool:
        return self._door.decided(ref.id, ref.last_modified_at.timestamp())

    async def _brake_allows(self, fresh: list[OrderRef]) -> bool:
        """The first poll of a journal must not provision the past (rules §4.3); held ones do not count."""
        count = len(self._ours(fresh))
        now = self._engine.clock.now()

        def write(db: sqlite3.Connection) -> bool:
            first = meta.get(db, "first_poll_at") is None
            allowed = self._brake.check_first_poll(db, now, count) if first else True
            if allowed and first:
                meta.put(db, "first_poll_at", str(now))
            return allowed

        allowed = await self._engine.journal.write(write)
        await self._door.tell_brake()
        return allowed

    async def _watch_for_deafness(self, fresh: list[OrderRef], now: float) -> None:
        """Twice an order approved a while ago of which no event told: the stream is deaf."""
        if not self._events_on:
            return
        after = self._engine.settings.intake.deaf_after
        approved = [ref for ref in self._ours(fresh) if ref.status == "Approved"]
        old = [ref for ref in approved if ref.approved_since.timestamp() < now - after]
        silent = [
            ref for ref in old
            if not self._engine.journal.peek(
                lambda db, ref=ref: inbox.seen_for(db, ref.id, ref.approved_since.timestamp() - 300.0)  # type: ignore[misc]  # mypy infers no lambda with a default
            )
        ]  # fmt: skip
        if silent:
            self._missed.append(now)
        recent = [at for at in self._missed if now - at < HOUR]
        if len(recent) >= 2:
            message = (
                f"the poll found {len(silent)} approved order(s) of which no event told, {len(recent)} times this hour"
            )
            await self._engine.alarms.raise_("deaf", message, severity="critical")
        elif not recent:
            await self._engine.alarms.clear("deaf")

    async def _bring(self, fresh: list[OrderRef]) -> None:
        limit = asyncio.Semaphore(AT_ONCE)
        problems: list[Exception] = []

        async def one(ref: OrderRef) -> None:
            async with limit:
                try:
                    await self._door.admit(ref.id, source="poll")
                except IntegrationError as error:
                    if error.error_class is ErrorClass.DATA:  # this one order cannot be read: the others can
                        log.warning("poll: order %s: %s", ref.number, error)
                    else:
                        problems.append(error)
                except NotNow as stop:
                    problems.append(stop)

        await asyncio.gather(*(one(ref) for ref in fresh))
        if problems:
            raise problems[0]

    async def _sleep(self) -> None:
        settings = self._engine.settings.intake
        every = settings.poll_every
        if self._engine.quota.low:
            await asyncio.sleep(every)  # only from here on may anybody hurry it
            every *= SLOWER - 1
        elif self._engine.clock.monotonic() < self._fast_until:
            every = min(settings.poll_fast_every, every)
        try:
            async with asyncio.timeout(every):
                await self._woken.wait()
        except TimeoutError:
            return
