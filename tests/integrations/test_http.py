"""One way to make an HTTP client: which addresses it may use, and what a broken exchange proves, on real sockets."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from integrations.correlation import CORRELATION_HEADER, correlation_id
from integrations.errors import CallFailed, ErrorClass, IntegrationError, System
from integrations.http import Timeouts, check_address, exchange, make_client

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[str]:
    """A server that reads one request head and then does as it is told; all its connections end with it."""
    open_now: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            open_now.discard(task)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        if open_now:
            await asyncio.wait(open_now, timeout=30)


def says(data: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return talk


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client leaves


async def ask(url: str, *, write: bool, total: float = 60.0) -> int:
    async with make_client(timeouts=Timeouts()) as client:
        request = client.build_request("POST" if write else "GET", url)
        found = await exchange(client, request, system=System.WHMCS, operation="X", write=write, total=total)
        return found.response.status_code


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(
    ("talk", "code"),
    [(silent, "timeout"), (says(b""), "connection_lost"), (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nab"), "connection_lost")],
)  # fmt: skip
async def test_a_request_that_left_is_unknown_for_a_write_and_passing_for_a_read(
    talk: Talk, code: str, write: bool
) -> None:
    async with serving(talk) as url:
        with pytest.raises(CallFailed) as failure:
            await ask(url, write=write, total=0.2 if code == "timeout" else 60.0)
    assert failure.value.error_class is (ErrorClass.OUTCOME_UNKNOWN if write else ErrorClass.TRANSIENT)
    assert failure.value.code == code


@pytest.mark.parametrize("write", [True, False])
async def test_where_nobody_listens_nothing_left(write: bool) -> None:
    with socket.socket() as kept, pytest.raises(CallFailed) as failure:
        kept.bind(("127.0.0.1", 0))  # so that nobody else listens there
        await ask(f"http://127.0.0.1:{kept.getsockname()[1]}", write=write)
    assert (failure.value.error_class, failure.value.code) == (ErrorClass.TRANSIENT, "unreachable")


async def test_a_tls_handshake_that_is_answered_in_plain_text_sent_nothing() -> None:
    ended: list[asyncio.Task[None]] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        ended.append(task)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(CallFailed) as failure:
        await ask(f"https://127.0.0.1:{port}", write=True)
    server.close()
    await asyncio.wait(ended, timeout=30)
    assert failure.value.refused


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    page = f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".encode()
    async with serving(says(page)) as url:
        assert await ask(url, write=True) == status


async def heard_twice() -> list[bytes]:
    """The heads of two requests of one client to a server that sets a cookie."""
    heard: list[bytes] = []
    page = b"HTTP/1.1 200 OK\r\nSet-Cookie: PHPSESSID=1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    async def transport(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heard.append(head.lower())
        writer.write(page)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(transport, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with make_client(timeouts=Timeouts()) as client:
        for _ in range(2):
            request = client.build_request("GET", url)
            await exchange(client, request, system=System.WHMCS, operation="X", write=False, total=60.0)
    server.close()
    return heard


async def test_the_correlation_id_goes_along() -> None:
    correlation_id.set("7-abcd-1")
    heard = await heard_twice()
    assert len(heard) == 2
    assert all(f"{CORRELATION_HEADER}: 7-abcd-1".lower().encode() in head for head in heard)


async def test_no_cookie_is_sent_back() -> None:
    """PHP locks a session's file: one cookie queues all our requests behind each other."""
    assert not any(b"\r\ncookie:" in head for head in await heard_twice())


@pytest.mark.parametrize(
    "url", ["https://billing.example.com/", "http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:1"]
)
def test_https_and_loopback_may_be_used(url: str) -> None:
    assert check_address(url, System.WHMCS) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "http://10.0.0.1", "ftp://127.0.0.1", "127.0.0.1", "", "https://user:pw@example.com"]
)
def test_nothing_else_may_and_the_refusal_tells_no_password(url: str) -> None:
    with pytest.raises(IntegrationError) as failure:
        check_address(url, System.WHMCS)
    assert failure.value.error_class is ErrorClass.CONFIG
    assert "pw" not in str(failure.value)
