"""The fault kinds that are this server's own, beside those of HTTP (design/rules.md §14)."""

import random
from collections.abc import Mapping
from typing import Literal

from integrations.sandbox.faults import HTTP_KINDS, Fault, Faults
from integrations.sandbox.whmcs.answers import Answer, Rows, put_empty
from integrations.sandbox.whmcs.switches import EmptyLists

SYSTEM = "whmcs"
LISTS = frozenset(
    {"GetOrders", "GetClientsProducts", "GetInvoices", "GetClients", "GetProducts", "GetPayMethods",
     "GetPaymentMethods", "GetTransactions"}
)  # fmt: skip
PAGED = frozenset({"GetOrders", "GetClientsProducts", "GetInvoices", "GetClients"})
OF_ORDERS = frozenset({"GetOrders", "GetClientsProducts", "GetInvoices"})
KINDS = {
    "empty_ok": LISTS,
    "short_page": PAGED,
    "stale_read": OF_ORDERS,
    "module_fails": frozenset({"AcceptOrder", "ModuleCreate"}),
    "price_drift": frozenset({"AddOrder"}),
    "ignored_option": frozenset({"AddOrder"}),
    "warning_only": frozenset({"AddOrder", "AcceptOrder", "CapturePayment"}),
}


def take(faults: Faults, action: str, facts: Mapping[str, str]) -> Fault | None:
    """The fault of this request, HTTP or own. A kind waits for an action that it can spoil, also under operation "*".

    Options: module_fails ``item`` (position from 1, none: every one) and ``message``; price_drift ``item`` and
    ``amount`` (yen, 100); short_page ``drop`` (1); stale_read ``orders`` (1); empty_ok ``shape`` and ``totals``, see
    :func:`emptied`. role_denied lets the API role lack the operation; warning_only does nothing
    and answers with a ``warning`` where others have ``result``.
    """
    return faults.take(SYSTEM, action, facts, kinds_of(action))


def kinds_of(action: str) -> frozenset[str]:
    """The kinds that ``action`` (documented name) obeys."""
    return HTTP_KINDS | {"role_denied"} | {kind for kind, actions in KINDS.items() if action in actions}


def emptied(fault: Fault, answer: Answer, draw: random.Random) -> Answer:
    """``answer`` with its list lost, still a success: the trap that must never be read as "there is nothing".

    Option ``shape``: missing, nested, string, list, object or null (else drawn). Option ``totals``: "true" keeps the
    real counts, "missing" leaves them out (else drawn), "zero" lies, which no client can see through in one answer.
    """
    shape: EmptyLists | Literal["missing"]
    shape = fault.options.get("shape") or draw.choice(("missing", "nested", "string", "list", "object", "null"))
    totals = fault.options.get("totals") or draw.choice(("true", "missing"))
    lost: Answer = {}
    for key, value in answer.items():
        if isinstance(value, Rows):
            put_empty(lost, key, value.key, "absent" if shape == "missing" else shape, draw)
        elif isinstance(value, list):
            if shape != "missing":
                lost[key] = "" if shape == "string" else None if shape == "null" else {}
        elif key in ("totalresults", "numreturned") and totals != "true":
            if totals == "zero":
                lost[key] = 0
        else:
            lost[key] = value
    return lost
