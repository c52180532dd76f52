"""Needs a person, Failures and acts on many orders over a real daemon and the sandbox, by keys alone.

For each act: the plan shown is the daemon's; the audit pair; what changed in the sandbox's /world; the words afterwards;
and the role below is refused in words.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot
from textual.widgets import Input

from console.app import ConsoleApp
from console.client.api import new_key
from console.schema.commands import Plan, PlanRequest, SubmitRequest, Submitted
from console.screens.batch import BatchesScreen, BatchScreen, as_csv
from console.screens.failures import FailuresScreen
from console.screens.needs import NeedsScreen
from console.widgets.confirm import PlanDialog
from console.widgets.ordertable import OrderTable
from console.widgets.sheet import Sheet
from storage import audit, inbox, mail, meta
from storage import desk as people
from storage.audit import AuditRow
from storage.inbox import Incoming
from tests.console.screens.floor import PATIENCE, Floor, open_floor, press, until
from tests.console.screens.looking import dialog, notices, screen_text, words_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHANNEL = "/event/OrderProvisionRequested__e"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    start_at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    async with open_floor(tmp_path_factory.mktemp("person"), {"PORTAL_INTAKE__START_AT": start_at}) as opened:
        services = opened.desk.api.services
        opened.tasks += [
            asyncio.create_task(services.batches.run()),
            asyncio.create_task(opened.desk.parts.conditions.run()),
        ]
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def mended(floor: Floor) -> None:
    """What one case leaves when it fails is not the next one's trouble."""
    await floor.mend()


async def section(pilot: Pilot[Any], key: str, kind: type[Any]) -> Any:
    """A section's own screen, whatever was open."""
    await press(pilot, "1", key)
    await until(lambda: any(isinstance(s, kind) and s.stands for s in pilot.app.screen_stack))
    while not isinstance(pilot.app.screen, kind):
        await pilot.app.pop_screen()
    screen = pilot.app.screen
    screen.table.take(None)
    screen.table.clear_marks()
    return screen


async def needs(pilot: Pilot[Any], row: str) -> NeedsScreen:
    """The list with this row in hand and what may be done known."""
    screen: NeedsScreen = await section(pilot, "exclamation_mark", NeedsScreen)
    await until(lambda: row in screen.table.keys or row in screen._items, said=lambda: list(screen._items))
    screen.table.newest()
    screen.table.take(row)
    await until(lambda: bool(screen.known_commands()), said=lambda: screen_text(pilot))
    return screen


async def planned(pilot: Pilot[Any]) -> PlanDialog:
    await until(
        lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None,
        said=lambda: screen_text(pilot) + notices(pilot),
    )
    await until(lambda: not dialog(pilot).ignores_input())
    return dialog(pilot)


async def same_plan(floor: Floor, role: str, shown: PlanDialog) -> Plan:
    """What the dialog shows is what the daemon plans for the same request."""
    plan = shown.plan
    assert plan is not None
    orders = [order.order_id for order in plan.orders if order.order_id]
    asked = PlanRequest(orders=orders, arguments=dict(plan.arguments))
    fresh = await floor.desk.client(role).plan(plan.command, asked)
    assert fresh.hash == plan.hash
    said = words_of(shown.query_one("#dialog-words", Sheet))
    for words in (*fresh.lines, *(line for order in fresh.orders if not fresh.bulk for line in order.lines)):
        assert " ".join(words.split()) in said, (words, said)
    return plan


async def pair(
    floor: Floor, command: str, actor: str, plan: Plan, reason: str | None, *, patience: float = PATIENCE
) -> tuple[AuditRow, AuditRow]:
    """Intent and outcome of the act that was agreed to with this plan, checked."""

    def rows(phase: str) -> Sequence[AuditRow]:
        found = floor.desk.journal.peek(lambda db: audit.newest(db, 20, command=command))
        intents = [row for row in found if row.phase == "intent" and row.plan_hash == plan.hash]
        ids = {row.id for row in intents}
        return intents if phase == "intent" else [row for row in found if row.intent_id in ids]

    await until(lambda: bool(rows("outcome")), patience, lambda: f"no audit pair of {command}")
    (intent,), (outcome,) = rows("intent"), rows("outcome")
    assert (intent.actor, intent.plan_hash, intent.reason) == (f"{actor} of the test", plan.hash, reason)
    assert outcome.intent_id == intent.id
    return intent, outcome


async def said(pilot: Pilot[Any], words: str) -> None:
    """The console said so, in a line that stays."""
    await until(
        lambda: any(words in "".join(text for text, _ in line) for line in pilot.app.desk.said),  # type: ignore[attr-defined]
        said=lambda: [["".join(text for text, _ in line)] for line in pilot.app.desk.said],  # type: ignore[attr-defined]
    )


async def shows(pilot: Pilot[Any], *words: str) -> None:
    """All of these are on the screen."""
    await until(lambda: all(one in screen_text(pilot) for one in words), said=lambda: screen_text(pilot))


async def gone(screen: NeedsScreen, row: str) -> None:
    await until(lambda: row not in screen._items, said=lambda: list(screen._items))


async def refused(floor: Floor, role: str, row: str, key: str, words: str) -> None:
    """The role below sees the row, and is told why it may not."""
    pilot = await floor.console(role)
    screen: NeedsScreen = await section(pilot, "exclamation_mark", NeedsScreen)
    await until(lambda: row in screen._items, said=lambda: list(screen._items))
    screen.table.newest()
    screen.table.take(row)
    await until(lambda: bool(screen.known_commands()), said=lambda: screen_text(pilot))
    await press(pilot, key)
    await until(lambda: words in notices(pilot), said=lambda: notices(pilot) + screen_text(pilot))
    assert pilot.app.screen is screen


async def test_a_held_order_is_started(floor: Floor) -> None:
    order_id = floor.order("vpn", days_ago=3)
    await floor.admit(order_id)
    await floor.state(order_id, "held")
    row = f"order:{order_id}"
    await refused(floor, "viewer", row, "S", "needs the role operator; yours is viewer")
    pilot = await floor.console("operator")
    screen = await needs(pilot, row)
    await shows(
        pilot,
        "approved before our start",
        "may have been provisioned by hand",
        "S Start",
        "nothing outside",
        "1 needs a person",
    )
    await press(pilot, "S")
    plan = await same_plan(floor, "operator", await planned(pilot))
    await press(pilot, *"ok", "enter")
    await floor.state(order_id, "done")
    _, outcome = await pair(floor, "order.start", "operator", plan, "ok")
    assert outcome.outcome == "done"
    world = await floor.world(order_id)
    assert world["salesforce"]["Status"] == "Activated" and len(world["whmcs"]["orders"]) == 1
    await said(pilot, "Start")
    await gone(screen, row)


async def test_a_paused_system_is_resumed_and_its_orders_go_on(floor: Floor) -> None:
    await floor.desk.journal.write(
        lambda db: people.pause(db, "whmcs", "engine", "role_denied", time.time(), automatic=True)
    )
    floor.desk.parts.engine.gates.load(floor.desk.journal.peek(people.pauses))
    order_id = floor.order("vpn")
    await floor.admit(order_id)
    await floor.state(order_id, "parked")
    assert (await floor.world(order_id))["whmcs"]["orders"] == []
    await refused(floor, "viewer", "pause:whmcs", "R", "needs the role operator; yours is viewer")
    pilot = await floor.console("operator")
    screen = await needs(pilot, "pause:whmcs")
    await shows(pilot, "role_denied")
    await press(pilot, "R")
    shown = await planned(pilot)
    plan = shown.plan
    assert plan is not None and "1 order waits for whmcs and goes on" in words_of(
        shown.query_one("#dialog-words", Sheet)
    )
    assert (
        await floor.desk.client("operator").plan("system.resume", PlanRequest(arguments={"subject": "whmcs"}))
    ).hash == plan.hash
    await press(pilot, "enter")
    await said(pilot, "is resumed")
    assert (await pair(floor, "system.resume", "operator", plan, None))[1].outcome == "done"
    await floor.state(order_id, "done")
    assert len((await floor.world(order_id))["whmcs"]["orders"]) == 1
    await gone(screen, "pause:whmcs")


async def test_the_brake_is_released_by_a_supervisor(floor: Floor) -> None:
    await floor.desk.journal.write(
        lambda db: people.pause(db, "intake", "engine", "201 new orders", time.time(), automatic=True)
    )
    await refused(floor, "operator", "pause:intake", "B", "needs the role supervisor; yours is operator")
    pilot = await floor.console("supervisor")
    screen = await needs(pilot, "pause:intake")
    await shows(pilot, "201 new orders")
    await press(pilot, "B")
    shown = await planned(pilot)
    plan = shown.plan
    assert plan is not None and "the brake is on: 201 new orders" in words_of(shown.query_one("#dialog-words", Sheet))
    await press(pilot, *"counted", "enter")
    await said(pilot, "the brake is released")
    assert (await pair(floor, "system.release_brake", "supervisor", plan, "counted"))[1].outcome == "done"
    assert "intake" not in floor.desk.journal.peek(people.pauses)
    await gone(screen, "pause:intake")


async def test_recovery_is_ended_by_a_supervisor(floor: Floor) -> None:
    def begin(db: sqlite3.Connection) -> None:
        meta.put(db, "recovery", "a backup was restored")
        meta.put(db, "recovery_begun", str(time.time()))
        meta.put(db, "recovery_changed", "[]")

    await floor.desk.journal.write(begin)
    await refused(floor, "operator", "recovery", "E", "needs the role supervisor; yours is operator")
    pilot = await floor.console("supervisor")
    screen = await needs(pilot, "recovery")
    await press(pilot, "E")
    plan = (await planned(pilot)).plan
    assert plan is not None
    await press(pilot, *"compared", "enter")
    await said(pilot, "recovery has ended")
    assert (await pair(floor, "system.end_recovery", "supervisor", plan, "compared"))[1].outcome == "done"
    assert floor.desk.journal.peek(lambda db: meta.get(db, "recovery")) is None
    await gone(screen, "recovery")


async def test_a_gap_a_poison_row_and_a_mail_are_put_aside(floor: Floor) -> None:
    order_id = floor.order("vpn")
    await floor.admit(order_id)
    await floor.state(order_id, "done")
    peek = floor.desk.journal.peek
    await until(lambda: [row.state for row in peek(lambda db: mail.of_order(db, order_id))] == ["sent"])
    before = await floor.world(order_id)

    def fill(db: sqlite3.Connection) -> tuple[str, ...]:
        now = time.time()
        bad = Incoming(CHANNEL, "7", "u-7", None, None, {}, now, problem="it names no order")
        inbox.append(db, "org", "cometd", [bad])
        gap = inbox.gap(db, "org", "cometd", CHANNEL, "the replay id has expired", now)
        ((poison, *_),) = inbox.unseen_poison(db)
        (row, *_) = mail.of_order(db, order_id)
        mail.change(db, row.id, state="maybe_sent")
        return f"gap:{gap}", f"poison:{poison}", f"mail:{row.id}"

    rows = await floor.desk.journal.write(fill)
    await refused(floor, "viewer", rows[0], "D", "needs the role operator; yours is viewer")
    pilot = await floor.console("operator")
    for row, words in zip(rows, ("replay id has expired", "it names no order", "maybe sent"), strict=True):
        screen = await needs(pilot, row)
        await until(lambda w=words: w in screen_text(pilot))  # type: ignore[misc]
        await press(pilot, "D")
        shown = await planned(pilot)
        plan = shown.plan
        assert plan is not None and words in words_of(shown.query_one("#dialog-words", Sheet))
        await press(pilot, "enter")
        await said(pilot, f"{row} is marked as seen")
        assert (await pair(floor, "system.seen", "operator", plan, None))[1].outcome == "done"
        await gone(screen, row)
    assert await floor.world(order_id) == before


async def test_a_console_that_only_says_so_is_found_out(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: with a submit that does nothing and reports success, the checks of this file fail."""

    number = await floor.desk.journal.write(
        lambda db: inbox.gap(db, "org", "cometd", CHANNEL, "another gap", time.time())
    )
    gap = f"gap:{number}"

    async def pretend(self: ConsoleApp, command: str, request: SubmitRequest, key: str) -> Submitted:
        return Submitted(command=command, outcome="done", message=f"{gap} is marked as seen", audit_id=1)

    monkeypatch.setattr(ConsoleApp, "_submit_once", pretend)
    pilot = await floor.console("operator", (140, 40))
    screen = await needs(pilot, gap)
    await press(pilot, "D")
    plan = (await planned(pilot)).plan
    assert plan is not None
    await press(pilot, "enter")
    await said(pilot, f"{gap} is marked as seen")
    with pytest.raises(AssertionError, match="no audit pair"):
        await pair(floor, "system.seen", "operator", plan, None, patience=0.1)
    assert gap in {item.key for item in (await floor.desk.client("operator").needs_person()).items}
    assert screen is pilot.app.screen


async def test_a_cause_is_tried_again_as_a_whole_without_what_is_not_known(floor: Floor) -> None:
    unknown = await floor.unknown(made=True)
    floor.sandbox.whmcs.switch(marker_field="present", honour_order_notes="order")
    for product in floor.sandbox.world.products:
        await floor.desk.parts.engine.markers.seen(product.whmcs_pid, survived=True)
    failed = [await floor.failed() for _ in range(3)]
    pilot = await floor.console("operator")
    screen: FailuresScreen = await section(pilot, "3", FailuresScreen)
    cause = floor.run(failed[0]).fingerprint  # type: ignore[union-attr]
    await until(lambda: f"cause:{cause}" in screen._groups and screen._groups[f"cause:{cause}"].count == 3)
    screen.table.newest()
    screen.table.take(f"cause:{cause}")
    await until(lambda: "these 3" in screen_text(pilot), said=lambda: screen_text(pilot))
    viewer = await floor.console("viewer")
    theirs: FailuresScreen = await section(viewer, "3", FailuresScreen)
    await until(lambda: f"cause:{cause}" in theirs._groups)
    theirs.table.newest()
    theirs.table.take(f"cause:{cause}")
    await until(lambda: "r Retry        this needs" in screen_text(viewer), said=lambda: screen_text(viewer))
    await press(viewer, "r")
    await until(lambda: "needs the role operator; yours is viewer" in notices(viewer))

    other = floor.run(unknown).fingerprint  # type: ignore[union-attr]
    screen.table.marks = {f"cause:{cause}": None, f"cause:{other}": None}
    await press(pilot, "r")
    shown = await planned(pilot)
    plan = await same_plan(floor, "operator", shown)
    assert (plan.count, plan.excluded) == (3, 1)
    words = words_of(shown.query_one("#dialog-words", Sheet))
    assert "never part of a bulk act" in words and floor.placed[unknown].number in words
    assert "outside calls: whmcs.AddOrder ×3" in words and "WHMCS bills ¥" in words
    shown.query_one("#dialog-pace", Input).value = "２０"
    await press(pilot, *"mended", "enter")
    await until(  # " ended ": the reason shown is "mended"
        lambda: isinstance(pilot.app.screen, BatchScreen) and " ended " in screen_text(pilot),
        said=lambda: screen_text(pilot),
    )
    for order_id in failed:
        await floor.state(order_id, "done")
        assert len((await floor.world(order_id))["whmcs"]["orders"]) == 1
    intent, outcome = await pair(floor, "order.retry", "operator", plan, "mended")
    assert sorted(intent.subjects) == sorted(failed)
    assert (outcome.outcome, outcome.detail and outcome.detail["done"]) == ("done", 3)
    batch = pilot.app.screen
    assert isinstance(batch, BatchScreen) and batch.known is not None
    assert batch.known.pace == 20.0
    await shows(pilot, "3 done", "1 left out")
    assert as_csv(batch.known.items).count("\n") == len(batch.known.items)
    world = await floor.world(unknown)
    assert len(world["whmcs"]["orders"]) == 1, "what nobody can tell was not sent again"
    await press(pilot, "escape")
    await until(lambda: isinstance(pilot.app.screen, FailuresScreen))


async def test_a_batch_is_stopped_and_found_again_after_its_window(floor: Floor) -> None:
    orders = [floor.order("vpn", status="Pending Review") for _ in range(8)]
    operator = floor.desk.client("operator")
    await operator.approvals()
    asked = PlanRequest(orders=orders, arguments={"text": "by hand"})
    begun = await operator.plan("order.note", asked)

    request = SubmitRequest(**asked.model_dump(), plan_hash=begun.hash, reason="shift", pace=0.1)
    answer = await operator.submit("order.note", request, key=new_key())
    assert answer.batch_id is not None
    viewer, pilot = await floor.console("viewer"), await floor.console("operator")
    for one in (viewer, pilot):
        await press(one, "1", "percent_sign")
        await until(lambda p=one: isinstance(p.app.screen, BatchesScreen) and p.app.screen.stands)  # type: ignore[misc]
        table = one.app.screen.query_one("#batches", OrderTable)
        await until(lambda t=table: answer.batch_id in t.keys)  # type: ignore[misc]
        table.take(answer.batch_id)
        await press(one, "enter")
        await until(lambda p=one: isinstance(p.app.screen, BatchScreen) and "Note of 8 orders" in screen_text(p))  # type: ignore[misc]
    await press(viewer, "x")
    await until(lambda: "needs the role operator; yours is viewer" in notices(viewer))
    await until(lambda: " 0 done" not in screen_text(pilot))
    await press(pilot, "x")
    shown = await planned(pilot)
    plan = shown.plan
    assert plan is not None and "orders are not begun and stay as they are" in words_of(
        shown.query_one("#dialog-words", Sheet)
    )
    await press(pilot, "enter")
    await until(lambda: "stopped" in screen_text(pilot), said=lambda: screen_text(pilot))
    assert (await pair(floor, "system.stop_batch", "operator", plan, None))[1].outcome == "done"
    await said(pilot, "begins nothing more")
    notes = [floor.desk.journal.peek(lambda db, o=order_id: people.notes(db, o)) for order_id in orders]  # type: ignore[misc]
    assert sum(map(len, notes)) == floor.desk.journal.peek(lambda db: sum(len(people.notes(db, o)) for o in orders)) < 8
    await until(lambda: "not begun" in screen_text(viewer))
