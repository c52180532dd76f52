"""What every route has at hand: the services, the hub, the gatekeeper, and how to name an order."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from console.api.hub import FeedHub
from console.api.identity import Caller, Gatekeeper
from console.api.mask import Masker
from console.api.problems import not_found
from console.api.services import ApiServices
from console.engine.services import Engine
from console.schema.service import Checks
from console.settings.model import Settings
from integrations.salesforce.ids import norm_id
from storage import orders
from storage.journal import Journal

T = TypeVar("T")
ORDER_PREFIX = "801"
LONGEST_NUMBER = 30


@dataclass
class Checking:
    """The doctor's last findings; one look at a time."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    known: Checks | None = None
    at: float = 0.0  # monotonic


@dataclass(frozen=True)
class Api:
    services: ApiServices
    hub: FeedHub
    gatekeeper: Gatekeeper
    began: float  # monotonic
    under_way: set[tuple[str, str]] = field(default_factory=set)  # submits by owner and key
    checking: Checking = field(default_factory=Checking)

    @property
    def engine(self) -> Engine:
        return self.services.engine

    @property
    def journal(self) -> Journal:
        return self.services.engine.journal

    @property
    def settings(self) -> Settings:
        return self.services.engine.settings

    def now(self) -> float:
        return self.services.engine.clock.now()

    def uptime(self) -> float:
        """Seconds since the application was made."""
        return self.services.engine.clock.monotonic() - self.began

    def masker(self, caller: Caller, names: Iterable[str | None] = (), *, masked: bool = False) -> Masker:
        """``masked``: as a viewer sees it, whoever asks."""
        return Masker(self.services.redactor, "viewer" if masked else caller.role, names)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self.journal.read(work)

    async def order_id(self, text: str) -> str:
        """The id of an order that is known here. Raises a 404 problem that says what was looked for."""
        found = await self.read(lambda db: known_order(db, text))
        if found is None:
            raise not_found("order", text, ": give an order number or a Salesforce id (`find` looks by other things)")
        return found


def known_order(db: sqlite3.Connection, text: str) -> str | None:
    """An order of the journal by Salesforce id (15 or 18) or by order number, leading zeros optional."""
    plain = orders.fold(text)
    if not plain or len(plain) > LONGEST_NUMBER:
        return None
    try:
        order_id = norm_id(text.strip(), ORDER_PREFIX)
    except ValueError:
        found = orders.by_key(db, "number", plain.lstrip("0") or "0", 1)
        return found[0] if found else None
    return order_id if orders.get(db, order_id) is not None else None


def _api(request: Request) -> Api:
    api: Api = request.app.state.api
    return api


Services = Annotated[Api, Depends(_api)]
