"""The parameters of the calls that write, as WHMCS wants them (facts/whmcs.md §4 and §6)."""

import re
from collections.abc import Mapping

from integrations.errors import CallFailed, ErrorClass, System
from integrations.whmcs.models import NewOrder
from integrations.whmcs.wire import FormValue, php_map

# PHP would cast "12abc" to 12 and answer for somebody else.
_ID = re.compile(r"[1-9][0-9]{0,17}")


def known_id(action: str, value: str) -> str:
    """``value`` if it is an id as WHMCS writes it; else a DATA failure, and nothing is sent."""
    if not _ID.fullmatch(value):
        raise _refused(action, "bad_id", f"{value!r} is not a WHMCS id")
    return value


def packed(action: str, values: Mapping[int, int | str]) -> str:
    """Custom fields or options of one product, serialised; '' for none (the filler of a per-product array)."""
    try:
        return php_map(values) if values else ""
    except UnicodeError:
        raise _refused(action, "unsendable", "a field holds text that is not UTF-8") from None


def order_form(order: NewOrder) -> dict[str, FormValue]:
    """AddOrder's parameters: one entry per line in every per-product array. Never priceoverride."""
    lines = order.lines
    if not lines:
        raise _refused("AddOrder", "no_items", "an order needs at least one line")
    if any(line.quantity < 1 for line in lines):
        raise _refused("AddOrder", "bad_quantity", "a quantity must be at least 1")
    params: dict[str, FormValue] = {
        "clientid": known_id("AddOrder", order.client_id),
        "paymentmethod": order.gateway,
        "noemail": True,
        "notes": order.notes or None,
        "pid": [line.pid for line in lines],
        "billingcycle": [line.cycle for line in lines],
    }
    if any(line.quantity != 1 for line in lines):
        params["qty"] = [line.quantity for line in lines]
    if any(line.domain for line in lines):
        params["domain"] = [line.domain for line in lines]
    if any(line.custom_fields for line in lines):
        params["customfields"] = [packed("AddOrder", line.custom_fields) for line in lines]
    if any(line.options for line in lines):
        params["configoptions"] = [packed("AddOrder", line.options) for line in lines]
    return params


def service_form(
    service_id: str, *, custom_fields: Mapping[int, str] | None, notes: str | None, status: str | None
) -> dict[str, FormValue]:
    """UpdateClientProduct's parameters; ``notes`` "" empties the notes."""
    params: dict[str, FormValue] = {"serviceid": known_id("UpdateClientProduct", service_id), "status": status}
    if custom_fields:
        params["customfields"] = packed("UpdateClientProduct", custom_fields)
    if notes == "":
        params["unset"] = ["notes"]  # an empty value may be ignored
    elif notes is not None:
        params["notes"] = notes
    return params


def _refused(action: str, code: str, reason: str) -> CallFailed:
    return CallFailed(System.WHMCS, action, ErrorClass.DATA, code, reason)
