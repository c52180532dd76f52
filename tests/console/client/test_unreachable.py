"""Nobody there: why in words that are no library's, and what to do."""

import socket
import threading

import pytest

from console.client.address import Address
from console.client.api import ApiClient
from console.client.errors import Unreachable


async def said(url: str) -> str:
    async with ApiClient(Address(url=url, token="ptl_" + "x" * 40)) as client:
        with pytest.raises(Unreachable) as caught:
            await client.me()
    return str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_port_at_which_nobody_listens(scheme: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and never listens
        url = f"{scheme}://127.0.0.1:{bound.getsockname()[1]}"
        assert await said(url) == (
            f"daemon not reachable at {url}: nobody answers there; check the address, and that `portal daemon` runs there with"
            " daemon.tcp.port set"
        )


async def test_a_name_that_nobody_has() -> None:
    assert "this machine does not know that name; check the address" in await said("https://portal.invalid")


async def test_a_server_that_does_not_speak_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(64)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        other = threading.Thread(target=answer)
        other.start()
        words = await said(f"https://127.0.0.1:{server.getsockname()[1]}")
        other.join(30)
    assert "what answers there does not speak TLS; check the port" in words and "_ssl" not in words
