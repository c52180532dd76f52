"""What people did: approvals and cancellations as Salesforce saw them, and acts by way of the control API.

Kept with the sandbox's state: what should stand is computed from it after a kill, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.store import Document, Store

ORDERS = "sf.Order"  # the Salesforce sandbox's table of orders
APPROVED = "Approved"
ENDED = frozenset({"Cancelled", "Rejected"})


@dataclass(frozen=True)
class OrderHistory:
    """``approved_at`` is in whole seconds, as Salesforce keeps it. ``approved_by_placer``: who approved it last also
    placed it. ``ended``: cancelled or rejected after that."""

    approved_at: datetime | None = None
    approved_by_placer: bool = False
    ended: bool = False
    ended_by: str = ""  # user id


class History:
    """Notes each order's approval and end in the very transaction of the save, whichever client saved.

    ``now`` is the sandbox's clock, aware.
    """

    def __init__(self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._orders = store.table("history.order")
        self._acts = store.table("history.act")
        self.now = now
        store.observe(ORDERS, self._order_changed)

    def order(self, order_id: str) -> OrderHistory:
        """What happened to one order; nothing yet for an unknown id."""
        row = self._orders.get(order_id)
        if row is None:
            return OrderHistory()
        return OrderHistory(datetime.fromisoformat(row["approved_at"]), row["by_placer"], row["ended"], row["ended_by"])

    def note(self, act: str, **values: Any) -> None:
        """Keep one act of a person: ``payment`` {client, pay_method}, ``stock`` {type, count}, ``switches`` {…}."""
        with self._store.transaction():
            number = str(self._store.next_number("history.act"))
            self._acts.put(number, {"act": act, "at": self.now().isoformat(), **values})

    def acts(self, act: str) -> list[Document]:
        """The acts of one kind, oldest first."""
        return [row for row in self._acts.values() if row["act"] == act]

    def _order_changed(self, key: str, before: Document | None, after: Document | None) -> None:
        was, now = (row.get("Status") if row else None for row in (before, after))
        if after is None or was == now:
            return
        known = self._orders.get(key)
        if now == APPROVED:
            entry = {"approved_at": after["LastModifiedDate"], "by_placer": _by_placer(after)}
            self._orders.put(key, {**entry, "ended": False, "ended_by": ""})
        elif known and now in ENDED:
            self._orders.put(key, {**known, "ended": True, "ended_by": after.get("LastModifiedById", "")})


def _by_placer(order: Document) -> bool:
    """Approved in the console: the names recorded there; in Salesforce: its users."""
    if order.get("Approved_By__c"):
        return bool(order["Approved_By__c"] == order.get("Placed_By__c"))
    return bool(order.get("LastModifiedById") == order.get("CreatedById"))
