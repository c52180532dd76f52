"""Lists of orders, their customers' names, and finding."""

from typing import Annotated

from pydantic import Field

from console.schema.base import Answer, OrderId, Request
from console.schema.said import Say

MOST_NAMES = 200


class OrderLine(Answer):
    """One row of a list: the columns of the book by name, and the customer (masked for viewers)."""

    order_id: str
    number: str
    customer: str | None = None
    account: str | None = None
    kind: str | None = None
    plan: str | None = None
    amount: int | None = None
    sf: str
    read_at: float | None = None
    run_id: int | None = None
    version: int | None = None
    state: str
    wait: str | None = None
    wait_reason: str | None = None
    until: float | None = None
    next_at: float | None = None
    waits_for: int | None = None
    step: str | None = None
    strip: str = ""
    tries: int = 0
    attempt: int = 0
    error_class: str | None = Field(default=None, alias="class")
    system: str | None = None
    code: str | None = None
    cause: str | None = None
    error_step: str | None = None
    message: str | None = None
    unknown: bool = False
    parked: str | None = None
    created: float | None = None
    updated: float
    mail: str | None = None
    owner: str | None = None
    owner_until: float | None = None


class OrderList(Answer):
    """``total`` counts all that match; ``seq`` is the feed row this answer is at."""

    total: int
    seq: int
    orders: list[OrderLine]


class NamesRequest(Request):
    """The rows that are visible now."""

    order_ids: Annotated[list[OrderId], Field(min_length=1, max_length=MOST_NAMES)]


class Names(Answer):
    """Order id → customer's name; ids that are not known are left out. ``masked``: this role sees no whole names."""

    names: dict[str, str]
    masked: bool


class FoundOrder(Answer):
    """``matched``: by what ("order number", "phone", "name", …)."""

    order: OrderLine
    matched: str
    say: Say


class OutsideOrder(Answer):
    """An order as Salesforce lists it."""

    order_id: str
    number: str
    sf: str
    effective_date: str | None = None
    amount: int | None = None
    customer: str | None = None
    say: Say


class FoundAccount(Answer):
    """A customer; ``orders`` are those of theirs that were found in Salesforce. ``found_in``: which systems know them.
    ``client_status``: as WHMCS has it, "" when it was not asked."""

    account_id: str | None
    name: str | None
    number: str | None
    client_id: str | None
    client_status: str = ""
    found_in: list[str] = Field(default_factory=list)
    orders: list[OutsideOrder] = Field(default_factory=list)


class Looked(Answer):
    """One place that was searched. ``ok`` False: it could not be asked, and ``note`` says why. ``more``: it has more than
    the ``found`` that were taken."""

    place: str
    ok: bool
    found: int
    note: str = ""
    more: bool = False


class FindAnswer(Answer):
    """``complete`` False: "nothing" may not be said. ``more``: there are more than are listed. ``read_as``: how the text was understood. ``elsewhere``: orders that
    only Salesforce knows. ``at``: when it was asked. ``not_known``: what no place that was asked can know, in words."""

    text: str
    read_as: list[str]
    orders: list[FoundOrder]
    accounts: list[FoundAccount]
    looked: list[Looked]
    elsewhere: list[OutsideOrder] = Field(default_factory=list)
    complete: bool
    more: bool = False
    not_known: str = ""
    say: Say
    at: float
