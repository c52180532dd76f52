"""Writing an order's status for a person: a keyed write, conditional on what was read, settled by reading (rules §8)."""

import asyncio
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from console.engine.commanding.errors import Changed, OutsideTrouble
from console.engine.commanding.plans import Applied
from console.engine.commanding.reading import Reader
from console.engine.failures import NotNow
from console.engine.services import Engine
from integrations.errors import IntegrationError, System
from integrations.salesforce.models import Order, OrderBundle
from storage import feed, orders

SENDS = 3


@dataclass(frozen=True)
class StatusWrite:
    """``reached``: statuses that show that the write stands, also after others went on from it. ``approver``: who must
    stand in Approved_By__c then (None: not looked at)."""

    fields: Mapping[str, str]
    reached: tuple[str, ...]
    approver: str | None = None

    @property
    def status(self) -> str:
        return self.fields["Status"]

    def stands(self, order: Order) -> bool:
        return order.status in self.reached and (self.approver is None or order.approved_by == self.approver)


async def write_status(
    engine: Engine, reader: Reader, before: OrderBundle, write: StatusWrite, command: str
) -> Applied:
    """One PATCH that only holds while the order is as it was read. The caller has committed the intent.

    After a lost answer the order is read: newer and ours is done, newer and not ours is Changed, unmodified means that
    the same write is sent again: a first one that lands late fails on its condition. Raises Changed, OutsideTrouble.
    """
    order_id = before.order.id
    for send in range(SENDS):
        try:
            await _patch(engine, order_id, write, before)
            await _note(engine, order_id, write, write.status, command)
            return Applied("done", f"{before.order.number} is {write.status}")
        except IntegrationError as error:
            if error.refused and error.code != "changed_meanwhile":
                raise OutsideTrouble.of(error) from error
        except NotNow as stop:
            raise OutsideTrouble(System.SALESFORCE, "not_now", stop.reason) from stop
        try:
            now_there = (await reader.order(order_id, confirming=True)).order
        except OutsideTrouble:
            await _pause(engine, send)
            continue
        if _moved(before.order, now_there):
            if not write.stands(now_there):
                by = now_there.approved_by or "somebody in Salesforce"
                raise Changed(f"the order is {now_there.status}", by, order_id)
            await _note(engine, order_id, write, now_there.status, command)
            return Applied("done", f"{before.order.number} is {now_there.status}")
        await _pause(engine, send)
    message = f"sent, not confirmed: Salesforce does not answer; look at {before.order.number} in a while"
    return Applied("unknown", message)


def _moved(before: Order, now_there: Order) -> bool:
    """The condition of the write knows whole seconds only; the stamp and the status tell more."""
    return (before.status, before.system_modstamp) != (now_there.status, now_there.system_modstamp)


async def _patch(engine: Engine, order_id: str, write: StatusWrite, before: OrderBundle) -> None:
    gate = engine.gates[System.SALESFORCE]
    gate.check()
    async with gate.enter():
        await engine.salesforce.patch_order(
            order_id, dict(write.fields), unmodified_since=before.order.last_modified_at
        )


async def _note(engine: Engine, order_id: str, write: StatusWrite, status: str, command: str) -> None:
    now = engine.clock.now()

    def note(db: sqlite3.Connection) -> None:
        orders.set_status(db, order_id, status, now)
        feed.append(db, now, "order", {"status": status, "command": command}, order_id=order_id)

    await engine.journal.write(note)


async def _pause(engine: Engine, send: int) -> None:
    await asyncio.sleep(min(engine.settings.engine.retry.base, 2.0) * 2**send)
