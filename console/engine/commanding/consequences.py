"""What an approval leads to, in words and amounts, from the order as Salesforce has it."""

from console.engine.services import Engine
from console.engine.steps.bill import yen
from console.engine.steps.plan import normal_cycle
from integrations.esim.provider import Capability
from integrations.salesforce.models import OrderBundle, OrderItem
from storage import desk, profiles


def approval(engine: Engine, bundle: OrderBundle) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what will happen, what will keep it from happening)."""
    esims = [item for item in bundle.items if item.is_esim]
    client = bundle.account.whmcs_client_id if bundle.account else None
    steps = "load → payment → " + ("esim → " if esims else "") + "billing → accept → crm → email"
    words = [_line(item) for item in bundle.items]
    if bundle.order.total_amount is not None:
        words.append(f"WHMCS bills client {client or '?'}: {yen(bundle.order.total_amount)} as approved, before tax")
    words.append(f"Salesforce: Approved, then {steps}")
    words.append("mails to the customer: order ready" + (f", {len(esims)} × eSIM activation" if esims else ""))
    if bundle.order.effective_date is not None:
        words.append(f"starts on {bundle.order.effective_date}")
    return tuple(words), tuple(_obstacles(engine, bundle, esims))


def _line(item: OrderItem) -> str:
    quantity = f"{item.quantity.normalize():f}"
    price = yen(item.unit_price) if item.unit_price is not None else "no price"
    return f"{quantity} × {item.product_name or item.sku or item.id}, {normal_cycle(item.billing_cycle or '')}, {price} each"


def _obstacles(engine: Engine, bundle: OrderBundle, esims: list[OrderItem]) -> list[str]:
    found: list[str] = []
    account = bundle.account
    if account is None or not account.number:
        found.append("the account has no customer number: the order will fail")
    elif not account.whmcs_client_id:
        found.append("the account names no WHMCS client: the order will fail")
    for item in bundle.items:
        name = item.product_name or item.id
        if item.whmcs_product_id is None:
            found.append(f"{name} names no WHMCS product: the order will fail")
        if item.config_options_error:
            found.append(f"{name}: its options cannot be read: the order will fail")
        if item.is_esim and item.quantity > 1:
            found.append(f"{name}: an eSIM must stand on a line of its own: the order will fail")
    if Capability.ORDER_BY_ICCID in engine.esim.capabilities:
        found += _stock(engine, esims)
    pauses = engine.journal.peek(desk.pauses)
    found += [f"{p.subject} is paused by {p.actor}: {p.reason}; the order will wait" for p in pauses.values()]
    return found


def _stock(engine: Engine, esims: list[OrderItem]) -> list[str]:
    wanted: dict[str, int] = {}
    for item in esims:
        if item.profile_type and not item.esim_iccid:
            wanted[item.profile_type] = wanted.get(item.profile_type, 0) + 1
    free = {kind: engine.journal.peek(lambda db, kind=kind: profiles.free_count(db, kind)) for kind in wanted}  # type: ignore[misc]  # mypy infers no lambda with a default
    return [
        f"{free[kind]} free profiles of type {kind}, {count} needed: the order will wait"
        for kind, count in wanted.items()
        if free[kind] < count
    ]
