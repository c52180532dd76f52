"""What waits for a person as a row of a table, and in full below it."""

from datetime import tzinfo

from console.commands.table import BY_ID
from console.schema.desk import PersonItem
from console.widgets import wording
from console.widgets.cells import fit, literal
from console.widgets.columns import Column
from console.widgets.glyphs import Glyphs
from console.widgets.ordertable import Cells
from console.widgets.pieces import Line, told

COLUMNS = (
    Column("age", "Waits", 5, right=True),
    Column("what", "What", 25, grow=3, most=52),
    Column("number", "Order", 8),
    Column("customer", "Customer", 13, priority=2, grow=1, most=24),
    Column("stands", "Stands outside", 14, priority=3, grow=2, most=40),
    Column("owner", "Taken by", 8, priority=1),
    Column("next", "Next", 22, grow=1),
)
_LABEL = 10
_TONES = {
    "unknown_outcome": "bad", "conflict": "bad", "failed": "failed", "held": "held", "effects_stand": "bad",
    "mail_maybe_sent": "warn", "mail_failed": "failed", "mail_held": "held", "park_ending": "parked", "poison": "warn",
    "gap": "warn", "paused": "warn", "brake": "bad", "recovery": "bad", "ownership": "bad", "deaf": "bad", "alarm": "bad",
}  # fmt: skip


def sign(kind: str, glyphs: Glyphs) -> str:
    """One cell for each kind; the title beside it says it in words."""
    states = glyphs.states
    signs = {
        "unknown_outcome": "?", "conflict": glyphs.differs, "failed": states["failed"], "held": states["held"],
        "effects_stand": glyphs.warn, "mail_maybe_sent": "?", "mail_failed": states["failed"], "mail_held": states["held"],
        "park_ending": states["parked"], "poison": glyphs.bad, "gap": glyphs.warn, "paused": states["parked"],
        "brake": states["held"], "recovery": states["retrying"],
    }  # fmt: skip
    return signs.get(kind, glyphs.warn)


def tone(kind: str) -> str:
    return _TONES.get(kind, "warn")


def acts_words(item: PersonItem) -> str:
    """``r Retry  c Cancel``: the next acts with their keys, as they work right here. Of two that begin alike it is said
    what sets them apart: ``= It is there  A It is not there``."""
    commands = [BY_ID[act] for act in item.next_acts if act in BY_ID]
    heads = [command.title.split(":")[0] for command in commands]
    said = [
        head if heads.count(head) == 1 else command.title.split(": ")[-1].capitalize()
        for command, head in zip(commands, heads, strict=True)
    ]
    return "  ".join(f"{command.keys} {words}" for command, words in zip(commands, said, strict=True))


def cells(item: PersonItem, customer: str | None, now: float, glyphs: Glyphs, *, requested: bool) -> Cells:
    acts = acts_words(item)
    what = f"{sign(item.kind, glyphs)} {glyphs.plain(literal(item.title))}"
    return {
        "age": [(wording.age(now - item.since), "muted")],
        "what": [(what, tone(item.kind))],
        "number": [(literal(item.number or ""), "plain")],
        "customer": [(literal(customer or ""), "plain")],
        "stands": [(glyphs.plain(literal(", ".join(item.stands))), "warn")],
        "owner": [(literal(item.owner or ""), "accent")],
        "next": [(glyphs.state("requested"), "requested")]
        if requested
        else [(acts, "accent")]
        if acts
        else [(glyphs.plain(literal(item.why_not)), "muted")],
    }


def settled_cells(item: PersonItem, customer: str | None) -> Cells:
    """A row that is still shown and waits for nobody any more."""
    return {
        "what": [("settled meanwhile", "muted")],
        "number": [(literal(item.number or ""), "muted")],
        "customer": [(literal(customer or ""), "muted")],
    }


def settled_words(item: PersonItem) -> str:
    said = f"{literal(item.number or item.title)} was settled meanwhile and waits for nobody any more."
    return f"{said} ⏎ opens the order." if item.order_id is not None else said


def about(item: PersonItem, customer: str, now: float, zone: tzinfo, glyphs: Glyphs, width: int) -> list[Line]:
    """What happened, what stands, who has it, what it means, what can be done."""
    head = [(f"{sign(item.kind, glyphs)} {glyphs.plain(literal(item.title))}", tone(item.kind))]
    if item.number:
        head += [(f"  {literal(item.number)}", "strong"), (f"  {literal(customer)}", "strong")]
    since = f"  since {wording.moment(item.since, now, zone)}"
    until = f", runs out {wording.moment(item.until, now, zone)}" if item.until else ""
    lines: list[Line] = [[*head, (since + until, "muted")]]
    lines += _said("Happened", item.what, "plain", glyphs, width)
    if item.order_id is not None:
        stands = ", ".join(item.stands)
        lines += _said("Stands", stands or "nothing outside", "warn" if stands else "plain", glyphs, width)
        lines += _said("Taken by", item.owner or "nobody", "accent" if item.owner else "muted", glyphs, width)
    if item.advice:
        lines += _said("Means", item.advice, "plain", glyphs, width)
    acts = acts_words(item)
    lines += _said(
        "Next", acts or item.why_not or "nothing can be done here", "accent" if acts else "warn", glyphs, width
    )
    return lines


def _said(label: str, words: str, tone_: str, glyphs: Glyphs, width: int) -> list[Line]:
    return told([(fit(label, _LABEL), "muted")], glyphs.plain(literal(words)), tone_, width, indent=" " * _LABEL)
