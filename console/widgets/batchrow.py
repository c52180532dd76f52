"""Acts on many orders in words: how far one has come, and what came of each order."""

from datetime import tzinfo

from console.schema.commands import BatchItem, BatchView
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.glyphs import Glyphs
from console.widgets.ordertable import Cells
from console.widgets.pieces import Line, Piece, flowed, joined

LIST = (
    Column("began", "Began", 11),
    Column("act", "Act", 15, grow=1, most=24),
    Column("by", "By", 8, grow=1, most=16),
    Column("state", "State", 12),
    Column("bar", "Progress", 10, priority=2),
    Column("done", "Done", 5, right=True),
    Column("failed", "Failed", 6, right=True),
    Column("excluded", "Left out", 8, priority=3, right=True),
    Column("left", "Left", 5, right=True),
    Column("reason", "Reason", 12, priority=4, grow=3),
)
ITEMS = (
    Column("number", "Order", 8),
    Column("customer", "Customer", 14, priority=2, grow=1, most=26),
    Column("state", "State", 11),
    Column("at", "When", 8, priority=1),
    Column("message", "What came of it", 24, grow=4),
)
_TONES = {"done": "done", "failed": "failed", "excluded": "warn", "working": "running", "waiting": "muted"}


def at_rest(batch: BatchView) -> int:
    """How many orders have a result."""
    return batch.total - batch.counts.get("waiting", 0) - batch.counts.get("working", 0)


def bar(batch: BatchView, width: int, glyphs: Glyphs) -> str:
    """As full as it has come."""
    total = max(1, batch.total)
    full = width * at_rest(batch) // total
    return glyphs.bar * full + glyphs.hline * (width - full)


def state_piece(batch: BatchView, glyphs: Glyphs) -> Piece:
    match batch.state:
        case "running":
            return (f"{glyphs.states['running']} running", "running")
        case "stopping":
            return (f"{glyphs.warn} stopping", "warn")
        case "stopped":
            return (f"{glyphs.states['cancelled']} stopped", "warn")
        case "broken_off":
            return (f"{glyphs.bad} broken off", "failed")
        case "done":
            failed = batch.counts.get("failed", 0)
            return (f"{glyphs.states['done']} ended", "failed" if failed else "done")
    return (literal(batch.state), "plain")


def list_cells(batch: BatchView, now: float, zone: tzinfo, glyphs: Glyphs) -> Cells:
    counts = batch.counts
    left = counts.get("waiting", 0) + counts.get("working", 0)
    return {
        "began": [(wording.moment(batch.created_at, now, zone), "muted")],
        "act": [(literal(batch.title or batch.command), "strong")],
        "by": [(literal(batch.actor), "plain")],
        "state": [state_piece(batch, glyphs)],
        "bar": [(bar(batch, 10, glyphs), "accent")],
        "done": [(f"{counts.get('done', 0):,}", "plain")],
        "failed": [(f"{counts.get('failed', 0):,}", "failed" if counts.get("failed") else "muted")],
        "excluded": [(f"{counts.get('excluded', 0):,}", "muted")],
        "left": [(f"{left:,}", "plain" if left else "muted")],
        "reason": [(glyphs.plain(literal(batch.reason or "")), "muted")],
    }


def item_cells(item: BatchItem, customer: str | None, now: float, zone: tzinfo, glyphs: Glyphs) -> Cells:
    signs = {"done": "done", "failed": "failed", "excluded": "cancelled", "working": "running", "waiting": "none"}
    sign = glyphs.states.get(signs.get(item.state, ""), "?")
    return {
        "number": [(literal(item.number or item.order_id), "plain")],
        "customer": [(literal(customer or ""), "plain")],
        "state": [(f"{sign} {wording.in_a_batch(item.state)}", _TONES.get(item.state, "plain"))],
        "at": [(wording.moment(item.at, now, zone) if item.at is not None else "", "muted")],
        "message": [(glyphs.plain(literal(item.message)), "plain" if item.state in ("done", "working") else "muted")],
    }


def head_lines(batch: BatchView, now: float, zone: tzinfo, glyphs: Glyphs, width: int) -> list[Line]:
    """What it is, how far it has come, and when it will end."""
    counts = batch.counts
    title = f"{batch.title or batch.command} of {batch.total:,} orders"
    given = ", ".join(f"{name} {value}" for name, value in batch.arguments.items())
    first: list[Line] = [
        [(f" {literal(title)}", "strong"), (f" {literal(given)}" if given else "", "plain")],
        [(f"by {literal(batch.actor)}", "plain")],
        [(f"began {wording.moment(batch.created_at, now, zone)}", "muted")],
        [state_piece(batch, glyphs)],
    ]
    between = (f" {glyphs.sep} ", "muted")
    parts: list[Line] = [
        [(f" {bar(batch, max(10, min(40, width // 3)), glyphs)} {at_rest(batch):,} of {batch.total:,}", "accent")],
        [(f"{counts.get('done', 0):,} done", "done")],
        [(f"{counts.get('failed', 0):,} failed", "failed" if counts.get("failed") else "muted")],
        [(f"{counts.get('excluded', 0):,} left out", "muted")],
        [(f"{counts.get('waiting', 0) + counts.get('working', 0):,} left", "plain")],
    ]
    lines: list[Line] = [joined(first, between), joined(parts, between)]
    pace = f"{batch.pace:g} a second, breaks off after {batch.stop_after} failures in a row"
    reason = f"; reason: {batch.reason}" if batch.reason else ""
    said = glyphs.plain(literal(_ending(batch, now, zone) + pace + reason))
    return [*lines, *([(" ", "plain"), *line] for line in flowed(said, "muted", width - 1))]


def _ending(batch: BatchView, now: float, zone: tzinfo) -> str:
    if batch.ended_at is not None:
        words = {"stopped": "stopped by a person", "broken_off": "broken off"}.get(batch.state, "ended")
        waiting = batch.counts.get("waiting", 0)
        stay = (
            "1 was not begun and stays as it is" if waiting == 1 else f"{waiting:,} were not begun and stay as they are"
        )
        left = f", {stay}" if waiting else ""
        return f"{words} {wording.moment(batch.ended_at, now, zone)}{left}; "
    waiting = batch.counts.get("waiting", 0)
    return (
        f"the last begins in about {wording.age(waiting / batch.pace)}; "
        if waiting and batch.state == "running"
        else ""
    )


def about(item: BatchItem, customer: str, glyphs: Glyphs, width: int) -> list[Line]:
    """One order's result in full."""
    head: Line = [(literal(item.number or item.order_id), "strong"), (f"  {literal(customer)}", "strong")]
    said = item.message or wording.in_a_batch(item.state)
    return [head, *flowed(glyphs.plain(literal(said)), _TONES.get(item.state, "plain"), width)]
