"""Rows of the book as the lines of a list."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from console.api.hub import RowPacker
from console.api.mask import Masker
from console.schema.orders import OrderLine
from storage import book, orders


def line(row: Sequence[Any], customer: str | None, packer: RowPacker, mask: Masker) -> OrderLine:
    """``row`` as storage.book gives it; free text redacted, the customer as this person may see them."""
    values = dict(zip(book.COLUMNS, packer.row(row), strict=True))
    return OrderLine.model_validate({**values, "customer": mask.name(customer)})


def lines(db: sqlite3.Connection, order_ids: Sequence[str], packer: RowPacker, mask: Masker) -> list[OrderLine]:
    """The lines of these orders, in this order; ids that are not known are left out."""
    rows, known = book.rows_of(db, order_ids), orders.get_many(db, order_ids)
    return [
        line(rows[order_id], known[order_id].customer_name, packer, mask) for order_id in order_ids if order_id in rows
    ]
