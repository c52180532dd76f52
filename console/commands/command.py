"""The base of every command: one class holds its key, role, risk, arguments and rule."""

from typing import ClassVar

from console.commands.facts import Facts
from console.commands.words import Argument, Risk, Role, Scope

GOING_ON = ("Approved", "Provisioning", "Failed", "Activated")
OPEN = ("queued", "running", "retrying", "parked", "held")
STATE_WORDS = {
    None: "this order has no run yet",
    "queued": "the run is queued and starts by itself",
    "running": "the run is at work",
    "retrying": "the run is tried again by itself",
    "parked": "the run is parked",
    "held": "the order is held",
    "failed": "the run has failed",
    "done": "the order is done",
    "cancelled": "the run was cancelled",
}


class Command:
    """One thing people can do. The docstring of a subclass is its description everywhere.

    ``states``: run states in which it is offered (None: an order without a run). ``reason``: one must be given.
    ``outside``: it leads to calls of the outside. ``while_unknown``: allowed for a run that is parked for an unknown
    outcome (rules §8). ``cli``: how the command line names it, when not ``orders <verb>``. ``amount_first``: it is never
    confirmed on one line, because its amount and consequences are to be seen.
    """

    id: ClassVar[str]
    verb: ClassVar[str]
    title: ClassVar[str]
    keys: ClassVar[str]
    group: ClassVar[str]
    role: ClassVar[Role] = Role.OPERATOR
    risk: ClassVar[Risk] = Risk.EXTERNAL_CALLS
    scope: ClassVar[Scope] = Scope.ORDER | Scope.BULK
    arguments: ClassVar[tuple[Argument, ...]] = ()
    reason: ClassVar[bool] = False
    outside: ClassVar[bool] = True
    while_unknown: ClassVar[bool] = False
    repeatable: ClassVar[bool] = True
    cli: ClassVar[str] = ""
    amount_first: ClassVar[bool] = False
    states: ClassVar[frozenset[str | None]] = frozenset(STATE_WORDS)

    @property
    def description(self) -> str:
        return " ".join((self.__doc__ or "").split())

    @property
    def context(self) -> str:
        """Where its key holds: at an order, or on the screens of the system."""
        return "system" if Scope.SYSTEM in self.scope else "order"

    @property
    def on_one_line(self) -> bool:
        """May it be confirmed for one order on a line, instead of in a dialog?"""
        low = self.risk in (Risk.NONE, Risk.EXTERNAL_CALLS)
        return low and not (self.arguments or self.reason or self.amount_first) and Scope.ORDER in self.scope

    def needs_reason(self, *, bulk: bool) -> bool:
        """Many orders at once want a reason for everything that reaches outside."""
        return self.reason or (bulk and self.risk is not Risk.NONE)

    def why_not(self, facts: Facts, role: Role) -> str | None:
        """Beyond role, scope, mode, unknown outcome and state: the command's own rule."""
        return None


def not_going_on(facts: Facts) -> str | None:
    """Why a run must not be moved on: Salesforce has the order otherwise, or a person closed it."""
    if facts.code == "left_as_is":
        return "the order was closed as it stands"
    if facts.status is not None and facts.status not in GOING_ON:
        return f"the order is {facts.status} in Salesforce"
    if facts.future is not None:
        return f"the order starts on {facts.future}"
    return None


def over_limit(amount: int | None, limit: int | None) -> str | None:
    """Why this sum (whole yen) is beyond ``approve.limit_yen``; also the sum of a bulk approval is judged by it."""
    if limit is None:
        return None
    if amount is None:
        return f"the amount is not known, and your limit is ¥{limit:,}"
    return f"¥{amount:,} is over your limit of ¥{limit:,}" if amount > limit else None
