"""Orders as a file: exactly those that a filter matches, masked as a viewer sees them."""

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.written import EXPORTED, as_json, csv_cell

if TYPE_CHECKING:
    from console.client.api import ApiClient
    from console.schema.orders import OrderLine

PAGE = 1_000


async def matching(api: "ApiClient", filter_: str, sort: str) -> list["OrderLine"]:
    """Every order that matches, masked, asked of the daemon page by page. Raises ApiError.

    Between two pages orders may move; each stands once, as it was read last.
    """
    found: dict[str, OrderLine] = {}
    offset = 0
    while True:
        page = await api.orders(filter_, sort=sort, limit=PAGE, offset=offset, masked=True)
        found.update({line.order_id: line for line in page.orders})
        offset += len(page.orders)
        if len(page.orders) < PAGE:
            return list(found.values())


def as_text(lines: Sequence["OrderLine"], *, json_form: bool) -> str:
    """CSV with a heading, or a JSON array; times in seconds since 1970."""
    rows = [line.model_dump(by_alias=True) for line in lines]
    if json_form:
        return as_json([{key: row[key] for key in EXPORTED} for row in rows], indent=1)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EXPORTED)
    writer.writerows([csv_cell(row[key]) for key in EXPORTED] for row in rows)
    return out.getvalue().rstrip("\n")
