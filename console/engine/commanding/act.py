"""What one command does: ``prepare`` finds out what would happen, ``apply`` makes it happen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from console.commands.facts import Facts
from console.commands.words import Role
from console.engine.commanding.plans import Applied, Prepared
from console.engine.commanding.reading import Reader
from console.engine.commanding.sheet import Sheet
from console.engine.services import Engine
from integrations.salesforce.models import OrderBundle
from storage.audit import Actor
from storage.runs import Run


def _nothing() -> None:
    return None


def _no_order(order_id: str) -> None:
    return None


@dataclass(frozen=True)
class Hooks:
    """Who is told when a command changed something that they would only notice later.

    ``approved``: an order was approved in Salesforce by us. ``let_in``: the brake was released. ``recheck``: a pause was
    lifted, parked runs may go on.
    """

    approved: Callable[[str], None] = _no_order
    let_in: Callable[[], None] = _nothing
    recheck: Callable[[], None] = _nothing


@dataclass(frozen=True)
class Request:
    """One command for one order, or (``sheet`` None) for the system. ``bundle``: the order as just read, where the act
    asks for that (``live``)."""

    actor: Actor
    role: Role
    arguments: Mapping[str, Any]
    facts: Facts
    sheet: Sheet | None = None
    bundle: OrderBundle | None = None
    bulk: bool = False
    reason: str | None = None

    @property
    def order(self) -> Sheet:
        assert self.sheet is not None
        return self.sheet

    @property
    def run(self) -> Run:
        return self.order.need_run()

    @property
    def live(self) -> OrderBundle:
        assert self.bundle is not None
        return self.bundle


class Act:
    """``live``: the order is read from Salesforce for the plan. ``follows``: the run it starts decides its success."""

    id: ClassVar[str]
    live: ClassVar[bool] = False
    follows: ClassVar[bool] = False

    def __init__(self, engine: Engine, reader: Reader, hooks: Hooks) -> None:
        self.engine = engine
        self.reader = reader
        self.hooks = hooks

    def version(self, request: Request) -> tuple[str, int] | None:
        """State and version of the run that the plan is bound to; None: the run's moves do not matter."""
        run = request.sheet.run if request.sheet else None
        return (run.state, run.version) if run else None

    async def prepare(self, request: Request) -> Prepared:
        """Raises CommandError."""
        return Prepared()

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        """Raises CommandError, or Stale when the run is not at its version any more."""
        raise NotImplementedError
