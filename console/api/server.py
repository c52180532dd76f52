"""Serving the application on open sockets inside the daemon's own event loop."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from console.api.sockets import Door

if TYPE_CHECKING:
    from fastapi import FastAPI

PEER = "unix"  # scope["client"] of a Unix socket is (PEER, uid); that of TCP starts with an IP address
GRACE = 3  # seconds an answer under way has when the server stops
_CREDENTIALS = struct.Struct("3i")


class PeerProtocol(H11Protocol):
    """Tells the application who is at the other end of a Unix socket: the kernel says it, nobody can claim it."""

    def connection_made(  # type: ignore[override]  # H11Protocol asks for a Transport where asyncio promises less
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        try:
            self.client = (PEER, _uid_of(transport))
        except OSError:
            transport.close()


def _uid_of(transport: asyncio.Transport) -> int:
    """The user id that SO_PEERCRED names. Works on a duplicate: uvloop's socket objects are not whole ones."""
    known = transport.get_extra_info("socket")
    duplicate = socket.socket(fileno=os.dup(known.fileno()))
    try:
        packed = duplicate.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    finally:
        duplicate.close()
    _, uid, _ = _CREDENTIALS.unpack(packed)
    return int(uid)


class _Quiet(uvicorn.Server):
    """Signals belong to the daemon."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ApiServer:
    """``start`` returns when all doors answer; ``stop`` ends streams, lets answers finish and closes the doors."""

    def __init__(self, app: "FastAPI", doors: Sequence[Door]) -> None:
        self._doors = doors
        self._servers = [(_Quiet(_config(app, door)), door) for door in doors]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def addresses(self) -> list[str]:
        return [door.address for door in self._doors]

    async def start(self) -> None:
        for server, door in self._servers:
            self._tasks.append(asyncio.create_task(server.serve(sockets=[door.socket]), name=f"api-{door.address}"))
        while not all(server.started for server, _ in self._servers):
            for task in self._tasks:
                if task.done():
                    await task
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        for server, _ in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._tasks)
        for door in self._doors:
            door.close()


def _config(app: "FastAPI", door: Door) -> uvicorn.Config:
    extra: dict[str, Any] = {"http": PeerProtocol} if door.path is not None else {"http": "h11"}
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=GRACE, timeout_keep_alive=75, **extra,
    )  # fmt: skip
    if door.tls is not None:
        config.load()
        config.ssl = door.tls
    return config
