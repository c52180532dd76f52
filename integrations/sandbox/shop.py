"""Orders as the portal's customers place them: drawn at random, one kind at a time."""

import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from integrations.sandbox.expected import Line
from integrations.sandbox.seed import new_eid, with_fees
from integrations.sandbox.world import Option, Person, Product, World

# What people order, and three mistakes that only the console finds.
GOOD_KINDS = ("internet", "sim", "esim", "travel", "vpn", "bundle")
BAD_KINDS = ("double_esim", "wrong_recipient", "starts_later")
KINDS = (*GOOD_KINDS, *BAD_KINDS)
SKUS: dict[str, tuple[str, ...]] = {
    "internet": ("INT-HOME-1G", "INT-HOME-10G"),
    "sim": ("SIM-25G",),
    "esim": ("ESIM-25G",),
    "travel": ("ESIM-TRAVEL-10G",),
    "vpn": ("VPN-BASIC", "VPN-TEAM"),
    "bundle": ("INT-HOME-1G",),
    "double_esim": ("ESIM-25G",),
    "wrong_recipient": ("VPN-BASIC",),
    "starts_later": ("SIM-25G",),
}
WITH_EID = 0.5
SEVERAL = 0.2


@dataclass(frozen=True)
class CartLine:
    """One item of an order. ``options``: option id → choice id, or number of units of a quantity option."""

    product: Product
    quantity: int
    options: dict[int, int]
    eid: str = ""


@dataclass(frozen=True)
class Cart:
    """An order before it is placed. ``recipient`` is the mail address that the order records."""

    kind: str
    person: Person
    lines: tuple[CartLine, ...]
    recipient: str
    starts_in: timedelta = timedelta(0)

    def effective(self, today: date) -> date:
        return today + self.starts_in


def draw_cart(rng: random.Random, world: World, kind: str = "", customer: str = "") -> Cart:
    """One order: of ``kind`` (default: any good one), of ``customer`` (a number; default: anybody).

    Raises ValueError for a kind or a customer that does not exist.
    """
    kind = kind or rng.choice(GOOD_KINDS)
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    person = _person(world, customer) if customer else rng.choice(world.people)
    by_sku = {product.sku: product for product in world.products}
    skus = list(with_fees(by_sku[rng.choice(SKUS[kind])]))
    if kind == "bundle":
        skus += ["ESIM-25G", "ESIM-25G", "SIM-ACTIVATION"]
    lines = tuple(_line(rng, by_sku[sku], several=kind in ("vpn", "sim")) for sku in skus)
    if kind == "double_esim":
        lines = (CartLine(lines[0].product, 2, lines[0].options), *lines[1:])
    recipient = f"other.{person.email}" if kind == "wrong_recipient" else person.email
    return Cart(kind, person, lines, recipient, timedelta(days=30 if kind == "starts_later" else 0))


def _person(world: World, number: str) -> Person:
    for person in world.people:
        if person.number == number:
            return person
    raise ValueError(f"customer {number!r} does not exist")


def _line(rng: random.Random, product: Product, *, several: bool) -> CartLine:
    options = {option.id: _choose(rng, option) for option in product.options}
    if product.profile_type:
        return CartLine(product, 1, options, new_eid(rng) if rng.random() < WITH_EID else "")
    many = several and product.item_class == "Service" and rng.random() < SEVERAL
    return CartLine(product, rng.randint(2, 4) if many else 1, options)


def _choose(rng: random.Random, option: Option) -> int:
    return rng.choice(list(option.choices)) if option.choices else rng.randint(0, 3)


def _first(option: Option) -> int:
    return next(iter(option.choices), 0)


def config_options(line: CartLine) -> dict[str, str]:
    """The value of OrderItem.ConfigOptions_JSON__c: option id → choice id or units, all as text."""
    return {str(option): str(choice) for option, choice in line.options.items()}


def expected_line(product: Product, quantity: int, unit_price: Decimal, options: dict[str, str] | None) -> Line:
    """A placed item as the expectation needs it; ``options`` as in ConfigOptions_JSON__c, None if unreadable."""
    chosen = options or {}
    matters = any(chosen.get(str(option.id), str(_first(option))) != str(_first(option)) for option in product.options)
    return Line(
        product.sku, product.whmcs_pid, quantity, unit_price, product.profile_type, matters, options is not None
    )
