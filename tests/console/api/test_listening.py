"""TLS, and the event loop the daemon uses: the same answers through each door."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.api.server import ApiServer
from console.api.sockets import CannotListen, bind_tcp
from console.client.address import Address
from console.client.api import ApiClient
from console.client.errors import Unreachable
from tests.console.api.rig import Desk, open_desk
from tests.integrations.mail.certificates import make_certificates


async def test_over_tls_with_a_token(desk: Desk, tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    door = bind_tcp("127.0.0.1", 0, files.cert, files.key)
    assert door.address.startswith("https://")
    server = ApiServer(desk.app, [door])
    await server.start()
    try:
        url = f"https://127.0.0.1:{door.address.rpartition(':')[2]}"
        async with ApiClient(Address(url=url, token=desk.tokens["supervisor"], ca_file=files.ca)) as client:
            assert (await client.me()).role == "supervisor"
        async with ApiClient(Address(url=url, token=desk.tokens["supervisor"])) as client:
            with pytest.raises(Unreachable, match=r"its certificate is not trusted here \(.+\); SSL_CERT_FILE"):
                await client.me()
    finally:
        await server.stop()


def test_a_bad_certificate_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    with pytest.raises(CannotListen, match="cannot be used"):
        bind_tcp("127.0.0.1", 0, tmp_path / "cert.pem", tmp_path / "cert.pem")


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop]:
    uvloop: Any = pytest.importorskip("uvloop")
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def test_peers_are_known_in_the_daemons_own_loop(tmp_path: Path) -> None:
    async def ask() -> str:
        desk = await open_desk(tmp_path)
        try:
            me = await desk.socket.me()
            other = await desk.client("viewer").me()
            return f"{me.peer} {me.role}, {other.role}"
        finally:
            await desk.close()

    with asyncio.Runner(loop_factory=_uvloop()) as runner:
        assert runner.run(ask()) == f"uid {os.geteuid()} admin, viewer"
