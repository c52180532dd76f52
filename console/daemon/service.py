"""Daemon and API together in one event loop: what ``portal daemon`` and ``portal console --embedded`` run."""

from console.daemon.daemon import Daemon
from console.observe.redact import Redactor
from console.settings.model import Settings


class Service:
    """``start``, ``wait`` until something makes going on impossible, ``stop``. ``where``: the addresses served."""

    def __init__(
        self, settings: Settings, redactor: Redactor, *, observe: bool = False, take_over: bool = False
    ) -> None:
        self.daemon = Daemon(settings, observe=observe, take_over=take_over)
        self.redactor = redactor
        self.where = str(settings.daemon.socket_path)
        self._started = False

    async def start(self) -> None:
        """Ready when it returns. Raises Refused, StorageError, IntegrationError; then nothing is left open."""
        await self.daemon.start()
        self._started = True

    async def wait(self) -> None:
        """Raises what made going on impossible."""
        await self.daemon.wait()

    async def stop(self) -> int:
        """Drain and close; returns how many runs were cut off. Does nothing where ``start`` failed."""
        if not self._started:
            return 0
        self._started = False
        return await self.daemon.stop()
