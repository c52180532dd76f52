"""The snapshot, asked for before the screens are loaded: the daemon reads its orders while this process imports.

Only what Python itself brings: the HTTP client takes longer to load than the answer takes to come.
"""

import asyncio
import http.client
import socket
import ssl
import threading
import time
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from console.client.address import Address
from console.schema.base import PREFIX

PATIENCE = 30.0
PIECE = 65_536


class HeadStart:
    """One ``GET /snapshot`` in a thread of its own, from the moment it is made.

    It promises nothing: when the daemon does not answer with a book, ``answered`` is False, and the ordinary way asks
    again and says what is wrong. An answer that breaks off ends early, as any snapshot that is cut.
    """

    def __init__(self, address: Address) -> None:
        self.asked = time.monotonic()
        self._answered: Future[bool] = Future()
        self._came: SimpleQueue[bytes | None] = SimpleQueue()
        self._way = _way(address)
        self._connected: socket.socket | None = None
        self._headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
        threading.Thread(target=self._ask, name="head start", daemon=True).start()

    async def answered(self) -> bool:
        """Does a book come?"""
        return await asyncio.wrap_future(self._answered)

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The bytes of the answer; those that are here already come at once."""
        try:
            while (piece := await self._next()) is not None:
                yield piece
        finally:
            self.close()

    def close(self) -> None:
        """Whoever waits for more is let go."""
        if self._connected is not None:
            with suppress(OSError):  # the answer has ended
                self._connected.shutdown(socket.SHUT_RDWR)

    async def _next(self) -> bytes | None:
        try:
            return self._came.get_nowait()
        except Empty:
            return await asyncio.to_thread(self._came.get)

    def _ask(self) -> None:
        with suppress(OSError, http.client.HTTPException):  # the ordinary way meets it too, and has words for it
            self._way.connect()
            self._connected = self._way.sock
            self._way.request("GET", f"{PREFIX}/snapshot", headers=self._headers)
            answer = self._way.getresponse()
            if answer.status == http.HTTPStatus.OK:
                self._answered.set_result(True)
                while piece := answer.read1(PIECE):
                    self._came.put(piece)
        if not self._answered.done():
            self._answered.set_result(False)
        self._came.put(None)
        self._way.close()


class _OverSocket(http.client.HTTPConnection):
    """To a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("portal", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _way(address: Address) -> http.client.HTTPConnection:
    if address.socket is not None:
        return _OverSocket(address.socket)
    parts = urlsplit(address.url)
    assert parts.hostname is not None, "parse_address read it"
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    context = ssl.create_default_context(cafile=str(address.ca_file) if address.ca_file else None)
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=PATIENCE, context=context)
