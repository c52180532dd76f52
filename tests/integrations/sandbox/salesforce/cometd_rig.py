"""An org of the sandbox reduced to its event bus, on a real socket that can be killed and come back."""

import asyncio
import ssl
import time
from collections.abc import Callable

from aiohttp import web

from integrations.sandbox.faults import Faults
from integrations.sandbox.folder import keep_ports
from integrations.sandbox.salesforce.bus import EventBus
from integrations.sandbox.salesforce.cometd import CometdControl, CometdOptions, install_cometd
from integrations.sandbox.salesforce.tokens import TokenBook
from integrations.sandbox.salesforce.users import User
from integrations.sandbox.store import Store
from integrations.sandbox.traffic import Traffic

CHANNEL = "/event/OrderProvisionRequested__e"
OTHER = "/event/Other__e"
USER = User("005D0000001cSZsIAM", "robot@example.com", "Ro", "Bot", "robot")


async def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for ``true()``; fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.005)


class Org:
    """``start``, ``kill`` and ``start`` again: the port, the events and the tokens stay, the sessions go."""

    def __init__(self, options: CometdOptions | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.store = Store()
        self.bus = EventBus(self.store, (CHANNEL, OTHER))
        self.tokens = TokenBook(self.store, "00Dxx0000000001EAA", {USER.id: USER})
        self.faults = Faults()
        self.traffic = Traffic()
        self.options = options or CometdOptions(poll_seconds=1.0)
        self.port = 0
        self.control: CometdControl
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        self.control = install_cometd(
            app,
            bus=self.bus,
            tokens=self.tokens,
            faults=self.faults,
            traffic=self.traffic,
            options=self.options,
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        self.port = keep_ports(self.store, ("cometd",), "127.0.0.1", {})["cometd"]
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls).start()

    async def kill(self) -> None:
        """Cut every connection, answer nothing more."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def stop(self) -> None:
        self.faults.close()
        await self.kill()
        self.store.close()

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def publish(self, count: int = 1, channel: str = CHANNEL, **fields: object) -> list[str]:
        """Publish ``count`` events in one commit; returns their EventUuids."""
        with self.store.transaction():
            return [
                self.bus.publish(
                    channel, {"OrderId__c": "801D0000000G0ySIAS", "IdemKey__c": f"k{n}", **fields}, created_by=USER.id
                )
                for n in range(count)
            ]

    def operations(self) -> list[str]:
        """The traffic so far, shortened: "handshake", "connect", …"""
        return [str(entry["operation"]).removeprefix("cometd.") for entry in self.traffic.since()]
