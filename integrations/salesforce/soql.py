"""The queries of the client. Field lists come from the models and are checked against the package."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from integrations.salesforce.ids import norm_id
from integrations.salesforce.models import Account, JournalRow, Order, OrderItem, OrderRef, OrgInfo, Row
from integrations.salesforce.package import Package, PackageError

# Not every org has them (or shows them to us); a SELECT that is refused for one goes without.
OPTIONAL = ("Portal_Recipient_Email__c", "Approved_At__c", "Approved_By_User__c")
NAME_LIMIT = 255  # length of Account.Name; a longer text cannot match any


def format_soql(query: str, *values: Any, **named: Any) -> str:
    """simple-salesforce's own, loaded at the first use: its package takes a quarter of a second."""
    from integrations.salesforce.library import format_soql as formatted

    return str(formatted(query, *values, **named))


def field_names(model: type[Row]) -> tuple[str, ...]:
    """The Salesforce fields that ``model`` is built from, in its order."""
    return tuple(field.alias for field in model.model_fields.values() if field.alias)


def checked(names: Sequence[str], object_name: str, package: Package) -> tuple[str, ...]:
    """``names`` if each custom one (also behind ``Product2.``) stands in the package. Raises PackageError."""
    for name in names:
        parent, _, field = name.rpartition(".")
        home = package.objects.get(parent or object_name)
        if field.endswith("__c") and (home is None or field not in home.fields):
            raise PackageError(f"the package has no field {parent or object_name}.{field}")
    return tuple(names)


def lacking(message: str) -> tuple[str, ...]:
    """The fields that an org may do without which this refusal of a SELECT says are not there."""
    return tuple(name for name in OPTIONAL if f"'{name}'" in message)


def _less(fields: str, names: Sequence[str]) -> str:
    return ", ".join(name for name in fields.split(", ") if name not in names)


@dataclass(frozen=True)
class Queries:
    """Every SELECT of the client; made once from a package."""

    order_fields: str
    item_fields: str
    account_fields: str
    ref_fields: str
    journal_fields: str
    org_fields: str

    @classmethod
    def from_package(cls, package: Package) -> "Queries":
        account = checked(field_names(Account), "Account", package)
        order = checked(field_names(Order), "Order", package)
        items = (*field_names(OrderItem), "ConfigOptions_JSON__c")
        return cls(
            order_fields=", ".join((*order, *(f"Account.{name}" for name in account))),
            item_fields=", ".join(checked(items, "OrderItem", package)),
            account_fields=", ".join(account),
            ref_fields=", ".join(checked(field_names(OrderRef), "Order", package)),
            journal_fields=", ".join(checked(field_names(JournalRow), "Portal_Journal__c", package)),
            org_fields=", ".join(field_names(OrgInfo)),
        )

    def without(self, names: Sequence[str]) -> "Queries":
        """The same queries for an org that lacks fields of the order."""
        return replace(self, order_fields=_less(self.order_fields, names), ref_fields=_less(self.ref_fields, names))

    def order(self, order_id: str) -> str:
        """The order with its account's fields."""
        return f"SELECT {self.order_fields} FROM Order WHERE Id = '{norm_id(order_id)}'"

    def items(self, order_id: str) -> str:
        return f"SELECT {self.item_fields} FROM OrderItem WHERE OrderId = '{norm_id(order_id)}'"

    def orders(self, statuses: Sequence[str], modified_since: datetime | None) -> str:
        since = ""
        if modified_since is not None:
            whole = modified_since.astimezone(UTC).replace(microsecond=0)
            since = format_soql(" AND SystemModstamp >= {}", whole)
        where = format_soql("Status IN {}", list(statuses)) + since
        return f"SELECT {self.ref_fields} FROM Order WHERE {where} ORDER BY LastModifiedDate, Id"

    def journal(self, limit: int | None = None) -> str:
        rows = f"SELECT {self.journal_fields} FROM Portal_Journal__c ORDER BY Generation__c DESC"
        return rows if limit is None else f"{rows} LIMIT {limit}"

    def organization(self) -> str:
        return f"SELECT {self.org_fields} FROM Organization"

    def accounts(self, text: str, limit: int) -> str:
        """Accounts whose number is ``text`` or whose name contains it."""
        where = format_soql("SF_Account_No__c = {} OR Name LIKE '%{:like}%'", text, text)
        return f"SELECT {self.account_fields} FROM Account WHERE {where} ORDER BY Name LIMIT {limit}"
