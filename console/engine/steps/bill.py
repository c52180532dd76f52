"""The bill compared with what was approved (rules §6 billing): pure, and every difference is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from console.engine.steps.plan import OrderPlan, PlannedItem, normal_cycle
from console.settings.whmcs import TaxSettings
from integrations.whmcs.models import Invoice, Service
from storage.orders import fold

YEN = Decimal(1)
ROUNDINGS = (ROUND_DOWN, ROUND_HALF_UP, ROUND_UP)


@dataclass(frozen=True)
class Difference:
    """One field of one item, side by side."""

    item: str
    field: str
    approved: str
    billed: str

    def __str__(self) -> str:
        return f"{self.item}: {self.field} approved {self.approved}, WHMCS has {self.billed}"


def compare(
    plan: OrderPlan, services: Mapping[str, Service], invoice: Invoice | None, tax: TaxSettings
) -> list[Difference]:
    """``services``: order item id → service. An empty list means that exactly what was approved will be billed."""
    found = [difference for item in plan.items for difference in compare_item(item, services.get(item.id), tax)]
    if not found:
        found += compare_invoice(plan, invoice, tax)
    return found


def compare_item(item: PlannedItem, service: Service | None, tax: TaxSettings) -> list[Difference]:
    if service is None:
        return [Difference(item.name, "service", "one", "none")]
    found: list[Difference] = []

    def check(field: str, approved: object, billed: object, same: bool) -> None:
        if not same:
            found.append(Difference(item.name, field, str(approved), str(billed)))

    check("product", item.pid, service.pid, item.pid == service.pid)
    check("quantity", item.quantity, service.quantity, item.quantity == service.quantity)
    check("cycle", item.cycle, service.cycle, normal_cycle(service.cycle) == item.cycle)
    for option in item.options:
        shown = service.options.get(option.option_id, ("", "nothing"))[1]
        same = fold(shown) in (fold(option.shown), str(option.value))
        check(f"option {option.name}", option.shown, shown, same)
    total = item.unit_price * item.quantity
    check("first amount", yen(total), yen(service.first_amount), same_amount(total, service.first_amount, tax))
    recurring = total if item.recurring else Decimal(0)
    if item.recurring or service.recurring_amount != 0:
        billed = service.recurring_amount
        check(
            "recurring amount",
            yen(recurring),
            yen(billed),
            same_amount(recurring, billed, tax) or _one_off(item, billed, tax),
        )
    return found


def _one_off(item: PlannedItem, billed: Decimal, tax: TaxSettings) -> bool:
    """WHMCS writes the price of a one-time product into the recurring amount too; nothing recurs by its cycle."""
    return not item.recurring and same_amount(item.unit_price * item.quantity, billed, tax)


def compare_invoice(plan: OrderPlan, invoice: Invoice | None, tax: TaxSettings) -> list[Difference]:
    """The invoice's total must be the approved sum, with tax as the setting says; only what costs nothing has none."""
    approved = sum((item.unit_price * item.quantity for item in plan.items), Decimal(0))
    expected = approved * (1 + tax.rate) if tax.rule == "exclusive" else approved
    if invoice is None:
        return [Difference("invoice", "total", yen(expected), "no invoice")] if approved else []
    total = invoice.total + invoice.credit
    right = roundings(approved) if tax.rule != "exclusive" else set()
    if tax.rule != "none":
        right |= _taxed(plan, tax)
    if total in right:
        return []
    return [Difference("invoice", "total", yen(expected.quantize(YEN, ROUND_HALF_UP)), yen(total))]


def _taxed(plan: OrderPlan, tax: TaxSettings) -> set[Decimal]:
    """The whole yen that tax on top may come to: rounded once for the invoice, for each line of it, or for each piece."""
    lines = [(item.unit_price * item.quantity, 1) for item in plan.items]
    pieces = [(item.unit_price, item.quantity) for item in plan.items]
    found = roundings(sum((amount for amount, _ in lines), Decimal(0)) * (1 + tax.rate))
    for mode in ROUNDINGS:
        for parts in (lines, pieces):
            found.add(sum((((part * (1 + tax.rate)).quantize(YEN, mode)) * n for part, n in parts), Decimal(0)))
    return found


def same_amount(approved: Decimal, billed: Decimal, tax: TaxSettings) -> bool:
    """Approved prices exclude tax; WHMCS's service amounts do too unless it sells tax-inclusive prices."""
    if tax.rule == "inclusive":
        return billed in roundings(approved) or billed in roundings(approved * (1 + tax.rate))
    return billed == approved


def roundings(amount: Decimal) -> set[Decimal]:
    """An amount in whole yen, in each way an install may round tax."""
    return {amount.quantize(YEN, mode) for mode in ROUNDINGS}


def yen(amount: Decimal) -> str:
    return f"¥{amount:,.0f}" if amount == amount.to_integral_value() else f"¥{amount:,}"


def side_by_side(differences: Sequence[Difference]) -> list[dict[str, str]]:
    """For journal and screen."""
    return [{"item": d.item, "field": d.field, "approved": d.approved, "billed": d.billed} for d in differences]
