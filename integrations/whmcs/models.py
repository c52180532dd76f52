"""What the client hands out: frozen, plain, with personal data kept out of ``repr``.

Ids are text without leading zeros; money is Decimal in the currency of the client; dates are WHMCS's own text, whose
zone is the install's (never compare them with our clock, rules §10). Texts have their HTML entities decoded once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """All pages of a list, and whether they are provably all (rules §3.2).

    Only a ``complete`` listing may be read as "there is nothing else". ``reason`` says in words why it is not; ``rows``
    then holds what was read.
    """

    rows: tuple[T, ...]
    complete: bool
    reason: str = ""


@dataclass(frozen=True)
class ClientDetails:
    """A customer. ``custom_fields`` is field id → value; ``default_gateway`` and ``language`` are "" when not set."""

    id: str
    status: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    company: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    language: str
    default_gateway: str
    currency_code: str
    custom_fields: dict[int, str] = field(repr=False)


@dataclass(frozen=True)
class ClientName:
    """A customer as a search lists them."""

    id: str
    status: str
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    company: str = field(repr=False)
    email: str = field(repr=False)


@dataclass(frozen=True)
class PayMethod:
    """A stored way to pay. ``expiry`` is (year, month), valid to the end of that month; None for one without expiry."""

    id: str
    type: str
    gateway: str
    last_four: str
    expiry: tuple[int, int] | None
    description: str = field(repr=False)


@dataclass(frozen=True)
class Gateway:
    """A payment gateway of the install: ``module`` goes into orders, ``name`` is shown."""

    module: str
    name: str


@dataclass(frozen=True)
class Pricing:
    """Prices in one currency: billing cycle → amount. Cycles that are not offered are absent."""

    recurring: Mapping[str, Decimal]
    setup: Mapping[str, Decimal]


@dataclass(frozen=True)
class CatalogField:
    """A product custom field that is shown on the order form (hidden ones are not listed by WHMCS)."""

    id: int
    name: str
    required: bool


@dataclass(frozen=True)
class CatalogChoice:
    """One choice of a configurable option; ``prices`` is currency code → prices."""

    id: int
    name: str
    prices: Mapping[str, Pricing]


@dataclass(frozen=True)
class CatalogOption:
    """A configurable option. ``type`` is WHMCS's digit; quantity bounds are None where it gives none."""

    id: int
    name: str
    type: str
    min_quantity: int | None
    max_quantity: int | None
    choices: tuple[CatalogChoice, ...]


@dataclass(frozen=True)
class CatalogProduct:
    """A product as it is sold. ``pay_type`` is free, onetime or recurring; ``module`` is "" for none."""

    id: int
    group_id: int | None
    name: str
    type: str
    module: str
    pay_type: str
    prices: Mapping[str, Pricing]
    custom_fields: tuple[CatalogField, ...]
    options: tuple[CatalogOption, ...]


@dataclass(frozen=True)
class NewLine:
    """One product of a new order. ``custom_fields``: field id → value; ``options``: option id → choice id or units."""

    pid: int
    quantity: int
    cycle: str
    custom_fields: Mapping[int, str] = field(default_factory=dict)
    options: Mapping[int, int | str] = field(default_factory=dict)
    domain: str = ""


@dataclass(frozen=True)
class NewOrder:
    """An order to place. ``gateway`` is a gateway's module name; ``notes`` carry our marker."""

    client_id: str
    gateway: str
    lines: tuple[NewLine, ...]
    notes: str = ""


@dataclass(frozen=True)
class AddedOrder:
    """AddOrder's answer; ``invoice_id`` is None where the order made no invoice."""

    order_id: str
    service_ids: tuple[str, ...]
    invoice_id: str | None


@dataclass(frozen=True)
class OrderLine:
    """One line of an order; ``related_id`` is the service's id for products."""

    type: str
    related_id: str
    product: str
    domain: str
    cycle: str
    amount: Decimal | None
    status: str


@dataclass(frozen=True)
class WhmcsOrder:
    """An order. ``service_ids`` are the services of its product lines; ``date`` has no zone."""

    id: str
    number: str
    client_id: str
    status: str
    notes: str
    amount: Decimal
    invoice_id: str | None
    payment_status: str
    gateway: str
    date: str | None
    service_ids: tuple[str, ...]
    items: tuple[OrderLine, ...]


@dataclass(frozen=True)
class Service:
    """A client's product. ``order_id`` is "" for one that no order made; ``cycle`` is in AddOrder's spelling.

    ``options`` is option id → (option name, value): the label of a dropdown's choice, or the number of units.
    """

    id: str
    order_id: str
    client_id: str
    pid: int
    name: str
    status: str
    quantity: int
    first_amount: Decimal
    recurring_amount: Decimal
    cycle: str
    notes: str
    custom_fields: dict[int, str]
    custom_fields_by_name: dict[str, str]
    options: dict[int, tuple[str, str]]
    domain: str


@dataclass(frozen=True)
class InvoiceItem:
    """One line of an invoice; ``type`` "Hosting" with ``related_id`` = service id is a product."""

    id: str
    type: str
    related_id: str
    description: str
    amount: Decimal
    taxed: bool


@dataclass(frozen=True)
class Invoice:
    """A bill. ``tax`` is the sum of both tax levels; total = subtotal − credit + tax."""

    id: str
    client_id: str
    status: str
    subtotal: Decimal
    credit: Decimal
    tax: Decimal
    total: Decimal
    balance: Decimal
    items: tuple[InvoiceItem, ...]


@dataclass(frozen=True)
class Probe:
    """The health of the API: it was reached and knows our credentials.

    ``answered_by`` is the action that answered, "" if the role denied all three; ``denied`` names those it denied;
    ``version`` is WHMCS's, None where no action tells it.
    """

    answered_by: str
    version: str | None
    denied: tuple[str, ...]
