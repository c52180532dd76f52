"""Failures as rows: a cause with its figures, and an order under it; and the cause in full with what can be done."""

from collections.abc import Sequence
from datetime import tzinfo

from console.client.rows import BookRow
from console.commands.table import BY_ID
from console.schema.desk import FailureGroup, GroupAct
from console.widgets import wording
from console.widgets.cells import fit, literal
from console.widgets.columns import Column
from console.widgets.glyphs import Glyphs
from console.widgets.ordertable import Cells
from console.widgets.pieces import Line, told
from console.widgets.spark import spark

TREE = (
    Column("cause", "Cause", 30, grow=4),
    Column("step", "Step", 7, priority=2),
    Column("system", "System", 10, priority=5),
    Column("count", "Orders", 6, right=True),
    Column("oldest", "Oldest", 6, right=True),
    Column("newest", "Newest", 6, priority=4, right=True),
    Column("auto", "By itself", 12, priority=3),
    Column("hour", "Last hour", 12, priority=6),
    Column("class", "Class", 15, priority=1),
)
FLAT = (
    Column("number", "Order", 8),
    Column("customer", "Customer", 14, priority=2, grow=1, most=26),
    Column("state", "State", 13),
    Column("step", "Step", 7, priority=4),
    Column("class", "Class", 15, priority=3),
    Column("oldest", "Age", 6, right=True),
    Column("message", "What happened", 24, grow=4),
    Column("owner", "Taken by", 8, priority=5),
)
_LABEL = 11


def tone(error_class: str | None) -> str:
    """Red for what only a person can mend."""
    wrong = {"data": "failed", "conflict": "failed", "config": "failed", "outcome_unknown": "bad"}
    return wrong.get(error_class or "", {"transient": "retrying"}.get(error_class or "", "parked"))


def class_words(error_class: str | None) -> str:
    return (error_class or "").replace("_", " ")


def by_itself(group: FailureGroup) -> str:
    """In one word what happens without anybody."""
    if "tried again" in group.automatic:
        return "tried again"
    return "waits" if "condition" in group.automatic else "off"


def group_cells(group: FailureGroup, unfolded: bool, now: float, glyphs: Glyphs) -> Cells:
    sign = glyphs.unfolded if unfolded else glyphs.folded
    shown = tone(group.error_class)
    return {
        "cause": [(f"{sign} ", "accent"), (glyphs.plain(literal(group.title)), "strong")],
        "step": [(literal(group.step or ""), "plain")],
        "system": [(literal(group.system or ""), "plain")],
        "count": [(f"{group.count:,}", "strong")],
        "oldest": [(wording.age(now - group.oldest), "muted")],
        "newest": [(wording.age(now - group.newest), "muted")],
        "auto": [(by_itself(group), "muted" if by_itself(group) == "off" else "plain")],
        "hour": [(spark(list(map(float, group.last_hour)), glyphs), "accent")],
        "class": [(class_words(group.error_class), shown)],
    }


def order_cells(
    row: BookRow, name: str | None, now: float, zone: tzinfo, glyphs: Glyphs, *, requested: bool, last: bool
) -> Cells:
    """An order, for both ways to list them. ``last``: of its group."""
    branch = f"  {'`' if glyphs.name == 'ascii' else '└' if last else '├'} " if glyphs.name == "unicode" else "    "
    state = (
        [(glyphs.state("requested"), "requested")] if requested else [(glyphs.state(row.state, row.wait), row.state)]
    )
    said = glyphs.plain(wording.note(row, now, zone))
    customer = literal(name if name is not None else row.account or "")
    return {
        "cause": [
            (branch, "muted"),
            (literal(row.number), "plain"),
            (f"  {customer}", "plain"),
            (f"  {said}", "muted"),
        ],
        "number": [(literal(row.number), "plain")],
        "customer": [(customer, "plain")],
        "state": state,
        "step": [(literal(row.step or row.error_step or ""), "plain")],
        "system": [(literal(row.system or ""), "muted")],
        "oldest": [(wording.age(now - row.updated), "muted")],
        "auto": state,
        "class": [(class_words(row.error_class), "bad" if row.unknown else tone(row.error_class))],
        "message": [(said, "bad" if row.unknown else "muted")],
        "owner": [(literal(row.owned_by(now) or ""), "accent")],
    }


def about(group: FailureGroup, now: float, zone: tzinfo, glyphs: Glyphs, width: int) -> list[Line]:
    """What it is, since when, how it ended before, what it means."""
    code = f" {glyphs.sep} {literal(group.code)}" if group.code else ""
    where = f"  {literal(group.step or '')} {glyphs.sep} {class_words(group.error_class)}"
    lines: list[Line] = [[(glyphs.plain(literal(group.title)), "strong"), (where + code, "muted")]]
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(group.states.items()))
    amount = f", worth {wording.amount(group.sum_yen, glyphs)}" if group.sum_yen else ""
    lines += _said("Orders", f"{group.count:,}: {states}{amount}", "plain", glyphs, width)
    if (listed := len(group.order_ids)) < group.count:
        lines += _said("Listed", f"the newest {listed:,}; o shows all on the board", "warn", glyphs, width)
    if group.unknown:
        never = f"{group.unknown:,} with an outcome that is not known: never part of an act on many"
        lines += _said("Left out", never, "bad", glyphs, width)
    if group.first is not None:
        lines += _said("First seen", wording.moment(group.first, now, zone), "plain", glyphs, width)
    lines += _said("Before", _before(group, now, zone), "plain" if group.before else "muted", glyphs, width)
    lines += _said("By itself", group.automatic, "plain", glyphs, width)
    lines += _said("Means", group.advice or "no rule knows this cause: it is shown as it came", "plain", glyphs, width)
    return lines


def _before(group: FailureGroup, now: float, zone: tzinfo) -> str:
    """How the same cause ended before, counted from the journal."""
    if not group.before:
        return "this cause was not met before"
    ended = ", ".join(f"{count:,} {state}" for state, count in sorted(group.before.items(), key=lambda one: -one[1]))
    last = f", the last {wording.moment(group.before_at, now, zone)}" if group.before_at is not None else ""
    orders = sum(group.before.values())
    return f"{orders:,} {'order' if orders == 1 else 'orders'} with it, now {ended}{last}"


def act_lines(group: FailureGroup, glyphs: Glyphs, width: int, *, narrow: bool) -> list[Line]:
    """What can be done to the group, with the number of orders each would be for; why where it is impossible."""
    possible = [act for act in group.acts if act.possible]
    if narrow:
        words = "  ".join(f"{_key(act)} {BY_ID[act.id].title} {act.possible:,}" for act in possible)
        return _said("Can do", words or _why(group.acts), "accent" if words else "warn", glyphs, width)
    lines: list[Line] = [[("What you can do", "strong")]]
    for act in group.acts:
        title = fit(BY_ID[act.id].title, 12, ellipsis=glyphs.ellipsis)
        if act.possible:
            many = "it" if group.count == 1 else f"these {act.possible:,}"
            rest = f", not {group.count - act.possible:,}: {act.why_not}" if act.possible < group.count else ""
            said = glyphs.plain(literal(f"{many}{rest}"))
            lines += told([(f" {_key(act)} ", "accent"), (f"{title} ", "plain")], said, "muted", width, indent=" " * 16)
        else:
            head: Line = [(f" {_key(act)} ", "muted"), (f"{title} ", "muted")]
            lines += told(head, glyphs.plain(literal(act.why_not)), "none", width, indent=" " * 16)
    return lines


def _key(act: GroupAct) -> str:
    return BY_ID[act.id].keys


def _why(acts: Sequence[GroupAct]) -> str:
    return next((act.why_not for act in acts if act.why_not), "nothing")


def _said(label: str, words: str, tone_: str, glyphs: Glyphs, width: int) -> list[Line]:
    return told([(fit(label, _LABEL), "muted")], glyphs.plain(literal(words)), tone_, width, indent=" " * _LABEL)
