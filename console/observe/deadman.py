"""The dead man's switch: an address that is called while all is well and raises the alarm when the calls stop (rules §13)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from console.observe.alerting import Undelivered
from console.observe.channels import Address

log = logging.getLogger(__name__)


class DeadMan:
    """``trouble`` says why all is not well (None: it is); it is asked before each call. ``now`` is wall time."""

    def __init__(
        self, url: str, every: float, trouble: Callable[[], Awaitable[str | None]], *, now: Callable[[], float]
    ) -> None:
        self._address = Address(url)
        self._every = every
        self._trouble = trouble
        self._now = now
        self.last_ok_at: float | None = None
        self.silent_because: str | None = None
        self.last_error: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self.once()
                await asyncio.sleep(self._every)
        finally:
            await self._address.close()

    async def once(self) -> bool:
        """Call the address if all is well; True when it answered."""
        why = await self._trouble()
        if why is not None and why != self.silent_because:
            log.error("the dead-man address is not called: %s", why)
        self.silent_because = why
        if why is not None:
            return False
        try:
            await self._address.call("GET")
        except Undelivered as failure:
            if self.last_error is None:
                log.warning("the dead-man address does not answer: %s", failure.reason)
            self.last_error = failure.reason
            return False
        self.last_ok_at, self.last_error = self._now(), None
        return True
