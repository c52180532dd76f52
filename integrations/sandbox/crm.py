"""What people do in the sandbox's Salesforce: the portal places orders, clerks approve and cancel them."""

from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.history import APPROVED
from integrations.sandbox.salesforce.desk import Desk, OrderLine
from integrations.sandbox.salesforce.errors import SalesforceError
from integrations.sandbox.salesforce.org import Org
from integrations.sandbox.salesforce.rows import TIME_FORMAT
from integrations.sandbox.shop import Cart, config_options
from integrations.sandbox.store import Document

PENDING = "Pending Review"


class NotPossible(Exception):
    """Salesforce refuses it, or there is no such order; the message is for people."""


class Crm:
    """Acts by the org's own saving rules, as any client's request does."""

    def __init__(self, org: Org, desk: Desk) -> None:
        self._org = org
        self._desk = desk

    def place(self, cart: Cart, key: str, *, status: str = PENDING) -> tuple[str, str]:
        """Place an order under the portal's ``key``; its id and number."""
        order_id = self._desk.place_order(
            cart.person.number,
            [OrderLine(line.product.sku, line.quantity, config_options(line), line.eid) for line in cart.lines],
            f"customer {cart.person.number}",
            recipient=cart.recipient,
            effective=cart.effective(self._org.db.clock().date()),
            status=status,
            fields={"Portal_Order_Key__c": key},
        )
        return order_id, str(self._row(order_id)["OrderNumber"])

    def approve(self, order_id: str) -> None:
        """A clerk approves in Salesforce: the Flow runs. Raises NotPossible."""
        self._set_status(order_id, APPROVED)

    def cancel(self, order_id: str) -> None:
        """A clerk cancels in Salesforce. Raises NotPossible."""
        self._set_status(order_id, "Cancelled")

    def waiting(self) -> list[str]:
        """The orders that wait for an approval, oldest first."""
        return [row["Id"] for row in self._org.db.rows("Order") if row["Status"] == PENDING]

    def rows(self, name: str) -> list[Document]:
        """The live rows of one object, oldest first."""
        return list(self._org.db.rows(name))

    def date_back(self, order_id: str, moment: datetime) -> None:
        """Let an approved order have been placed and approved at ``moment``."""
        text = moment.astimezone(UTC).strftime(TIME_FORMAT)
        times: dict[str, Any] = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), text)
        with self._org.db.transaction():
            row = self._row(order_id)
            if row.get("Approved_At__c"):
                times["Approved_At__c"] = text
            self._org.db.put("Order", {**row, **times, "EffectiveDate": moment.date().isoformat()})

    def _set_status(self, order_id: str, status: str) -> None:
        row = self._row(order_id)
        if row["Status"] == status:
            raise NotPossible(f"order {row['OrderNumber']} is {status} already")
        try:
            self._desk.change_order(row["Id"], {"Status": status})
        except SalesforceError as refusal:
            raise NotPossible(f"order {row['OrderNumber']} is {row['Status']}: {refusal}") from refusal

    def _row(self, order_id: str) -> Document:
        try:
            return self._org.saver.live(self._org.sobject("Order"), order_id)
        except SalesforceError as refusal:
            raise NotPossible(f"there is no order {order_id[:40]!r}") from refusal
