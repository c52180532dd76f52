"""Reading the outside for a plan: through the gates, with trouble told in words."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from console.engine.commanding.errors import BadArgument, OutsideTrouble
from console.engine.door import order_row
from console.engine.failures import NotNow
from console.engine.services import Engine
from integrations.errors import IntegrationError, System
from integrations.salesforce.ids import norm_id
from integrations.salesforce.models import OrderBundle
from integrations.salesforce.soql import format_soql
from integrations.whmcs.models import CatalogProduct, Invoice, Service, WhmcsOrder
from storage import feed, orders

T = TypeVar("T")


class Reader:
    """Every method raises OutsideTrouble when the system cannot be read now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def order(self, order_id: str, *, confirming: bool = False) -> OrderBundle:
        """The order as Salesforce has it, also kept as the read model's row. Raises BadArgument for an unknown one.

        ``confirming``: a write of ours was sent, so it is read however little of the allowance is left.
        """
        try:
            bundle = await self._read(
                System.SALESFORCE, lambda: self._engine.salesforce.read_order(order_id), confirming=confirming
            )
        except OutsideTrouble as trouble:
            if trouble.code == "order_not_found":
                raise BadArgument("order", "Salesforce has no such order", "look at the order's id") from trouble
            raise
        now = self._engine.clock.now()

        def keep(db: sqlite3.Connection) -> None:
            known = orders.get(db, order_id)
            row = order_row(bundle, now, known)
            orders.put(db, row)
            if known is None or known.sf_status != row.sf_status:  # open boards show neither before they are told
                feed.append(db, now, "order", {"status": row.sf_status}, order_id=order_id)

        await self._engine.journal.write(keep)
        return bundle

    async def whmcs_order(self, order_id: str) -> WhmcsOrder | None:
        return await self._read(System.WHMCS, lambda: self._engine.whmcs.get_order(order_id))

    async def services(self, client_id: str) -> tuple[Service, ...]:
        """All services of a client; an incomplete list is trouble."""
        listing = await self._read(System.WHMCS, lambda: self._engine.whmcs.list_services(client_id))
        if not listing.complete:
            raise OutsideTrouble(System.WHMCS, "incomplete_list", listing.reason)
        return listing.rows

    async def orders_of(self, client_id: str) -> tuple[WhmcsOrder, ...]:
        """All orders of a client; an incomplete list is trouble."""
        listing = await self._read(System.WHMCS, lambda: self._engine.whmcs.list_orders(client_id))
        if not listing.complete:
            raise OutsideTrouble(System.WHMCS, "incomplete_list", listing.reason)
        return listing.rows

    async def invoice(self, invoice_id: str) -> Invoice:
        return await self._read(System.WHMCS, lambda: self._engine.whmcs.get_invoice(invoice_id))

    async def product(self, pid: int) -> CatalogProduct | None:
        found = await self._read(System.WHMCS, lambda: self._engine.whmcs.get_products([pid]))
        return found.get(pid)

    async def orders_with(self, whmcs_order_ids: Sequence[str]) -> dict[str, list[str]]:
        """WHMCS order id → the Salesforce orders that name it; those that none names are left out."""
        soql = format_soql(
            "SELECT Id, WHMCS_Order_ID__c FROM Order WHERE WHMCS_Order_ID__c IN {numbers}",
            numbers=list(whmcs_order_ids),
        )
        rows = await self._read(System.SALESFORCE, lambda: self._engine.salesforce.query(soql))
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(str(row["WHMCS_Order_ID__c"]), []).append(norm_id(str(row["Id"]), "801"))
        return found

    async def _read(self, system: System, fetch: Callable[[], Awaitable[T]], *, confirming: bool = False) -> T:
        gate = self._engine.gates[system]
        try:
            if system is System.SALESFORCE and not confirming:
                self._engine.quota.check("this command")
            gate.check()
            async with gate.enter():
                return await fetch()
        except NotNow as stop:
            raise OutsideTrouble(system, "not_now", stop.reason) from stop
        except IntegrationError as error:
            raise OutsideTrouble.of(error) from error
