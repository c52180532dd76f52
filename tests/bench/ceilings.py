"""What the machine itself can do at this moment: the figures beside these are to be read with them."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from aiohttp import web

from integrations.http import Timeouts, make_client

BLOCK = b"x" * 4096
AT_ONCE = 50


def fsync_per_s(folder: Path, seconds: float = 1.0) -> float:
    """Writes of 4 KiB, each made durable, in the folder where the journals of the benchmarks stand."""
    handle = os.open(folder / "fsync.bin", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            os.pwrite(handle, BLOCK, (count % 256) * len(BLOCK))
            os.fsync(handle)
            count += 1
        return count / (time.perf_counter() - began)
    finally:
        os.close(handle)


def http_per_s(requests: int = 4000) -> float:
    """Requests of the product's own client against the smallest server, which runs in another process."""
    with subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            return new_loop().run(_ask(url, requests))
        finally:
            server.terminate()


def new_loop() -> asyncio.Runner:
    """A runner on the event loop that the daemon uses."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _ask(url: str, requests: int) -> float:
    left = iter(range(requests))
    async with make_client(timeouts=Timeouts()) as client:

        async def one_after_another() -> None:
            for _ in left:
                (await client.post(url, data={"action": "none"})).raise_for_status()

        await client.get(url)
        began = time.perf_counter()
        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
        return requests / (time.perf_counter() - began)


async def _answer(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"result": "success"})


async def _serve() -> None:
    app = web.Application()
    app.router.add_route("*", "/", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    await web.SockSite(runner, listening).start()
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    new_loop().run(_serve())
