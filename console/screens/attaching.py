"""Keeping the console attached to its daemon: the book live, who we are, how things stand; again after every loss."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING

from console.client.errors import ApiError, Forbidden, Unauthorized
from console.client.owndaemon import OwnDaemon, OwnDaemonFailed
from console.screens.session import Session
from console.screens.trouble import AGAIN, way_on

if TYPE_CHECKING:
    from console.client.api import ApiClient
    from console.client.feed import LiveBook

LOOK_AROUND = 4.0  # seconds between two questions for the state of the integrations, while nobody acts
WHO_AM_I = 12  # look-arounds between two questions for our own role, which may change
SOON = 1.0

Tell = Callable[[str, str], None]


class OtherOrg(Exception):
    """The daemon belongs to another org than the chosen environment; nothing was shown or done."""

    def __init__(self, expected: str, found: str, environment: str) -> None:
        super().__init__(
            f"this environment is pinned to org {expected}, and the daemon there works for {found or 'an org it does not know yet'}"
            f" ({environment}): wrong --env, or its settings are wrong. Nothing was done"
        )


class Attachment:
    """``serve`` and ``look_around`` run until cancelled. ``look`` asks how things stand (raises ApiError); ``org_id``: the
    org that the daemon must have, "" for any."""

    def __init__(
        self, session: Session, tell: Tell, look: Callable[[], Awaitable[None]], *, own: OwnDaemon | None = None,
        org_id: str = "", sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._session, self._tell, self._look = session, tell, look
        self._own, self._org_id, self._sleep = own, org_id, sleep
        self._gaps = 0
        self._following: asyncio.Future[None] | None = None
        self._refusal: ApiError | None = None
        self._acted = asyncio.Event()

    def somebody_acted(self) -> None:
        """How things stand may be different now: it is asked for at once."""
        self._acted.set()

    async def serve(self) -> None:
        """Start the daemon of this window if there is one, then keep the book live. Raises OtherOrg, OwnDaemonFailed."""
        if self._own is None:
            await self._stay()
            return
        try:
            await asyncio.to_thread(self._own.start)
            await self._stay_with(self._own)
        except OwnDaemonFailed as error:
            self._session.refused = f"The daemon of this window is not at work: {error}"
            raise

    def leave_own(self, connect: Callable[[], "ApiClient"]) -> None:
        """From now on a daemon elsewhere, instead of the one that could not go on."""
        self._own = None
        self._session.connect_by(connect)

    async def _stay_with(self, own: OwnDaemon) -> None:
        """As long as our own daemon goes on."""
        ended, staying = asyncio.wrap_future(own.ended), asyncio.ensure_future(self._stay())
        try:
            await asyncio.wait((ended, staying), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await ended
            else:
                await staying
        finally:
            staying.cancel()
            await asyncio.gather(staying, return_exceptions=True)

    async def _stay(self) -> None:
        session, told = self._session, ""
        while True:
            live = session.open()
            await session.close_former()
            session.refused = ""
            refusal = await self._until_refused(live)
            session.refused = way_on(refusal)
            if session.refused != told:
                told = session.refused
                self._tell(told, "error")
            await self._sleep(AGAIN)
            self._refusal = None

    async def _until_refused(self, live: "LiveBook") -> ApiError:
        """Keep the book live; the refusal that ended it, whoever met it: the feed, or a question beside it."""
        try:
            if self._org_id:
                await self._know_the_org()
            self._following = asyncio.ensure_future(live.run())
            await self._following
        except (Unauthorized, Forbidden) as error:
            self._refusal = error
        except asyncio.CancelledError:
            if self._refusal is None:
                raise
        assert self._refusal is not None, "the book is kept live until somebody refuses it"
        return self._refusal

    async def _know_the_org(self) -> None:
        """Before anything is shown: is it the org that was meant? Waits for the daemon. Raises OtherOrg."""
        while True:
            try:
                await self._identify()
                return
            except (Unauthorized, Forbidden):
                raise
            except ApiError as error:
                self._session.waiting_for = way_on(error)
                await self._sleep(SOON)

    async def _identify(self) -> None:
        session = self._session
        await session.identify()
        session.waiting_for = ""
        assert session.me is not None
        if self._org_id and session.me.org_id[:15] != self._org_id[:15]:
            raise OtherOrg(self._org_id, session.me.org_id, session.me.environment)

    async def look_around(self) -> None:
        """Who we are and how the integrations stand, as long as the daemon answers. Raises OtherOrg."""
        turn = 0
        while True:
            if not self._session.is_open:
                await self._sleep(SOON)
                continue
            self._acted.clear()
            began = monotonic()
            try:
                if self._session.me is None or turn % WHO_AM_I == 0:
                    await self._identify()
                await self._look()
            except (Unauthorized, Forbidden) as error:
                if self._refusal is None and self._following is not None:
                    self._refusal = error
                    self._following.cancel()  # the feed may go on for a while with a token that nobody takes any more
                await self._sleep(SOON)
                continue
            except ApiError:
                turn = 0  # whoever answers next may be somebody else
                await self._sleep(SOON)
                continue
            turn += 1
            self._tell_gaps()
            await self._sleep(monotonic() - began)  # looking takes half of the time at most
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AROUND):
                    await self._acted.wait()

    def _tell_gaps(self) -> None:
        live = self._session.live
        if live is not None and live.gaps > self._gaps:
            self._tell(f"Events were missed ({live.gap}): the whole book was read again.", "warning")
        self._gaps = live.gaps if live is not None else 0
