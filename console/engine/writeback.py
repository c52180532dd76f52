"""Status writes to Salesforce outside of a run's steps, from the outbox (rules §6 crm, §7): latest wins, one in flight."""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

from console.engine.failures import NotNow
from console.engine.retry import backoff
from console.engine.services import Engine
from console.engine.steps.context import OWNERSHIP
from integrations.errors import ErrorClass, IntegrationError, System
from integrations.salesforce.models import OrderBundle
from storage import feed, orders, outbox
from storage.errors import StorageError
from storage.outbox import OutboxRow

log = logging.getLogger(__name__)
LONGEST_SLEEP = 5.0
CONFIG_AGAIN = 60.0

# Which present status our write may replace; anything else was decided by a person meanwhile.
REPLACES = {
    "Failed": ("Approved", "Provisioning", "Failed"),
    "Cancelled": ("Pending Review", "Approved", "Provisioning", "Failed", "Cancelled"),
}


class WriteBack:
    """Delivers the outbox. A write whose outcome is unknown is settled by reading before anything newer goes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._woken = asyncio.Event()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            if OWNERSHIP in self._engine.holds.reasons():  # whoever owns the org now says how its orders stand
                await asyncio.sleep(LONGEST_SLEEP)
                continue
            try:
                for row in self._engine.journal.peek(self._due):
                    await self.deliver(row)
            except StorageError as error:
                log.error("write-back waits for the journal: %s", error)
                await asyncio.sleep(LONGEST_SLEEP)
            await self._sleep()

    def _due(self, db: sqlite3.Connection) -> list[OutboxRow]:
        return outbox.due(db, self._engine.clock.now())

    async def deliver(self, row: OutboxRow) -> None:
        """One turn for one order: settle what is in flight by reading, or send what waits."""
        gate = self._engine.gates[System.SALESFORCE]
        try:
            if row.in_flight is None:  # what is under way would keep a claim waiting
                self._engine.quota.check("a status write")
            gate.check()
            async with gate.enter():
                bundle = await self._engine.salesforce.read_order(row.order_id)
        except NotNow as stop:
            await self._later(row, str(stop), clear=False, wait=stop.after)
            return
        except IntegrationError as error:
            await self._failed(row, error, sent=False)
            return
        if row.in_flight is not None:
            await self._settle(row, bundle)
            return
        try:
            await self._send(row, bundle)
        except IntegrationError as error:
            await self._failed(row, error, sent=True)

    async def _settle(self, row: OutboxRow, bundle: OrderBundle) -> None:
        now = self._engine.clock.now()
        assert row.in_flight is not None
        if stands(bundle, _writable(row.in_flight, bundle)):
            sent_version = row.version if row.fields == row.in_flight else row.version - 1
            await self._engine.journal.write(lambda db: _settled(db, row, sent_version, bundle.order.status, now))
            return
        # The same values may be sent again; If-Unmodified-Since keeps a late first one from landing after a newer one.
        await self._later(row, "the write did not arrive; sending it again", clear=True, wait=0.0)

    async def _send(self, row: OutboxRow, bundle: OrderBundle) -> None:
        now = self._engine.clock.now()
        fields = _writable(row.fields, bundle)
        if stands(bundle, fields):
            await self._engine.journal.write(lambda db: _settled(db, row, row.version, bundle.order.status, now))
            return
        if not await self._engine.journal.write(lambda db: outbox.intend(db, row.order_id, row.version, now)):
            return
        gate = self._engine.gates[System.SALESFORCE]
        async with gate.enter():
            await self._engine.salesforce.patch_order(
                row.order_id, fields, unmodified_since=bundle.order.last_modified_at
            )
        ended, status = self._engine.clock.now(), str(fields.get("Status", bundle.order.status))
        await self._engine.journal.write(lambda db: _settled(db, row, row.version, status, ended))

    async def _failed(self, row: OutboxRow, error: IntegrationError, *, sent: bool) -> None:
        """``sent``: the write failed; else the reading before it, which tells nothing about a write in flight."""
        match error.error_class:
            case ErrorClass.OUTCOME_UNKNOWN:
                await self._later(row, str(error), clear=False)
            case ErrorClass.TRANSIENT | ErrorClass.CAPACITY:
                await self._later(row, str(error), clear=sent, wait=error.retry_after)
            case ErrorClass.CONFIG:  # a login or a permission: what waits is written once it is mended
                await self._later(row, str(error), clear=sent, wait=CONFIG_AGAIN)
                await self._told(row, error)
            case ErrorClass.CONFLICT if error.code == "changed_meanwhile":
                await self._later(row, str(error), clear=True, wait=0.2)
            case _:
                now = self._engine.clock.now()
                await self._engine.journal.write(lambda db: outbox.give_up(db, row.order_id, str(error), now))
                await self._told(row, error)

    async def _told(self, row: OutboxRow, error: IntegrationError) -> None:
        await self._engine.alarms.raise_(
            f"writeback:{error.code}", f"Salesforce refuses our status write: {error}", order_id=row.order_id
        )

    async def _later(self, row: OutboxRow, reason: str, *, clear: bool, wait: float | None = None) -> None:
        retry, now = self._engine.settings.engine.retry, self._engine.clock.now()
        seconds = backoff(row.tries + 1, retry.base, retry.max, None, self._engine.jitter) if wait is None else wait
        await self._engine.journal.write(
            lambda db: outbox.again(db, row.order_id, now + seconds, reason, now, clear=clear)
        )

    async def _sleep(self) -> None:
        now = self._engine.clock.now()
        due = self._engine.journal.peek(outbox.next_due)
        wait = min(LONGEST_SLEEP, max(0.02, due - now)) if due is not None else LONGEST_SLEEP
        try:
            async with asyncio.timeout(wait):
                await self._woken.wait()
        except TimeoutError:
            return


def _settled(db: sqlite3.Connection, row: OutboxRow, version: int, status: str, now: float) -> None:
    """The write stands; where the order has another status than was known, everybody who looks at it is told."""
    outbox.settle(db, row.order_id, version, now)
    known = orders.get(db, row.order_id)
    if known is not None and known.sf_status != status:
        orders.set_status(db, row.order_id, status, now)
        feed.append(db, now, "order", {"status": status}, order_id=row.order_id)


def _writable(fields: Mapping[str, Any], bundle: OrderBundle) -> dict[str, Any]:
    """Without the status where a person (or the end of provisioning) decided otherwise meanwhile.

    Of an Activated order nothing is written: what was told of its way there is over (facts/salesforce.md §1.7).
    """
    if bundle.order.status == "Activated":
        return {}
    status = fields.get("Status")
    if status is None or bundle.order.status in REPLACES.get(str(status), ()):
        return dict(fields)
    return {k: v for k, v in fields.items() if k not in ("Status", "Provisioning_Status__c")}


def stands(bundle: OrderBundle, fields: Mapping[str, Any]) -> bool:
    """Does the order show these values? The time stamp alone is no reason to write."""
    have = bundle.order.model_dump(by_alias=True)
    return all(have.get(name) == value for name, value in fields.items() if name != "Last_Provisioning_At__c")
