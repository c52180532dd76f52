"""A floor to act on: the sandbox's servers, an engine that works, a commander, and people of every role."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.daemon.assembly import Parts, assemble
from console.daemon.clients import make_clients
from console.engine.clock import SystemClock
from console.engine.commanding.act import Hooks
from console.engine.commanding.batches import BatchRunner
from console.engine.commanding.commander import Commander
from console.engine.commanding.plans import Plan, Submitted
from console.settings.loading import load_settings
from console.settings.model import Settings
from integrations.sandbox.server import Sandbox
from storage import audit, meta, profiles, runs
from storage.audit import Actor, AuditRow
from storage.journal import Journal
from storage.runs import Run

PATIENCE = 60.0
QUICK = {
    "PORTAL_WHMCS__LATE_AFTER": "2", "PORTAL_WHMCS__READ_TIMEOUT": "60", "PORTAL_WHMCS__WRITE_TIMEOUT": "60",
    "PORTAL_ESIM__LATE_AFTER": "2", "PORTAL_ESIM__TIMEOUT": "60", "PORTAL_ENGINE__LOOK_APART": "0.3", "PORTAL_ENGINE__RETRY__BASE": "0.1", "PORTAL_ENGINE__RETRY__MAX": "0.5",
    "PORTAL_ENGINE__RECHECK_EVERY": "0.3", "PORTAL_ENGINE__BREAKER__FAILURES": "50", "PORTAL_SALESFORCE__TIMEOUT": "60",
    "PORTAL_MAIL__TIMEOUT": "60", "PORTAL_MAIL__ANSWER_TIMEOUT": "60",
    "PORTAL_ENGINE__RETRY__TRIES": "4", "PORTAL_APPROVE__LIMIT_YEN": '{"operator": 50000}',
}  # fmt: skip

VERA = Actor("vera", "viewer")
OTTO = Actor("otto", "operator", peer="uid 1000", token_id=7)
OLGA = Actor("olga", "operator")
SUE = Actor("sue", "supervisor")


@dataclass
class Floor:
    """``order`` places one, ``admit`` brings it to the door, ``act`` plans and submits."""

    sandbox: Sandbox
    parts: Parts
    commander: Commander
    batches: BatchRunner
    approved: list[str]
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def journal(self) -> Journal:
        return self.parts.engine.journal

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        self.tasks.append(asyncio.create_task(work))

    def work(self) -> None:
        """Let the engine work on runs, and write statuses back."""
        self.spawn(self.parts.dispatcher.run())
        self.spawn(self.parts.writeback.run())

    def customer(self, pays_by: str = "card") -> str:
        people = self.sandbox.world.people
        return next(p.number for p in people if p.pays_by == pays_by and p.status == "Active")

    def order(self, kind: str = "vpn", *, pays_by: str = "card", status: str = "Approved") -> str:
        (placed,) = self.sandbox.people.place(1, kinds=[kind], customer=self.customer(pays_by))
        if status == "Approved":
            self.sandbox.people.approve([placed.id])
        return placed.id

    async def admit(self, order_id: str) -> None:
        await self.parts.door.admit(order_id, source="poll")

    def run(self, order_id: str) -> Run:
        run = self.journal.peek(lambda db: runs.latest_of_order(db, order_id))
        assert run is not None
        return run

    async def until(self, order_id: str, *states: str, wait: str | None = None) -> Run:
        await self.when(
            lambda: self.run(order_id).state in states and (wait is None or self.run(order_id).wait == wait),
            lambda: f"{states} {wait}: {self.run(order_id)}",
        )
        return self.run(order_id)

    async def when(self, true: Callable[[], bool], what: Callable[[], str] = lambda: "") -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, what()
            await asyncio.sleep(0.02)

    async def failed(self, kind: str = "vpn") -> str:
        """An order that failed at load: its WHMCS client carries another number."""
        order_id = self.order(kind)
        self.break_customer()
        await self.admit(order_id)
        await self.until(order_id, "failed")
        return order_id

    def break_customer(self, *, mend: bool = False) -> None:
        number = self.customer()
        status = "Active" if mend else "Closed"
        client = next(p.whmcs_client_id for p in self.sandbox.world.people if p.number == number)
        records = self.sandbox.whmcs.records
        row = records.clients.get(client)
        assert row is not None
        with self.sandbox.whmcs._store.transaction():
            records.clients.change(row, status=status)

    async def act(
        self, command: str, actor: Actor, *order_ids: str, reason: str | None = "because", **arguments: Any
    ) -> Submitted:
        plan = await self.plan(command, actor, *order_ids, **arguments)
        return await self.submit(plan, actor, *order_ids, reason=reason, **arguments)

    async def plan(self, command: str, actor: Actor, *order_ids: str, **arguments: Any) -> Plan:
        return await self.commander.plan(command, actor, order_ids=order_ids, arguments=arguments)

    async def submit(
        self, plan: Plan, actor: Actor, *order_ids: str, reason: str | None = "because", **arguments: Any
    ) -> Submitted:
        return await self.commander.submit(
            plan.hash, plan.command, actor, reason, order_ids=order_ids, arguments=arguments, pace=50
        )

    def audit(self) -> list[AuditRow]:
        """Oldest first."""
        return self.journal.peek(audit.newest)[::-1]

    def salesforce(self, order_id: str) -> Mapping[str, Any]:
        row = self.sandbox.salesforce.org.db.table("Order").get(order_id)
        assert row is not None
        return row

    def asked(self, system: str, operation: str) -> int:
        """How often the sandbox was asked for that."""
        entries = self.sandbox.traffic.since()
        return sum((entry["system"], entry["operation"]) == (system, operation) for entry in entries)

    def whmcs_orders(self) -> list[Mapping[str, Any]]:
        """Orders made since the sandbox began."""
        return [row for row in self.sandbox.whmcs.world()["orders"] if str(row["id"]) not in self.before]

    before: frozenset[str] = frozenset()

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.commander.close()
        await self.parts.dispatcher.drain(1.0)
        await self.parts.clients.close()
        self.journal.close()


def quick_settings(sandbox: Sandbox, further: Mapping[str, str]) -> Settings:
    return load_settings(sandbox.configuration, {**QUICK, **further}).settings


@pytest.fixture
async def floor(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Floor]:
    """An indirect parameter holds further settings, as variables of the environment."""
    (tmp_path / "sandbox").mkdir()
    sandbox = Sandbox(tmp_path / "sandbox", seed=1, customers=12)
    await sandbox.start()
    try:
        journal = Journal.open(tmp_path / "journal.db")
        settings = quick_settings(sandbox, getattr(request, "param", {}))
        clients = make_clients(settings, lambda: datetime.now(UTC), lambda *_: None)
        parts = assemble(settings, journal, SystemClock(), clients, "journal-1", observe=False)
        engine = parts.engine
        engine.org_id, engine.generation = sandbox.world.org_id, 1
        stock = [(p.iccid, p.profile_type) for p in sandbox.world.profiles]
        await journal.write(lambda db: (meta.identity(db), profiles.add(db, stock, "test", time.time())))
        for product in sandbox.world.products:  # this install is known to keep our markers
            await engine.markers.seen(product.whmcs_pid, survived=True)
        approved: list[str] = []
        commander = Commander(engine, Hooks(approved=approved.append, recheck=parts.conditions.wake))
        floor = Floor(sandbox, parts, commander, BatchRunner(engine, commander), approved)
        floor.before = frozenset(str(row["id"]) for row in sandbox.whmcs.world()["orders"])
        floor.work()
        try:
            yield floor
        finally:
            await floor.close()
    finally:
        with contextlib.suppress(Exception):
            await sandbox.stop()
