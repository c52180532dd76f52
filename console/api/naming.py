"""Which orders a command is for: by id, by number (also of orders that were never read here), or by filter."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from console.api.access import ORDER_PREFIX, Api, known_order
from console.api.identity import Caller
from console.api.problems import invalid, not_found
from console.client.query import parse
from console.commands.command import Command
from console.commands.words import Scope
from console.schema.commands import MOST_ORDERS
from integrations.errors import System
from integrations.salesforce.ids import norm_id
from integrations.salesforce.soql import format_soql
from storage import orders

LONGEST_NUMBER = 30


@dataclass(frozen=True)
class Chosen:
    """``bulk`` None: as many as there are decides; True: asked for by filter, so also one is a bulk act."""

    order_ids: Sequence[str]
    bulk: bool | None


async def ids_of(api: Api, caller: Caller, command: Command, given: Sequence[str], filter_: str | None) -> Chosen:
    """Raises problems: no order given, both ways at once, too many, one that nobody knows."""
    if Scope.SYSTEM in command.scope:
        if given or filter_ is not None:
            raise invalid("orders", f"{command.title} is not for orders", "leave them out")
        return Chosen((), None)
    if filter_ is not None and given:
        raise invalid("filter", "orders are given already", "give either orders or a filter")
    if filter_ is not None:
        if not filter_.strip():
            raise invalid("filter", "it is empty", "say which orders; every order at once is never meant")
        return Chosen(await _by_filter(api, caller, filter_), True)
    if not given:
        raise invalid("orders", "no order is given", "give order numbers or Salesforce ids, or a filter")
    return Chosen([await find_order(api, text) for text in given], None)


async def _by_filter(api: Api, caller: Caller, text: str) -> list[str]:
    where, bound = parse(text, me=caller.name).where(api.now())

    def read(db: sqlite3.Connection) -> list[str]:
        return orders.select_ids(db, where, bound, "o.number, o.order_id", MOST_ORDERS + 1, 0)

    found = await api.read(read)
    if len(found) > MOST_ORDERS:
        raise invalid("filter", f"more than {MOST_ORDERS:,} orders match", "narrow it")
    if not found:
        raise not_found("order", text, ": no order matches this filter")
    return found


async def find_order(api: Api, text: str) -> str:
    """The id of an order, also of one that only Salesforce knows. Raises 404, or 503 when Salesforce is away."""
    found = await api.read(lambda db: known_order(db, text))
    if found is not None:
        return found
    try:
        return norm_id(text.strip(), ORDER_PREFIX)
    except ValueError:
        number = orders.fold(text)
    if not (number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER):
        raise not_found("order", text, ": give an order number or a Salesforce id (`find` looks by other things)")
    gate = api.engine.gates[System.SALESFORCE]
    api.engine.quota.check("looking up an order")
    gate.check()
    async with gate.enter():
        rows = await api.engine.salesforce.query(
            format_soql("SELECT Id FROM Order WHERE OrderNumber IN {numbers}", numbers=[number, number.zfill(8)])
        )
    if len(rows) != 1:
        raise not_found("order", text, ": neither here nor in Salesforce")
    return norm_id(str(rows[0]["Id"]), ORDER_PREFIX)
