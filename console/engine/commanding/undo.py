"""What stands of an order, each effect with the call that undoes it."""

from console.engine.commanding.plans import EffectLine
from console.engine.commanding.reading import Reader
from console.engine.commanding.sheet import MAY_STAND, Sheet
from console.engine.services import Engine
from console.engine.states import CallState
from console.engine.steps.bill import yen
from integrations.esim.provider import Capability
from storage import profiles
from storage.calls import Call


async def effect_lines(engine: Engine, reader: Reader, sheet: Sheet) -> list[EffectLine]:
    """Reads WHMCS for what it knows now. Raises OutsideTrouble when that cannot be read."""
    lines: list[EffectLine] = []
    added = sheet.call("whmcs.AddOrder")
    if added is not None and added.state == CallState.DONE:
        lines += await _billed(reader, str((added.output or {}).get("order_id")))
    elif added is not None and added.state in MAY_STAND and added.wait_from:
        lines.append(EffectLine("a WHMCS order, perhaps", "it is looked for; CancelOrder if it is there"))
    return lines + _ordered(engine, sheet)


async def _billed(reader: Reader, order_id: str) -> list[EffectLine]:
    order = await reader.whmcs_order(order_id)
    what = f"WHMCS order {order_id}"
    if order is None:
        return [EffectLine(what, None, "WHMCS does not show it any more")]
    status = order.status.casefold()
    if status == "active":
        return [EffectLine(f"{what} (Active)", None, "it was accepted: its services are ended in WHMCS")]
    lines = [EffectLine(f"{what} ({order.status})", "CancelOrder" if status == "pending" else "nothing to do")]
    if not order.invoice_id:
        return lines
    invoice = await reader.invoice(order.invoice_id)
    what = f"invoice {invoice.id}, {yen(invoice.total)} ({invoice.status})"
    if invoice.status.casefold() == "paid":
        return [*lines, EffectLine(what, None, "it is paid: refund it in WHMCS first")]
    if invoice.status.casefold() not in ("cancelled", "refunded", "draft"):
        lines.append(EffectLine(what, "the invoice is cancelled"))
    return lines


def _ordered(engine: Engine, sheet: Sheet) -> list[EffectLine]:
    downloads = [c for c in sheet.calls if c.operation == "esim.downloadOrder" and c.state in MAY_STAND]
    held = {row.iccid: row for row in engine.journal.peek(lambda db: profiles.of_order(db, sheet.order_id))}
    return [_profile(engine, call, held) for call in downloads]


def _profile(engine: Engine, call: Call, held: dict[str, profiles.ProfileRow]) -> EffectLine:
    iccid = str((call.output or {}).get("iccid") or call.item)
    row = held.get(iccid)
    if row is None and call.state != CallState.DONE:
        return EffectLine(
            "an eSIM profile, perhaps", None, "whether the provider took one cannot be told: resolve it first"
        )
    what = f"eSIM profile {iccid} ({row.state if row else 'ordered'})"
    if Capability.CANCEL not in engine.esim.capabilities:
        return EffectLine(what, None, "the provider has no way to cancel")
    return EffectLine(what, "cancelOrder; refused once a phone has taken it")
