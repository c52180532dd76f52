"""The API over the sandbox's servers with an engine at work: what the tests of the desk's work stand on."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.client.api import ApiClient, new_key
from console.schema.commands import PlanRequest, SubmitRequest, Submitted
from console.settings.loading import load_settings
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Person
from storage import profiles
from tests.console.api.rig import Desk, open_desk, until

QUICK = {
    "PORTAL_WHMCS__LATE_AFTER": "2", "PORTAL_ENGINE__LOOK_APART": "0.3", "PORTAL_ENGINE__RETRY__BASE": "0.1",
    "PORTAL_ENGINE__RETRY__MAX": "0.5", "PORTAL_ENGINE__RECHECK_EVERY": "0.3", "PORTAL_ENGINE__BREAKER__FAILURES": "50",
    "PORTAL_SALESFORCE__TIMEOUT": "60", "PORTAL_WHMCS__READ_TIMEOUT": "60", "PORTAL_WHMCS__WRITE_TIMEOUT": "60",
    "PORTAL_ESIM__TIMEOUT": "60", "PORTAL_MAIL__TIMEOUT": "60", "PORTAL_MAIL__ANSWER_TIMEOUT": "60",
    "PORTAL_APPROVE__LIMIT_YEN": '{"operator": 50000}',
}  # fmt: skip


@dataclass
class Floor:
    """``place`` an order, or let one be ``done``; ``state`` waits for one of its run."""

    sandbox: Sandbox
    desk: Desk
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def person(self) -> Person:
        return next(p for p in self.sandbox.world.people if p.pays_by == "card" and p.status == "Active" and p.kana)

    def place(self, kind: str = "vpn") -> str:
        (placed,) = self.sandbox.people.place(1, kinds=[kind], customer=self.person.number)
        return placed.id

    async def done(self, kind: str = "esim") -> str:
        """An order that was provisioned whole."""
        order_id = self.place(kind)
        self.sandbox.people.approve([order_id])
        await self.desk.parts.door.admit(order_id, source="poll")
        await self.state(order_id, "done")
        return order_id

    async def state(self, order_id: str, *states: str) -> None:
        def is_so() -> bool:
            row = self.desk.journal.peek(
                lambda db: db.execute(
                    "SELECT r.state FROM orders o JOIN runs r ON r.id = o.run_id WHERE o.order_id = ?", (order_id,)
                ).fetchone()
            )
            return row is not None and row[0] in states

        await until(is_so, 60)


@asynccontextmanager
async def open_floor(tmp_path: Path) -> AsyncIterator[Floor]:
    (tmp_path / "sandbox").mkdir()
    sandbox = Sandbox(tmp_path / "sandbox", seed=1, customers=12)
    await sandbox.start()
    try:
        settings = load_settings(sandbox.configuration, QUICK).settings
        desk = await open_desk(tmp_path, settings, org=sandbox.world.org_id)
        stock = [(p.iccid, p.profile_type) for p in sandbox.world.profiles]
        await desk.journal.write(lambda db: profiles.add(db, stock, "test", time.time()))
        opened = Floor(sandbox, desk)
        parts = desk.parts
        opened.tasks = [asyncio.create_task(work) for work in (parts.dispatcher.run(), parts.writeback.run())]
        try:
            yield opened
        finally:
            for task in opened.tasks:
                task.cancel()
            await asyncio.gather(*opened.tasks, return_exceptions=True)
            await parts.dispatcher.drain(1.0)
            await desk.close()
    finally:
        with contextlib.suppress(Exception):
            await sandbox.stop()


async def act(
    client: ApiClient, command: str, order: str, *, reason: str = "because", key: str | None = None, **arguments: Any
) -> Submitted:
    plan = await client.plan(command, PlanRequest(orders=[order], arguments=arguments))
    request = SubmitRequest(orders=[order], arguments=arguments, plan_hash=plan.hash, reason=reason)
    return await client.submit(command, request, key=key or new_key())


def status_of(floor: Floor, order_id: str) -> str:
    row = floor.sandbox.salesforce.org.db.table("Order").get(order_id)
    assert row is not None
    return str(row["Status"])
