"""The snapshot that is asked for before the screens are loaded: used once, and never worse than the ordinary way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from console.api.server import ApiServer
from console.api.sockets import bind_tcp
from console.client.address import Address
from console.client.api import ApiClient
from console.client.book import Book
from console.client.errors import BadAnswer, NoAnswer, Unauthorized, Unreachable
from console.client.headstart import HeadStart
from tests.console.api.rig import Desk, until
from tests.console.client.journal_rows import put_order
from tests.integrations.mail.certificates import make_certificates

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def _way(desk: Desk, name: str, folder: Path) -> AsyncIterator[Address]:
    if name == "socket":
        yield Address(socket=desk.path)
        return
    token = desk.tokens["viewer"]
    if name == "tcp":
        yield Address(url=desk.url, token=token)
        return
    files = make_certificates(folder)
    door = bind_tcp("127.0.0.1", 0, files.cert, files.key)
    server = ApiServer(desk.app, [door])
    await server.start()
    try:
        yield Address(url=f"https://127.0.0.1:{door.address.rpartition(':')[2]}", token=token, ca_file=files.ca)
    finally:
        await server.stop()


async def _loaded(client: ApiClient) -> Book:
    book = Book()
    async for _ in client.load(book):
        await asyncio.sleep(0)
    return book


@pytest.mark.parametrize("way", ["socket", "tcp", "tls"])
async def test_the_first_book_is_the_one_that_was_asked_for_ahead(desk: Desk, tmp_path: Path, way: str) -> None:
    await desk.journal.write(lambda db: [put_order(db, n, {}, {"state": "running"}) for n in range(1, 1203)])
    async with _way(desk, way, tmp_path) as address:
        ahead = HeadStart(address)
        assert await ahead.answered()
        await _ended()  # everything is here
        await desk.journal.write(lambda db: put_order(db, 5000, {}, {"state": "running"}))
        async with ApiClient(address, ahead=ahead) as client:
            first = await _loaded(client)
            assert client.book_asked == ahead.asked, "the daemon's clock is compared with that moment"
            then = await _loaded(client)
            assert client.book_asked > ahead.asked
    assert first.complete and len(first) == 1202
    assert len(then) == 1203, "control: what is asked for now is the journal as it is now"


async def test_who_is_refused_ahead_is_told_by_the_ordinary_way(desk: Desk) -> None:
    address = Address(url=desk.url, token="not-a-token")
    ahead = HeadStart(address)
    assert not await ahead.answered()
    async with ApiClient(address, ahead=ahead) as client:
        with pytest.raises(Unauthorized):
            await _loaded(client)


async def test_nobody_there_is_told_by_the_ordinary_way(tmp_path: Path) -> None:
    address = Address(socket=tmp_path / "nobody.sock")
    async with ApiClient(address, ahead=HeadStart(address)) as client:
        with pytest.raises(Unreachable, match="there is no such socket"):
            await _loaded(client)


@asynccontextmanager
async def _daemon(tmp_path: Path, say: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[Address]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await say(writer)
        writer.close()

    server = await asyncio.start_unix_server(answer, tmp_path / "s")
    try:
        yield Address(socket=tmp_path / "s")
    finally:
        server.close()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def test_an_answer_that_breaks_off_is_a_cut_snapshot(tmp_path: Path) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + _chunk(b"[]\n"))
        await writer.drain()

    async with _daemon(tmp_path, say) as address, ApiClient(address, ahead=HeadStart(address)) as client:
        with pytest.raises(NoAnswer, match="the snapshot was cut"):
            await _loaded(client)


async def test_what_is_no_http_is_told_by_the_ordinary_way(tmp_path: Path) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()

    async with _daemon(tmp_path, say) as address:
        ahead = HeadStart(address)
        assert not await ahead.answered()
        async with ApiClient(address, ahead=ahead) as client:
            with pytest.raises((NoAnswer, BadAnswer)):
                await _loaded(client)


async def test_who_leaves_while_the_daemon_is_silent_does_not_wait_for_it(tmp_path: Path) -> None:
    silent = asyncio.Event()

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + _chunk(b"[]\n"))
        await writer.drain()
        await silent.wait()

    async with _daemon(tmp_path, say) as address, ApiClient(address, ahead=HeadStart(address)) as client:
        begun = asyncio.Event()

        async def load() -> None:
            async for _ in client.load(Book()):
                begun.set()

        loading = asyncio.create_task(load())
        await asyncio.wait_for(begun.wait(), 30)
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await _ended()
        silent.set()


async def _ended() -> None:
    """The thread of every head start has ended."""
    await until(lambda: all(thread.name != "head start" for thread in threading.enumerate()))
