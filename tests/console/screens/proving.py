"""Proving a command by keys alone over a real daemon and the sandbox: plan, audit pair, effect outside, words afterwards.

A case is proved twice: first with a submit that only says "done", which must fail, then in earnest.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.binding import Binding
from textual.pilot import Pilot
from textual.widgets import Input

from console.app import ConsoleApp
from console.client.errors import Forbidden
from console.commands.table import BY_ID, for_orders
from console.commands.words import Scope
from console.schema.commands import Plan, PlanRequest, SubmitRequest, Submitted
from console.screens.acting import ActingScreen
from console.screens.base import LiveScreen
from console.screens.edit import EditScreen
from console.screens.resolve import ResolveScreen
from console.widgets.confirm import PlanDialog
from console.widgets.fields import ChoiceInput
from console.widgets.inline import InlineConfirm
from console.widgets.sheet import Sheet
from tests.console.screens.floor import Floor, press, until
from tests.console.screens.looking import screen_text, words_of

World = Mapping[str, Any]
Heard = Callable[[Pilot[Any]], str]  # where the words stand afterwards
BULK = {command.id for command in for_orders() if Scope.BULK in command.scope}
BELOW = {"operator": "viewer", "supervisor": "operator"}


# What each command does outside ---------------------------------------------------------------------------------------


def nothing(before: World, after: World) -> bool:
    return before == after


def provisioned(before: World, after: World) -> bool:
    """Exactly one order in WHMCS, and Salesforce names it."""
    numbers = [number for number, _ in after["whmcs"]["orders"]]
    return after["salesforce"]["Status"] == "Activated" and numbers == [after["salesforce"]["WHMCS_Order_ID__c"]]


def status_is(wanted: str) -> Callable[[World, World], bool]:
    """Salesforce has this status; WHMCS was not touched."""
    return lambda before, after: (
        after["salesforce"]["Status"] == wanted and after["whmcs"] == before["whmcs"] == {"orders": [], "services": []}
    )


def one_more_mail(before: World, after: World) -> bool:
    return bool(after["mails"] == before["mails"] + 1)


def service_set_up(before: World, after: World) -> bool:
    """One service that was Pending is Active, and nothing was ordered."""
    was, now = ([state for _, state in world["whmcs"]["services"]].count("Pending") for world in (before, after))
    return bool(now == was - 1 and before["whmcs"]["orders"] == after["whmcs"]["orders"])


def bill_cancelled(before: World, after: World) -> bool:
    return [state for _, state in after["whmcs"]["orders"]] == ["Cancelled"] and after["salesforce"][
        "Status"
    ] == "Cancelled"


def left_as_it_is(before: World, after: World) -> bool:
    """The order is closed: its bill stands as it stood, and Salesforce still shows that it failed."""
    return (
        bool(before["whmcs"]["orders"])
        and after["whmcs"] == before["whmcs"]
        and after["salesforce"]["Status"] == "Failed"
    )


@dataclass(frozen=True)
class Case:
    """``key``: what is pressed, when not the command's own key. ``typed``: argument → value. ``words``: what the screen
    says afterwards, ``{number}`` and ``{me}`` filled in."""

    command: str
    set_up: Callable[[Floor], Awaitable[str]]
    changed: Callable[[World, World], bool]
    words: str
    screen: str = "order"
    role: str = "operator"
    typed: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    def __str__(self) -> str:
        return f"{self.command.removeprefix('order.')}{'-' + self.key if self.key else ''} on {self.screen}"


async def review(floor: Floor) -> str:
    """Always one of a price that an operator may approve, two of them as well."""
    return floor.order("travel", status="Pending Review")


async def payable(floor: Floor) -> str:
    """Parked because there was no way to pay; there is one by now."""
    order_id = await floor.parked()
    floor.sandbox.people.set_pay_method(floor.placed[order_id].client, "card")
    return order_id


async def taken(floor: Floor) -> str:
    return await take(floor, await review(floor))


async def take(floor: Floor, order_id: str) -> str:
    client = floor.desk.client("operator")
    plan = await client.plan("order.take", PlanRequest(orders=[order_id]))
    request = SubmitRequest(orders=[order_id], plan_hash=plan.hash)
    await client.submit("order.take", request, key=f"take-{order_id}-of-the-set-up")
    return order_id


AT_AN_ORDER = [
    Case("order.approve", review, status_is("Approved"), "SF Approved"),
    Case("order.reject", review, status_is("Rejected"), "SF Rejected"),
    Case("order.start", Floor.held, provisioned, "✓ done"),
    Case("order.retry", Floor.failed, provisioned, "✓ done"),
    Case("order.retry_step", Floor.failed, provisioned, "✓ done", typed={"step": "load"}),
    Case("order.skip", Floor.parked, provisioned, "✓ done", role="supervisor"),
    Case("order.park", Floor.failed, lambda before, after: before["whmcs"] == after["whmcs"], "‖ parked", typed={"until": "up(whmcs)", "limit": "24h"}),
    Case("order.unpark", payable, provisioned, "✓ done"),
    Case("order.cancel", Floor.failed, status_is("Cancelled"), "⊘ cancelled"),
    Case("order.cancel", Floor.differing, bill_cancelled, "⊘ cancelled", key="z"),
    Case("order.cancel", Floor.differing, left_as_it_is, "it is closed; stands: WHMCS order", key="c", typed={"leave_as_is": "yes"}),
    Case("order.resolve_is", lambda floor: floor.unknown(made=True), provisioned, "✓ done"),
    Case("order.resolve_absent", lambda floor: floor.unknown(made=False), provisioned, "✓ done", role="supervisor"),
    Case("order.edit", Floor.failed, nothing, "language is changed", typed={"language": "ｅｎ"}),
    Case("order.module_create", Floor.pending_service, service_set_up, "was run: retry the order", typed={"service": "?"}),
    Case("order.take", review, nothing, "taken by {me}"),
    Case("order.untake", taken, nothing, "Let go {number}: it is nobody's"),
    Case("order.note", review, nothing, "the customer called twice", typed={"text": "the customer called twice"}),
    Case("order.mail_resend", Floor.done, one_more_mail, "is queued"),
]  # fmt: skip


def offered_on(screen: type[LiveScreen]) -> set[str]:
    """The commands about orders that have a key on this screen."""
    bindings = [binding for binding in screen.BINDINGS if isinstance(binding, Binding)]
    given = {binding.id for binding in bindings if binding.action.startswith("act(")}
    return {command.id for command in for_orders()} & given


def of_role(cases: Sequence[Case], role: str) -> list[Case]:
    return [case for case in cases if case.role == role]


def one_of_each_risk(cases: Sequence[Case], few: Collection[str]) -> list[Any]:
    """`make test` proves these few commands, `make matrix` all the others."""
    found = [case for case in cases if case.command in few and not case.key]
    return [pytest.param(case, marks=() if case in found else pytest.mark.matrix) for case in cases]


# Proving --------------------------------------------------------------------------------------------------------------


async def prove_twice(floor: Floor, pilot: Pilot[Any], case: Case, order_id: str, heard: Heard | None = None) -> None:
    """The screen is open and the order in hand. First with a submit that only says "done", which must be found out."""
    heard, before = heard or said, await floor.world(order_id)
    await can_begin(pilot, case)
    async with only_says_done(pilot, case):
        with pytest.raises(AssertionError, match="no audit pair"):
            await prove(floor, pilot, case, order_id, before, heard, patience=0.1)
    await can_begin(pilot, case)
    await prove(floor, pilot, case, order_id, before, heard, patience=30.0)


@asynccontextmanager
async def only_says_done(pilot: Pilot[Any], case: Case) -> AsyncIterator[None]:
    """A console whose submit does nothing and reports success; it leaves when the act has gone nowhere."""
    app, pretended = pilot.app, list[str]()
    assert isinstance(app, ConsoleApp)

    async def says_done(command: str, request: SubmitRequest, key: str) -> Submitted:
        pretended.append(command)
        return Submitted(command=command, outcome="done", audit_id=0)

    earnest, app.desk.submissions.submit_once = app.desk.submissions.submit_once, says_done
    try:
        yield
        await until(lambda: pretended == [case.command])  # on a busy machine it is submitted later than that
    finally:
        app.desk.submissions.submit_once = earnest


async def can_begin(pilot: Pilot[Any], case: Case) -> None:
    """Nothing is asked any longer, and what may be done is known: the role below is told a reason, the role itself must
    be able to begin."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)

    def known() -> bool:
        one = here.possible(case.command) if isinstance(here := app.screen, ActingScreen) else None
        able = not app.desk.session.may(case.role) or (one is not None and one.possible)
        return one is not None and able and not app.desk.unusable() and not app.desk.asking

    await until(known, said=lambda: said(pilot))


async def refused(floor: Floor, pilot: Pilot[Any], command: str, role: str, orders: Sequence[str]) -> None:
    """The order is in hand, or several are marked: who is one role below is told why not, by console and daemon."""
    below = BELOW[role]
    await asked_in_vain(pilot, command, f"this needs the role {role}; yours is {below}")
    with pytest.raises(Forbidden, match=f"the role {role}"):
        await floor.desk.client(below).plan(command, PlanRequest(orders=list(orders)))


async def asked_in_vain(pilot: Pilot[Any], command: str, why: str) -> None:
    """The command's key is pressed: the console says why not, and nothing is asked. A notice goes by itself, so each is kept."""
    app, here, notices = pilot.app, pilot.app.screen, list[str]()

    def keep(message: str, **more: Any) -> None:
        notices.append(message)
        type(app).notify(app, message, **more)

    setattr(app, "notify", keep)  # noqa: B010 - a method of this one application
    try:
        await press(pilot, key_name(BY_ID[command].keys))
        await until(lambda: f"{BY_ID[command].title}: {why}" in notices, said=lambda: notices)
    finally:
        delattr(app, "notify")
    assert app.screen is here


async def prove(
    floor: Floor, pilot: Pilot[Any], case: Case, order_id: str, before: World, heard: Heard, *, patience: float
) -> None:
    """By keys alone: the plan shown is the daemon's, one audit pair, the effect in /world, the words afterwards."""
    plan, reason = await ask(floor, pilot, case, order_id)
    theirs = await floor.desk.client(case.role).plan(
        case.command, PlanRequest(orders=[order_id], arguments=dict(plan.arguments))
    )
    assert plan.model_dump(exclude={"at"}) == theirs.model_dump(exclude={"at"})
    await until(lambda: not unsaid(pilot, plan), said=lambda: unsaid(pilot, plan))
    await press(pilot, "enter")

    def pair() -> bool:
        return [row.phase for row in own_rows(floor, case, order_id)] == ["intent", "outcome"]

    await until(pair, patience, lambda: "no audit pair")
    intent, outcome = own_rows(floor, case, order_id)
    assert (intent.actor, intent.reason, intent.plan_hash) == (f"{case.role} of the test", reason, plan.hash)
    assert (outcome.intent_id, outcome.outcome) == (intent.id, "done")
    wanted = case.words.format(number=floor.placed[order_id].number, me=f"{case.role} of the test"[:20])
    await until(lambda: wanted in heard(pilot), patience, lambda: f"{wanted!r} is not in {heard(pilot)}")
    await until_changed(floor, case, order_id, before, patience)


def own_rows(floor: Floor, case: Case, order_id: str) -> list[Any]:
    """The rows of the act itself, not of one that the set-up needed."""
    return [row for row in floor.audit(order_id, case.command) if row.actor == f"{case.role} of the test"]


async def until_changed(floor: Floor, case: Case, order_id: str, before: World, patience: float) -> None:
    """Asked seldom: /world is everything there is."""
    end = time.monotonic() + patience
    while not case.changed(before, after := await floor.world(order_id)):
        assert time.monotonic() < end and case.changed is not nothing, (before, after)
        await asyncio.sleep(0.2)


async def ask(floor: Floor, pilot: Pilot[Any], case: Case, order_id: str) -> tuple[Plan, str | None]:
    """Press the key, fill in what is asked for, and stop before the last ⏎."""
    app = pilot.app

    def shown() -> str:
        return said(pilot)

    if not isinstance(app.screen, ResolveScreen | EditScreen):
        await press(pilot, case.key or key_name(BY_ID[case.command].keys))
    await until(lambda: isinstance(app.screen, InlineConfirm | PlanDialog | ResolveScreen | EditScreen), said=shown)
    if isinstance(app.screen, ResolveScreen):
        resolve = app.screen
        await until(lambda: "It matches" in screen_text(pilot) and bool(resolve.targets()), said=shown)
        await press(pilot, "enter")
    elif isinstance(app.screen, EditScreen):
        await fill_form(app.screen, case)
        await press(pilot, "enter")
    await until(lambda: isinstance(app.screen, InlineConfirm | PlanDialog), said=shown)
    if isinstance(inline := app.screen, InlineConfirm):
        await until(lambda: inline.ready or isinstance(app.screen, PlanDialog), said=shown)
        if inline.ready:
            plan = inline._planning.plan
            assert plan is not None
            return plan, None
    return await fill_dialog(floor, pilot, case, order_id)


async def fill_form(form: EditScreen, case: Case) -> None:
    for name, value in case.typed.items():
        await until(lambda: any(name in key for key in form._inputs))  # noqa: B023 - asked for at once
        inputs = next(inputs for key, inputs in form._inputs.items() if name in key)
        inputs[1].value = value
        inputs[1].focus()


async def fill_dialog(floor: Floor, pilot: Pilot[Any], case: Case, order_id: str) -> tuple[Plan, str | None]:
    dialog = pilot.app.screen
    assert isinstance(dialog, PlanDialog)
    typed = {} if case.command == "order.edit" else dict(case.typed)
    if typed.get("service") == "?":
        services = (await floor.world(order_id))["whmcs"]["services"]
        typed["service"] = next(number for number, state in services if state == "Pending")
    await until(lambda: dialog.stands and not dialog._busy, said=lambda: screen_text(pilot))  # planned or not: it rests
    for name, value in typed.items():
        dialog.query_one(f"#argument-{name}", ChoiceInput).value = value
    await until(lambda: dialog.plan is None or dialog._given()[0] == dialog._planning.arguments)
    if dialog.plan is None:
        await until(lambda: not dialog.ignores_input())
        if dialog._at_once:  # one ⏎ plans what was typed and agrees to it
            client = floor.desk.client(case.role)
            return await client.plan(case.command, PlanRequest(orders=[order_id], arguments=dict(typed))), None
        await press(pilot, "enter")
    await until(lambda: dialog.plan is not None and not dialog.ignores_input(), said=lambda: screen_text(pilot))
    reason = None
    if dialog.plan is not None and dialog.plan.needs_reason:
        reason = "because of the test"
        dialog.query_one("#dialog-reason", Input).value = reason
    assert dialog.plan is not None
    return dialog.plan, reason


def unsaid(pilot: Pilot[Any], plan: Plan) -> list[str]:
    """What of the daemon's plan does not stand on the screen, word for word."""
    screen = pilot.app.screen
    (order,) = plan.orders
    missing = [] if order.number in screen_text(pilot) else [order.number]
    if isinstance(screen, PlanDialog) and screen.plan is not None:
        words = "".join(words_of(screen.query_one("#dialog-words", Sheet)).split())
        effects = [effect.what for effect in order.effects] + [effect.undo or effect.why for effect in order.effects]
        lines = (*order.lines, *order.warnings, *effects)
        missing += [line for line in lines if "".join(line.split()) not in words]
    return missing


def said(pilot: Pilot[Any]) -> str:
    """The screen as painted, its sheets in whole, and what the console said itself."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    sheets = " ".join(words_of(sheet) for sheet in app.screen.query(Sheet))
    own = " ".join("".join(text for text, _ in line) for line in app.desk.said[-3:])
    return f"{screen_text(pilot)} {sheets} {own}"


def key_name(key: str) -> str:
    return {"=": "equals_sign"}.get(key, key)
