"""What all screens share: the connection, the book kept live, who we are, names, and what was submitted. No Textual."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from secrets import token_urlsafe
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.client.book import Book
from console.client.errors import ApiError
from console.schema.base import may
from console.schema.book import HEARTBEAT
from console.schema.detail import PossibleCommand
from console.schema.service import Integrations, Me
from console.screens.trouble import way_on

if TYPE_CHECKING:  # the HTTP client is imported when the first frame stands
    from console.client.api import ApiClient
    from console.client.feed import LiveBook

SILENT_IS_STALE = HEARTBEAT + 2.5
SKEW = 2.0  # our clock and the daemon's may differ that much before ages are computed by the daemon's
MOST_NAMES = 5000
ASKED_AT_ONCE = 100


class Live(StrEnum):
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    LOST = "lost"


@dataclass(frozen=True)
class Link:
    """How the connection stands. ``silent``: seconds since the daemon was heard; ``why``: in words when it is lost."""

    state: Live
    silent: float
    lag: float
    why: str = ""

    @property
    def usable(self) -> bool:
        """May something be submitted?"""
        return self.state in (Live.LIVE, Live.STALE)


class Session:
    """One console's view of one daemon. ``connect`` makes the client when ``open`` is called."""

    def __init__(
        self, connect: Callable[[], "ApiClient"], *, wall: Callable[[], float] = time.time, zone: tzinfo | None = None, read_only: bool = False
    ) -> None:  # fmt: skip
        self.book = Book()
        self.me: Me | None = None
        self.integrations: Integrations | None = None
        self.system_commands: Sequence[PossibleCommand] = ()
        self.refused = ""  # why the daemon does not accept us
        self.waiting_for = ""  # why there is nothing to be seen yet
        self.on_failure: Callable[[str, str, ApiError], None] | None = None
        self._wall, self._zone, self._read_only = wall, zone, read_only
        self._offset = self._lag = 0.0
        self._names: dict[str, str] = {}
        self._naming = False
        self._connect = connect
        self._api: ApiClient | None = None
        self._former: ApiClient | None = None
        self._live: LiveBook | None = None

    def connect_by(self, connect: Callable[[], "ApiClient"]) -> None:
        """From the next ``open`` on, another daemon."""
        self._connect, self.refused, self.me = connect, "", None

    def open(self) -> "LiveBook":
        """Make the client (imports it); the answer's ``run`` keeps the book live."""
        from console.client.feed import LiveBook

        self._former, self._api = self._api, self._connect()
        self._api.connection.failed = self.on_failure
        self._api.connection.only_look = lambda: self.read_only
        self._live = LiveBook(self._api, self.book, self._heard, self._live.heard if self._live is not None else None)
        return self._live

    @property
    def live(self) -> "LiveBook | None":
        """What keeps the book live; None before ``open``."""
        return self._live

    @property
    def is_open(self) -> bool:
        return self._api is not None

    @property
    def api(self) -> "ApiClient":
        if self._api is None:
            raise RuntimeError("the session is not open yet")
        return self._api

    # Time ------------------------------------------------------------------------------------------------------------

    def wall(self) -> float:
        """This machine's time, seconds since 1970."""
        return self._wall()

    def now(self) -> float:
        """The daemon's time, seconds since 1970."""
        return self._wall() + self._offset

    @property
    def zone(self) -> tzinfo:
        """Where times of day are told: as given, else the daemon's setting."""
        if self._zone is None and self.me is not None:
            try:
                self._zone = ZoneInfo(self.me.time_zone)
            except (ZoneInfoNotFoundError, ValueError):
                self._zone = datetime.now(UTC).astimezone().tzinfo
        return self._zone or UTC

    async def _heard(self) -> None:
        reading = self._live is not None and self._live.reader is not None
        if not reading:
            self._offset = self._difference(self._live.took if self._live is not None else 0.0)
        elif self._offset < 0:  # nothing is heard before it happens: so far behind ours its clock is at most
            self._offset = min(0.0, max(self._offset, self.book.at - self._wall()))
        self._lag = max(0.0, self.now() - self.book.at) if reading else 0.0

    def _difference(self, took: float) -> float:
        """How far the daemon's clock is from ours. It wrote the book's time at some moment of the ``took`` seconds that we
        waited for the book: only what lies outside them is a difference, however slow the machine is."""
        answered = self._wall()
        asked = answered - took
        if asked - SKEW <= self.book.at <= answered + SKEW:
            return 0.0
        return self.book.at - (asked if self.book.at < asked else answered)

    # How it stands ---------------------------------------------------------------------------------------------------

    def link(self) -> Link:
        live = self._live
        if live is None:
            return Link(Live.LOST if self.refused else Live.CONNECTING, 0.0, 0.0, self.refused)
        silent = live.silent_for()
        if self.refused:
            return Link(Live.LOST, silent, 0.0, self.refused)
        if live.state == "live":
            return Link(Live.STALE if silent > SILENT_IS_STALE else Live.LIVE, silent, self._lag)
        trouble = live.trouble or (live.reader.trouble if live.reader is not None else None)
        why = way_on(trouble) if trouble is not None else self.waiting_for
        return Link(Live.LOST if why else Live.CONNECTING, silent, 0.0, why)

    @property
    def read_only(self) -> bool:
        return self._read_only or (self.me is not None and self.me.read_only)

    @property
    def role(self) -> str:
        return self.me.role if self.me is not None else "viewer"

    def may(self, role: str) -> bool:
        return may(self.role, role)

    async def identify(self) -> None:
        """Ask who we are. Raises ApiError."""
        before, self.me = self.me, await self.api.me()
        if before is not None and before.role != self.me.role:
            self._names.clear()  # they are masked for one role and not for another

    async def look_around(self) -> None:
        """Ask how the integrations stand, and what may be done about the system. Raises ApiError."""
        self.integrations = await self.api.integrations()
        await self.ask_system_commands()

    async def ask_system_commands(self) -> None:
        """Ask what may be done about the system. Raises ApiError."""
        self.system_commands = await self.api.possible_for_system()

    # Names -----------------------------------------------------------------------------------------------------------

    def name(self, order_id: str) -> str | None:
        """The customer's name if it has been asked for already; "" when there is none."""
        return self._names.get(order_id)

    def nameless(self, order_ids: Iterable[str]) -> Sequence[str]:
        """Those whose customer's name has not been asked for."""
        return [order_id for order_id in order_ids if order_id not in self._names]

    @property
    def naming(self) -> bool:
        """Is a question for names under way?"""
        return self._naming

    async def ask_names(self, order_ids: Sequence[str]) -> bool:
        """Ask for the names of these; False when a question is under way already. Raises ApiError."""
        if self._naming or not order_ids:
            return False
        self._naming = True
        try:
            asked = list(order_ids)[:ASKED_AT_ONCE]
            known = await self.api.names(asked)
            if len(self._names) > MOST_NAMES:
                self._names.clear()
            self._names.update({order_id: known.names.get(order_id, "") for order_id in asked})
        finally:
            self._naming = False
        return True

    @staticmethod
    def new_key() -> str:
        """An Idempotency-Key for one act and all its repeats."""
        return token_urlsafe(24)

    def learn_names(self, names: Mapping[str, str]) -> None:
        """Names that came with another answer."""
        self._names.update(names)

    async def close_former(self) -> None:
        """Close the client that ``open`` replaced."""
        former, self._former = self._former, None
        if former is not None:
            await former.close()

    async def close(self) -> None:
        await self.close_former()
        if self._api is not None:
            await self._api.close()
