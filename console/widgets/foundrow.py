"""Orders and customers that a search found, as lines under common columns."""

from collections.abc import Sequence
from datetime import tzinfo

from rich.cells import cell_len

from console.client.rows import BookRow
from console.schema.orders import FoundAccount, OutsideOrder
from console.widgets import wording
from console.widgets.boardrow import state_pieces
from console.widgets.cells import fit, literal
from console.widgets.columns import GUTTER, Column, Placed, place
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece

COLUMNS = (
    Column("number", "Order", 8),
    Column("customer", "Customer", 14, grow=1, most=24),
    Column("by", "Found by", 10, priority=2, most=18, grow=1),
    Column("state", "State", 13),
    Column("plan", "Plan", 12, priority=3, grow=2, most=26),
    Column("amount", "Amount", 8, priority=4, right=True),
    Column("age", "Age", 4, priority=5, right=True),
    Column("note", "Note", 16, priority=6, grow=4),
)


def placed(width: int) -> tuple[Placed, ...]:
    """The columns that fit; a row begins with a gutter as on the board."""
    return place(COLUMNS, width)


def heading(columns: Sequence[Placed]) -> Line:
    """The titles."""
    return _row({c.column.key: [(c.column.title, "muted")] for c in columns}, columns, "..")


def order_line(
    row: BookRow, customer: str, by: str, columns: Sequence[Placed], now: float, zone: tzinfo, glyphs: Glyphs
) -> Line:
    """An order that is known here."""
    begun = row.created if row.created is not None else row.read_at
    cells: dict[str, Line] = {
        "number": [(literal(row.number), "strong")],
        "customer": [(literal(customer), "plain")],
        "by": [(literal(by), "muted")],
        "state": state_pieces(row, glyphs, False),
        "plan": [(literal(row.plan or ""), "plain")],
        "amount": [(wording.amount(row.amount, glyphs), "plain")],
        "age": [("" if begun is None else wording.age(now - begun), "muted")],
        "note": [(glyphs.plain(wording.note(row, now, zone)), "bad" if row.unknown else "muted")],
    }
    return _row(cells, columns, glyphs.ellipsis)


def outside_line(order: OutsideOrder, columns: Sequence[Placed], glyphs: Glyphs) -> Line:
    """An order that only Salesforce knows."""
    review = order.sf == "Pending Review"
    cells: dict[str, Line] = {
        "number": [(literal(order.number), "strong")],
        "customer": [(literal(order.customer or ""), "plain")],
        "by": [("Salesforce", "muted")],
        "state": [(glyphs.state("review"), "review")] if review else [(literal(order.sf), "muted")],
        "amount": [(wording.amount(order.amount, glyphs), "plain")],
        "note": [
            (f"{order.effective_date}, in Salesforce only" if order.effective_date else "in Salesforce only", "muted")
        ],
    }
    return _row(cells, columns, glyphs.ellipsis)


def in_hand(line: Line, glyphs: Glyphs) -> Line:
    """The same line with the cursor's sign in its gutter."""
    return [(fit(glyphs.cursor, GUTTER), "accent"), *line[1:]]


def account_line(account: FoundAccount, width: int, glyphs: Glyphs) -> Line:
    """A customer, and which systems know them."""
    sep = f" {glyphs.sep} "
    client = f"WHMCS client {account.client_id}" if account.client_id else "no WHMCS client"
    facts = [account.number or "", client, account.client_status if account.client_status != "Active" else ""]
    if "WHMCS" not in account.found_in and account.client_id:
        facts.append("WHMCS did not confirm it")
    if "Salesforce" not in account.found_in:
        facts.append("not in Salesforce")
    name = literal(account.name or "")
    said = fit(
        sep.join(literal(fact) for fact in facts if fact), max(8, width - cell_len(name) - 3), ellipsis=glyphs.ellipsis
    )
    return [(" " * GUTTER, "plain"), (name, "plain"), (f"  {said.rstrip()}", "muted")]


def _row(cells: dict[str, Line], columns: Sequence[Placed], ellipsis: str) -> Line:
    line: list[Piece] = [(" " * GUTTER, "plain")]
    for one in columns:
        line += [*_cell(cells.get(one.column.key, ()), one, ellipsis), (" ", "plain")]
    return line


def _cell(pieces: Line, one: Placed, ellipsis: str) -> Line:
    text = "".join(part for part, _ in pieces)
    if len(pieces) > 1 and cell_len(text) <= one.width:
        return [*pieces, (" " * (one.width - cell_len(text)), "plain")]
    tone = pieces[0][1] if pieces else "plain"
    return [(fit(text, one.width, right=one.column.right, ellipsis=ellipsis), tone)]
