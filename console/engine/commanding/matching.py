"""Does what a person names match the call whose outcome is unknown? Read there, compared side by side (rules §8)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from console.engine.commanding.act import Request
from console.engine.commanding.errors import BadArgument
from console.engine.commanding.plans import Compared
from console.engine.commanding.reading import Reader
from console.engine.services import Engine
from console.engine.steps.bill import same_amount, yen
from console.engine.steps.billing import GONE
from integrations.esim.checkdigits import iccid_ok, normalise_iccid
from integrations.salesforce.models import OrderItem
from integrations.whmcs.models import Service, WhmcsOrder
from storage import calls, orders, profiles
from storage.calls import Call


@dataclass(frozen=True)
class Match:
    """``output`` is what the call would have answered; ``why_not`` is None when the match holds."""

    output: dict[str, Any]
    compared: tuple[Compared, ...]

    @property
    def why_not(self) -> str | None:
        wrong = [c for c in self.compared if c.deciding and not c.same]
        return "; ".join(f"{c.field}: ours {c.ours}, theirs {c.theirs}" for c in wrong) or None


class Matcher:
    """One method an operation. Raises BadArgument for what cannot be the thing at all, OutsideTrouble when unreadable."""

    def __init__(self, engine: Engine, reader: Reader) -> None:
        self._engine = engine
        self._reader = reader

    async def match(self, request: Request, call: Call, identifier: str) -> Match:
        if call.operation == "esim.downloadOrder":
            return self._profile(call, identifier)
        number = identifier.lstrip("#").strip()
        if not (number.isascii() and number.isdigit() and len(number) <= 12):
            raise BadArgument("identifier", f"{identifier[:40]!r} is not a WHMCS id", "give its number")
        number = number.lstrip("0") or "0"
        if call.operation == "whmcs.AddOrder":
            return await self._order(request, number)
        if number != call.item:
            raise BadArgument("identifier", f"{call.operation} was about {call.item}", f"give {call.item}")
        if call.operation == "whmcs.ModuleCreate":
            return await self._service(request, call)
        return await self._status(call)

    async def _order(self, request: Request, number: str) -> Match:
        order = await self._reader.whmcs_order(number)
        if order is None:
            raise BadArgument("identifier", f"WHMCS has no order {number}", "look it up in the customer's orders")
        services = [s for s in await self._reader.services(order.client_id) if s.order_id == number]
        return self.compared(request, order, services, named=(await self._reader.orders_with([number])).get(number, ()))

    def compared(
        self, request: Request, order: WhmcsOrder, services: Sequence[Service], *, named: Sequence[str]
    ) -> Match:
        """A WHMCS order and its services beside ours. ``named``: ids of the Salesforce orders that name it."""
        services = sorted(services, key=lambda s: s.id)  # WHMCS answers in any order; the plan must not change by it
        sheet = request.order
        marked = marked_for(self._engine, sheet.order_id, order, services)
        owners = self._owners(sheet.order_id, order.id, marked, named)
        return Match(
            {"order_id": order.id, "service_ids": [s.id for s in services], "invoice_id": order.invoice_id},
            (
                _client(request, order),
                _products(request.live.items, services, decided=marked == sheet.order_id),
                self._amount(request.live.items, services, decided=marked == sheet.order_id),
                Compared("status", "not cancelled", order.status, order.status.casefold() not in GONE),
                Compared("belongs to", sheet.number, ", ".join(owners) or "no other order", not owners),
                Compared("marker", "ours", "ours" if marked == sheet.order_id else marked or "none",
                         marked == sheet.order_id, deciding=False),
            ),
        )  # fmt: skip

    def _owners(self, order_id: str, number: str, marked: str | None, named: Sequence[str]) -> list[str]:
        """Other Salesforce orders that have this WHMCS order: by our journal, by its marker, by Salesforce itself."""
        here = self._engine.journal.peek(lambda db: calls.owners(db, "whmcs.AddOrder", "order_id", number))
        found = {*here, *([marked] if marked else []), *named} - {order_id}
        known = self._engine.journal.peek(lambda db: orders.get_many(db, sorted(found)))
        return [known[o].number if o in known else o for o in sorted(found)]

    def _amount(self, items: Sequence[OrderItem], services: Sequence[Service], *, decided: bool) -> Compared:
        approved = sum(((i.unit_price or Decimal(0)) * i.quantity for i in items), Decimal(0))
        billed = sum((s.first_amount for s in services), Decimal(0))
        same = same_amount(approved, billed, self._engine.settings.whmcs.tax)
        return Compared("amount", yen(approved), yen(billed), same, deciding=not decided)

    def _profile(self, call: Call, identifier: str) -> Match:
        """The provider cannot be asked which profile it took: what we know of the ICCID is compared."""
        try:
            iccid = normalise_iccid(identifier)
        except ValueError as error:
            raise BadArgument("identifier", str(error), "copy the ICCID from the provider's records") from error
        if not iccid_ok(iccid):
            raise BadArgument("identifier", "the ICCID's check digit is wrong", "copy it from the provider's records")
        row = self._engine.journal.peek(lambda db: profiles.get(db, iccid))
        owners = self._engine.journal.peek(lambda db: calls.owners(db, call.operation, "iccid", iccid))
        owner = row.order_item_id if row else None
        wanted = str(call.input.get("type") or "")
        other = [o for o in owners if o != call.order_id] + ([owner] if owner and owner != call.item else [])
        kind = row.type if row else "not known here"
        return Match(
            {"iccid": iccid},
            (
                Compared("type", wanted or "any", kind, not row or not wanted or row.type == wanted),
                Compared("belongs to", call.item, ", ".join(other) or "no other order", not other),
            ),
        )

    async def _status(self, call: Call) -> Match:
        wanted = {"whmcs.AcceptOrder": "Active", "whmcs.CancelOrder": "Cancelled"}.get(call.operation)
        if wanted is None:
            raise BadArgument("identifier", f"{call.operation} settles itself", "let the order go on")
        order = await self._reader.whmcs_order(call.item)
        status = order.status if order else "not there"
        same = status.casefold() == wanted.casefold()
        return Match({"order_id": call.item}, (Compared("status", wanted, status, same),))

    async def _service(self, request: Request, call: Call) -> Match:
        client = request.live.account.whmcs_client_id if request.live.account else None
        found = [s for s in await self._reader.services(str(client)) if s.id == call.item]
        status = found[0].status if found else "not there"
        return Match({"service_id": call.item}, (Compared("status", "Active", status, status.casefold() == "active"),))


def marked_for(engine: Engine, order_id: str, order: WhmcsOrder | None, services: Sequence[Service]) -> str | None:
    """The Salesforce order whose marker stands on a WHMCS order or its services; ours wins."""
    texts = [order.notes] if order is not None else []
    for service in services:
        texts += [service.notes, *service.custom_fields.values(), *service.custom_fields_by_name.values()]
    root = engine.marker_root + ":"
    words = [word for text in texts for word in text.split() if word.startswith(root)]
    found = {word.removeprefix(root).partition(":")[0] for word in words}
    return order_id if order_id in found else min(found, default=None)


def _client(request: Request, order: WhmcsOrder) -> Compared:
    ours = request.live.account.whmcs_client_id if request.live.account else None
    return Compared("client", ours or "none", order.client_id, ours == order.client_id)


def _products(items: Sequence[OrderItem], services: Sequence[Service], *, decided: bool) -> Compared:
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for item in items:
        ours[str(item.whmcs_product_id)] += int(item.quantity)
    for service in services:
        theirs[str(service.pid)] += service.quantity
    return Compared("products", _counted(ours), _counted(theirs), ours == theirs, deciding=not decided)


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{count} × product {pid}" for pid, count in sorted(found.items())) or "none"
