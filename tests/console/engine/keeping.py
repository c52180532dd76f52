"""A daemon's parts on a real journal, with a clock moved by hand, a disk of any size, and nothing outside that answers."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from console.daemon.assembly import Parts, assemble
from console.daemon.clients import make_clients
from console.engine.housekeeping import Housekeeping
from console.engine.watch import Watch
from console.settings.loading import load_settings
from integrations.salesforce.models import ApiUsage
from storage import alerts, meta, runs
from storage.journal import Journal
from tests.console.observe.receiving import HandClock

GIGABYTE = 1024**3
MEGABYTE = 1024**2
NOWHERE = {
    "PORTAL_SALESFORCE__LOGIN_URL": "http://127.0.0.1:9", "PORTAL_SALESFORCE__CLIENT_ID": "id",
    "PORTAL_SALESFORCE__CLIENT_SECRET": "secret", "PORTAL_WHMCS__URL": "http://127.0.0.1:9",
    "PORTAL_WHMCS__IDENTIFIER": "id", "PORTAL_WHMCS__SECRET": "secret", "PORTAL_ESIM__URL": "http://127.0.0.1:9",
    "PORTAL_ESIM__REQUESTER_ID": "1.2.3", "PORTAL_ESIM__CLIENT_CERT": "none.pem",
    "PORTAL_ESIM__CLIENT_KEY": "none.pem",
}  # fmt: skip


@dataclasses.dataclass
class House:
    """``free`` of ``total`` bytes are what the disk says; ``usage`` what Salesforce's last answer said."""

    parts: Parts
    clock: HandClock
    journal: Journal
    free: int = 500 * GIGABYTE
    total: int = 1000 * GIGABYTE
    usage: ApiUsage | None = None
    unreached: str | None = None

    def __post_init__(self) -> None:
        self.parts.engine.quota._usage = lambda: self.usage
        self.keeping = self.restart()

    def restart(self) -> Housekeeping:
        """What a new process knows: the journal."""
        engine, parts = self.parts.engine, self.parts
        watch = Watch(engine, parts.poll, parts.ownership, lambda: self.unreached)
        self.keeping = Housekeeping(
            engine, parts.blocked, watch, lambda _: (self.total, self.total - self.free, self.free)
        )
        return self.keeping

    async def after(self, seconds: float) -> dict[str, str]:
        """Let time pass, make a round, and return the open alarms (cause → message)."""
        self.clock.passes(seconds)
        await self.keeping.once()
        return self.alarms()

    def alarms(self) -> dict[str, str]:
        return {alert.cause: alert.message for alert in self.journal.peek(alerts.open_alerts)}

    async def run(self, order: str = "801000000000001AAA", **values: Any) -> int:
        """A provisioning run as it stands in the journal."""
        known: dict[str, Any] = {
            "workflow": "provision_order", "subject": order, "order_id": order, "order_number": "00000101",
            "source": "event", "state": "queued",
        }  # fmt: skip
        at = values.pop("at", self.clock.now())
        return await self.journal.write(lambda db: runs.insert(db, ["load", "billing"], at, **(known | values)))


@asynccontextmanager
async def house(folder: Path, **environ: str) -> AsyncIterator[House]:
    """``environ``: settings as PORTAL_… variables."""
    given = {**NOWHERE, "PORTAL_DAEMON__DATA_DIR": str(folder / "data"), **environ}
    settings = load_settings(None, given).settings
    journal = Journal.open(folder / "data" / "journal.db")
    clock = HandClock()
    clients = make_clients(settings, lambda: datetime.now(UTC), lambda *_: None)
    parts = assemble(settings, journal, clock, clients, "journal-1", observe=False)
    parts.engine.org_id = "00D000000000001AAA"
    await journal.write(meta.identity)
    try:
        yield House(parts, clock, journal)
    finally:
        await clients.close()
        journal.close()
