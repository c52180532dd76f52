"""Sandbox and daemon as real processes, each in a session of its own; ended by pid and by nothing else."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

STARTING = 60.0
STOPPING = 15.0
LAST_WORDS = 2000


class DemoFailed(Exception):
    """The demo cannot go on; the message says why."""


class Child:
    """One ``portal`` process; its output goes to ``log``."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def last_words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:]

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self._signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOPPING):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and our loop has not been told yet
                os.kill(self.pid, number)


async def start_sandbox(folder: Path, seed: int, customers: int, orders_per_minute: float = 0.0) -> Child:
    """Returns when every server listens. Raises DemoFailed."""
    arguments = ["sandbox", "--dir", str(folder), "--seed", str(seed), "--customers", str(customers)]
    if orders_per_minute:
        arguments += ["--orders-per-minute", str(orders_per_minute)]
    reading, writing = os.pipe()
    try:
        child = await _start(arguments, folder / "sandbox.log", {}, stdout=writing)
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as told:
        line = await _within(asyncio.to_thread(told.readline), child, "the sandbox")
    if not line.startswith(b"sandbox ready"):
        raise DemoFailed(f"the sandbox did not start: {child.last_words()}")
    return child


async def start_daemon(config: Path, log: Path) -> Child:
    """Returns when it says that it is ready, by the protocol of systemd. Raises DemoFailed."""
    with tempfile.TemporaryDirectory(prefix="portal-") as place:
        address = str(Path(place) / "ready")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(address)
            told.setblocking(False)
            child = await _start(["daemon", "--config", str(config)], log, {"NOTIFY_SOCKET": address})
            await _within(_ready(told), child, "the daemon")
    return child


async def _ready(told: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    while not (message := await loop.sock_recv(told, 4096)).startswith(b"READY=1"):
        continue
    return message


async def _within(waiting: Coroutine[Any, Any, bytes], child: Child, name: str) -> bytes:
    """The result, or DemoFailed when the process ends first or takes too long."""
    ready = asyncio.ensure_future(waiting)
    ended = asyncio.ensure_future(child._process.wait())
    done, _ = await asyncio.wait((ready, ended), timeout=STARTING, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if ready in done:
        return ready.result()
    ready.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ready
    await child.kill()
    raise DemoFailed(f"{name} did not start: {child.last_words()}")


async def _start(arguments: Sequence[str], log: Path, environ: dict[str, str], stdout: int | None = None) -> Child:
    """Without the settings of the surrounding environment: they are somebody's real systems."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "SF_"))}
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console", *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=handle if stdout is None else stdout, stderr=handle, env=own | environ, start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(handle)
    return Child(process, log)
