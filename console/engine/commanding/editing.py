"""Edit: a whitelist per step, checked like intake checks, old and new value kept (rules §8)."""

import sqlite3
from dataclasses import dataclass

from console.commands.mending import FIELDS, NEEDS_SUPERVISOR, editable
from console.engine import transitions
from console.engine.commanding.act import Act, Request
from console.engine.commanding.consequences import approval
from console.engine.commanding.errors import BadArgument, NotPossible
from console.engine.commanding.newrun import wake_run
from console.engine.commanding.plans import Applied, Prepared
from console.engine.commanding.sheet import MAY_STAND
from console.engine.states import RunState, Wait
from console.engine.steps.plan import QUANTITY
from integrations.esim.checkdigits import eid_ok, normalise_eid
from integrations.salesforce.models import OrderItem
from storage import desk, feed, profiles
from storage.orders import fold

LANGUAGES = ("ja", "en")
ELSEWHERE = {
    "price": "change the order in Salesforce and have it approved again",
    "quantity": "change the order in Salesforce and have it approved again",
    "client": "change Account.WHMCS_Client_ID__c in Salesforce",
    "iccid": "cancel with undo; a new profile is reserved then",
    "recipient": "change the client's address in WHMCS back, or place a new order",
}


@dataclass(frozen=True)
class Change:
    """One edit. ``item`` is "" for the whole order."""

    field: str
    item: str
    name: str
    old: str
    new: str


class Edit(Act):
    id = "order.edit"
    live = True

    async def prepare(self, request: Request) -> Prepared:
        kind, _, detail = str(request.arguments["field"]).partition(":")
        self._allowed(request, kind, detail)
        change = await self._change(request, kind, detail)
        blocked = "that is its value already" if fold(change.old) == fold(change.new) else None
        words, warnings = approval(self.engine, request.live)
        shown = f"{change.name}: {kind} {change.old or 'none'} → {change.new}"
        then = "the order goes on with it" if _waits(request) else "it holds from the next retry or start"
        decisive = {"old": change.old, "new": change.new, "item": change.item}
        return Prepared((shown, then, *words), warnings, decisive, blocked=blocked, data=change)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        change, run, now = prepared.data, request.run, self.engine.clock.now()
        assert isinstance(change, Change)
        field, order_id = str(request.arguments["field"]), request.order.order_id

        def write(db: sqlite3.Connection) -> None:
            edit = desk.Edit(
                order_id, now, request.actor.name, change.item, field, change.old, change.new, request.reason or ""
            )
            desk.add_edit(db, edit)
            feed.append(db, now, "edit", {"field": field, "item": change.item}, order_id=order_id)
            if _waits(request):
                wake_run(db, now, run)
            else:
                transitions.move(db, now, run.id, expect_version=run.version)

        await self.engine.journal.write(write)
        self.engine.wake()
        return Applied("done", f"{request.order.number}: {field} is changed", run.id)

    def _allowed(self, request: Request, kind: str, detail: str) -> None:
        if kind not in FIELDS or (kind == "option") != bool(detail):
            remedy = ELSEWHERE.get(kind, f"one of {', '.join(FIELDS[:2])}, option:<id>, language")
            raise BadArgument("field", f"{kind[:40]!r} is not edited here", remedy)
        if kind in editable(request.facts, request.role):
            return
        if kind in NEEDS_SUPERVISOR and kind in editable(request.facts, request.role.SUPERVISOR):
            raise NotPossible(f"{kind} changes what is billed or whose phone gets the line: this needs a supervisor")
        done = "billed" if kind == "option" else "ordered at the provider, or the order has no eSIM"
        raise NotPossible(f"{kind} cannot be changed any more: it is {done}")

    async def _change(self, request: Request, kind: str, detail: str) -> Change:
        new = str(request.arguments["value"])
        if kind == "language":
            if new not in LANGUAGES:
                raise BadArgument("value", f"{new[:20]!r} is not a mail language", "ja or en")
            return Change("language", "", "mails", self._edited(request, "", "language") or "the client's", new)
        item = _item(request)
        field = f"{kind}:{detail}" if detail else kind
        edited = self._edited(request, item.id, field)
        name = item.product_name or item.id
        if kind == "option":
            old, new = await self._option(item, detail, new, edited)
            return Change(field, item.id, name, old, new)
        self._not_ordered(request, item, kind)
        if kind == "eid":
            if not eid_ok(new):
                raise BadArgument("value", "that is not an EID", "32 digits with valid check digits")
            return Change(field, item.id, name, edited or item.esim_eid or "", normalise_eid(new))
        known = {row[0] for row in self.engine.journal.peek(profiles.stock)}
        if known and new not in known:
            raise BadArgument(
                "value", f"there are no profiles of type {new[:40]!r}", f"one of {', '.join(sorted(known))}"
            )
        return Change(field, item.id, name, edited or item.profile_type or "", new)

    def _edited(self, request: Request, item: str, field: str) -> str | None:
        edits = self.engine.journal.peek(lambda db: desk.edits(db, request.order.order_id))
        return next((e.new for e in reversed(edits) if (e.item, e.field) == (item, field)), None)

    def _not_ordered(self, request: Request, item: OrderItem, kind: str) -> None:
        """Once a profile is ordered its phone and type stand; once one is reserved, its type does."""
        if not item.is_esim:
            raise BadArgument("item", f"{item.product_name or item.id} is not an eSIM", "choose an eSIM product")
        held = self.engine.journal.peek(lambda db: profiles.of_order(db, request.order.order_id))
        iccid = next((row.iccid for row in held if row.order_item_id == item.id), item.esim_iccid)
        if any(
            c.operation == "esim.downloadOrder" and c.item in (iccid, item.id) and c.state in MAY_STAND
            for c in request.order.calls
        ):
            raise NotPossible(f"{kind} cannot be changed any more: the profile is ordered at the provider")
        if kind == "profile_type" and iccid:
            raise NotPossible(f"profile {iccid} is reserved for this item: cancel and order again for another type")

    async def _option(self, item: OrderItem, option_id: str, value: str, edited: str | None) -> tuple[str, str]:
        if not (option_id.isascii() and option_id.isdigit()):
            raise BadArgument("field", "an option is named by its WHMCS id", "option:71")
        product = await self.reader.product(item.whmcs_product_id) if item.whmcs_product_id else None
        option = next((o for o in product.options if o.id == int(option_id)), None) if product else None
        if option is None:
            raise BadArgument("field", f"the product has no option {option_id}", "look at the product in WHMCS")
        ordered = {
            key: v for key, v in item.config_options.items() if key == option_id or fold(key) == fold(option.name)
        }
        if not ordered:
            raise BadArgument("field", f"{option.name} was not ordered", "change the order in Salesforce")
        old = edited or next(iter(ordered.values()))
        if option.type == QUANTITY:
            low, high = option.min_quantity or 0, option.max_quantity or 10**6
            if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
                raise BadArgument("value", f"{option.name} is a number of units", f"{low} to {high}")
            return old, str(int(value))
        choice = next((c for c in option.choices if value == str(c.id) or fold(value) == fold(c.name)), None)
        if choice is None:
            names = ", ".join(c.name for c in option.choices)
            raise BadArgument("value", f"{option.name} has no choice {value[:40]!r}", f"one of {names}")
        return old, str(choice.id)


def _waits(request: Request) -> bool:
    """A run that waits for a condition looks again with the new value at once."""
    return request.run.state == RunState.PARKED and request.run.wait == Wait.CONDITION


def _item(request: Request) -> OrderItem:
    named = request.arguments.get("item")
    items = request.live.items
    if named is None and len(items) == 1:
        return items[0]
    found = [i for i in items if named in (i.id, i.id[:15], i.item_number)]
    if len(found) == 1:
        return found[0]
    choices = ", ".join(f"{i.item_number or i.id} ({i.product_name})" for i in items)
    raise BadArgument(
        "item", "it is missing" if named is None else f"no product {str(named)[:40]!r}", f"one of {choices}"
    )
