"""Order screen and Approvals over a real daemon and the sandbox: opening, resolving, editing, revealing, by keys alone."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot
from textual.widgets import Input

from console.cli.main import main
from console.screens.approvals import ApprovalsScreen
from console.screens.edit import EditScreen
from console.screens.order import OrderScreen
from console.screens.resolve import ResolveScreen
from console.screens.reveal import RevealScreen
from console.widgets.confirm import PlanDialog
from console.widgets.menu import Menu
from console.widgets.sheet import Sheet
from storage import audit, desk, profiles
from tests.console.screens.floor import Floor, home, open_floor, press, until
from tests.console.screens.looking import dialog, notices, order, screen_text, words_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
EID = "89049032123451234512345678901235"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("order")) as opened:
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def mended(floor: Floor) -> None:
    """What one case leaves when it fails is not the next one's trouble."""
    await floor.mend()


async def go_to(pilot: Pilot[Any], number: str) -> OrderScreen:
    await home(pilot)  # also from what a test before left when it failed
    await press(pilot, "colon", *number, "enter")
    await until(
        lambda: isinstance(pilot.app.screen, OrderScreen) and bool(order(pilot).known_commands()),
        said=lambda: screen_text(pilot),
    )
    return order(pilot)


async def planned(pilot: Pilot[Any]) -> PlanDialog:
    """A dialog with a plan that no longer ignores keys."""
    await until(lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None)
    await until(lambda: not dialog(pilot).ignores_input())
    return dialog(pilot)


def number_of(floor: Floor, order_id: str) -> str:
    return floor.placed[order_id].number


async def test_an_order_that_only_salesforce_knows_is_shown_on_the_command_line(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first of this file: an open console takes what is printed."""
    third = floor.order(status="Pending Review")
    capsys.readouterr()
    words = ["orders", "show", number_of(floor, third), "--server", f"unix:{floor.desk.path}", "--json"]
    code = await asyncio.to_thread(main, words)
    said = capsys.readouterr()
    assert code == 0, said.err
    assert json.loads(said.out)["order"]["order_id"] == third


async def test_an_order_that_only_salesforce_knows_opens_from_everywhere(floor: Floor) -> None:
    order_id = floor.order("travel", status="Pending Review")  # of a price that an operator may approve
    number, person = number_of(floor, order_id), floor.placed[order_id].customer
    name = next(p.name for p in floor.sandbox.world.people if p.number == person)
    pilot = await floor.console("operator")
    await press(pilot, "2")
    await until(lambda: isinstance(pilot.app.screen, ApprovalsScreen) and number in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, ApprovalsScreen)
    screen.table.take(order_id)
    await press(pilot, "enter")
    await until(lambda: isinstance(pilot.app.screen, OrderScreen) and "no run here yet" in screen_text(pilot))
    await until(lambda: name in screen_text(pilot) and "⚑ review" in screen_text(pilot))
    able = {"order.approve", "order.reject", "order.take", "order.note"}
    await until(lambda: able <= {one.id for one in order(pilot).known_commands() if one.possible})
    await press(pilot, "escape", "1")
    another = floor.order(status="Pending Review")
    await go_to(pilot, number_of(floor, another).lstrip("0"))
    await until(lambda: "no run here yet" in screen_text(pilot), said=lambda: screen_text(pilot))
    await home(pilot)


async def test_a_lost_answer_is_resolved_by_comparing_and_one_key(floor: Floor) -> None:
    order_id = await floor.unknown(made=True)
    (made,) = (await floor.world(order_id))["whmcs"]["orders"]
    pilot = await floor.console("operator")
    await go_to(pilot, number_of(floor, order_id))
    await press(pilot, "equals_sign")
    await until(lambda: isinstance(pilot.app.screen, ResolveScreen) and "It matches" in screen_text(pilot))
    shown = ("whmcs.AddOrder", "its outcome is not known", "send 1", f"WHMCS order {made[0]}", "belongs to", "marker")
    await until(lambda: all(said in screen_text(pilot) for said in shown), said=lambda: screen_text(pilot))
    evidence = pilot.app.screen.query_one("#asked", Sheet)
    not_yours = "It is not there: this needs the role supervisor; yours is operator"
    await until(lambda: not_yours in words_of(evidence), said=lambda: words_of(evidence))
    await press(pilot, "enter")
    plan = (await planned(pilot)).plan
    assert plan is not None and plan.command == "order.resolve_is"
    assert plan.arguments == {"identifier": made[0]}
    await press(pilot, "enter")
    await floor.state(order_id, "done")
    await until(lambda: isinstance(pilot.app.screen, OrderScreen))
    await until(lambda: "✓ done" in screen_text(pilot))
    world = await floor.world(order_id)
    assert [number for number, _ in world["whmcs"]["orders"]] == [made[0]], "exactly one, however it was resolved"
    assert world["salesforce"]["WHMCS_Order_ID__c"] == made[0]
    told = "the outcome of whmcs.AddOrder is known now: it is there, operator of the test said so"
    await until(lambda: told in " ".join(line_text(pilot)), said=lambda: " ".join(line_text(pilot)))
    await home(pilot)


def dialog_words(pilot: Pilot[Any]) -> str:
    return words_of(dialog(pilot).query_one("#dialog-words", Sheet))


def line_text(pilot: Pilot[Any]) -> list[str]:
    return ["".join(text for text, _ in line) for line in pilot.app.desk.said]  # type: ignore[attr-defined]


async def test_an_id_that_is_not_ours_is_refused_side_by_side(floor: Floor) -> None:
    order_id = await floor.unknown(made=False)
    pilot = await floor.console("operator")
    await go_to(pilot, number_of(floor, order_id))
    await press(pilot, "equals_sign")
    await until(lambda: isinstance(pilot.app.screen, ResolveScreen) and "orders in WHMCS" in screen_text(pilot))
    await until(lambda: bool(pilot.app.screen.targets()))  # type: ignore[attr-defined]
    await press(pilot, "equals_sign")
    await until(lambda: isinstance(pilot.app.screen, PlanDialog))
    ours = floor.placed[order_id].client  # one of the same customer could match
    past = next(one for one in floor.sandbox.whmcs.world()["orders"] if int(one["clientid"]) != ours)
    await until(lambda: isinstance(pilot.app.focused, Input) and not dialog(pilot).ignores_input())
    await press(pilot, *str(past["id"]), "enter")
    both = ("it does not match", "belongs to")
    await until(lambda: all(one in dialog_words(pilot) for one in both), said=lambda: dialog_words(pilot))
    await until(lambda: not dialog(pilot).ignores_input())
    await press(pilot, "escape")
    await home(pilot)
    supervisor = await floor.console("supervisor")
    await go_to(supervisor, number_of(floor, order_id))
    await press(supervisor, "equals_sign")
    await until(lambda: isinstance(s := supervisor.app.screen, ResolveScreen) and s.stands)
    sheet = supervisor.app.screen.query_one("#asked", Sheet)
    await until(lambda: "A It is not there: it is sent once more." in words_of(sheet))
    await press(supervisor, "A")
    shown = await planned(supervisor)
    assert "none carries the marker" in words_of(shown.query_one("#dialog-words", Sheet))
    shown.query_one("#dialog-reason", Input).value = "asked accounting"
    await press(supervisor, "enter")
    await floor.state(order_id, "done")
    assert len((await floor.world(order_id))["whmcs"]["orders"]) == 1
    await home(supervisor)


async def test_the_form_of_an_edit_checks_and_keeps_old_and_new(floor: Floor) -> None:
    await floor.desk.journal.write(
        lambda db: db.execute("UPDATE profiles SET state = 'unusable' WHERE type = 'TRAVEL-10G'")
    )
    order_id = floor.order("travel")
    await floor.admit(order_id)
    await floor.state(order_id, "parked", wait="condition")
    operator = await floor.console("operator")
    await go_to(operator, number_of(floor, order_id))
    await press(operator, "e")
    await until(lambda: isinstance(operator.app.screen, EditScreen) and "profile type" in screen_text(operator))
    await until(lambda: "NOT EDITED HERE" in screen_text(operator))
    both = ("this needs a supervisor", "have it approved again")
    await until(lambda: all(one in screen_text(operator) for one in both), said=lambda: screen_text(operator))
    await home(operator)

    pilot = await floor.console("supervisor")
    await go_to(pilot, number_of(floor, order_id))
    await press(pilot, "e")
    await until(lambda: isinstance(pilot.app.screen, EditScreen) and "EID" in screen_text(pilot))
    await until(lambda: isinstance(pilot.app.focused, Input))
    await press(pilot, *"1234", "enter")
    await until(lambda: "not an EID" in screen_text(pilot) and not dialog(pilot).ignores_input())
    await press(pilot, "escape")
    await until(lambda: isinstance(pilot.app.screen, EditScreen) and isinstance(pilot.app.focused, Input))
    field = pilot.app.focused
    assert isinstance(field, Input)
    field.value = EID
    await press(pilot, "enter")
    asked = await planned(pilot)
    words = words_of(asked.query_one("#dialog-words", Sheet))
    assert "→ 8904••••" in words and "WHMCS bills client" in words
    asked.query_one("#dialog-reason", Input).value = "the customer sent the EID of another phone"
    await press(pilot, "enter")
    await until(lambda: bool(floor.desk.journal.peek(lambda db: desk.edits(db, order_id))))
    (edit,) = floor.desk.journal.peek(lambda db: desk.edits(db, order_id))
    assert (edit.field, edit.new) == ("eid", EID) and edit.old != EID
    await until(lambda: [row.phase for row in floor.audit(order_id, "order.edit")] == ["intent", "outcome"])
    assert EID not in str(floor.audit(order_id, "order.edit"))
    await home(pilot)
    await go_to(pilot, number_of(floor, order_id))
    await press(pilot, "H")
    history = order(pilot).query_one("#history", Sheet)
    old = f"{edit.old[:4]}••••" if edit.old else "none"  # half of the orders come with one
    await until(lambda: f"eid: {old}" in words_of(history), said=lambda: words_of(history))
    await until(lambda: "→ 8904••••" in words_of(history), said=lambda: words_of(history))
    assert EID not in screen_text(pilot)
    await home(pilot)


async def test_whole_values_are_shown_for_a_while_and_written_down_first(floor: Floor) -> None:
    order_id = floor.order("esim")
    await floor.admit(order_id)
    await floor.state(order_id, "done")
    person = next(p for p in floor.sandbox.world.people if p.number == floor.placed[order_id].customer)
    pilot = await floor.console("operator")
    await go_to(pilot, number_of(floor, order_id))
    assert person.phone not in screen_text(pilot) and person.email not in screen_text(pilot)
    await reveal(pilot)
    await until(lambda: person.phone in screen_text(pilot) and person.email in screen_text(pilot))
    rows = floor.audit(order_id, "reveal")
    assert (rows[0].phase, rows[0].reason) == ("intent", "the customer is on the phone")
    pilot.app.app_focus = False
    await until(lambda: isinstance(pilot.app.screen, OrderScreen) and person.phone not in screen_text(pilot))
    pilot.app.app_focus = True

    await reveal(pilot)
    await until(lambda: person.phone in screen_text(pilot))
    shown = pilot.app.screen
    assert isinstance(shown, RevealScreen)
    shown._clock = lambda: time.monotonic() + 31
    await until(lambda: isinstance(pilot.app.screen, OrderScreen))

    await reveal(pilot)
    await until(lambda: person.phone in screen_text(pilot))
    pilot.app.push_screen(Menu("Something else", [], pilot.app.desk.glyphs))  # type: ignore[attr-defined]
    await until(lambda: isinstance(pilot.app.screen, Menu))
    await press(pilot, "escape")
    await until(lambda: isinstance(pilot.app.screen, OrderScreen) and person.phone not in screen_text(pilot))
    assert len(floor.desk.journal.peek(lambda db: audit.newest(db, 50, command="reveal", subject=order_id))) == 6
    await home(pilot)

    viewer = await floor.console("viewer")
    await go_to(viewer, number_of(floor, order_id))
    await press(viewer, "w")
    await until(lambda: "this needs the role operator; yours is viewer" in notices(viewer))
    await home(viewer)


async def reveal(pilot: Pilot[Any]) -> None:
    await press(pilot, "w")
    await until(lambda: isinstance(s := pilot.app.screen, RevealScreen) and bool(s.query("#reveal-reason")))
    pilot.app.screen.query_one("#reveal-reason", Input).value = "the customer is on the phone"
    await press(pilot, "enter")


async def test_what_is_copied_and_exported_is_masked(
    floor: Floor, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = floor.order("esim")
    await floor.admit(order_id)
    await floor.state(order_id, "done")
    number = number_of(floor, order_id)
    person = next(p for p in floor.sandbox.world.people if p.number == floor.placed[order_id].customer)
    held = floor.desk.journal.peek(lambda db: profiles.of_order(db, order_id))
    (secret,) = floor.desk.journal.peek(lambda db: profiles.activations(db, order_id))
    pilot = await floor.console("operator")
    copied: list[str] = []
    monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
    await go_to(pilot, number)
    for key in "nlcjs":
        await press(pilot, "y")
        await until(lambda: isinstance(pilot.app.screen, Menu))
        before = len(copied)
        await press(pilot, key)
        await until(lambda: len(copied) == before + 1)  # noqa: B023 - asked for at once
    assert copied[:3] == [number, f"portal console --order {number}", f"portal orders show {number}"]
    assert copied[4].endswith(f"/{order_id}")
    file = tmp_path / "order.json"
    await press(pilot, "X")
    await until(lambda: bool(pilot.app.screen.query("#export-file")))
    pilot.app.screen.query_one("#export-file", Input).value = str(file)
    await press(pilot, "enter")
    await until(file.is_file)
    await until(lambda: "personal data masked" in notices(pilot))
    assert file.stat().st_mode & 0o777 == 0o600
    personal = [person.name, person.last_name, person.phone, person.email, secret.matching_id, *(p.iccid for p in held)]
    for text in (copied[3], file.read_text()):
        assert json.loads(text)["order"]["order_id"] == order_id
        for value in personal:
            assert value not in text, value
    await home(pilot)
