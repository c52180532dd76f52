"""Proving a command for several orders at once, by keys alone: its plan with counts and who is left out, its reason, its
batch, the audit pair of the whole act, the effect on each order and none on the one that is left out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.commands.table import BY_ID
from console.schema.commands import Plan, PlanRequest
from console.screens.batch import BatchScreen
from console.widgets.confirm import PlanDialog
from console.widgets.sheet import Sheet
from storage.audit import AuditRow
from tests.console.screens.floor import Floor, press, until
from tests.console.screens.looking import dialog, notices, screen_text, words_of
from tests.console.screens.proving import Case, World, key_name, only_says_done, said, until_changed

WHY = "mended"
NEVER = "such an order is never part of a bulk act"


async def set_up(floor: Floor, case: Case, count: int = 2) -> list[str]:
    orders = [await case.set_up(floor) for _ in range(count)]
    for order_id in orders:
        await floor.rests(order_id)
    return orders


async def prove_many(
    floor: Floor, pilot: Pilot[Any], case: Case, orders: Sequence[str], left_out: Mapping[str, str]
) -> None:
    """All are marked, or their cause is in hand. ``left_out``: order → a part of why it is. Proved twice, as one is."""
    before = {order_id: await floor.world(order_id) for order_id in (*orders, *left_out)}
    async with only_says_done(pilot, case):
        with pytest.raises(AssertionError, match="no audit pair"):
            await _prove(floor, pilot, case, orders, left_out, before, patience=0.1)
    await until(lambda: not pilot.app.desk.asking, said=lambda: said(pilot))  # type: ignore[attr-defined]
    await _prove(floor, pilot, case, orders, left_out, before, patience=60.0)


async def _prove(
    floor: Floor, pilot: Pilot[Any], case: Case, orders: Sequence[str], left_out: Mapping[str, str],
    before: Mapping[str, World], *, patience: float,
) -> None:  # fmt: skip
    plan = await ask(floor, pilot, case)
    asked = PlanRequest(orders=[order.order_id for order in plan.orders], arguments=dict(plan.arguments))
    theirs = await floor.desk.client(case.role).plan(case.command, asked)
    assert plan.model_dump(exclude={"at"}) == theirs.model_dump(exclude={"at"})
    assert {order.order_id for order in plan.orders if order.included} == set(orders)
    why = {order.order_id: order.why_not for order in plan.orders if not order.included}
    assert why.keys() == left_out.keys() and all(part in why[one] for one, part in left_out.items()), why
    await until(lambda: not unsaid(pilot, plan), said=lambda: unsaid(pilot, plan))
    reason = await agree(pilot, case)

    def pair() -> bool:
        return [row.phase for row in rows(floor, case, plan)] == ["intent", "outcome"]

    await until(pair, patience, lambda: "no audit pair")
    intent, outcome = rows(floor, case, plan)
    assert (intent.actor, intent.reason, sorted(intent.subjects)) == (
        f"{case.role} of the test",
        reason,
        sorted(orders),
    )
    counts = {name: (outcome.detail or {}).get(name) for name in ("done", "failed", "excluded", "waiting")}
    assert (outcome.intent_id, outcome.outcome) == (intent.id, "done")
    assert counts == {"done": len(orders), "failed": 0, "excluded": len(left_out), "waiting": 0}
    await until(lambda: not untold(pilot, case, orders, left_out), said=lambda: screen_text(pilot))
    for order_id in orders:
        await until_changed(floor, case, order_id, before[order_id], patience)
    assert {one: await floor.world(one) for one in left_out} == {one: before[one] for one in left_out}


def rows(floor: Floor, case: Case, plan: Plan) -> list[AuditRow]:
    """The audit rows of the act with this plan."""
    one = next(order.order_id for order in plan.orders if order.included)
    found = floor.audit(one, case.command)
    intents = {row.id for row in found if row.plan_hash == plan.hash and row.phase == "intent"}
    return [row for row in found if row.id in intents or row.intent_id in intents]


async def ask(floor: Floor, pilot: Pilot[Any], case: Case) -> Plan:
    """Press the key, type what is asked for, and stop where the plan stands."""
    await press(pilot, case.key or key_name(BY_ID[case.command].keys))
    await until(lambda: isinstance(pilot.app.screen, PlanDialog), said=lambda: said(pilot) + notices(pilot))
    shown = dialog(pilot)
    await until(lambda: shown.stands and not shown._busy and not shown.ignores_input(), said=lambda: said(pilot))
    for name, value in case.typed.items():
        field = shown.query_one(f"#argument-{name}", Input)
        while not field.has_focus:
            await press(pilot, "tab")
        await press(pilot, "end", "ctrl+u", *value)
    if case.typed:
        await press(pilot, "enter")
    await until(lambda: shown.plan is not None and not shown.ignores_input(), said=lambda: said(pilot))
    assert shown.plan is not None
    return shown.plan


async def agree(pilot: Pilot[Any], case: Case) -> str | None:
    """Type the reason where one is needed, and the count where the act is destructive; then the last ⏎."""
    shown = dialog(pilot)
    assert shown.plan is not None
    needed = shown.plan.needs_reason
    assert needed or BY_ID[case.command].risk == "none"
    if needed:
        await until(lambda: shown.query_one("#dialog-reason", Input).has_focus)
        await press(pilot, *WHY)
    if count := shown._planning.count_to_type(shown._asked):
        await press(pilot, "enter")
        await until(lambda: shown.query_one("#dialog-count", Input).has_focus, said=lambda: said(pilot))
        assert f"Type the number of orders, {count}, to go on." in said(pilot)
        await press(pilot, *str(count))
    await press(pilot, "enter")
    return WHY if needed else None


def unsaid(pilot: Pilot[Any], plan: Plan) -> list[str]:
    """What of the plan does not stand in the dialog: what it comes to, each order, and why one is left out."""
    words = "".join(words_of(dialog(pilot).query_one("#dialog-words", Sheet)).split())
    lines = [*plan.lines, *(order.number for order in plan.orders)]
    lines += [order.why_not for order in plan.orders if not order.included]
    lines += [said for order in plan.orders if order.included for said in order.warnings]
    return [line for line in lines if "".join(line.split()) not in words]


def untold(pilot: Pilot[Any], case: Case, orders: Sequence[str], left_out: Mapping[str, str]) -> list[str]:
    """What the screen of the batch does not say afterwards."""
    screen = pilot.app.screen
    if not isinstance(screen, BatchScreen):
        return ["the batch"]
    shown = screen_text(pilot)
    both = len(orders) + len(left_out)
    words = [
        f"{BY_ID[case.command].title} of {both} orders",
        f"{len(orders)} done",
        f"{len(left_out)} left out",
        " ended ",
    ]
    return [one for one in words if one not in shown]
