"""A way to a daemon that loses things: answers of submits, whole connections."""

import asyncio
import contextlib
from pathlib import Path

MARK = b"/submit HTTP/1.1"


class LossyWay:
    """Listens on a Unix socket and hands on to another. ``drop``: so many answers to submits are swallowed, the
    request having been done; ``refuse``: nobody is let in."""

    def __init__(self, path: Path, behind: Path) -> None:
        self.path, self.behind = path, behind
        self.drop = 0
        self.dropped = 0
        self.refuse = False
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "LossyWay":
        self._server = await asyncio.start_unix_server(self._begin, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Every connection ends."""
        for writer in list(self._open):
            writer.close()

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if not self.refuse:
                await self._both_ways(reader, writer)
        except OSError:
            return  # nobody behind, or one side went away: the connection ends
        finally:
            writer.close()
            self._open.discard(writer)

    async def _both_ways(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_daemon = await asyncio.open_unix_connection(self.behind)
        self._open.add(to_daemon)
        swallow = asyncio.Event()

        async def there() -> None:
            while data := await reader.read(65536):
                if MARK in data and self.drop > 0:
                    self.drop -= 1
                    swallow.set()
                to_daemon.write(data)
                await to_daemon.drain()

        async def back() -> None:
            while data := await upstream.read(65536):
                if swallow.is_set():
                    self.dropped += 1
                    return
                writer.write(data)
                await writer.drain()

        ways = [asyncio.create_task(there()), asyncio.create_task(back())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_daemon.close()
            self._open.discard(to_daemon)
            with contextlib.suppress(OSError):
                await to_daemon.wait_closed()
