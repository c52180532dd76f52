"""Edit: a whitelist per step, checked like intake checks, old and new value kept (rules §8).

Whole EIDs are kept with the edit alone; in plans, audit log and history their middle is masked.
"""

import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from console.commands.mending import FIELDS, NEEDS_SUPERVISOR, editable
from console.engine import transitions
from console.engine.commanding.act import Act, Request
from console.engine.commanding.consequences import approval
from console.engine.commanding.errors import BadArgument, NotPossible
from console.engine.commanding.newrun import wake_run
from console.engine.commanding.plans import Applied, Prepared
from console.engine.commanding.sheet import MAY_STAND
from console.engine.services import Engine
from console.engine.states import RunState, Wait
from console.engine.steps.plan import QUANTITY
from console.observe.patterns import middle_masked
from integrations.esim.checkdigits import eid_ok, normalise_eid
from integrations.salesforce.models import OrderItem
from integrations.whmcs.models import CatalogOption
from storage import desk, feed, profiles
from storage.orders import fold

LANGUAGES = ("ja", "en")
CLIENTS_OWN = "the client's"
ELSEWHERE = {
    "price": "change the order in Salesforce and have it approved again",
    "quantity": "change the order in Salesforce and have it approved again",
    "client": "change Account.WHMCS_Client_ID__c in Salesforce",
    "iccid": "cancel with undo; a new profile is reserved then",
    "recipient": "change the client's address in WHMCS back, or place a new order",
}


@dataclass(frozen=True)
class Change:
    """One edit. ``item`` is "" for the whole order; ``labels``: id of a choice → its name."""

    field: str
    item: str
    name: str
    old: str
    new: str

    labels: Mapping[str, str] | None = None

    def shown(self, value: str) -> str:
        """As it may stand in a plan or a log."""
        return middle_masked(value) if self.field == "eid" and value else (self.labels or {}).get(value, value)


class Edit(Act):
    id = "order.edit"
    live = True

    async def prepare(self, request: Request) -> Prepared:
        kind, _, detail = str(request.arguments["field"]).partition(":")
        allowed(request, kind, detail)
        change = await self._change(request, kind, detail)
        blocked = "that is its value already" if fold(change.old) == fold(change.new) else None
        words, warnings = approval(self.engine, request.live) if kind != "language" else ((), ())
        shown = f"{change.name}: {kind} {change.shown(change.old) or 'none'} → {change.shown(change.new)}"
        then = "the order goes on with it" if _waits(request) else "it holds from the next retry or start"
        decisive = {"old": change.old, "new": change.new, "item": change.item}
        return Prepared((shown, then, *words), warnings, decisive, blocked=blocked, data=change)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        change, run, now = prepared.data, request.run, self.engine.clock.now()
        assert isinstance(change, Change)
        name, order_id = str(request.arguments["field"]), request.order.order_id

        def write(db: sqlite3.Connection) -> None:
            edit = desk.Edit(
                order_id, now, request.actor.name, change.item, name, change.old, change.new, request.reason or ""
            )
            desk.add_edit(db, edit)
            feed.append(db, now, "edit", {"field": name, "item": change.item}, order_id=order_id)
            if _waits(request):
                wake_run(db, now, run)
            else:
                transitions.move(db, now, run.id, expect_version=run.version)

        await self.engine.journal.write(write)
        self.engine.wake()
        kept = {"field": name, "item": change.item, "old": change.shown(change.old), "new": change.shown(change.new)}
        return Applied("done", f"{request.order.number}: {name} is changed", run.id, kept)

    async def _change(self, request: Request, kind: str, detail: str) -> Change:
        new = unicodedata.normalize("NFKC", str(request.arguments["value"])).strip()  # none of them is free text
        if kind == "language":
            if new not in LANGUAGES:
                raise BadArgument("value", f"{new[:20]!r} is not a mail language", "ja or en")
            return Change(
                "language", "", "mails", edited_value(self.engine, request, "", "language") or CLIENTS_OWN, new
            )
        item = _item(request)
        whole = f"{kind}:{detail}" if detail else kind
        edited = edited_value(self.engine, request, item.id, whole)
        name = item.product_name or item.id
        if kind == "option":
            option, ordered = await self._option(item, detail)
            old, new = _choice(option, edited or ordered), _chosen(option, new)
            return Change(whole, item.id, name, old, new, {str(choice.id): choice.name for choice in option.choices})
        not_ordered(self.engine, request, item, kind)
        if kind == "eid":
            if not eid_ok(new):
                raise BadArgument("value", "that is not an EID", "32 digits with valid check digits")
            return Change(whole, item.id, name, edited or item.esim_eid or "", normalise_eid(new))
        known = {row[0] for row in self.engine.journal.peek(profiles.stock)}
        if known and new not in known:
            raise BadArgument(
                "value", f"there are no profiles of type {new[:40]!r}", f"one of {', '.join(sorted(known))}"
            )
        return Change(whole, item.id, name, edited or item.profile_type or "", new)

    async def _option(self, item: OrderItem, option_id: str) -> tuple[CatalogOption, str]:
        """The option, and what was ordered for it."""
        if not (option_id.isascii() and option_id.isdigit()):
            raise BadArgument("field", "an option is named by its WHMCS id", "option:71")
        product = await self.reader.product(item.whmcs_product_id) if item.whmcs_product_id else None
        option = next((o for o in product.options if o.id == int(option_id)), None) if product else None
        if option is None:
            raise BadArgument("field", f"the product has no option {option_id}", "look at the product in WHMCS")
        ordered = ordered_option(item, option)
        if ordered is None:
            raise BadArgument("field", f"{option.name} was not ordered", "change the order in Salesforce")
        return option, ordered


def _chosen(option: CatalogOption, value: str) -> str:
    """The id of the choice, or the number of units, that a person names. Raises BadArgument."""
    if option.type == QUANTITY:
        low, high = option.min_quantity or 0, option.max_quantity or 10**6
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise BadArgument("value", f"{option.name} is a number of units", f"{low} to {high}")
        return str(int(value))
    found = _choice(option, value)
    if found not in {str(choice.id) for choice in option.choices}:
        names = ", ".join(c.name for c in option.choices)
        raise BadArgument("value", f"{option.name} has no choice {value[:40]!r}", f"one of {names}")
    return found


def _choice(option: CatalogOption, value: str) -> str:
    """The id of the choice that a value names by id or name; a value that names none stays."""
    return next((str(c.id) for c in option.choices if value == str(c.id) or fold(value) == fold(c.name)), value)


def allowed(request: Request, kind: str, detail: str) -> None:
    """Raises BadArgument for a field that is never edited here, with the way that is; NotPossible for not now."""
    if kind not in FIELDS or (kind == "option") != bool(detail):
        remedy = ELSEWHERE.get(kind, f"one of {', '.join(FIELDS[:2])}, option:<id>, language")
        raise BadArgument("field", f"{kind[:40]!r} is not edited here", remedy)
    if kind in editable(request.facts, request.role):
        return
    if kind in NEEDS_SUPERVISOR and kind in editable(request.facts, request.role.SUPERVISOR):
        raise NotPossible(f"{kind} changes what is billed or whose phone gets the line: this needs a supervisor")
    done = "billed" if kind == "option" else "ordered at the provider, or the order has no eSIM"
    raise NotPossible(f"{kind} cannot be changed any more: it is {done}")


def edited_value(engine: Engine, request: Request, item: str, field: str) -> str | None:
    """What the last edit of this field made of it."""
    edits = engine.journal.peek(lambda db: desk.edits(db, request.order.order_id))
    return next((e.new for e in reversed(edits) if (e.item, e.field) == (item, field)), None)


def not_ordered(engine: Engine, request: Request, item: OrderItem, kind: str) -> None:
    """Once a profile is ordered its phone and type stand; once one is reserved, its type does. Raises NotPossible."""
    if not item.is_esim:
        raise BadArgument("item", f"{item.product_name or item.id} is not an eSIM", "choose an eSIM product")
    held = engine.journal.peek(lambda db: profiles.of_order(db, request.order.order_id))
    iccid = next((row.iccid for row in held if row.order_item_id == item.id), item.esim_iccid)
    if any(
        c.operation == "esim.downloadOrder" and c.item in (iccid, item.id) and c.state in MAY_STAND
        for c in request.order.calls
    ):
        raise NotPossible(f"{kind} cannot be changed any more: the profile is ordered at the provider")
    if kind == "profile_type" and iccid:
        raise NotPossible("a profile is reserved for this item: cancel and order again for another type")


def ordered_option(item: OrderItem, option: CatalogOption) -> str | None:
    """What the order says for this option, by its id or its name; None: it was not ordered."""
    return next(
        (
            value
            for key, value in item.config_options.items()
            if key == str(option.id) or fold(key) == fold(option.name)
        ),
        None,
    )


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
