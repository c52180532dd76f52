"""The engine over the real clients and the sandbox's servers, in one event loop, with a clock that the test moves."""

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.daemon.assembly import Parts, assemble
from console.daemon.clients import make_clients
from console.daemon.organisation import identify
from console.engine.clock import as_datetime
from console.engine.door import Admission
from console.engine.runner import Runner
from console.engine.services import Engine
from console.engine.workflows.provision_order import PROVISION_ORDER
from console.engine.workflows.send_mail import SEND_MAIL
from console.settings.loading import load_settings
from integrations.sandbox.salesforce.users import ADMIN, APPROVER, INTEGRATION, PLACER
from integrations.sandbox.server import Sandbox
from integrations.sandbox.whmcs import Switches
from storage import calls, desk, meta, orders, outbox, profiles, queue, runs
from storage.calls import Call
from storage.journal import Journal
from storage.outbox import OutboxRow
from storage.runs import Run
from tests.console.engine.hands import HandClock

QUIET = {
    "PORTAL_WHMCS__LATE_AFTER": "900", "PORTAL_ESIM__LATE_AFTER": "300", "PORTAL_ENGINE__LOOK_APART": "60",
    "PORTAL_WHMCS__READ_TIMEOUT": "20", "PORTAL_WHMCS__WRITE_TIMEOUT": "20", "PORTAL_ESIM__TIMEOUT": "20",
    "PORTAL_SALESFORCE__TIMEOUT": "20", "PORTAL_ENGINE__RETRY__BASE": "2", "PORTAL_ENGINE__RETRY__MAX": "600",
    "PORTAL_INTAKE__MAX_NEW_PER_HOUR": "200", "PORTAL_INTAKE__DEAF_AFTER": "60", "PORTAL_ENGINE__RECHECK_EVERY": "300",
    "PORTAL_ENGINE__BREAKER__FAILURES": "100", "PORTAL_MAIL__TIMEOUT": "20", "PORTAL_INTAKE__FIRST_POLL_MAX": "20",
}  # fmt: skip
__all__ = ["ADMIN", "APPROVER", "INTEGRATION", "PLACER", "Plant", "import_stock", "plant_in"]
ENDED = ("done", "failed", "cancelled", "parked", "held")


@dataclass
class Plant:
    """``place`` an order, ``admit`` it, ``go`` until nothing moves by itself; then look at both sides."""

    sandbox: Sandbox
    parts: Parts
    clock: HandClock

    @property
    def engine(self) -> Engine:
        return self.parts.engine

    @property
    def journal(self) -> Journal:
        return self.parts.engine.journal

    # The outside ------------------------------------------------------------------------------------------------------

    def person(self, pays_by: str = "card", language: str = "japanese") -> Any:
        people = self.sandbox.world.people
        return next(p for p in people if (p.pays_by, p.language, p.status) == (pays_by, language, "Active"))

    def place(self, kind: str = "vpn", *, status: str = "Approved", customer: str = "", days_ago: float = 0) -> str:
        placed = self.sandbox.people.place(
            1, kinds=[kind], customer=customer or self.person().number, status=status, days_ago=days_ago
        )
        return placed[0].id

    def fault(self, system: str, operation: str, kind: str, **values: Any) -> None:
        self.sandbox.faults.add(system=system, operation=operation, kind=kind, **values)

    def install(self, **switches: Any) -> None:
        self.sandbox.people.switch(switches)

    def requests(self, operation: str) -> int:
        return sum(entry["operation"] == operation for entry in self.sandbox.traffic.since())

    def billed(self) -> list[dict[str, Any]]:
        """The WHMCS orders that were made since the world began."""
        return [dict(row) for row in self.sandbox.whmcs.records.orders.all() if not row["past"]]

    async def crm(self, order_id: str) -> Any:
        return (await self.engine.salesforce.read_order(order_id)).order

    def change(self, order_id: str, user: str = APPROVER, **fields: Any) -> None:
        """Somebody changes the order in Salesforce. A second goes by: times there are whole ones."""
        self.clock.pass_(1)
        self.sandbox.salesforce.desk.change_order(order_id, fields, user=user)

    def forget(self, order_id: str, *fields: str) -> None:
        """Empty fields of an order behind everybody's back, as in an org that does not have them."""
        db = self.sandbox.salesforce.org.db
        row = db.get("Order", order_id)
        assert row is not None
        with db.transaction():
            db.put("Order", {name: value for name, value in row.items() if name not in fields})

    # The engine -------------------------------------------------------------------------------------------------------

    async def admit(self, order_id: str, source: str = "event") -> Admission:
        return await self.parts.door.admit(order_id, source=source)

    async def turn(self) -> int:
        """Work once on every run that is due; returns how many there were."""
        now = self.clock.now()
        due = await self.journal.write(lambda db: queue.claim_due(db, now, 20))
        runner = Runner(self.engine, {w.name: w for w in (PROVISION_ORDER, SEND_MAIL)})
        for run in due:
            await runner.advance(run)
        return len(due)

    async def go(self, order_id: str, most: int = 60) -> Run:
        """Turn after turn, passing the time in between, until the order's run ends or waits for something."""
        for _ in range(most):
            run = self.run(order_id)
            if run.state in ENDED:
                return run
            self.clock.pass_(max(0.0, run.next_at - self.clock.now()) + 0.001)
            await self.turn()
        raise AssertionError(f"it never comes to an end: {self.run(order_id)}")

    async def provision(self, kind: str = "vpn", **values: Any) -> Run:
        order_id = self.place(kind, **values)
        await self.admit(order_id)
        return await self.go(order_id)

    async def retry(self, order_id: str, **values: Any) -> Run:
        """A person's retry: a new run that looks first, or the parked one goes on."""
        now, run = self.clock.now(), self.run(order_id)

        def write(db: sqlite3.Connection) -> None:
            if run.open:
                runs.change(db, run.id, now, state="queued", next_at=now, wait=None, **values)
                return
            runs.insert(
                db, PROVISION_ORDER.names, now, workflow=run.workflow, subject=run.subject, order_id=order_id, state="queued",
                order_number=run.order_number, source="command", lock_key=run.lock_key, look_first=True, retry_of=run.id,
            )  # fmt: skip

        await self.journal.write(write)
        return await self.go(order_id)

    async def cancel(self, order_id: str) -> Run:
        """A person's cancel with undo, of a run that is not worked on, to its end."""
        await self.ask_cancel(order_id)
        return await self.go(order_id)

    async def ask_cancel(self, order_id: str) -> None:
        now, run = self.clock.now(), self.run(order_id)
        await self.journal.write(
            lambda db: runs.change(
                db, run.id, now, state="queued", next_at=now, cancel_asked=True, ended_at=None, wait=None
            )
        )

    async def deliver(self) -> int:
        """Send what the outbox holds and is due."""
        due = self.journal.peek(lambda db: outbox.due(db, self.clock.now()))
        for row in due:
            await self.parts.writeback.deliver(row)
        return len(due)

    def run(self, order_id: str) -> Run:
        run = self.journal.peek(lambda db: runs.latest_of_order(db, order_id))
        assert run is not None
        return run

    def runs(self, order_id: str) -> list[Run]:
        return self.journal.peek(lambda db: [r for r in runs.of_order(db, order_id) if r.workflow == "provision_order"])

    def call(self, order_id: str, operation: str, item: str = "") -> Call | None:
        return self.journal.peek(lambda db: calls.find(db, order_id, operation, item))

    def effects(self, order_id: str) -> dict[str, str]:
        made = self.journal.peek(lambda db: calls.effects(db, order_id))
        return {call.operation: call.state for call in made}

    def outbox(self, order_id: str) -> OutboxRow | None:
        return self.journal.peek(lambda db: outbox.get(db, order_id))

    def shown(self, order_id: str) -> orders.OrderRow | None:
        return self.journal.peek(lambda db: orders.get(db, order_id))

    def profiles(self, order_id: str) -> list[profiles.ProfileRow]:
        return self.journal.peek(lambda db: profiles.of_order(db, order_id))

    def outputs(self, order_id: str) -> dict[str, Any]:
        steps = self.journal.peek(lambda db: runs.steps(db, self.run(order_id).id))
        return {step.name: step.output for step in steps}

    async def edit(self, order_id: str, item: str, field: str, new: str) -> None:
        edit = desk.Edit(order_id, self.clock.now(), "otto", item, field, None, new, "mended")
        await self.journal.write(lambda db: desk.add_edit(db, edit))


@asynccontextmanager
async def plant_in(
    folder: Path,
    new_journal: Callable[[Path], Path],
    *,
    stock: bool = True,
    switches: Switches | None = None,
    **environ: str,
) -> AsyncIterator[Plant]:
    """A new world with an engine that owns it. ``environ``: further settings."""
    clock = HandClock(float(int(time.time())))  # real: certificates are checked by the real time
    folder.mkdir(exist_ok=True)
    sandbox = Sandbox(folder, customers=12, switches=switches or Switches(), now=lambda: as_datetime(clock.now()))
    await sandbox.start()
    try:
        settings = load_settings(folder / "portal.toml", QUIET | environ).settings
        journal = Journal.open(new_journal(folder / "engine.db"))
        try:
            journal_id = await journal.write(meta.identity)
            clients = make_clients(settings, lambda: as_datetime(clock.now()), lambda system, date: None)
            parts = assemble(settings, journal, clock, clients, journal_id, observe=False)
            try:
                await identify(parts.engine)
                parts.engine.holds.lift("starting")
                if stock:
                    await import_stock(journal, sandbox, clock)
                yield Plant(sandbox, parts, clock)
            finally:
                await clients.close()
        finally:
            journal.close()
    finally:
        await sandbox.stop()


async def import_stock(journal: Journal, sandbox: Sandbox, clock: HandClock) -> None:
    rows = [(profile.iccid, profile.profile_type) for profile in sandbox.world.profiles]
    await journal.write(lambda db: profiles.add(db, rows, "first", clock.now()))
