"""How orders look in tables and lines: glyph and word, steps as a strip, what to know as a note."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from console.cli.output import Column, ago, clock, yen
from console.written import code_words, moment_of

if TYPE_CHECKING:
    from console.client.rows import BookRow
    from console.schema.orders import OrderLine

GLYPHS: Mapping[str, str] = {
    "queued": "◷", "running": "▸", "retrying": "↻", "parked": "‖", "held": "⚑", "failed": "✗", "done": "✓",
    "cancelled": "⊘", "none": "·",
}  # fmt: skip
STRIP: Mapping[int, str] = str.maketrans(
    {".": "·", ">": "▸", "~": "‖", "v": "✓", "x": "✗", "s": "»", "-": "-"},
)

ORDERS = (
    Column("order", "Order"), Column("customer", "Customer", cut=True), Column("plan", "Plan", cut=True),
    Column("yen", "Amount", right=True), Column("strip", "Steps"), Column("shown", "State"), Column("age", "Age", right=True),
    Column("tries", "Try", right=True), Column("owner", "Owner"), Column("note", "Note", cut=True),
)  # fmt: skip


def state_word(line: "OrderLine | BookRow") -> str:
    """``✗ failed``; an order that has no run shows Salesforce's status."""
    if line.state == "none":
        return f"⚑ {line.sf}" if line.sf == "Pending Review" else f"· {line.sf}"
    return f"{GLYPHS.get(line.state, '?')} {line.state}"


def note_of(line: "OrderLine | BookRow") -> str:
    """What there is to know about it now, in a few words."""
    if line.state in ("done", "cancelled"):
        return ""
    parts = [line.wait_reason or line.message or code_words(line.code or "")]
    if line.parked and line.parked not in parts[0]:
        at = moment_of(line.parked)
        parts.append(f"until {line.parked if at is None else clock(at, zone=True)}")
    if line.until is not None:
        until = f"until {clock(line.until, zone=True)}"
        parts.append(f"at most {until}" if line.state == "parked" else until)
    if line.unknown:
        parts.append("outcome not known")
    if line.waits_for is not None:
        parts.append(f"waits for run {line.waits_for}")
    return " · ".join(part for part in parts if part)


def order_row(line: "OrderLine") -> dict[str, Any]:
    now = time.time()
    return {
        "order": line.number, "customer": line.customer or line.account, "plan": line.plan or line.kind,
        "yen": yen(line.amount), "strip": line.strip.translate(STRIP), "shown": state_word(line),
        "age": ago(now - (line.created or line.updated)), "tries": line.tries or "", "note": note_of(line),
        "owner": line.owner if (line.owner_until or 0) > now else None,
    }  # fmt: skip
