"""A daemon's API over the sandbox's servers, and consoles of every role on it: opened once for a module's tests."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from textual._context import active_app
from textual.pilot import Pilot
from textual.screen import ModalScreen

from console.app import ConsoleApp
from console.client.address import Address
from console.client.api import ApiClient
from console.settings.loading import load_settings
from integrations.sandbox.people import Placed
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Person
from storage import audit, mail, meta, outbox, profiles, runs
from storage import desk as people
from storage.audit import AuditRow
from storage.runs import Run
from tests.console.api.rig import Desk, open_desk
from tests.console.screens.conftest import options_for

PATIENCE = 30.0
SIZE = (120, 40)
QUICK = {
    "PORTAL_WHMCS__LATE_AFTER": "1", "PORTAL_WHMCS__READ_TIMEOUT": "15", "PORTAL_WHMCS__WRITE_TIMEOUT": "15",
    "PORTAL_ENGINE__LOOK_APART": "0.2", "PORTAL_ENGINE__RETRY__BASE": "0.1", "PORTAL_ENGINE__RETRY__MAX": "0.3",
    "PORTAL_ENGINE__RETRY__TRIES": "3", "PORTAL_ENGINE__BREAKER__FAILURES": "500", "PORTAL_SALESFORCE__TIMEOUT": "15",
    "PORTAL_APPROVE__LIMIT_YEN": '{"operator": 50000}', "PORTAL_WHMCS__WEB_URL": "https://billing.example.jp/admin",
}  # fmt: skip


@dataclass
class Floor:
    """``order`` places one, ``admit`` brings it to the door; ``console(role)`` is a console that stays open."""

    sandbox: Sandbox
    desk: Desk
    folder: Path
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    holding: list[asyncio.Task[None]] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    consoles: dict[str, Pilot[Any]] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    async def mend(self) -> None:
        """As it was when it was opened, whatever a test before left: nothing paused, no fault, no recovery, at the board."""
        self.sandbox.faults.clear()
        self.sandbox.whmcs.switch(price_drift=0, module_failure=(), marker_field="present", honour_order_notes="order")
        await self._markers_survive(True)
        await self.desk.journal.write(_as_at_first)
        self.desk.parts.engine.gates.load({})
        for pilot in self.consoles.values():
            await home(pilot)

    async def _markers_survive(self, survived: bool) -> None:
        for product in self.sandbox.world.products:
            await self.desk.parts.engine.markers.seen(product.whmcs_pid, survived=survived)

    # Orders ----------------------------------------------------------------------------------------------------------

    def person(self, pays_by: str = "card") -> Person:
        """Somebody who has no order of these tests yet: one customer's runs wait for one another."""
        free = [p for p in self.sandbox.world.people if p.pays_by == pays_by and p.status == "Active" and p.number not in self._used]  # fmt: skip
        if not free and pays_by != "card":  # few pay in another way
            free = [self.person()]
            self.sandbox.people.set_pay_method(free[0].whmcs_client_id, pays_by)
        self._used.add(free[0].number)
        return free[0]

    def order(self, kind: str = "vpn", *, pays_by: str = "card", status: str = "Approved", days_ago: float = 0) -> str:
        (one,) = self.sandbox.people.place(
            1, kinds=[kind], customer=self.person(pays_by).number, status=status, days_ago=days_ago
        )
        self.placed[one.id] = one
        return one.id

    async def admit(self, order_id: str) -> None:
        await self.desk.parts.door.admit(order_id, source="poll")

    def run(self, order_id: str) -> Run | None:
        return self.desk.journal.peek(lambda db: runs.latest_of_order(db, order_id))

    async def state(self, order_id: str, *states: str, wait: str | None = None) -> Run:
        def there() -> bool:
            run = self.run(order_id)
            return run is not None and run.state in states and wait in (None, run.wait)

        await until(there, said=lambda: f"{states} {wait}: {self.run(order_id)}")
        run = self.run(order_id)
        assert run is not None
        return run

    def set_client(self, order_id: str, **changes: Any) -> None:
        """Change the customer's row in WHMCS: ``status="Closed"`` lets an order fail at load."""
        records = self.sandbox.whmcs.records
        row = records.clients.get(self.placed[order_id].client)
        assert row is not None
        with self.sandbox.whmcs._store.transaction():
            records.clients.change(row, **changes)

    def status(self, order_id: str) -> str:
        """Order.Status as Salesforce has it."""
        row = self.sandbox.salesforce.org.db.table("Order").get(order_id)
        assert row is not None
        return str(row["Status"])

    async def rests(self, order_id: str) -> None:
        """Until what the engine writes afterwards (statuses, mails) is written: the run's version stands still."""

        def written(db: sqlite3.Connection) -> bool:
            status = outbox.get(db, order_id)
            on_its_way = status is not None and status.state in ("waiting", "in_flight")
            return not on_its_way and not {"queued", "sending"} & {one.state for one in mail.of_order(db, order_id)}

        await until(lambda: self.desk.journal.peek(written))
        versions: list[int] = []
        while len(versions) < 5 or len(set(versions[-5:])) > 1:
            run = self.run(order_id)
            versions.append(run.version if run is not None else 0)
            await asyncio.sleep(0.05)

    async def failed(self, kind: str = "vpn") -> str:
        """An order that failed at load and that Salesforce shows so; its client is mended already."""
        order_id = self.order(kind)
        self.set_client(order_id, status="Closed")
        await self.admit(order_id)
        await self.state(order_id, "failed")
        self.set_client(order_id, status="Active")
        await until(lambda: self.status(order_id) == "Failed")
        return order_id

    async def held(self) -> str:
        """An order that was approved before this install began."""
        order_id = self.order(days_ago=3)
        await self.admit(order_id)
        await self.state(order_id, "held")
        return order_id

    async def differing(self) -> str:
        """An order whose bill is not what was approved: its WHMCS order stands, Pending, with an invoice."""
        self.sandbox.whmcs.switch(price_drift=7)
        order_id = self.order("vpn")
        await self.admit(order_id)
        await self.state(order_id, "failed")
        self.sandbox.whmcs.switch(price_drift=0)
        await until(lambda: self.status(order_id) == "Failed")
        return order_id

    async def pending_service(self) -> str:
        """An order that failed at accept because WHMCS could not set up its service; it can by now."""
        self.sandbox.whmcs.switch(module_failure=(1,), after_module_failure="active")
        order_id = self.order("sim")
        await self.admit(order_id)
        await self.state(order_id, "failed")
        self.sandbox.whmcs.switch(module_failure=())
        await until(lambda: self.status(order_id) == "Failed")
        return order_id

    async def done(self, kind: str = "vpn") -> str:
        """An order that was provisioned whole, its mails sent."""
        order_id = self.order(kind)
        await self.admit(order_id)
        await self.state(order_id, "done")
        await until(lambda: self.mail_states(order_id) == {"sent"}, said=lambda: self.mail_states(order_id))
        return order_id

    def mail_states(self, order_id: str) -> set[str]:
        return {row.state for row in self.desk.journal.peek(lambda db: mail.of_order(db, order_id))}

    async def parked(self) -> str:
        """An order whose customer has no way to pay."""
        order_id = self.order("vpn", pays_by="none")
        await self.admit(order_id)
        await self.state(order_id, "parked", wait="condition")
        return order_id

    async def unknown(self, *, made: bool) -> str:
        """An order whose AddOrder nobody can tell of: its answer is lost and no marker survives; for later orders they do."""
        whmcs = self.sandbox.whmcs
        await self._markers_survive(False)
        whmcs.switch(marker_field="missing", honour_order_notes="no")
        kind, options = ("timeout_after", {"delay": 0.2}) if made else ("reset", {})
        self.sandbox.faults.add(system="whmcs", operation="AddOrder", kind=kind, options=options)
        order_id = self.order("sim")
        await self.admit(order_id)
        await self.state(order_id, "parked", wait="person")
        whmcs.switch(marker_field="present", honour_order_notes="order")
        await self._markers_survive(True)
        return order_id

    # What stands -----------------------------------------------------------------------------------------------------

    async def world(self, order_id: str) -> dict[str, Any]:
        """What /world shows of this order and its customer in each system."""
        async with httpx.AsyncClient(verify=False) as http:
            world = (await http.get(f"{self.sandbox.control_url}/world")).json()
        client = self.placed[order_id].client
        row = next(row for row in world["salesforce"]["orders"] if row["Id"] == order_id)
        fields = (
            "Status",
            "Approved_By__c",
            "WHMCS_Order_ID__c",
            "Provisioning_Status__c",
            "Provisioning_Error_Code__c",
        )
        whmcs = {
            kind: sorted((str(one["id"]), one["status"]) for one in world["whmcs"][kind] if int(one["clientid"]) == client and not one.get("past"))
            for kind in ("orders", "services")
        }  # fmt: skip
        email = next(p.email for p in self.sandbox.world.people if p.whmcs_client_id == client)
        mails = sum(email in str(mail) for mail in world["mail"]["mails"])
        return {"salesforce": {name: row.get(name) for name in fields}, "whmcs": whmcs, "mails": mails}

    def audit(self, order_id: str, command: str) -> list[AuditRow]:
        """This command's rows of this order, oldest first."""
        return self.desk.journal.peek(lambda db: audit.newest(db, 50, command=command, subject=order_id))[::-1]

    # Consoles --------------------------------------------------------------------------------------------------------

    async def console(self, role: str, size: tuple[int, int] = SIZE) -> Pilot[Any]:
        """A console of this role; it stays open until the floor is closed."""
        key = f"{role}{size}"
        if key not in self.consoles:
            address = Address(url=self.desk.url, token=self.desk.tokens[role])
            app = ConsoleApp(options_for(lambda: ApiClient(address), self.folder / role, wall=time.time))
            opened: asyncio.Future[Pilot[Any]] = asyncio.get_running_loop().create_future()
            self.holding.append(asyncio.create_task(_hold(app, size, opened, self.closing)))
            self.consoles[key] = await opened
            await until(lambda: app.desk.session.book.complete and app.desk.session.me is not None)
        active_app.set(self.consoles[key].app)  # of the test that asks: it did not open the application itself
        return self.consoles[key]


async def _hold(
    app: ConsoleApp, size: tuple[int, int], opened: asyncio.Future[Pilot[Any]], closing: asyncio.Event
) -> None:
    """An application is opened and closed by one task."""
    async with app.run_test(size=size) as pilot:
        opened.set_result(pilot)
        await closing.wait()


def _as_at_first(db: sqlite3.Connection) -> None:
    for subject in people.pauses(db):
        people.resume(db, subject)
    for key in ("recovery", "recovery_begun", "recovery_changed"):
        meta.delete(db, key)


async def home(pilot: Pilot[Any]) -> None:
    """Back to the board, whatever was open: a dialog is answered, or what asked would wait for ever."""
    app = pilot.app
    with app._context():
        app._notifications.clear()
        while len(app.screen_stack) > 1 or app.current_mode != "orders":
            if isinstance(top := app.screen, ModalScreen):
                await top.dismiss(None)
            elif len(app.screen_stack) > 1:
                await app.pop_screen()
            else:
                await app.switch_mode("orders")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """As ``pilot.press``, which hangs when a screen goes away by itself while it waits for that screen's widgets."""
    await pilot.app._press_keys(keys)


async def until(true: Callable[[], bool], seconds: float = PATIENCE, said: Callable[[], object] = lambda: "") -> None:
    """Wait until it holds; fails after that time. As with ``press``, no widget is waited for."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, said() or "it did not come about"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def open_floor(
    folder: Path, further: Mapping[str, str] | None = None, *, customers: int = 45
) -> AsyncIterator[Floor]:
    """A sandbox with many customers, a daemon whose engine works, no console yet."""
    (folder / "sandbox").mkdir()
    sandbox = Sandbox(folder / "sandbox", seed=1, customers=customers)
    await sandbox.start()
    try:
        settings = load_settings(sandbox.configuration, {**QUICK, **(further or {})}).settings
        desk = await open_desk(folder, settings, org=sandbox.world.org_id)
        stock = [(p.iccid, p.profile_type) for p in sandbox.world.profiles]
        await desk.journal.write(lambda db: profiles.add(db, stock, "test", time.time()))
        floor, parts = Floor(sandbox, desk, folder), desk.parts
        floor.tasks = [asyncio.create_task(work) for work in (parts.dispatcher.run(), parts.writeback.run())]
        try:
            yield floor
        finally:
            await _end(floor)
    finally:
        with contextlib.suppress(Exception):
            await sandbox.stop()


async def _end(floor: Floor) -> None:
    floor.closing.set()
    await asyncio.gather(*floor.holding)
    for task in floor.tasks:
        task.cancel()
    await asyncio.gather(*floor.tasks, return_exceptions=True)
    await floor.desk.parts.dispatcher.drain(1.0)
    await floor.desk.close()
