"""What stands in the four systems, as plain rows to be counted; what stood at the sandbox's first start is left out."""

from dataclasses import dataclass, field
from decimal import Decimal

GONE = frozenset({"Cancelled", "Fraud", "Terminated"})
FREE_STATE = "Available"
ORDER_MAIL = "order"
ACTIVATION_MAIL = "activation"


@dataclass(frozen=True)
class CrmOrder:
    """One order in Salesforce; the ids are those that the product wrote to it and to its items."""

    id: str
    status: str
    whmcs_order_id: str = ""
    whmcs_invoice_id: str = ""
    service_ids: tuple[str, ...] = ()
    iccids: tuple[str, ...] = ()  # of its items


class _InWhmcs:
    """What WHMCS keeps under a status."""

    status: str

    @property
    def stands(self) -> bool:
        return self.status not in GONE


@dataclass(frozen=True)
class Bill(_InWhmcs):
    """One order in WHMCS."""

    id: str
    client_id: int
    status: str


@dataclass(frozen=True)
class Service(_InWhmcs):
    """One service in WHMCS; ``first_amount`` is for all its units."""

    id: str
    client_id: int
    pid: int
    quantity: int
    status: str
    first_amount: Decimal


@dataclass(frozen=True)
class Invoice(_InWhmcs):
    """One invoice in WHMCS."""

    id: str
    client_id: int
    status: str


@dataclass(frozen=True)
class ProfileRow:
    """One profile at the SM-DP+."""

    iccid: str
    profile_type: str
    state: str

    @property
    def consumed(self) -> bool:
        return self.state != FREE_STATE


@dataclass(frozen=True)
class Letter:
    """One mail that the SMTP server took; ``kind`` is ORDER_MAIL, ACTIVATION_MAIL or "" for any other."""

    message_id: str
    recipient: str
    kind: str


@dataclass(frozen=True)
class OwnMail:
    """One mail that WHMCS sent by itself; ``about`` is the id of the order, service or invoice."""

    client_id: int
    template: str
    about: str


@dataclass(frozen=True)
class Census:
    """Every row that came to stand since the sandbox's first start."""

    orders: tuple[CrmOrder, ...] = ()
    bills: tuple[Bill, ...] = ()
    services: tuple[Service, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    profiles: tuple[ProfileRow, ...] = ()
    letters: tuple[Letter, ...] = ()
    own_mails: tuple[OwnMail, ...] = ()
    manual_pids: frozenset[int] = field(default_factory=frozenset)  # products that no module sets up
