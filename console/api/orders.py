"""Lists of orders and the names of their customers."""

import sqlite3
from typing import Annotated

from fastapi import APIRouter, Query

from console.api.access import Services
from console.api.identity import Viewer
from console.api.lines import lines
from console.api.problems import bad_filter
from console.client.query import QueryError, parse, parse_sort
from console.schema.orders import Names, NamesRequest, OrderList
from integrations.salesforce.ids import to18
from storage import feed, orders

router = APIRouter(tags=["orders"])
MOST_LINES = 1_000


@router.get("/orders")
async def list_orders(
    caller: Viewer,
    api: Services,
    filter_: Annotated[str, Query(alias="filter", max_length=1000)] = "",
    sort: Annotated[str, Query(max_length=40)] = "-updated",
    limit: Annotated[int, Query(ge=0, le=MOST_LINES)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    masked: Annotated[bool, Query()] = False,
) -> OrderList:
    """All orders of the journal that match, one page of them. ``masked``: as a viewer sees them, whoever asks."""
    query = parse(filter_, me=caller.name)
    try:
        order = parse_sort(sort)
    except QueryError as error:
        raise bad_filter(error, "sort") from error
    where, bound = query.where(api.now())
    mask = api.masker(caller, masked=masked)

    def read(db: sqlite3.Connection) -> OrderList:
        _, seq, _ = feed.bounds(db)
        ids = orders.select_ids(db, where, bound, order.order_by, limit, offset)
        total = orders.count(db, where, bound)
        return OrderList(total=total, seq=seq, orders=lines(db, ids, api.hub.packer, mask))

    return await api.read(read)


@router.post("/orders/names")
async def names(caller: Viewer, api: Services, asked: NamesRequest) -> Names:
    """The customers of the rows that are visible now; the book itself holds no names."""
    by_id = {_whole(order_id): order_id for order_id in asked.order_ids}
    found = await api.read(lambda db: orders.get_many(db, list(by_id)))
    mask = api.masker(caller)
    shown = {by_id[key]: name for key, row in found.items() if (name := mask.name(row.customer_name)) is not None}
    return Names(names=shown, masked=mask.viewer)


def _whole(order_id: str) -> str:
    """18 characters where 15 were given."""
    try:
        return to18(order_id) if len(order_id) == 15 else order_id
    except ValueError:
        return order_id
