"""What the call of unknown outcome may have made: everything of its kind at the customer, each beside ours (rules §8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.engine.commanding.act import Request
from console.engine.commanding.matching import Match, Matcher
from console.engine.commanding.reading import Reader
from console.engine.services import Engine
from integrations.whmcs.models import Service, WhmcsOrder
from storage.calls import Call

MOST = 20


@dataclass(frozen=True)
class Candidate:
    """``identifier`` is what ``resolve --is`` takes; ``amount`` in whole yen, ``date`` in the far side's own words."""

    identifier: str
    title: str
    date: str
    status: str
    amount: int | None
    match: Match

    @property
    def ours(self) -> bool:
        return any(c.field == "marker" and c.same for c in self.match.compared)


@dataclass(frozen=True)
class Candidates:
    """Those most likely ours first. ``words`` say what was read, and what to do where nothing can be read."""

    call: Call
    words: tuple[str, ...]
    found: tuple[Candidate, ...]


async def candidates(engine: Engine, reader: Reader, request: Request) -> Candidates:
    """``request`` is about an order with an unknown outcome, read live. Raises OutsideTrouble when it cannot be read."""
    call = request.order.unknown
    assert call is not None, "asked for only while an outcome is unknown"
    matcher = Matcher(engine, reader)
    if call.operation == "whmcs.AddOrder":
        return await _orders(reader, matcher, request, call)
    if call.operation == "esim.downloadOrder":
        words = ("the provider cannot be asked which profile it took: copy the ICCID from its records",)
        return Candidates(call, words, ())
    match = await matcher.match(request, call, call.item)
    status = next((c.theirs for c in match.compared if c.field == "status"), "")
    kind = "service" if call.operation == "whmcs.ModuleCreate" else "order"
    found = Candidate(call.item, f"WHMCS {kind} {call.item}", "", status, None, match)
    return Candidates(call, (f"{call.operation} was about {kind} {call.item} and nothing else",), (found,))


async def _orders(reader: Reader, matcher: Matcher, request: Request, call: Call) -> Candidates:
    account = request.live.account.whmcs_client_id if request.live.account else None
    client = str(call.input.get("client_id") or account)  # whom it was sent for, whatever the account names by now
    orders = sorted(await reader.orders_of(client), key=lambda order: int(order.id), reverse=True)
    services = await reader.services(client)
    shown = orders[:MOST]
    named = await reader.orders_with([order.id for order in shown]) if shown else {}
    found = [_candidate(matcher, request, order, _of(order, services), named.get(order.id, ())) for order in shown]
    found.sort(key=lambda one: (not one.ours, one.match.why_not is not None))  # stable: the newest first in each group
    words = [f"client {client} has {len(orders)} orders in WHMCS"]
    if len(orders) > MOST:
        words.append(f"the newest {MOST} are shown: type the number of an older one")
    return Candidates(call, tuple(words), tuple(found))


def _of(order: WhmcsOrder, services: Sequence[Service]) -> list[Service]:
    return [service for service in services if service.order_id == order.id]


def _candidate(
    matcher: Matcher, request: Request, order: WhmcsOrder, services: Sequence[Service], named: Sequence[str]
) -> Candidate:
    match = matcher.compared(request, order, services, named=named)
    return Candidate(order.id, f"WHMCS order {order.id}", order.date or "", order.status, int(order.amount), match)
