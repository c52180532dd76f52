"""What should stand, computed from the orders that people placed, what people did and which faults struck: never from
what the product did (design/rules.md §14). Pure functions over plain data.

An order that can be provisioned has one right end, *done*. Everything that can keep it from there is a reason with the
state that it leads to and the step at which it stops the order; the step tells which effects may stand by then.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum


class State(StrEnum):
    """How an order may end. The first five are also the product's own words for it."""

    DONE = "done"
    PARKED = "parked"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"
    WAITING = "waiting"  # nobody approved it


class Stage(IntEnum):
    """The step that an order did not get past."""

    LOAD = 1
    PAYMENT = 2
    ESIM = 3
    BILLING = 4
    ACCEPT = 5
    CRM = 6
    EMAIL = 7


@dataclass(frozen=True)
class Line:
    """One order item as it was placed. ``options_matter``: a chosen option is not what billing sets by itself."""

    sku: str
    whmcs_pid: int
    quantity: int
    unit_price: Decimal
    profile_type: str = ""
    options_matter: bool = False
    options_readable: bool = True


@dataclass(frozen=True)
class PlacedOrder:
    """One order in Salesforce and what people did with it. ``recipient`` is the mail address recorded with it."""

    id: str
    number: str
    client_id: int
    lines: tuple[Line, ...]
    recipient: str
    effective: date
    approved_at: datetime | None = None
    approved_by_placer: bool = False
    cancelled: bool = False  # by a person, or rejected, after it was approved

    def profiles(self) -> Counter[str]:
        """How many eSIM profiles it needs, by type."""
        return Counter(line.profile_type for line in self.lines if line.profile_type)


@dataclass(frozen=True)
class Client:
    """A customer as billing knows him. ``payable``: (since, reason why not or "") in order of time."""

    id: int
    email: str
    active: bool
    payable: tuple[tuple[datetime, str], ...]

    def obstacles_since(self, moment: datetime) -> list[str]:
        """What kept him from paying after ``moment``, the present last; "" stands for a time when he could."""
        before = [reason for since, reason in self.payable if since <= moment][-1:]
        return before + [reason for since, reason in self.payable if since > moment]


@dataclass(frozen=True)
class Trouble:
    """What a fault did, or may still do: to one order, to those of a client, or (both None) to all."""

    reason: str
    state: State
    stage: Stage
    client_id: int | None = None
    order_id: str | None = None
    only_esim: bool = False  # only orders that need a profile
    certain: bool = False  # it ended exactly one of those orders; False: it may have


@dataclass(frozen=True)
class Circumstances:
    """Everything beside the orders. ``stock`` counts the profiles that were ever free, by type."""

    start_at: datetime
    today: date
    clients: Mapping[int, Client]
    stock: Mapping[str, int]
    troubles: tuple[Trouble, ...] = ()
    mail_troubles: int = 0  # mails whose delivery a fault touched
    started: frozenset[str] = frozenset()  # held orders that a person started
    mended: frozenset[str] = frozenset()  # orders whose conflict a person put right


@dataclass(frozen=True)
class Outcome:
    """One end that is right for an order."""

    state: State
    reason: str = ""
    stage: Stage = Stage.EMAIL

    def statuses(self) -> frozenset[str]:
        """The values of Order.Status that go with it (design/rules.md §7)."""
        match self.state:
            case State.DONE:
                return frozenset({"Activated"})
            case State.PARKED:
                return frozenset({"Provisioning"} if self.stage > Stage.LOAD else {"Approved", "Provisioning"})
            case State.FAILED:
                cancelled = {"Cancelled", "Rejected"} if self.reason == "cancelled_by_person" else set()
                return frozenset({"Failed", *cancelled})
            case State.HELD:
                return frozenset({"Approved"})
            case State.CANCELLED:
                return frozenset({"Cancelled", "Rejected"})
            case State.WAITING:
                return frozenset({"Draft", "Pending Review", "Rejected", "Cancelled"})


@dataclass(frozen=True)
class Span:
    """A count that may lie between two bounds, both included."""

    least: int
    most: int

    def __or__(self, other: "Span") -> "Span":
        return Span(min(self.least, other.least), max(self.most, other.most))


NONE = Span(0, 0)


@dataclass(frozen=True)
class Effects:
    """What may stand outside for one order. ``billed``: WHMCS orders, each with one invoice and its services."""

    billed: Span = NONE
    profiles: Mapping[str, Span] = field(default_factory=dict)
    order_mails: Span = NONE
    activation_mails: Span = NONE

    def __or__(self, other: "Effects") -> "Effects":
        types = {*self.profiles, *other.profiles}
        return Effects(
            self.billed | other.billed,
            {kind: self.profiles.get(kind, NONE) | other.profiles.get(kind, NONE) for kind in types},
            self.order_mails | other.order_mails,
            self.activation_mails | other.activation_mails,
        )


@dataclass(frozen=True)
class Expectation:
    """One order and every end that is right for it, the likeliest first."""

    order: PlacedOrder
    outcomes: tuple[Outcome, ...]
    mails_certain: bool = True

    def effects(self, outcomes: Iterable[Outcome] | None = None) -> Effects:
        """What may stand after ``outcomes`` (default: after any right one)."""
        first, *others = (self._after(outcome) for outcome in (self.outcomes if outcomes is None else outcomes))
        for other in others:
            first = first | other
        return first

    def _after(self, outcome: Outcome) -> Effects:
        profiles = self.order.profiles()
        if outcome.state is State.DONE:
            mails = Span(1 if self.mails_certain else 0, 1)
            every = {kind: Span(count, count) for kind, count in profiles.items()}
            return Effects(Span(1, 1), every, mails, mails if profiles else NONE)
        if outcome.state in (State.WAITING, State.HELD):
            return Effects()
        ordered = {kind: Span(0, count) for kind, count in profiles.items()} if outcome.stage >= Stage.ESIM else {}
        return Effects(Span(0, 1) if outcome.stage >= Stage.BILLING else NONE, ordered)


def expect(orders: Sequence[PlacedOrder], world: Circumstances) -> list[Expectation]:
    """Every order with the ends that are right for it."""
    roads = {order.id: list(_before_profiles(order, world)) for order in orders}
    going_on = [order for order in orders if _goes_on(roads[order.id])]
    short = _short_types(going_on, world.stock)
    struck = _struck(going_on, world)
    found = []
    for order in orders:
        outcomes = roads[order.id]
        if _goes_on(outcomes):
            outcomes = [*outcomes, *_after_payment(order, short, struck.get(order.id, []))]
        if order.cancelled and order.approved_at:
            outcomes = _cancelled(outcomes)
        found.append(Expectation(order, tuple(dict.fromkeys(outcomes)), world.mail_troubles == 0))
    return found


def _goes_on(outcomes: list[Outcome]) -> bool:
    return not outcomes or any(outcome.state is State.DONE for outcome in outcomes)


def _before_profiles(order: PlacedOrder, world: Circumstances) -> Iterator[Outcome]:
    """What stops an order before anything is ordered for it; nothing when it may go on, DONE when it also may."""
    if order.approved_at is None:
        yield Outcome(State.WAITING, "not_approved", Stage.LOAD)
    elif order.approved_at < world.start_at and order.id not in world.started:
        yield Outcome(State.HELD, "before_start", Stage.LOAD)
    elif order.approved_by_placer and order.id not in world.started:
        yield Outcome(State.HELD, "approved_by_placer", Stage.LOAD)
    elif reason := _data_error(order, world):
        yield Outcome(State.FAILED, reason, Stage.LOAD)
    elif order.effective > world.today:
        yield Outcome(State.PARKED, "starts_later", Stage.LOAD)
    else:
        obstacles = world.clients[order.client_id].obstacles_since(order.approved_at)
        if obstacles[-1]:
            yield Outcome(State.PARKED, obstacles[-1], Stage.PAYMENT)
            if "" in obstacles:
                yield Outcome(State.DONE)


def _data_error(order: PlacedOrder, world: Circumstances) -> str:
    client = world.clients.get(order.client_id)
    if client is None:
        return "no_billing_client"
    if not client.active:
        return "client_closed"
    if not order.lines or any(not line.whmcs_pid for line in order.lines):
        return "not_mapped"
    if not all(line.options_readable for line in order.lines):
        return "options_unreadable"
    if any(line.profile_type and line.quantity != 1 for line in order.lines):
        return "esim_quantity"
    if order.recipient and order.recipient.lower() != client.email.lower():
        return "recipient_differs"
    return ""


def _short_types(orders: Iterable[PlacedOrder], stock: Mapping[str, int]) -> frozenset[str]:
    """The profile types of which fewer were in stock than ``orders`` need: some of them wait, nobody knows which."""
    needed: Counter[str] = Counter()
    for order in orders:
        needed.update(order.profiles())
    return frozenset(kind for kind, count in needed.items() if count > stock.get(kind, 0))


def _struck(going_on: Sequence[PlacedOrder], world: Circumstances) -> dict[str, list[tuple[Trouble, bool]]]:
    """Order id → (trouble, whether it must have ended this very order)."""
    found: dict[str, list[tuple[Trouble, bool]]] = defaultdict(list)
    for trouble in world.troubles:
        may = [order for order in going_on if _concerns(trouble, order)]
        for order in may:
            found[order.id].append((trouble, trouble.certain and len(may) == 1 and order.id not in world.mended))
    return found


def _concerns(trouble: Trouble, order: PlacedOrder) -> bool:
    if trouble.client_id not in (None, order.client_id) or trouble.order_id not in (None, order.id):
        return False
    if trouble.only_esim and not order.profiles():
        return False
    return trouble.reason != "ignored_option" or any(line.options_matter for line in order.lines)


def _after_payment(
    order: PlacedOrder, short: frozenset[str], struck: Sequence[tuple[Trouble, bool]]
) -> Iterator[Outcome]:
    if not any(must for _, must in struck):
        yield Outcome(State.DONE)
    for trouble, _ in struck:
        yield Outcome(trouble.state, trouble.reason, trouble.stage)
    if short & order.profiles().keys():
        yield Outcome(State.PARKED, "pool_empty", Stage.ESIM)


def _cancelled(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """A person's cancelling stands: nothing was done, or effects stand and the run failed over them."""
    reached = max((outcome.stage for outcome in outcomes), default=Stage.LOAD)
    return [
        Outcome(State.CANCELLED, "cancelled_by_person", Stage.LOAD),
        Outcome(State.FAILED, "cancelled_by_person", reached),
    ]
