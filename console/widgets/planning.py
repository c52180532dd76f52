"""The plan of one command while a person looks at it: asked of the daemon, bound to run versions, void when one moves."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.client.errors import ApiError
from console.commands.command import Command
from console.commands.words import Risk
from console.schema.commands import Plan
from console.widgets.bulkrow import PACE, STOP_AFTER
from console.widgets.planlines import possible

MOST_TOLD = 3  # orders whose changes are told when many moved
MANY = 5  # more orders than this on a production org: the count is typed


@dataclass(frozen=True)
class Asked:
    """What is to be confirmed. ``targets``: order id → number; ``prefilled``: values of arguments known beforehand;
    ``notice``: a sentence shown first (what changed since the plan before); ``reason``: one typed before. ``filter`` stands
    for the targets where it means more orders than can be named."""

    command: Command
    targets: Mapping[str, str]
    prefilled: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]
    environment: str
    production: bool
    notice: str = ""
    reason: str = ""
    filter: str = ""


@dataclass(frozen=True)
class Agreed:
    """The plan that was shown and agreed to; for many orders how fast, and when to stop."""

    plan: Plan
    arguments: Mapping[str, Any]
    reason: str
    pace: float = PACE
    stop_after: int = STOP_AFTER


@dataclass
class Planning:
    """``ask`` asks the daemon; ``versions`` gives the run version of each order now; ``usable``: why nothing can be
    submitted, "" when it can; ``name``: the customer of an order id; ``changed``: what an order went through since a
    moment and who did it, in words."""

    ask: Callable[[Mapping[str, Any]], Awaitable[Plan]]
    name: Callable[[str], str | None]
    versions: Callable[[], Mapping[str, int | None]]
    usable: Callable[[], str]
    changed: Callable[[str, float], Awaitable[str]]
    change: str = ""  # what made the plan void, as soon as it is known
    plan: Plan | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    _planned_on: Mapping[str, int | None] = field(default_factory=dict)
    _told: Mapping[str, int | None] = field(default_factory=dict)  # the versions that ``change`` tells of

    async def make(self, arguments: Mapping[str, Any]) -> str:
        """Ask for the plan; why there is none, "" when there is."""
        planned_on = dict(self.versions())
        self.arguments = dict(arguments)
        self.change, self._told = "", {}
        try:
            plan = await self.ask(arguments)
        except ApiError as error:
            self.plan = None
            return str(error)
        known = {order.order_id: order.version for order in plan.orders if order.included or not plan.bulk}
        self._planned_on = {
            order_id: known.get(order_id, version) for order_id, version in planned_on.items()
            if order_id in known or not plan.bulk
        }  # fmt: skip
        self.plan = plan
        return ""

    def drop(self) -> None:
        self.plan = None

    @property
    def possible(self) -> bool:
        """Is there a plan that could be submitted?"""
        return self.plan is not None and possible(self.plan)

    @property
    def void(self) -> bool:
        """Is an order at another version than the one the plan was made on?"""
        return bool(self._moved())

    def _moved(self) -> Mapping[str, int | None]:
        """The orders that are at another version now, and at which."""
        if self.plan is None:
            return {}
        now = self.versions()
        return {
            order_id: now.get(order_id)
            for order_id, version in self._planned_on.items()
            if now.get(order_id) != version
        }

    @property
    def untold(self) -> bool:
        """Is the plan void by a change that was not asked about yet?"""
        moved = self._moved()
        return bool(moved) and moved != self._told

    async def ask_change(self) -> None:
        """Ask who changed what, and say it in ``change``."""
        plan, self._told = self.plan, self._moved()
        if plan is None:
            return
        try:
            told = [await self.changed(order_id, plan.at) for order_id in list(self._told)[:MOST_TOLD]]
        except ApiError as error:
            told = [f"what changed could not be read: {error}"]
        if self.plan is plan:
            self.change = "; ".join(told)

    @property
    def needs_reason(self) -> bool:
        return self.plan is not None and self.plan.needs_reason

    def count_to_type(self, asked: Asked) -> int:
        """The number a person has to type first; 0: none."""
        if self.plan is None or not self.plan.bulk:
            return 0
        many = asked.production and self.plan.count > MANY
        return self.plan.count if many or asked.command.risk is Risk.DESTRUCTIVE else 0

    def fits_one_line(self) -> bool:
        """Is there nothing in this plan that a person must read before saying yes?"""
        if self.plan is None or not self.possible or self.plan.bulk or self.plan.needs_reason:
            return False
        (order, *others) = self.plan.orders
        return not (others or order.warnings or order.effects or order.compared)
