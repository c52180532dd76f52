"""What happens in the demo: who orders what, which faults strike, which orders are meant to fail and why."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.seed import make_world
from integrations.sandbox.world import Person

SCARCE = "TRAVEL-10G"  # the profile type of which there is one in stock until the refill
GOOD = ("internet", "esim", "sim", "bundle", "vpn", "travel")


@dataclass(frozen=True)
class Wish:
    """One order to place. ``pays_later``: its customer gets a card while the order waits for one."""

    kind: str
    customer: str
    lesson: str = ""
    pays_later: bool = False


@dataclass(frozen=True)
class Strike:
    """One fault to set; ``options`` are the sandbox's."""

    system: str
    operation: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


def wishes(count: int, seed: int, customers: int) -> list[Wish]:
    """``count`` orders: lessons first in line, spread among good ones of every kind."""
    people = make_world(seed, customers).people
    rng = random.Random(f"{seed} demo")
    active = [p for p in people if p.status == "Active"]
    good = [p.number for p in active if p.pays_by in ("card", "invoice")]
    lessons = list(_lessons(people))[: count // 4]
    found = [Wish(GOOD[i % len(GOOD)], rng.choice(good)) for i in range(count - len(lessons))]
    for lesson in lessons:
        found.insert(rng.randint(0, len(found)), lesson)
    return found


def _lessons(people: tuple[Person, ...]) -> Iterator[Wish]:
    def of(pays_by: str) -> list[str]:
        return [p.number for p in people if p.pays_by == pays_by and p.status == "Active"]

    without, expired, closed = of("none"), of("expired"), [p.number for p in people if p.status != "Active"]
    paying = of("card")
    yield Wish("esim", without[0], "no pay method, and it stays so")
    yield Wish("double_esim", paying[0], "two profiles on one line")
    yield Wish("sim", expired[0], "the card has run out; a new one comes", pays_later=True)
    yield Wish("wrong_recipient", paying[1], "the mail address is not the one on file")
    yield Wish("internet", closed[0] if closed else without[0], "the customer's billing account is closed")
    yield Wish("starts_later", paying[2], "it starts next month")
    if len(without) > 1:
        yield Wish("vpn", without[1], "no pay method; one comes", pays_later=True)


# Every kind of fault there is, once, each at an operation that is asked for often enough. Time-outs come late in each
# queue's turn because they cost most.
STRIKES: tuple[Strike, ...] = (
    Strike("whmcs", "AddOrder", "timeout_after"),
    Strike("whmcs", "AddOrder", "price_drift"),
    Strike("whmcs", "GetOrders", "empty_ok"),
    Strike("whmcs", "AcceptOrder", "module_fails", {"item": 1}),
    Strike("whmcs", "GetClientsProducts", "short_page"),
    Strike("whmcs", "AddOrder", "late_effect", {"delay": 6}),
    Strike("whmcs", "GetOrders", "stale_read"),
    Strike("whmcs", "AcceptOrder", "warning_only"),
    Strike("whmcs", "AddOrder", "ignored_option"),
    Strike("whmcs", "AcceptOrder", "http_500"),
    Strike("whmcs", "GetInvoice", "http_403"),
    Strike("whmcs", "GetClientsDetails", "html"),
    Strike("whmcs", "AddOrder", "timeout_before"),
    Strike("esim", "downloadOrder", "pool_empty"),
    Strike("esim", "confirmOrder", "with_warning"),
    Strike("esim", "downloadOrder", "reset"),
    Strike("esim", "releaseProfile", "http_503"),
    Strike("esim", "confirmOrder", "smds_down"),
    Strike("esim", "downloadOrder", "refuse", {"pair": "8.1.1/3.8"}),
    Strike("esim", "releaseProfile", "slow", {"delay": 1}),
    Strike("esim", "confirmOrder", "expired"),
    Strike("mail", "message", "hold", {"delay": 1}),
    Strike("mail", "rcpt", "http_429"),
    Strike("mail", "data", "reset"),
    Strike("salesforce", "publish", "lose_event"),
    Strike("salesforce", "order.patch", "lock_row"),
    Strike("salesforce", "composite", "http_429"),
    Strike("salesforce", "cometd.connect", "http_401"),
    Strike("salesforce", "composite", "expire_token"),
    Strike("salesforce", "cometd.connect", "duplicate"),
    Strike("salesforce", "order.patch", "truncate"),
    Strike("salesforce", "cometd.connect", "lose_reply"),
    Strike("salesforce", "composite", "limit_concurrent"),
    Strike("salesforce", "cometd.connect", "expire_session"),
    Strike("salesforce", "order.patch", "malformed"),
    Strike("salesforce", "cometd.connect", "malformed_event"),
    Strike("salesforce", "composite", "stale_read"),
    Strike("salesforce", "cometd.connect", "http_401_html"),
    Strike("salesforce", "cometd.connect", "advice", {"interval": 200, "reconnect": "retry"}),
    Strike("salesforce", "cometd.connect", "cut"),
    Strike("salesforce", "cometd.subscribe", "expire_replay"),
)

# These stop an integration until a person has mended it. They come last: after them any order may have been stopped.
STOPPERS: tuple[Strike, ...] = (
    Strike("salesforce", "query", "limit_daily"),
    Strike("salesforce", "token", "refuse_login"),
    Strike("whmcs", "AddOrder", "role_denied"),
)
