"""The records of one order side by side: which lines there are, and whether two sides say the same after normalising."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from console.api.mask import Masker
from console.engine.steps.bill import same_amount, yen
from console.engine.steps.plan import normal_cycle
from console.schema.records import Compared
from console.settings.whmcs import TaxSettings
from integrations.salesforce.ids import to18
from integrations.salesforce.models import OrderBundle, OrderItem
from integrations.whmcs.models import ClientDetails, Invoice, Service, WhmcsOrder
from storage.orders import digits, fold
from storage.profiles import ProfileRow

STATUS_PAIRS = {
    "Activated": {"active"}, "Provisioning": {"pending", "active"}, "Failed": {"pending", "active", "cancelled", "fraud"},
    "Cancelled": {"cancelled"}, "Rejected": {"cancelled"}, "Approved": {"pending"},
}  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """What was read; None: not there, or not readable. ``choices``: (option, choice) of WHMCS → the choice's label."""

    order: OrderBundle | None
    whmcs: WhmcsOrder | None
    client: ClientDetails | None
    services: Sequence[Service]
    invoice: Invoice | None
    profiles: Sequence[ProfileRow]
    choices: Mapping[tuple[int, str], str]


@dataclass(frozen=True)
class Rules:
    """How this install maps things. ``marker_root``: of our marks on services."""

    tax: TaxSettings
    customer_number_field: int
    marker_fields: Mapping[int, int]
    iccid_fields: Mapping[int, int]
    marker_root: str


def normal(text: str) -> str:
    """The form in which two systems' spellings of one value are equal: width and case, yen, ids of 15 and 18 characters."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if _YEN.fullmatch(plain):
        digits_only = re.sub(r"[^0-9.]", "", plain)
        return f"{Decimal(digits_only).normalize():f}"
    if _RECORD_ID.fullmatch(plain) and (len(plain) == 15 or to18(plain[:15]) == plain):
        return to18(plain[:15])
    return fold(plain)


_YEN = re.compile(r"[¥\\]?\s*(\d{1,3}(,\d{3})+|\d+)(\.\d+)?\s*(円|JPY)?")
_RECORD_ID = re.compile(r"(?=.*[A-Za-z])[08a][0-9A-Za-z]{14}([0-9A-Za-z]{3})?")


class _Table:
    """Gathers lines; a shown value is masked, the comparison is of the whole one."""

    def __init__(self) -> None:
        self.lines: list[Compared] = []

    def add(
        self, group: str, field: str, salesforce: object = None, whmcs: object = None, esim: object = None, *,
        same: Callable[[str], str] = normal, verdict: bool | None = None, shown: Callable[[str], str | None] = str,
        note: str = "",
    ) -> None:  # fmt: skip
        sides = [_text(value) for value in (salesforce, whmcs, esim)]
        present = [same(text) for text in sides if text is not None]
        if not present:
            return
        equal = verdict if verdict is not None else (len(set(present)) == 1 if len(present) > 1 else None)
        masked = [shown(text) if text is not None else None for text in sides]
        self.lines.append(
            Compared(
                group=group, field=field, salesforce=masked[0], whmcs=masked[1], esim=masked[2], same=equal, note=note
            )
        )


def compare(sides: Sides, rules: Rules, mask: Masker) -> list[Compared]:
    """Every line that at least one side has a value for."""
    table = _Table()
    _order(table, sides, rules)
    _customer(table, sides, rules, mask)
    if sides.order is not None:
        for item in sides.order.items:
            _item(table, sides, rules, item, mask)
    return table.lines


def _order(table: _Table, sides: Sides, rules: Rules) -> None:
    order, whmcs, invoice = sides.order.order if sides.order else None, sides.whmcs, sides.invoice
    verdict = None
    if order is not None and whmcs is not None and order.status in STATUS_PAIRS:
        verdict = whmcs.status.casefold() in STATUS_PAIRS[order.status]
    table.add("order", "status", order and order.status, whmcs and whmcs.status, verdict=verdict)
    table.add("order", "number", order and order.number)
    table.add("order", "WHMCS order", order and order.whmcs_order_id, whmcs and whmcs.id)
    table.add("order", "WHMCS invoice", order and order.whmcs_invoice_id, whmcs and whmcs.invoice_id)
    approved = order.total_amount if order is not None else None
    billed = whmcs.amount if whmcs is not None else None
    verdict = None
    if approved is not None and billed is not None:
        verdict = same_amount(approved, billed, rules.tax)
        with_tax = (approved * (1 + rules.tax.rate)).quantize(Decimal(1))
        verdict = verdict or abs(billed - with_tax) <= 1
    table.add("order", "amount", _yen(approved), _yen(billed), verdict=verdict)
    if invoice is not None:
        table.add("order", "invoice", None, f"{yen(invoice.total)} ({invoice.status})")
    table.add("order", "error code", order and order.provisioning_error_code)
    table.add("order", "attempts", order and order.attempt_count)


def _customer(table: _Table, sides: Sides, rules: Rules, mask: Masker) -> None:
    account, client = sides.order.account if sides.order else None, sides.client
    number = client.custom_fields.get(rules.customer_number_field) if client is not None else None
    name = None
    if client is not None:
        name = client.company or " ".join(filter(None, (client.last_name, client.first_name)))
    table.add("customer", "WHMCS client", account and account.whmcs_client_id, client and client.id)
    table.add("customer", "customer number", account and account.number, number)
    table.add("customer", "name", account and account.name, name, same=_name, shown=mask.name)
    table.add("customer", "phone", account and account.phone, client and client.phone, same=digits, shown=mask.phone)
    recorded = sides.order.order.recipient_email if sides.order is not None else None
    table.add("customer", "e-mail", recorded, client and client.email, shown=mask.email)
    if client is not None:
        table.add("customer", "client status", None, client.status)
        table.add("customer", "language", None, client.language)
        table.add("customer", "gateway", None, client.default_gateway)


def _item(table: _Table, sides: Sides, rules: Rules, item: OrderItem, mask: Masker) -> None:
    service = service_of(item, sides, rules)
    profile = next((p for p in sides.profiles if p.order_item_id == item.id), None)
    group = f"item {item.item_number or item.id}"
    table.add(group, "product", item.product_name, service and service.name, verdict=_product(item, service))
    table.add(group, "service", item.whmcs_service_id, service and service.id)
    table.add(group, "quantity", f"{item.quantity.normalize():f}", service and str(service.quantity))
    table.add(group, "cycle", item.billing_cycle, service and service.cycle, same=normal_cycle)
    price = item.unit_price * item.quantity if item.unit_price is not None else None
    verdict = same_amount(price, service.first_amount, rules.tax) if price is not None and service else None
    table.add(group, "first amount", _yen(price), _yen(service.first_amount) if service else None, verdict=verdict)
    if service is not None:
        table.add(group, "service status", None, service.status)
        for number, (name, value) in service.options.items():
            ordered = _ordered(item, str(number), name)
            table.add(group, f"option {name}", ordered and sides.choices.get((number, ordered), ordered), value)
    if item.is_esim:
        field = rules.iccid_fields.get(service.pid) if service is not None else None
        billed = service.custom_fields.get(field) if service is not None and field is not None else None
        table.add(group, "ICCID", item.esim_iccid, billed, profile and profile.iccid, same=_digits, shown=mask.iccid)
        table.add(group, "EID", item.esim_eid, None, profile and profile.eid, same=_digits, shown=mask.eid)
        table.add(group, "profile type", item.profile_type, None, profile and profile.type)
        table.add(group, "profile state", None, None, profile and (profile.shown_state or profile.state))


def service_of(item: OrderItem, sides: Sides, rules: Rules) -> Service | None:
    """By our marker, else by the id that Salesforce names; never by position (rules §6)."""
    assert sides.order is not None
    marker = f"{rules.marker_root}:{sides.order.order.id}:{item.id}"
    marked = [
        s for s in sides.services if s.custom_fields.get(rules.marker_fields.get(s.pid, -1), "").strip() == marker
    ]
    if len(marked) == 1:
        return marked[0]
    return next((s for s in sides.services if s.id == item.whmcs_service_id), None)


def _ordered(item: OrderItem, number: str, name: str) -> str | None:
    """What the order says for an option, which it may name by its id or by its name in any spelling."""
    return next((v for key, v in item.config_options.items() if key == number or fold(key) == fold(name)), None)


def _product(item: OrderItem, service: Service | None) -> bool | None:
    if service is None or item.whmcs_product_id is None:
        return None
    return service.pid == item.whmcs_product_id


def _name(text: str) -> str:
    """Family and given name in either order are the same name."""
    return " ".join(sorted(fold(text).split()))


def _digits(text: str) -> str:
    return "".join(c for c in fold(text) if c.isdigit())


def _yen(amount: Decimal | None) -> str | None:
    return yen(amount) if amount is not None else None


def _text(value: object) -> str | None:
    text = "" if value is None else str(value)
    return text if text.strip() else None
