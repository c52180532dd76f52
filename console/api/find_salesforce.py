"""The part of *find* that asks Salesforce: customers, then their orders, and orders by what stands on them."""

from collections.abc import Sequence
from typing import Any

from console.api.reading_text import Reading, phone_spellings
from console.engine.services import Engine
from integrations.salesforce.models import Account
from integrations.salesforce.soql import field_names, format_soql
from storage import orders

MOST_ACCOUNTS = 20
MOST_ORDERS = 50
_ACCOUNT = f"SELECT {', '.join(field_names(Account))} FROM Account WHERE"  # noqa: S608 - names of our own fields
_ORDER = "SELECT Id, OrderNumber, Status, EffectiveDate, TotalAmount, AccountId FROM Order WHERE"


async def find_accounts(engine: Engine, text: str, meant: Sequence[Reading]) -> list[Account]:
    """By customer number, name, phone (usual spellings) or WHMCS client; one more than ``MOST_ACCOUNTS`` where there are
    more. Raises IntegrationError."""
    by_kind = {reading.kind: reading.value for reading in reversed(meant)}
    found: dict[str, Account] = {}
    for asked in dict.fromkeys([text.strip(), *(r.value for r in meant if r.kind in ("customer", "name"))]):
        found |= {account.id: account for account in await engine.salesforce.find_accounts(asked)}
    if not found and "name" in by_kind:
        found |= {a.id: a for a in await _joined(engine, by_kind["name"])}
    for kind, soql in (("phone", "Phone IN {values}"), ("client", "WHMCS_Client_ID__c IN {values}")):
        if kind in by_kind:
            value = by_kind[kind]
            values = phone_spellings(value) if kind == "phone" else [value]
            rows = await engine.salesforce.query(
                format_soql(f"{_ACCOUNT} {soql} LIMIT {MOST_ACCOUNTS + 1}", values=values)
            )
            found |= {a.id: a for a in map(Account.model_validate, rows)}
    return list(found.values())[: MOST_ACCOUNTS + 1]


async def of_clients(engine: Engine, clients: Sequence[str]) -> list[Account]:
    """The customers that belong to these WHMCS clients. Raises IntegrationError."""
    rows = await engine.salesforce.query(
        format_soql(f"{_ACCOUNT} WHMCS_Client_ID__c IN {{ids}} LIMIT 20", ids=[*clients])
    )
    return [Account.model_validate(row) for row in rows]


async def _joined(engine: Engine, name: str) -> list[Account]:
    """田中花子 for 田中 花子: asked by its beginning, compared without spaces."""
    if name.isascii() or " " in name or len(name) < 3:
        return []
    beginning = await engine.salesforce.find_accounts(name[:2])
    return [a for a in beginning if name in orders.fold(a.name or "").replace(" ", "")]


async def find_orders(engine: Engine, accounts: Sequence[Account], meant: Sequence[Reading]) -> list[dict[str, Any]]:
    """Orders of these accounts, and those that carry the text themselves, newest first; one more than ``MOST_ORDERS``
    where there are more. Raises IntegrationError."""
    soql = _order_query(accounts, meant)
    return await engine.salesforce.query(soql) if soql else []


def _order_query(accounts: Sequence[Account], meant: Sequence[Reading]) -> str:
    conditions: list[str] = []
    if accounts:
        conditions.append(format_soql("AccountId IN {ids}", ids=[account.id for account in accounts]))
    forms = {"id": "Id", "email": "Portal_Recipient_Email__c", "iccid": "ESIM_ICCID__c", "whmcs": "WHMCS_Order_ID__c"}
    for reading in meant:
        if reading.kind in forms:
            conditions.append(format_soql(f"{forms[reading.kind]} = {{value}}", value=reading.value))
        elif reading.kind == "number":
            numbers = [reading.value, reading.value.zfill(8)]
            conditions.append(format_soql("OrderNumber IN {numbers}", numbers=numbers))
    return f"{_ORDER} {' OR '.join(conditions)} ORDER BY OrderNumber DESC LIMIT {MOST_ORDERS + 1}" if conditions else ""
