"""Effects counted against their bounds, per client and product, without looking at any marker (rules §14)."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.census import ACTIVATION_MAIL, ORDER_MAIL, Census, CrmOrder
from integrations.sandbox.expected import NONE, Client, Expectation, Outcome, Span, State

RELEASED = frozenset({"Released", "Downloaded", "Installed", "Enabled", "Disabled", "Deleted"})


@dataclass(frozen=True)
class Finding:
    """One kind of effect of which there are more or fewer than may be."""

    what: str  # e.g. "whmcs_order", "whmcs_service", "profile", "order_mail"
    where: str  # e.g. "client 1003", "client 1003, product 201"
    least: int
    most: int
    found: int

    @property
    def count(self) -> int:
        """How many are too many, or too few."""
        return self.found - self.most if self.found > self.most else max(self.least - self.found, 0)


@dataclass(frozen=True)
class Acts:
    """What people did by means of the product, which the sandbox cannot see."""

    undone: frozenset[str] = frozenset()  # orders whose standing effects were taken back
    cancelled: frozenset[str] = frozenset()
    started: frozenset[str] = frozenset()  # orders that were held
    mended: frozenset[str] = frozenset()  # orders whose conflict was put right
    resent: int = 0  # mails sent again


@dataclass(frozen=True)
class End:
    """Where an order stands: the right ends that it may be at, or (``fits`` False) all of them, for it is at none."""

    expectation: Expectation
    outcomes: tuple[Outcome, ...]
    fits: bool

    @property
    def is_done(self) -> bool:
        return self.fits and {outcome.state for outcome in self.outcomes} == {State.DONE}

    def span(self, span: Span) -> Span:
        """An order that is not where it should be need not have anything, but may not have more."""
        return span if self.fits else Span(0, span.most)


def effects_by_client(
    ends: Sequence[End], census: Census, clients: Mapping[int, Client], acts: Acts
) -> Iterator[Finding]:
    """WHMCS orders, invoices, services, profiles and mails, each with its bounds."""
    bills, services, profiles = _Sums(), _Sums(), _Sums()
    letters, withdrawn = _Sums(), _Sums()
    for end in ends:
        order, effects = end.expectation.order, end.expectation.effects(end.outcomes)
        billed = end.span(effects.billed)
        bills.add(order.client_id, billed)
        for line in order.lines:
            services.add((order.client_id, line.whmcs_pid), _times(billed, line.quantity))
        for kind, span in effects.profiles.items():
            profiles.add(kind, end.span(span))
        client = clients.get(order.client_id)
        recipient = (client.email if client else order.recipient).lower()
        letters.add((ORDER_MAIL, recipient), end.span(effects.order_mails))
        letters.add((ACTIVATION_MAIL, recipient), end.span(effects.activation_mails))
        withdrawn.add(order.client_id, Span(0, int(order.id in acts.undone)))
    yield from bills.findings("whmcs_order", "client {}", Counter(b.client_id for b in census.bills if b.stands))
    yield from bills.findings("whmcs_invoice", "client {}", Counter(i.client_id for i in census.invoices if i.stands))
    gone = Counter(bill.client_id for bill in census.bills if not bill.stands)
    yield from withdrawn.findings("whmcs_order_withdrawn", "client {}", gone)
    units: Counter[Hashable] = Counter()
    for service in census.services:
        units[service.client_id, service.pid] += service.quantity if service.stands else 0
    yield from services.findings("whmcs_service", "client {0[0]}, product {0[1]}", units)
    consumed = Counter(profile.profile_type for profile in census.profiles if profile.consumed)
    yield from profiles.findings("profile", "type {}", consumed)
    yield from _mail_findings(letters.spans, census, acts)
    yield from _own_mails(census)


class _Sums:
    """Bounds summed up by key; a key that nobody expected has the bounds 0 and 0."""

    def __init__(self) -> None:
        self.spans: dict[Hashable, Span] = {}

    def add(self, key: Hashable, span: Span) -> None:
        before = self.spans.get(key, NONE)
        self.spans[key] = Span(before.least + span.least, before.most + span.most)

    def findings(self, what: str, where: str, found: Mapping[Any, int]) -> Iterator[Finding]:
        for key in dict.fromkeys([*self.spans, *found]):
            span = self.spans.get(key, NONE)
            yield Finding(what, where.format(key), span.least, span.most, found.get(key, 0))


def _times(span: Span, factor: int) -> Span:
    return Span(span.least * factor, span.most * factor)


def _mail_findings(letters: Mapping[Any, Span], census: Census, acts: Acts) -> Iterator[Finding]:
    """Mails are told apart by Message-ID; a further copy of one is a duplicate unless it may be repeated (rules §6)."""
    own = {(letter.kind, letter.recipient.lower(), letter.message_id) for letter in census.letters}
    for kind in (ORDER_MAIL, ACTIVATION_MAIL):
        sums, found = _Sums(), Counter(recipient for of, recipient, _ in own if of == kind)
        for (of, recipient), span in letters.items():
            if of == kind:
                sums.add(recipient, Span(span.least, span.most + acts.resent))
        yield from sums.findings(f"{kind}_mail", "{}", found)
    copies = Counter((x.recipient, x.message_id) for x in census.letters if x.kind == ORDER_MAIL)
    for (recipient, message_id), count in copies.items():
        yield Finding("order_mail_copy", f"{recipient}, {message_id}", 1, 1 + acts.resent, count)


def _own_mails(census: Census) -> Iterator[Finding]:
    """WHMCS may send one mail of a kind about each thing that it has."""
    for mail, count in Counter(census.own_mails).items():
        yield Finding("whmcs_mail", f"client {mail.client_id}, {mail.template} about {mail.about}", 0, 1, count)


def shared_ids(census: Census) -> Iterator[Finding]:
    """One effect claimed by two orders, or by two items."""
    owners: Counter[tuple[str, str]] = Counter()
    for order in census.orders:
        owners.update({("WHMCS_Order_ID__c", order.whmcs_order_id): 1} if order.whmcs_order_id else {})
        owners.update(("WHMCS_Service_ID__c", service) for service in order.service_ids)
        owners.update(("ESIM_ICCID__c", iccid) for iccid in order.iccids)
    for (name, value), count in owners.items():
        yield Finding("salesforce_id", f"{name} {value}", 1, 1, count)


def done_effects(ends: Sequence[End], standing: Mapping[str, CrmOrder], census: Census) -> Iterator[Finding]:
    """What an Activated order must have beyond the counts: ids written, profiles released, services active."""
    released = {profile.iccid for profile in census.profiles if profile.state in RELEASED}
    needed, active = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for placed in (end.expectation.order for end in ends if end.is_done):
        order = standing[placed.id]
        yield Finding("whmcs_ids", f"order {placed.number}", 1, 1, int(bool(order.whmcs_order_id)))
        wanted = sum(placed.profiles().values())
        ready = sum(iccid in released for iccid in order.iccids)
        yield Finding("released_profile", f"order {placed.number}", wanted, wanted, ready)
        for line in placed.lines:
            needed[placed.client_id, line.whmcs_pid] += line.quantity
    for service in census.services:
        if service.status == "Active" or (service.pid in census.manual_pids and service.stands):
            active[service.client_id, service.pid] += service.quantity
    for (client, pid), least in needed.items():
        found = active[client, pid]
        yield Finding("active_service", f"client {client}, product {pid}", least, max(least, found), found)


def wrong_amounts(ends: Sequence[End], census: Census) -> Iterator[Finding]:
    """Billed against approved first amounts in yen, per client and product whose orders are all certainly done."""
    approved, uncertain = Counter[tuple[int, int]](), set[tuple[int, int]]()
    for end in ends:
        for line in end.expectation.order.lines:
            key = (end.expectation.order.client_id, line.whmcs_pid)
            if end.is_done:
                approved[key] += int(line.unit_price * line.quantity)
            elif end.expectation.effects(end.outcomes).billed.most:
                uncertain.add(key)
    billed = Counter[tuple[int, int]]()
    for service in census.services:
        billed[service.client_id, service.pid] += int(service.first_amount) if service.stands else 0
    for key, amount in approved.items():
        if key not in uncertain and billed[key] != amount:
            yield Finding("billed_yen", f"client {key[0]}, product {key[1]}", amount, amount, billed[key])
