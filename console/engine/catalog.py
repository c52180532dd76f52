"""WHMCS's catalogue, kept for a short while: every order needs it and it rarely changes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.engine.clock import Clock
from integrations.errors import System
from integrations.whmcs.models import CatalogProduct

if TYPE_CHECKING:
    from console.engine.calls import CallMaker
    from integrations.whmcs.client import WhmcsClient

KEPT_FOR = 300.0


class Catalog:
    """Products by WHMCS id. What WHMCS does not have is not remembered: the next order asks again."""

    def __init__(self, whmcs: "WhmcsClient", clock: Clock) -> None:
        self._whmcs = whmcs
        self._clock = clock
        self._known: dict[int, tuple[float, CatalogProduct]] = {}

    async def products(self, calls: "CallMaker", pids: Sequence[int]) -> dict[int, CatalogProduct]:
        now = self._clock.monotonic()
        missing = [pid for pid in pids if pid not in self._known or now - self._known[pid][0] > KEPT_FOR]
        if missing:
            found = await calls.read(
                System.WHMCS,
                "whmcs.GetProducts",
                lambda: self._whmcs.get_products(missing),
                request={"pid": ",".join(map(str, missing))},
                summary=lambda products: {"found": sorted(products)},
            )
            for pid in missing:
                self._known.pop(pid, None)
            self._known.update({pid: (now, product) for pid, product in found.items()})
        return {pid: self._known[pid][1] for pid in pids if pid in self._known}

    def forget(self) -> None:
        """Something in WHMCS was mended: read anew."""
        self._known.clear()
