"""An HTTP server on loopback that gets alerts, and a clock that is moved by hand."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


class HandClock:
    """Wall and monotonic time that pass only when told to."""

    def __init__(self) -> None:
        self.wall = time.time()
        self.steady = 1000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@dataclass
class Receiver:
    """``status`` is answered to everything; ``refuses`` holds causes that get a 400; ``hangs``: no answer at all."""

    url: str = ""
    status: int = 200
    refuses: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    got: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.calls += 1
        if self.hangs:
            await asyncio.sleep(3600)
        body = await request.json() if request.method == "POST" else {}
        if body.get("cause") in self.refuses:
            return web.Response(status=400)
        if self.status == 200 and body:
            self.got.append(body)
        return web.Response(status=self.status, headers=self.headers)

    def told(self) -> list[tuple[str, str]]:
        return [(row["cause"], row["state"]) for row in self.got]


@asynccontextmanager
async def receiver(port: int = 0) -> AsyncIterator[Receiver]:
    found = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/T0/B0/canary-hook-9"
    try:
        yield found
    finally:
        await runner.cleanup()
