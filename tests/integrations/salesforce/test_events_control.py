"""Controls: the same trouble met by the libraries as they are loses events, so the strict transport is needed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiocometd.client
import aiocometd.transports.long_polling
import aiocometd.utils
import pytest
from aiosfstream.auth import AuthenticatorBase
from aiosfstream.client import Client

from integrations.sandbox.salesforce.cometd import CometdOptions
from tests.integrations.salesforce.events_rig import SqliteJournal, Subscriber, running
from tests.integrations.sandbox.salesforce.cometd_rig import CHANNEL, USER, Org, until

LOOP_ARGUMENT_MODULES = (aiocometd.client, aiocometd.utils, aiocometd.transports.long_polling)


class OldAsyncio:
    """asyncio as the libraries know it: functions that take, and here ignore, a ``loop`` argument."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(asyncio, name)
        if name not in ("Semaphore", "wait", "wait_for", "sleep"):
            return found
        return lambda *args, loop=None, **more: found(*args, **more)


class BookAuth(AuthenticatorBase):
    """The library's own log-in flow over a token of the sandbox."""

    def __init__(self, org: Org) -> None:
        super().__init__()
        self._org = org

    async def _authenticate(self) -> tuple[int, dict[str, str]]:
        token = self._org.tokens.issue(USER)
        # by name: the library's cookie jar drops the cookie of a server that is addressed by IP
        return 200, {"access_token": token, "token_type": "Bearer", "instance_url": self._org.url("localhost")}


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    org = Org(CometdOptions(poll_seconds=0.5))
    await org.start()
    yield org
    await org.stop()


async def test_the_library_cannot_open_on_this_python(org: Org) -> None:
    client = Client(BookAuth(org), replay={})
    with pytest.raises(TypeError, match="loop"):
        await client.open()


async def test_a_lost_reply_with_and_without_the_strict_transport(
    org: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in LOOP_ARGUMENT_MODULES:
        monkeypatch.setattr(module, "asyncio", OldAsyncio())
    monkeypatch.setattr(Client, "get_cometd_url", staticmethod(lambda instance_url: f"{instance_url}/cometd/63.0"))
    client = Client(BookAuth(org), replay={})
    got: list[str] = []
    await client.open()
    try:
        await client.subscribe(CHANNEL)

        async def receive() -> None:
            message = await asyncio.wait_for(client.receive(), 60)
            got.append(message["data"]["event"]["EventUuid"])

        sent = org.publish()
        await receive()
        fault = org.faults.add(system="salesforce", operation="cometd.connect", kind="lose_reply")
        sent += org.publish()
        await until(lambda: fault.used)
        sent += org.publish()
        await receive()
    finally:
        await client.close()
    assert got == [sent[0], sent[2]]  # the second one is gone for good, without an error

    journal = SqliteJournal(tmp_path / "journal.db")
    org.bus.trim(CHANNEL)
    async with running(Subscriber(org, journal)) as subscriber:
        await until(lambda: subscriber.listening)
        strict = org.publish()
        fault = org.faults.add(system="salesforce", operation="cometd.connect", kind="lose_reply")
        await until(lambda: subscriber.kept == strict)
        strict.extend(org.publish())
        await until(lambda: fault.used)
        strict.extend(org.publish())
        await until(lambda: subscriber.kept == strict)
    journal.close()
