"""An order as a row of the board: its columns, and what stands in each."""

from datetime import tzinfo

from console.client.rows import BookRow
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.glyphs import Glyphs
from console.widgets.ordertable import Cells
from console.widgets.pieces import Piece

_ORDER = Column("number", "Order", 8)
_CUSTOMER = Column("customer", "Customer", 14, grow=1, most=26)
_PLAN = Column("plan", "Plan", 12, priority=4, grow=1, most=26)
_STEPS = Column("steps", "Steps", 7, priority=1)
_STATE = Column("state", "State", 13)
_AMOUNT = Column("amount", "Amount", 8, priority=6, right=True)
_AGE = Column("age", "Age", 4, priority=2, right=True)
_TRY = Column("try", "Try", 3, priority=3, right=True)
_NOTE = Column("note", "Note", 20, priority=8, grow=4)
_OWNER = Column("owner", "Taken by", 8, priority=5)
_UPDATED = Column("updated", "Updated", 8, priority=7, right=True)

# Without a preview beside the table the note says what the preview would; plan and amount give way to it.
BESIDE_PREVIEW = (_ORDER, _CUSTOMER, _PLAN, _STEPS, _STATE, _AMOUNT, _AGE, _TRY, _OWNER, _NOTE, _UPDATED)
_PRIORITY_ALONE = {"note": 1, "steps": 2, "age": 3, "try": 4, "owner": 5, "plan": 6, "amount": 7, "updated": 8}
ALONE = tuple(
    Column(c.key, c.title, c.width, _PRIORITY_ALONE.get(c.key, 0), c.right, c.grow, c.most) for c in BESIDE_PREVIEW
)
# The columns a title click or the sort menu can order by, in the words of ``query.parse_sort``.
SORTS = {
    "number": "number", "customer": "customer", "plan": "plan", "state": "state", "steps": "step", "amount": "amount", "age": "age", "try": "try",
    "updated": "updated", "owner": "owner", "note": "cause",
}  # fmt: skip

# of each letter of a strip; "|" stands for "~" where the run does not go on by itself
STRIP_TONES = {
    ".": "muted",
    ">": "running",
    "~": "retrying",
    "|": "parked",
    "v": "done",
    "x": "failed",
    "s": "muted",
    "-": "muted",
}


def strip_pieces(row: BookRow, glyphs: Glyphs) -> list[Piece]:
    """The step strip, each sign in the tone of its step."""
    waiting = "|" if row.state in ("parked", "held") else "~"
    letters = [waiting if letter == "~" else letter for letter in row.strip]
    if row.state == "cancelled":
        letters = ["s" if letter in ">~x" else letter for letter in letters]
    return [(glyphs.strip.get(letter, letter), STRIP_TONES.get(letter, "plain")) for letter in letters] or [
        ("", "plain")
    ]


def state_pieces(row: BookRow, glyphs: Glyphs, requested: bool) -> list[Piece]:
    """Sign and word; ``≠`` behind it when Salesforce disagrees with a settled run."""
    if requested:
        return [(glyphs.state("requested"), "requested")]
    state = wording.shown_state(row)
    pieces = [(glyphs.state(state, row.wait), state)]
    if wording.disagrees(row):
        pieces.append((f" {glyphs.differs}", "warn"))
    return pieces


def cells(row: BookRow, name: str | None, now: float, zone: tzinfo, glyphs: Glyphs, *, requested: bool) -> Cells:
    """What stands in each column. ``name``: the customer's, None while it is being asked for."""
    begun = row.created if row.created is not None else row.read_at
    note = glyphs.plain(wording.note(row, now, zone))
    return {
        "number": [(literal(row.number), "plain")],
        "customer": [(literal(name), "plain")] if name is not None else [(literal(row.account or ""), "muted")],
        "plan": [(literal(row.plan or ""), "plain")],
        "steps": strip_pieces(row, glyphs),
        "state": state_pieces(row, glyphs, requested),
        "amount": [(wording.amount(row.amount, glyphs), "plain")],
        "age": [("" if begun is None else wording.age(now - begun), "muted")],
        "try": [(str(row.tries) if row.tries else "", "warn" if row.tries > 1 else "muted")],
        "note": [(note, "bad" if row.unknown else "muted")],
        "owner": [(literal(row.owned_by(now) or ""), "accent")],
        "updated": [(wording.clock(row.updated, zone), "muted")],
    }
