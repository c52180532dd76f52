"""A look at the outside before a person says "it is not there": absence is never said over what can be seen (rules §8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from console.engine.commanding.act import Request
from console.engine.commanding.matching import marked_for
from console.engine.commanding.reading import Reader
from console.engine.services import Engine
from console.engine.steps.bill import yen
from console.engine.steps.billing import GONE
from storage import calls
from storage.calls import Call


@dataclass(frozen=True)
class Seen:
    """``there`` says in words what was found (then it is not absent); ``words`` and ``evidence`` tell what was read."""

    there: str | None
    words: tuple[str, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)


async def look(engine: Engine, reader: Reader, request: Request, call: Call) -> Seen:
    """Raises OutsideTrouble when it cannot be read: then nothing may be called absent."""
    match call.operation:
        case "whmcs.AddOrder":
            return await _for_order(engine, reader, request, call)
        case "whmcs.AcceptOrder":
            return await _for_status(reader, call, "active", ("pending",))
        case "whmcs.CancelOrder":
            return await _for_status(reader, call, "cancelled", ("pending", "active"))
        case "whmcs.ModuleCreate":
            return await _for_service(reader, request, call)
    return Seen(None, ("the provider cannot be asked: compare with its own records",), {"read": "nothing"})


async def _for_order(engine: Engine, reader: Reader, request: Request, call: Call) -> Seen:
    account = request.live.account.whmcs_client_id if request.live.account else None
    client = call.input.get("client_id") or account  # whom it was sent for, whatever the account names by now
    orders = await reader.orders_of(str(client))
    services = await reader.services(str(client))
    order_id, strangers = request.order.order_id, []
    for order in orders:
        own = [s for s in services if s.order_id == order.id]
        marked = marked_for(engine, order_id, order, own)
        if marked == order_id and order.status.casefold() not in GONE:
            return Seen(f"WHMCS order {order.id} carries this order's marker", ())
        known = engine.journal.peek(lambda db, number=order.id: calls.owners(db, "whmcs.AddOrder", "order_id", number))  # type: ignore[misc]  # mypy infers no lambda with a default
        if marked is None and not known and order.status.casefold() == "pending":
            strangers.append(
                f"order {order.id} of {order.date or 'no date'}, {yen(order.amount)}, is of no order we know"
            )
    words = (f"read {len(orders)} orders and {len(services)} services of client {client}: none carries the marker",)
    evidence = {"orders_read": len(orders), "services_read": len(services), "unmarked_pending": len(strangers)}
    return Seen(None, (*words, *strangers), evidence)


async def _for_status(reader: Reader, call: Call, done: str, undone: tuple[str, ...]) -> Seen:
    order = await reader.whmcs_order(call.item)
    status = order.status if order else "not there"
    evidence = {"order_id": call.item, "status": status}
    if status.casefold() == done:
        return Seen(f"WHMCS order {call.item} is {status}", (), evidence)
    if status.casefold() not in undone:
        return Seen(f"WHMCS order {call.item} is {status}: sending it again cannot help", (), evidence)
    return Seen(None, (f"WHMCS order {call.item} is {status}",), evidence)


async def _for_service(reader: Reader, request: Request, call: Call) -> Seen:
    client = request.live.account.whmcs_client_id if request.live.account else None
    found = [s for s in await reader.services(str(client)) if s.id == call.item]
    status = found[0].status if found else "not there"
    evidence = {"service_id": call.item, "status": status}
    if status.casefold() != "pending":
        return Seen(f"service {call.item} is {status}", (), evidence)
    return Seen(None, (f"service {call.item} is Pending",), evidence)
