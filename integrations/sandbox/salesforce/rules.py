"""The rules that Salesforce's standard objects bring along, beyond what describe can say (facts §1.7, §7, §9.8).

Each rule looks at one row before and after the change and may complete the new one (numbers, copied prices, roll-ups).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from integrations.sandbox.salesforce.errors import SalesforceError
from integrations.sandbox.salesforce.rows import Database
from integrations.sandbox.store import Document

WRONG_ENTRY = (
    "Order Products must have a Price Book Entry that belongs to the Price Book related to the parent Order.: "
    "Price Book Entry ID"
)
NUMBERS = {"OrderNumber": ("Order", 8, 100), "OrderItemNumber": ("OrderItem", 10, 1), "CaseNumber": ("Case", 8, 1000)}
SYSTEM = frozenset({"LastModifiedDate", "LastModifiedById", "SystemModstamp"})


def decimal(value: Any) -> Decimal:
    return Decimal(str(value or 0))


class StandardRules:
    """``categories`` maps each Order.Status to its category: Draft or Activated."""

    def __init__(self, db: Database, categories: Mapping[str, str]) -> None:
        self._db = db
        self._categories = categories

    def before_insert(self, name: str, row: Document) -> None:
        """Refuse or complete a new row."""
        match name:
            case "Order":
                self._insert_order(row)
            case "OrderItem":
                self._insert_item(row)
            case "PricebookEntry":
                self._insert_entry(row)
            case "Pricebook2":
                row["IsStandard"] = False
        self._number(name, row)
        self._compute(name, row)

    def before_update(self, name: str, before: Document, row: Document) -> None:
        """Refuse or complete a changed row; a field written with its old value is no change."""
        changed = {key for key in {*before, *row} - SYSTEM if before.get(key) != row.get(key)}
        match name:
            case "Order":
                self._update_order(before, row, changed)
            case "OrderItem":
                self._update_item(row, changed)
        self._compute(name, row)

    def before_delete(self, name: str, row: Document) -> None:
        """Refuse a deletion."""
        if name == "Order" and row["StatusCode"] == "Activated":
            raise SalesforceError("DELETE_FAILED", "You can't delete an activated order. Deactivate it first.")
        if name == "OrderItem" and self._order(row)["StatusCode"] == "Activated":
            raise SalesforceError("DELETE_FAILED", "You can't delete products of an activated order.")
        blockers = {"Account": ("Order", "AccountId"), "Product2": ("OrderItem", "Product2Id")}
        if name == "Pricebook2" and row.get("IsStandard"):
            raise SalesforceError("DELETE_FAILED", "You can't delete the standard price book.")
        if name in blockers:
            self._unused(row, *blockers[name])

    def after_change(self, name: str, row: Document) -> Document | None:
        """The parent row as the change leaves it (a roll-up), or None when it stays as it is."""
        if name != "OrderItem":
            return None
        order = self._db.get("Order", row["OrderId"])
        if order is None:  # the order is being deleted with its products
            return None
        items = self._db.having("OrderItem", "OrderId", order["Id"])
        total = float(sum((decimal(item.get("TotalPrice")) for item in items), Decimal()))
        return None if order.get("TotalAmount") == total else {**order, "TotalAmount": total}

    def _insert_order(self, row: Document) -> None:
        if self._categories[row["Status"]] != "Draft":
            message = "A new order's status must belong to the status category Draft.: Status"
            raise SalesforceError("FAILED_ACTIVATION", message, fields=("Status",))
        row["StatusCode"] = "Draft"
        row["TotalAmount"] = 0.0
        row.setdefault("OwnerId", row["CreatedById"])
        self._active_book(row)

    def _active_book(self, row: Document) -> None:
        book = self._db.get("Pricebook2", row["Pricebook2Id"]) if row.get("Pricebook2Id") else None
        if book is not None and not book.get("IsActive"):
            message = "field integrity exception: Pricebook2Id (price book is inactive)"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("Pricebook2Id",))

    def _update_order(self, before: Document, row: Document, changed: set[str]) -> None:
        category = self._categories[row["Status"]]
        if category == "Activated" and before["StatusCode"] == "Draft":
            self._activate(row, changed)
        elif category == "Draft" and before["StatusCode"] == "Activated":
            row.pop("ActivatedDate", None)
            row.pop("ActivatedById", None)
        row["StatusCode"] = category
        if "AccountId" in changed and before["StatusCode"] != "Draft":
            message = "The account can be changed only while the order is a draft.: Account ID"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("AccountId",))
        if "Pricebook2Id" in changed:
            if before.get("Pricebook2Id"):
                message = "The price book of an order can't be changed or removed once it is set.: Price Book ID"
                raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("Pricebook2Id",))
            self._active_book(row)

    def _activate(self, row: Document, changed: set[str]) -> None:
        others = tuple(sorted(changed - {"Status"}))
        if others:
            message = (
                f"While an order is being activated, Status is the only field that can change: {', '.join(others)}"
            )
            raise SalesforceError("FAILED_ACTIVATION", message, fields=others)
        if not self._db.having("OrderItem", "OrderId", row["Id"]):
            raise SalesforceError("FAILED_ACTIVATION", "An order must have at least one product.", fields=("Status",))
        row["ActivatedDate"] = row["LastModifiedDate"]
        row["ActivatedById"] = row["LastModifiedById"]

    def _insert_item(self, row: Document) -> None:
        order, entry = self._order(row), self._db.get("PricebookEntry", row["PricebookEntryId"])
        if entry is None or entry["Pricebook2Id"] != order.get("Pricebook2Id"):
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", WRONG_ENTRY, fields=("PricebookEntryId",))
        if not entry.get("IsActive"):
            message = "field integrity exception: PricebookEntryId (pricebook entry is inactive)"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("PricebookEntryId",))
        if order["StatusCode"] == "Activated":
            message = "Products can't be added to an activated order.: Order ID"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("OrderId",))
        if row.setdefault("Product2Id", entry["Product2Id"]) != entry["Product2Id"]:
            message = "The product must be that of the price book entry.: Product ID"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("Product2Id",))
        row.setdefault("ListPrice", entry["UnitPrice"])
        self._sane_item(row)

    def _update_item(self, row: Document, changed: set[str]) -> None:
        if changed & {"Quantity", "UnitPrice"} and self._order(row)["StatusCode"] == "Activated":
            message = "Quantity and price can't be changed once the order is activated."
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("Quantity", "UnitPrice"))
        self._sane_item(row)

    def _sane_item(self, row: Document) -> None:
        if row["Quantity"] <= 0:
            message = "Quantity must be greater than zero.: Quantity"
            raise SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=("Quantity",))

    def _insert_entry(self, row: Document) -> None:
        same = [
            entry
            for entry in self._db.having("PricebookEntry", "Product2Id", row["Product2Id"])
            if entry["Pricebook2Id"] == row["Pricebook2Id"]
        ]
        if same:
            message = "This price definition already exists in this price book"
            raise SalesforceError("DUPLICATE_VALUE", message, fields=())
        book = self._db.get("Pricebook2", row["Pricebook2Id"])
        standard = book is not None and bool(book.get("IsStandard"))
        if not standard and not self._standard_price(row["Product2Id"]):
            message = "No standard price defined for this product"
            raise SalesforceError("STANDARD_PRICE_NOT_DEFINED", message, fields=())

    def _standard_price(self, product_id: str) -> bool:
        for entry in self._db.having("PricebookEntry", "Product2Id", product_id):
            book = self._db.get("Pricebook2", entry["Pricebook2Id"])
            if book is not None and book.get("IsStandard") and entry.get("IsActive"):
                return True
        return False

    def _order(self, item: Document) -> Document:
        order = self._db.get("Order", item["OrderId"])
        if order is None:
            raise SalesforceError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=("OrderId",))
        return order

    def _unused(self, row: Document, child: str, field: str) -> None:
        found = self._db.having(child, field, row["Id"])
        if found:
            what = "orders" if child == "Order" else "order products"
            number = found[0].get("OrderNumber") or found[0].get("OrderItemNumber")
            message = f"Your attempt to delete {row['Name']} could not be completed because it is associated with the "
            raise SalesforceError("DELETE_FAILED", f"{message}following {what}.: {number}")

    def _number(self, name: str, row: Document) -> None:
        for field, (owner, digits, first) in NUMBERS.items():
            if owner == name:
                row[field] = f"{self._db.next_number(field, first):0{digits}d}"
        if name.endswith("__c"):
            row["Name"] = f"PJ-{self._db.next_number(f'{name}.Name', 1):05d}"

    def _compute(self, name: str, row: Document) -> None:
        match name:
            case "OrderItem":
                row["TotalPrice"] = float(decimal(row["Quantity"]) * decimal(row["UnitPrice"]))
                row["AvailableQuantity"] = row["Quantity"]
            case "PricebookEntry":
                product = self._db.get("Product2", row["Product2Id"]) or {}
                row["Name"] = product.get("Name")
                if product.get("ProductCode"):
                    row["ProductCode"] = product["ProductCode"]
            case "Contact":
                row["Name"] = f"{row.get('FirstName') or ''} {row['LastName']}".strip()
