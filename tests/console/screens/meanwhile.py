"""Somebody else acts on an order while a question about it stands there."""

from console.schema.book import COLUMNS
from console.schema.detail import HistoryItem, OrderDetail
from tests.console.screens import world
from tests.console.screens.canned import CannedApi

PARKED = "00010466: Park until by sato at 12:04:32 (now failed)"


def park_meanwhile(api: CannedApi, order_id: str) -> None:
    """sato parks it: its row moves on, and its history says who did what."""
    parked = HistoryItem(at=world.NOW + 1, kind="command", actor="sato", what="order.park", outcome="done")

    async def order(order: str, *, masked: bool = False) -> OrderDetail:
        detail = world.detail(order)
        return detail.model_copy(update={"history": [*detail.history, parked]})

    api.order = order  # type: ignore[method-assign]
    row = list(world.row(world.ENTRIES[order_id]))
    row[COLUMNS.index("version")] = 5
    api.feed.put(
        {"seq": 101, "prev": 100, "epoch": 1, "at": world.NOW, "kind": "run", "order_id": order_id, "row": row}
    )
