"""The clients of the outside systems, loaded after the daemon answers: their libraries take a second of its start."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from console.daemon.clients import Clients
    from integrations.esim.es2plus import Es2PlusProvider
    from integrations.mail.smtp import SmtpTransport
    from integrations.salesforce.client import SalesforceClient
    from integrations.whmcs.client import WhmcsClient


class LaterClients:
    """Like ``Clients``, but nothing is imported or made before ``load`` or the first use of one of them."""

    def __init__(self, make: "Callable[[], Clients]") -> None:
        """``make`` may raise IntegrationError: so may ``load`` and every first use."""
        self._make = make
        self._made: Clients | None = None
        self._lock = threading.Lock()
        self.salesforce = cast("SalesforceClient", _Later(lambda: self.load().salesforce))
        self.whmcs = cast("WhmcsClient", _Later(lambda: self.load().whmcs))
        self.esim = cast("Es2PlusProvider", _Later(lambda: self.load().esim))
        self.mail = cast("SmtpTransport", _Later(lambda: self.load().mail))

    def load(self) -> "Clients":
        """Blocks while libraries are imported; safe from any thread. Raises IntegrationError (config)."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


class _Later:
    """Stands for one client."""

    def __init__(self, loaded: Callable[[], Any]) -> None:
        self._loaded = loaded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loaded(), name)
