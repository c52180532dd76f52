"""Asking for orders: how one is named, and lists of any length."""

import re
from typing import TYPE_CHECKING

from console.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from console.client.api import ApiClient
    from console.schema.orders import OrderLine

PAGE = 1_000
SHOWN = 60
_NAME = re.compile(r"[\w-]{1,40}")


def order_named(text: str) -> str:
    """An order number or Salesforce id as typed. Raises Failure (not found) for what cannot be one."""
    if not _NAME.fullmatch(text.strip()):
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        said = f"“{shown}” is no order number and no Salesforce id: portal orders find looks by other things"
        raise Failure(said, Exit.NOT_FOUND)
    return text.strip()


async def read_orders(
    client: "ApiClient", text: str, *, sort: str = "-updated", limit: int, offset: int = 0
) -> tuple[list["OrderLine"], int]:
    """Up to ``limit`` orders that match, page by page, and how many match in all."""
    lines: list[OrderLine] = []
    while True:
        wanted = min(PAGE, limit - len(lines))
        page = await client.orders(text, sort=sort, limit=wanted, offset=offset + len(lines))
        lines += page.orders
        if len(page.orders) < wanted or len(lines) >= limit:
            return lines, page.total
