"""Pausing and resuming by keys over a real daemon and the sandbox, and what these sections never show."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot
from textual.widgets import Input

from console.client.api import new_key
from console.client.errors import Forbidden
from console.schema.commands import Plan, PlanRequest, SubmitRequest
from console.screens.health import HealthScreen
from console.widgets.confirm import PlanDialog
from console.widgets.ordertable import OrderTable
from console.widgets.rowdialog import RowDialog
from storage import audit, inbox
from storage.audit import AuditRow
from tests.console.screens.floor import Floor, open_floor, press, until
from tests.console.screens.looking import dialog, notices, screen_text

pytestmark = pytest.mark.asyncio(loop_scope="module")
REASON = "their maintenance"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("ops")) as opened:
        yield opened


async def health(pilot: Pilot[Any]) -> HealthScreen:
    while len(pilot.app.screen_stack) > 1:
        await pilot.app.pop_screen()
    await press(pilot, "8")
    await until(lambda: isinstance(pilot.app.screen, HealthScreen) and "WHMCS  " in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, HealthScreen)
    await until(lambda: screen.possible("system.pause") is not None)
    return screen


async def planned(pilot: Pilot[Any]) -> Plan:
    """The plan that is shown, once keys are taken."""
    await until(lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None)
    await until(lambda: not dialog(pilot).ignores_input())
    plan = dialog(pilot).plan
    assert plan is not None
    return plan


async def agree(pilot: Pilot[Any], reason: str) -> None:
    pilot.app.screen.query_one("#dialog-reason", Input).value = reason
    await press(pilot, "enter")


def pair(floor: Floor, command: str) -> list[AuditRow]:
    """The newest intent and its outcome, in this order; as many as there are."""
    rows = floor.desk.journal.peek(lambda db: audit.newest(db, 20, command=command))
    newest = max((row.id for row in rows if row.phase == "intent"), default=0)
    return sorted((row for row in rows if newest in (row.id, row.intent_id)), key=lambda row: row.id)


async def plan_of(floor: Floor, command: str, subject: str) -> Plan:
    return await floor.desk.client("operator").plan(command, PlanRequest(arguments={"subject": subject}))


async def follow(floor: Floor, pilot: Pilot[Any], command: str, subject: str, reason: str) -> None:
    """From the dialog to the audit pair: what was shown is the daemon's plan, what was done is what was agreed to."""
    shown, fresh = await planned(pilot), await plan_of(floor, command, subject)
    assert shown.hash == fresh.hash
    said = [" ".join(line.split()[:5]) for line in fresh.orders[0].lines + fresh.lines]
    await until(lambda: all(line in screen_text(pilot) for line in said), said=lambda: screen_text(pilot))
    await agree(pilot, reason)
    await until(lambda: len(pair(floor, command)) == 2 and pair(floor, command)[0].plan_hash == shown.hash)
    intent, outcome = pair(floor, command)
    assert (intent.actor, intent.reason, outcome.outcome) == ("operator of the test", reason or None, "done")
    assert intent.plan_hash == shown.hash and (intent.detail or {})["subject"] == subject


async def test_pausing_parks_what_needs_the_system_and_resuming_lets_it_go_on(floor: Floor) -> None:
    order_id = floor.order("vpn")
    before = await floor.world(order_id)
    pilot = await floor.console("operator")
    screen = await health(pilot)
    screen.table.take("whmcs")
    await press(pilot, "P")
    await follow(floor, pilot, "system.pause", "whmcs", REASON)
    await until(lambda: "‖ paused" in screen_text(pilot) and f"by operator of the test: {REASON}" in screen_text(pilot))
    await floor.admit(order_id)
    await floor.state(order_id, "parked", wait="condition")
    now = await floor.world(order_id)
    assert now["whmcs"] == before["whmcs"], "nothing was made there"

    assert screen.table.in_hand == "whmcs"
    await until(lambda: screen._pause_of("whmcs") != "")
    await press(pilot, "P")
    await until(lambda: "whmcs is paused by operator of the test" in notices(pilot))
    await press(pilot, "R")
    await follow(floor, pilot, "system.resume", "whmcs", "")
    await until(lambda: "‖ paused" not in screen_text(pilot))
    floor.desk.parts.conditions.wake()
    conditions = asyncio.create_task(floor.desk.parts.conditions.run())
    try:
        await floor.state(order_id, "done")
    finally:
        conditions.cancel()
        await asyncio.gather(conditions, return_exceptions=True)
    assert len((await floor.world(order_id))["whmcs"]["orders"]) == len(before["whmcs"]["orders"]) + 1


async def test_a_product_is_paused_by_the_id_that_is_typed(floor: Floor) -> None:
    pilot = await floor.console("operator")
    screen = await health(pilot)
    screen.table.take("product:")
    await press(pilot, "P")
    await until(lambda: isinstance(s := pilot.app.screen, PlanDialog) and s.stands and not s.ignores_input())
    pilot.app.screen.query(Input).first().value = "product:101"
    await press(pilot, "enter")
    await follow(floor, pilot, "system.pause", "product:101", REASON)
    await until(lambda: "product 101" in screen_text(pilot))
    screen.table.take("product:101")
    await press(pilot, "enter")
    await follow(floor, pilot, "system.resume", "product:101", "")
    await until(lambda: "product 101" not in screen_text(pilot))


async def test_the_role_below_is_refused_with_the_reason_shown(floor: Floor) -> None:
    pilot = await floor.console("viewer")
    screen = await health(pilot)
    screen.table.take("mail")
    before = floor.desk.journal.peek(lambda db: audit.newest(db, 1))
    await press(pilot, "P")
    await until(lambda: "this needs the role operator; yours is viewer" in notices(pilot))
    plan = await plan_of(floor, "system.pause", "mail")
    request = SubmitRequest(arguments={"subject": "mail"}, plan_hash=plan.hash, reason=REASON)
    with pytest.raises(Forbidden):
        await floor.desk.client("viewer").submit("system.pause", request, key=new_key())
    assert floor.desk.journal.peek(lambda db: audit.newest(db, 1)) == before


PHONE, MAIL, TOKEN = "09012345635", "hanako.canary@example.jp", "Bearer eyJhbGciOiJIUzI1NiJ9.c2VjcmV0LWNhbmFyeQ.c2lnbg"


async def plant(floor: Floor) -> tuple[str, ...]:
    """A note, a pause and events that carry a name, a telephone, an address and a secret; all of them."""
    order_id = await floor.failed()
    number = floor.placed[order_id].customer
    name = next(p.name for p in floor.sandbox.world.people if p.number == number)
    operator = floor.desk.client("operator")
    words = f"{name} called from {PHONE} {MAIL} with {TOKEN}"
    arguments = {"text": words}
    noted = await operator.plan("order.note", PlanRequest(orders=[order_id], arguments=arguments))
    note = SubmitRequest(orders=[order_id], arguments=arguments, plan_hash=noted.hash, reason=words)
    await operator.submit("order.note", note, key=new_key())
    plan = await plan_of(floor, "system.pause", "product:7")
    pause = SubmitRequest(arguments={"subject": "product:7"}, plan_hash=plan.hash, reason=f"call {PHONE}, {TOKEN}")
    await operator.submit("system.pause", pause, key=new_key())
    event = inbox.Incoming(
        channel="/event/OrderProvisionRequested__e", replay_id="7", event_uuid="11111111-2222-4333-8444-555555555555", order_id=None,
        idem_key=TOKEN, payload={"OrderId__c": "x", "Phone": PHONE, "Authorization": TOKEN, "Mail": MAIL}, received_at=time.time(),
        problem=f"unreadable, said {MAIL} and {TOKEN}",
    )  # fmt: skip
    await floor.desk.journal.write(lambda db: inbox.append(db, "00D", "cometd", [event]))
    shortest = 4 if name.isascii() else 2  # "van" and "den" are in other words
    own = [part for part in name.split() if len(part) >= shortest]
    return (name, *own, PHONE, MAIL, TOKEN.split()[1])


async def seen(pilot: Pilot[Any], key: str, ready: str, *, list_id: str = "") -> str:
    """Everything a section shows: its screen, its first row in hand, and that row in full."""
    while len(pilot.app.screen_stack) > 1:
        await pilot.app.pop_screen()
    await press(pilot, key)
    await until(lambda: ready in screen_text(pilot) and has_rows(pilot), said=lambda: screen_text(pilot))
    shown = [screen_text(pilot)]
    await press(pilot, "home", "down")
    await until(lambda: "an arrow key takes" not in screen_text(pilot), said=lambda: screen_text(pilot))
    shown.append(screen_text(pilot))
    if list_id:
        for _ in range(2):
            await press(pilot, "i")
            await until(lambda: isinstance(pilot.app.screen, RowDialog))
            shown.append(screen_text(pilot))
            await press(pilot, "escape")
            await until(lambda: not isinstance(pilot.app.screen, RowDialog))
            await press(pilot, "down")
    return "\n".join(shown)


def has_rows(pilot: Pilot[Any]) -> bool:
    """The list is there, has rows and hears keys; a screen without a list hears them at once."""
    return all(bool(table.keys) and table.has_focus for table in pilot.app.screen.query(OrderTable))


async def copied(pilot: Pilot[Any]) -> str:
    """What ``y`` copies of the first rows of the list that is open."""
    found = []
    await press(pilot, "home")
    for _ in range(2):
        pilot.app._clipboard = ""
        await press(pilot, "y")
        await until(lambda: pilot.app.clipboard != "")
        found.append(pilot.app.clipboard)
        await press(pilot, "down")
    return "\n".join(found)


async def test_no_canary_is_shown_to_a_viewer_and_none_leaves_any_screen(floor: Floor, tmp_path: Path) -> None:
    canaries = await plant(floor)
    viewer = await floor.console("viewer")
    shown = await seen(viewer, "9", " acts", list_id="audit")
    shown += await copied(viewer)
    shown += await seen(viewer, "7", "✗ poison", list_id="events")
    shown += await copied(viewer)
    shown += await seen(viewer, "8", "product 7")
    shown += await seen(viewer, "0", "Japanese input")
    for canary in canaries:
        assert canary not in shown
    assert "Note" in shown and "11111111-2222" in shown, "the rows were there"

    operator = await floor.console("operator")
    await seen(operator, "9", " acts")
    left = await copied(operator)
    file = tmp_path / "audit.json"
    await press(operator, "X")
    await until(lambda: bool(operator.app.screen.query("#export-file")))
    operator.app.screen.query_one("#export-file", Input).value = str(file)
    await press(operator, "enter")
    await until(lambda: file.is_file() and "written to" in notices(operator))
    left += file.read_text()
    assert any(row["command"] == "order.note" for row in json.loads(file.read_text()))
    for canary in canaries:
        assert canary not in left
