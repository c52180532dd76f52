"""A daemon's API on real sockets: a real journal and engine, outside systems that are down unless a sandbox is given."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from console.api import tokens
from console.api.access import Api
from console.api.app import create_app
from console.api.server import ApiServer
from console.api.services import ApiServices
from console.api.sockets import bind_tcp, bind_unix
from console.client.address import Address
from console.client.api import ApiClient
from console.daemon.assembly import Parts, assemble
from console.daemon.clients import make_clients
from console.engine.clock import SystemClock
from console.engine.commanding.act import Hooks
from console.engine.commanding.batches import BatchRunner
from console.engine.commanding.commander import Commander
from console.observe.metrics import Metrics
from console.observe.redact import Redactor
from console.schema.base import PREFIX, ROLES
from console.settings.loading import load_settings
from console.settings.model import Settings
from storage import feed, meta
from storage import tokens as kept
from storage.journal import Journal

ORG = "00D000000000001AAA"
NOWHERE = {
    "PORTAL_SALESFORCE__LOGIN_URL": "http://127.0.0.1:9", "PORTAL_SALESFORCE__CLIENT_ID": "id",
    "PORTAL_SALESFORCE__CLIENT_SECRET": "secret-of-the-org", "PORTAL_WHMCS__URL": "http://127.0.0.1:9",
    "PORTAL_WHMCS__IDENTIFIER": "identifier", "PORTAL_WHMCS__SECRET": "secret-of-whmcs",
    "PORTAL_WHMCS__CUSTOMER_NUMBER_FIELD_ID": "7", "PORTAL_ESIM__URL": "http://127.0.0.1:9",
    "PORTAL_ESIM__REQUESTER_ID": "1.2.3", "PORTAL_ESIM__CLIENT_CERT": "none.pem", "PORTAL_ESIM__CLIENT_KEY": "none.pem", "PORTAL_MAIL__HOST": "127.0.0.1", "PORTAL_MAIL__PORT": "9",
    "PORTAL_MAIL__SENDER": "Portal <portal@example.jp>", "PORTAL_APPROVE__LIMIT_YEN": '{"operator": 50000}',
}  # fmt: skip


@dataclass
class Desk:
    """``clients``: one for each role, over TCP with a token; ``socket``: over the Unix socket as this user (admin)."""

    app: FastAPI
    parts: Parts
    commander: Commander
    server: ApiServer
    path: Path
    url: str
    tokens: dict[str, str]
    clients: dict[str, ApiClient] = field(default_factory=dict)
    http: httpx.AsyncClient | None = None

    @property
    def journal(self) -> Journal:
        return self.parts.engine.journal

    @property
    def api(self) -> Api:
        api: Api = self.app.state.api
        return api

    @property
    def socket(self) -> ApiClient:
        return self._client("socket", Address(socket=self.path))

    def client(self, role: str) -> ApiClient:
        return self._client(role, Address(url=self.url, token=self.tokens[role]))

    def _client(self, name: str, address: Address) -> ApiClient:
        if name not in self.clients:
            self.clients[name] = ApiClient(address)
        return self.clients[name]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        role: str | None = "admin",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """A raw request over TCP; ``path`` after the prefix."""
        given = {"Authorization": f"Bearer {self.tokens[role]}"} if role is not None else {}
        if self.http is None:
            self.http = httpx.AsyncClient(base_url=self.url, timeout=60, verify=False)
        return await self.http.request(method, PREFIX + path, headers={**given, **(headers or {})}, **more)

    async def write_feed(self, count: int, *, kind: str = "alarm", body: Mapping[str, Any] | None = None) -> int:
        """Append rows, each in a change of its own; returns the last one's number."""

        def row(n: int) -> Any:
            return self.journal.write(lambda db: feed.append(db, time.time(), kind, body or {"n": n}))

        numbers: list[int] = await asyncio.gather(*(row(n) for n in range(count)))
        return numbers[-1]

    async def close(self) -> None:
        for client in self.clients.values():
            await client.close()
        if self.http is not None:
            await self.http.aclose()
        await self.api.hub.stop()
        await self.server.stop()
        await self.commander.close()
        await self.parts.clients.close()
        self.journal.close()


async def open_desk(
    folder: Path, settings: Settings | None = None, *, secrets: tuple[str, ...] = (), org: str = ORG
) -> Desk:
    """Everything but the engine's own loops runs when this returns."""
    (folder / "daemon").mkdir(exist_ok=True)
    settings = settings or load_settings(None, {**NOWHERE, "PORTAL_DAEMON__DATA_DIR": str(folder / "daemon")}).settings
    journal = Journal.open(folder / "daemon" / "journal.db")
    clients = make_clients(settings, lambda: datetime.now(UTC), lambda *_: None)
    parts = assemble(settings, journal, SystemClock(), clients, "journal-1", observe=False)
    engine = parts.engine
    engine.org_id, engine.generation = org, 1
    await journal.write(meta.identity)
    commander = Commander(engine, Hooks())
    services = ApiServices(
        engine=engine, commander=commander, batches=BatchRunner(engine, commander), redactor=Redactor(secrets),
        metrics=Metrics(), recheck=parts.conditions.wake, stopped=parts.stopped,
    )  # fmt: skip
    app = create_app(services)
    doors = [bind_unix(folder / "run" / "portal.sock"), bind_tcp("127.0.0.1", 0, None, None)]
    server = ApiServer(app, doors)
    await app.state.api.hub.start()
    await server.start()
    made: dict[str, str] = await journal.write(lambda db: {str(role): _token(db, role) for role in ROLES})
    return Desk(app, parts, commander, server, folder / "run" / "portal.sock", doors[1].address, made)


def _token(db: Any, role: str) -> str:
    made, now = tokens.make(), time.time()
    kept.add(db, f"{role} of the test", role, made.prefix, made.hashed, now, now + 3600, "test")
    return made.whole


async def until(true: Any, seconds: float = 30.0) -> None:
    """Poll until ``true()`` holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.01)
