"""What the control API does in Salesforce: place, approve, change orders, by the same saving code as REST."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from integrations.sandbox.salesforce.org import Org
from integrations.sandbox.salesforce.save import Context
from integrations.sandbox.salesforce.seed import JAPAN, PORTAL_BOOK
from integrations.sandbox.salesforce.users import APPROVER, PLACER, User
from integrations.sandbox.store import Document


@dataclass(frozen=True)
class OrderLine:
    """One item to order. ``options``: option id → choice id or units; ``unit_price`` None takes the price book's."""

    sku: str
    quantity: int = 1
    options: Mapping[Any, Any] = field(default_factory=dict)
    eid: str = ""
    unit_price: Decimal | None = None


class Desk:
    """Staff at work. Users go by alias: placer, approver, admin, integration. All raise SalesforceError."""

    def __init__(self, org: Org, users: Mapping[str, User]) -> None:
        self._org = org
        self._users = users

    def place_order(
        self,
        person_number: str,
        lines: Sequence[OrderLine],
        placed_by: str,
        *,
        recipient: str = "",
        effective: date | None = None,
        status: str = "Pending Review",
        user: str = PLACER,
        fields: Mapping[str, Any] | None = None,
    ) -> str:
        """Place an order for the customer with this SF number; returns its id.

        ``placed_by`` goes into Placed_By__c, ``recipient`` into Portal_Recipient_Email__c, ``fields`` on top of all.
        Raises LookupError for an unknown customer or SKU.
        """
        account = self._one("Account", "SF_Account_No__c", person_number)
        book = next(row for row in self._org.db.rows("Pricebook2") if row["Name"] == PORTAL_BOOK)
        today = self._org.db.clock().astimezone(JAPAN).date()
        order: dict[str, Any] = {
            "AccountId": account["Id"],
            "Pricebook2Id": book["Id"],
            "EffectiveDate": (effective or today).isoformat(),
            "Status": status,
            "Placed_By__c": placed_by,
            "Portal_Recipient_Email__c": recipient,
            "Portal_Order_Key__c": str(uuid.uuid4()),
            **(fields or {}),
        }
        ctx = Context(self._users[user])
        with self._org.db.transaction():
            key = self._org.saver.insert(self._org.sobject("Order"), order, ctx)
            for line in lines:
                self._org.saver.insert(self._org.sobject("OrderItem"), self._item(key, book["Id"], line), ctx)
        return key

    def approve(self, order_id: str, approved_by: str = "", *, user: str = APPROVER) -> None:
        """Approve as a person in Salesforce does; ``approved_by`` goes into Approved_By__c if given."""
        named = {"Approved_By__c": approved_by} if approved_by else {}
        self.change_order(order_id, {"Status": "Approved", **named}, user=user)

    def change_order(self, order_id: str, fields: Mapping[str, Any], *, user: str = APPROVER) -> None:
        """Save fields of an order, as ``user``."""
        self._org.saver.update(self._org.sobject("Order"), order_id, fields, Context(self._users[user]))

    def change_item(self, item_id: str, fields: Mapping[str, Any], *, user: str = APPROVER) -> None:
        """Save fields of an order product, as ``user``."""
        self._org.saver.update(self._org.sobject("OrderItem"), item_id, fields, Context(self._users[user]))

    def _item(self, order_id: str, book_id: str, line: OrderLine) -> dict[str, Any]:
        product = self._product(line.sku)
        entries = self._org.db.having("PricebookEntry", "Product2Id", product["Id"])
        entry = next(entry for entry in entries if entry["Pricebook2Id"] == book_id)
        price = entry["UnitPrice"] if line.unit_price is None else float(line.unit_price)
        return {
            "OrderId": order_id,
            "PricebookEntryId": entry["Id"],
            "Quantity": line.quantity,
            "UnitPrice": price,
            "Billing_Cycle__c": product.get("Billing_Cycle__c"),
            "ConfigOptions_JSON__c": json.dumps(dict(line.options), ensure_ascii=False) if line.options else "",
            "ESIM_EID__c": line.eid,
        }

    def _one(self, name: str, field_name: str, value: str) -> Document:
        found = self._org.db.having(name, field_name, value)
        if not found:
            raise LookupError(f"no {name} with {field_name} {value!r}")
        return found[0]

    def _product(self, sku: str) -> Document:
        return self._one("Product2", "StockKeepingUnit", sku)

    def world(self) -> dict[str, list[dict[str, Any]]]:
        """Every live row that matters, by API field names; orders carry their ``items``, items their product's SKU."""
        db = self._org.db
        skus = {row["Id"]: row.get("StockKeepingUnit") for row in db.rows("Product2")}
        orders = []
        for row in db.rows("Order"):
            items = [
                {**item, "sku": skus.get(item["Product2Id"])} for item in db.having("OrderItem", "OrderId", row["Id"])
            ]
            orders.append({**row, "items": items})
        events = [
            {"channel": e.channel, "replay_id": e.replay_id, "uuid": e.uuid, "at": e.created_at, **dict(e.payload)}
            for e in self._org.bus.all()
        ]
        journals = "Portal_Journal__c"
        return {
            "orders": orders,
            "accounts": [dict(row) for row in db.rows("Account")],
            "journals": [dict(row) for row in db.rows(journals)],
            "cases": [dict(row) for row in db.rows("Case")],
            "events": events,
        }
