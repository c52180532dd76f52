"""Checks of the daemon as one of its clients sees it: does it answer, is it of our version, how far behind, which clock."""

import time
from collections.abc import Callable

from console import __version__
from console.client.api import ApiClient
from console.client.errors import ApiError
from console.doctor.check import Check, Finding, bad, ok, warn
from console.schema.service import DeepHealth

LARGEST_SKEW = 30.0  # seconds; ages on the screen are computed with the daemon's clock, those in its log are not
LARGEST_LAG = 5.0
SAME = 1.0


class DaemonChecks:
    """``lag``: seconds between a change and this client's learning of it; None: there is no feed to measure it with."""

    def __init__(
        self, client: ApiClient, *, lag: Callable[[], float | None] = lambda: None, wall: Callable[[], float] = time.time
    ) -> None:  # fmt: skip
        self._client, self._lag, self._wall = client, lag, wall
        self._deep: DeepHealth | None = None
        self._skew = 0.0

    def all(self) -> list[Check]:
        return [
            Check("daemon", self.daemon, "It alone works on orders; without it nothing is provisioned and nothing can be done here."),
            Check("schema", self.schema, "The form of the journal that the daemon's version reads and writes."),
            Check("feed", self.feed, "How long a change takes to be seen by its clients."),
            Check("daemon clock", self.clocks, "Times and ages are told by the daemon's clock."),
        ]  # fmt: skip

    async def daemon(self) -> Finding:
        where = self._client.connection.address.shown
        try:
            health = await self._client.health()
            before = self._wall()
            self._deep = await self._client.health_deep()
            self._skew = (before + self._wall()) / 2 - self._deep.at
        except ApiError as error:
            return bad(str(error))
        said = f"{where}: {health.version}, up {health.uptime / 3600:.1f} h, journal {health.journal}"
        if not health.ok:
            return bad(f"{said}: {health.note}", "see portal health")
        if health.version != __version__:
            return warn(f"{said}; this program is {__version__}", "restart the one that is older")
        return ok(said)

    async def schema(self) -> Finding:
        if self._deep is None:
            return warn("not known: the daemon does not answer", "see daemon")
        journal = next((part for part in self._deep.parts if part.name == "journal"), None)
        name = journal.values.get("schema") if journal is not None else None
        return ok(f"{name}") if name else warn("the daemon does not say", "update the daemon")

    async def feed(self) -> Finding:
        if self._deep is None:
            return warn("not known: the daemon does not answer", "see daemon")
        lag = self._lag()
        if lag is None:
            return ok("not followed here")
        said = f"{lag:.1f} s behind"
        return warn(said, "look at the load of the daemon's machine and the network") if lag > LARGEST_LAG else ok(said)

    async def clocks(self) -> Finding:
        if self._deep is None:
            return warn("not known: the daemon does not answer", "see daemon")
        side = "ahead of" if self._skew > 0 else "behind"
        apart = abs(self._skew)
        said = f"this machine is {apart:.1f} s {side} the daemon's" if apart >= SAME else "the same here and there"
        return warn(said, "set the one that is wrong") if abs(self._skew) > LARGEST_SKEW else ok(said)
