"""A small api.php whose every answer is written by the test, on a real socket."""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from integrations.http import Timeouts
from integrations.whmcs.client import WhmcsClient, WhmcsConfig
from tests.integrations.whmcs.php import parse_str

IDENTIFIER, SECRET = "identifier-0123456789", "secret-9876543210"
NO_TYPE = "none/at-all"
QUICK = Timeouts(connect=60.0, read=0.3, write=60.0, pool=60.0, total=0.3)  # for an answer that never comes


@dataclass(frozen=True)
class Reply:
    """One answer: JSON of ``body`` unless it is text. ``drop``: the connection is cut instead, after the request."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = "application/json"
    delay: float = 0.0
    drop: bool = False


def success(**body: Any) -> Reply:
    return Reply({"result": "success"} | body)


def error(message: str, status: int = 200) -> Reply:
    return Reply({"result": "error", "message": message}, status)


PAGE_403 = Reply("<html>blocked</html>", 403, content_type="text/html")


@dataclass(frozen=True)
class Asked:
    """One request as PHP would see it. ``connection`` is the client's port: equal for the same kept-alive socket."""

    action: str
    form: dict[str, Any]
    query: str
    headers: Mapping[str, str]
    connection: int


Answering = Callable[[Asked], Reply]


class Scripted:
    """Answers by action: a queue of replies (the last one stays), or a function of the request.

    ``arrived`` is set with the first request.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.arrived = asyncio.Event()
        self.port = 0
        self._scripts: dict[str, deque[Reply] | Answering] = {}

    def on(self, action: str, *replies: Reply | Answering) -> None:
        if len(replies) == 1 and callable(replies[0]):
            self._scripts[action] = replies[0]
        else:
            self._scripts[action] = deque(reply for reply in replies if isinstance(reply, Reply))

    def of(self, action: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.action == action]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = parse_str(await request.read())
        assert request.transport is not None
        connection = request.transport.get_extra_info("peername")[1]
        asked = Asked(form["action"], form, request.query_string, request.headers.copy(), connection)
        self.asked.append(asked)
        self.arrived.set()
        reply = self._reply(asked)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.drop:
            request.transport.abort()
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body).replace("/", "\\/")
        response = web.Response(status=reply.status, body=text.encode(), headers=reply.headers)
        response.headers["Content-Type"] = reply.content_type or NO_TYPE
        return response

    def _reply(self, asked: Asked) -> Reply:
        script = self._scripts[asked.action]
        if not isinstance(script, deque):
            return script(asked)
        return script.popleft() if len(script) > 1 else script[0]


async def _without_type(request: web.Request, response: web.StreamResponse) -> None:
    """aiohttp gives every response a content type; take it away where the test wants none."""
    if response.headers.get("Content-Type") == NO_TYPE:
        del response.headers["Content-Type"]


@asynccontextmanager
async def serving(server: Scripted, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Run ``server`` on a free port; gives the install's base address."""
    app = web.Application()
    app.on_response_prepare.append(_without_type)
    app.router.add_post("/billing/includes/api.php", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.port}/billing"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def talking(server: Scripted, **config: Any) -> AsyncIterator[WhmcsClient]:
    """A client of ``server``."""
    callback = config.pop("on_server_date", None)
    async with serving(server) as url:
        client = WhmcsClient(WhmcsConfig(url, IDENTIFIER, SECRET, **config), on_server_date=callback)
        try:
            yield client
        finally:
            await client.close()
