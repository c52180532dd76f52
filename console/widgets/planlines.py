"""A plan in words, as the daemon made it: what will happen, what stands, what matches, what it costs."""

from collections.abc import Callable, Sequence

from console.schema.commands import Plan, PlannedOrder
from console.widgets import wording
from console.widgets.cells import fit, literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, flowed

_LABEL = 12
MOST_LISTED = 8


def plan_lines(plan: Plan, name: Callable[[str], str | None], width: int, glyphs: Glyphs) -> list[Line]:
    """``name``: the customer's name of an order id."""
    if len(plan.orders) == 1:
        lines = _one(plan.orders[0], name, width, glyphs) + _sentences("Will", plan.lines, "plain", width, glyphs)
    else:
        lines = _many(plan, name, width, glyphs)
    if plan.refusal and plan.refusal not in {order.why_not for order in plan.orders}:
        lines += _labelled("Refused", plan.refusal, "bad", width, glyphs)
    return lines


def possible(plan: Plan) -> bool:
    """Is there anything in this plan that could be submitted?"""
    return plan.refusal is None and plan.count > 0


def _one(order: PlannedOrder, name: Callable[[str], str | None], width: int, glyphs: Glyphs) -> list[Line]:
    customer = literal(name(order.order_id) or "")
    state = glyphs.state(order.state) if order.state else glyphs.plain(literal(order.status or ""))
    lines: list[Line] = [
        [(literal(order.number or order.order_id), "strong"), (f"  {customer}", "strong"), (f"  {state}", order.state or "muted")]
    ]  # fmt: skip
    if order.amount is not None:
        lines.append([(fit("Amount", _LABEL), "muted"), (wording.amount(order.amount, glyphs), "strong")])
    if not order.included:
        lines += _labelled("Refused", order.why_not, "bad", width, glyphs)
    lines += _sentences("Will", order.lines, "plain", width, glyphs)
    for effect in order.effects:
        undo = f"undo: {effect.undo}" if effect.undo else f"cannot be undone{f': {effect.why}' if effect.why else ''}"
        lines += _labelled("Stands", f"{effect.what} ({undo})", "plain" if effect.undo else "warn", width, glyphs)
    if order.compared:
        lines += _matches(order, width, glyphs)
    lines += _sentences(f"{glyphs.warn} Warning", order.warnings, "warn", width, glyphs)
    if order.owner:
        lines += _labelled(f"{glyphs.warn} Taken by", order.owner, "warn", width, glyphs)
    return lines


def _many(plan: Plan, name: Callable[[str], str | None], width: int, glyphs: Glyphs) -> list[Line]:
    """What it comes to first, then who is left out and why, and the orders last: a small terminal shows the head."""
    head, *rest = plan.lines or [f"{plan.count} orders" + (f", {plan.excluded} left out" if plan.excluded else "")]
    lines: list[Line] = list(flowed(glyphs.plain(literal(head)), "strong", width))
    if plan.sum_yen:
        largest = wording.amount(plan.largest_yen, glyphs)
        amounts = [(wording.amount(plan.sum_yen, glyphs), "strong"), (f", largest {largest}", "muted")]
        lines.append([(fit("Sum", _LABEL), "muted"), *amounts])
    lines += _sentences("Will", rest, "plain", width, glyphs)
    for why, numbers in _left_out(plan).items():
        named = ", ".join(numbers[:MOST_LISTED]) + (f" {glyphs.ellipsis}" if len(numbers) > MOST_LISTED else "")
        lines += _labelled("Left out", f"{len(numbers)}: {why} ({named})", "warn", width, glyphs)
    included = [order for order in plan.orders if order.included]
    for said in dict.fromkeys(said for order in included for said in order.warnings):
        lines += _labelled(f"{glyphs.warn} Warning", said, "warn", width, glyphs)
    for order in included[:MOST_LISTED]:
        customer, amount = literal(name(order.order_id) or ""), wording.amount(order.amount, glyphs)
        lines += [[(f"  {literal(order.number)}  ", "plain"), (customer, "plain"), (f"  {amount}", "muted")]]
    if len(included) > MOST_LISTED:
        lines.append([(f"  {glyphs.ellipsis} {len(included) - MOST_LISTED} more", "muted")])
    return lines


def _left_out(plan: Plan) -> dict[str, list[str]]:
    """Why → the numbers of those that are not done for that reason."""
    found: dict[str, list[str]] = {}
    for order in plan.orders:
        if not order.included:
            found.setdefault(order.why_not, []).append(order.number or order.order_id)
    return dict(sorted(found.items(), key=lambda one: -len(one[1])))


def _matches(order: PlannedOrder, width: int, glyphs: Glyphs) -> list[Line]:
    column = max(10, (width - _LABEL - 8) // 2)
    lines: list[Line] = [
        [(fit("", _LABEL), "muted"), (fit("ours", column), "muted"), (f" {glyphs.vline} ", "muted"), ("found", "muted")]
    ]
    for match in order.compared:
        tone = "plain" if match.same else "bad" if match.deciding else "warn"
        sign = glyphs.ok if match.same else glyphs.differs
        lines.append(
            [
                (fit(literal(match.field), _LABEL, ellipsis=glyphs.ellipsis), "muted"),
                (fit(literal(match.ours), column, ellipsis=glyphs.ellipsis), tone),
                (f" {glyphs.vline} ", "muted"),
                (fit(literal(match.theirs), column, ellipsis=glyphs.ellipsis), tone),
                (f" {sign}", "ok" if match.same else tone),
            ]
        )
    return lines


def _sentences(label: str, sentences: Sequence[str], tone: str, width: int, glyphs: Glyphs) -> list[Line]:
    """Several sentences under one label."""
    lines: list[Line] = []
    for i, said in enumerate(sentences):
        lines += _labelled(label if i == 0 else "", said, tone, width, glyphs)
    return lines


def _labelled(label: str, said: str, tone: str, width: int, glyphs: Glyphs) -> list[Line]:
    """A label, and the sentence beside it in as many lines as it takes."""
    first, *rest = flowed(glyphs.plain(literal(said)), tone, width - _LABEL)
    return [[(fit(label, _LABEL), "muted"), *first], *([(" " * _LABEL, "muted"), *line] for line in rest)]
