"""One page of a list action, with everything about it that forbids to call the list complete."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from integrations.whmcs import reading, rows
from integrations.whmcs.envelope import NOISE
from integrations.whmcs.listing import Page
from integrations.whmcs.models import Service, WhmcsOrder
from integrations.whmcs.reading import Unreadable

Item = TypeVar("Item", WhmcsOrder, Service)
RowModel = TypeVar("RowModel", bound=rows.Row)


def order_page(body: Mapping[str, Any], client_id: str | None, *, noisy: bool = False) -> Page[WhmcsOrder]:
    """One page of GetOrders; orders of another client than ``client_id`` mean that the filter did not work."""
    try:
        answer = reading.load(rows.OrdersAnswer, body)
    except Unreadable as error:
        return Page({}, 0, None, None, str(error))
    return _page(answer, answer.orders, reading.order, client_id, noisy=noisy)


def service_page(body: Mapping[str, Any], client_id: str, *, noisy: bool = False) -> Page[Service]:
    """One page of GetClientsProducts; as ``order_page``."""
    try:
        answer = reading.load(rows.ServicesAnswer, body)
    except Unreadable as error:
        return Page({}, 0, None, None, str(error))
    return _page(answer, answer.products, reading.service, client_id, noisy=noisy)


def _page(
    answer: rows.PageRow,
    found: Sequence[RowModel] | None,
    read: Callable[[RowModel], Item],
    client_id: str | None,
    *,
    noisy: bool,
) -> Page[Item]:
    """Rows that cannot be read, or are not the client's, are left out and make the page a problem.

    So does having no row in a ``noisy`` answer: what PHP complained of may be why there is none, and nobody may be
    billed again for it.
    """
    items: dict[str, Item] = {}
    problem = f"no row, and {NOISE}" if noisy and not found else ""
    for row in found or ():
        try:
            item = read(row)
            if client_id is not None and item.client_id != client_id:
                raise Unreadable("a row of another client")
        except Unreadable as error:
            problem = problem or str(error)
        else:
            items[item.id] = item
    return Page(items, len(found or ()), answer.totalresults, answer.numreturned, problem)
