"""Daemon and API together in one event loop: what ``portal daemon`` and ``portal console --embedded`` run."""

import asyncio

from console.api.app import create_app
from console.api.server import ApiServer
from console.api.services import ApiServices
from console.api.sockets import open_doors
from console.daemon import telling
from console.daemon.daemon import Daemon
from console.daemon.health import deep_parts
from console.observe.metrics import Metrics
from console.observe.redact import Redactor
from console.settings import LoadedSettings
from console.settings.model import Settings


class Service:
    """``start``, ``wait`` until something makes going on impossible, ``stop``. ``where``: the addresses served.

    ``loaded``: the same settings with where each value came from, for whoever asks.
    """

    def __init__(
        self, settings: Settings, redactor: Redactor, *, observe: bool = False, take_over: bool = False,
        loaded: LoadedSettings | None = None,
    ) -> None:  # fmt: skip
        self.daemon = Daemon(settings, observe=observe, take_over=take_over, redactor=redactor)
        self.redactor = redactor
        self.metrics = Metrics()
        self._settings = settings
        self._loaded = loaded
        self._api: ApiServer | None = None

    @property
    def where(self) -> str:
        return ", ".join(self._api.addresses) if self._api is not None else "nowhere"

    async def start(self) -> None:
        """Ready when it returns. Raises Refused, CannotListen, StorageError, IntegrationError; then nothing is open."""
        await self.daemon.start()
        self.daemon.parts.engine.meter = self.metrics
        try:
            self._app = create_app(self._services())
            self._api = ApiServer(self._app, open_doors(self._settings.daemon))
            await self._app.state.api.hub.start()
            await self._api.start()
            self.daemon.work()
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> None:
        """Raises what made going on impossible."""
        await self.daemon.wait()

    async def stop(self) -> int:
        """Drain and close; returns how many runs were cut off. Does nothing where ``start`` failed."""
        if not self.daemon.started:
            return 0
        left, _ = await asyncio.gather(self.daemon.drain(), self._stop_api())
        await self.daemon.close()
        return left

    async def _stop_api(self) -> None:
        if self._api is not None:
            await self._app.state.api.hub.stop()
            await self._api.stop()

    def _services(self) -> ApiServices:
        daemon, parts = self.daemon, self.daemon.parts
        events_on = self._settings.salesforce.events_enabled
        return ApiServices(
            engine=parts.engine, commander=parts.commander, batches=parts.batches, redactor=self.redactor,
            metrics=self.metrics, loaded=self._loaded,
            event_stream=lambda: telling.event_stream(daemon.supervisor, enabled=events_on),
            poll=lambda: telling.poll(parts.poll), stopped=parts.stopped,
            establishing=lambda: daemon.establishing_error, parts=lambda: deep_parts(daemon), recheck=parts.conditions.wake,
            conditions=lambda: parts.conditions.last_checks,
        )  # fmt: skip
