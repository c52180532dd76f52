import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from integrations.sandbox.esim.server import EsimSandbox
from integrations.sandbox.faults import Faults
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic
from integrations.sandbox.world import Profile

STOCK = tuple(Profile(f"8981990402600000{n}", "DEMO-DATA") for n in ("312", "320", "338", "346"))


async def eventually(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Poll until ``true`` or fail."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for happens on the other side of a socket
            await asyncio.sleep(0.01)


class Bench:
    """A started sandbox and a bare client that can play any role."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory / "sandbox.db")
        self.faults = Faults(self.store)
        self.traffic = Traffic()
        self.sandbox = EsimSandbox(self.store, self.faults, self.traffic, directory / "certs")

    async def start(self) -> None:
        self.sandbox.add_stock(STOCK)
        await self.sandbox.start("127.0.0.1", 0)

    async def stop(self) -> None:
        self.faults.close()
        await self.sandbox.stop()
        self.store.close()

    def url(self, function: str) -> str:
        return f"{self.sandbox.endpoint()['url']}/gsma/rsp2/es2plus/{function}"

    def session(self, role: str | None = "client") -> aiohttp.ClientSession:
        """A client with the certificate of ``role`` (client, stranger, foreign, callback) or with none."""
        known = self.sandbox.endpoint()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(known["ca_file"])
        if role:
            context.load_cert_chain(known[f"{role}_cert"], known[f"{role}_key"])
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context), headers={"X-Admin-Protocol": "gsma/rsp/v2.5.0"}
        )


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.start()
    yield made
    await made.stop()
