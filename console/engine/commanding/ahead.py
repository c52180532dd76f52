"""Which outside calls a command leads to for one order, as far as they are not made yet: for the plan of many."""

from collections.abc import Iterable

from console.engine.commanding.sheet import Sheet
from console.engine.states import CallState

GOES_ON = ("order.approve", "order.start", "order.retry", "order.retry_step", "order.skip", "order.unpark")
BILLS = "whmcs.AddOrder"
_ESIM = ("esim.downloadOrder", "esim.confirmOrder")
_BILLING = (BILLS, "whmcs.AcceptOrder")
_AFTER = ("esim.releaseProfile",)
_LAST = ("salesforce.activate",)


def in_order(calls: Iterable[str]) -> list[str]:
    """As one order makes them."""
    order = (*_ESIM, *_BILLING, *_AFTER, *_LAST)
    return sorted(calls, key=lambda call: order.index(call) if call in order else len(order))


def calls_ahead(command_id: str, sheet: Sheet) -> tuple[str, ...]:
    """Operations in their order; empty for a command that moves no run on. Every call that was made is only read again."""
    if command_id not in GOES_ON:
        return ()
    made = {call.operation for call in sheet.calls if call.state == CallState.DONE}
    esim = sheet.row is not None and "esim" in (sheet.row.kind or "").casefold()
    wanted = (*(_ESIM if esim else ()), *_BILLING, *(_AFTER if esim else ()), *_LAST)
    return tuple(operation for operation in wanted if operation not in made)
