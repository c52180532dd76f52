"""What works on every screen: going by words, the log console, the palette, keys out of an input method."""

from collections.abc import Callable
from typing import Any

import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from console.screens import palette
from console.screens.approvals import ApprovalsScreen
from console.screens.board import BoardScreen
from console.screens.goto import GoTo
from console.screens.logscreen import LogConsole
from console.screens.order import OrderScreen
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.canned import planned as a_plan
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import asked_inline, screen_text, take, words_of

FAILED, UNKNOWN = world.order_id("00010466"), world.order_id("00010470")


async def go(pilot: Pilot[Any], text: str) -> None:
    """Type after ``:``."""
    await pilot.press("colon")
    await until(pilot, lambda: isinstance(pilot.app.screen, GoTo))
    pilot.app.screen.query_one(Input).value = text
    await pilot.press("enter")


async def test_going_by_words(opened: Opened) -> None:
    async with opened() as pilot:
        await go(pilot, "ord １０４８０")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
        await go(pilot, "approvals")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalsScreen))
        await go(pilot, "state:failed")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen) and "state:failed" in screen_text(pilot))
        await go(pilot, "aprovals")
        await until(pilot, lambda: "Did you mean approvals?" in screen_text(pilot))
        await pilot.press("escape")


async def test_the_log_console_keeps_acts_as_command_lines_and_failed_requests_masked(
    api: CannedApi, opened: Opened
) -> None:
    api.plan_answer = lambda command, request: a_plan(command, request, warnings=())
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("r")
        await asked_inline(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: len(api.submitted) == 1)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(pilot.app.screen, LogConsole))
        sheet = pilot.app.screen.query_one(Sheet)
        await until(pilot, lambda: "portal orders retry 00010466" in words_of(sheet))
        await pilot.press("L")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))


async def test_the_log_console_shows_no_personal_data(opened: Opened) -> None:
    async with opened() as pilot:
        app: Any = pilot.app
        app.log_book.note("said", "mail to hanako.tanaka@example.jp, token ptl_0123456789abcdef0123456789abcdef")
        await pilot.press("L")
        await until(pilot, lambda: isinstance(pilot.app.screen, LogConsole))
        await until(pilot, lambda: "mail to" in words_of(pilot.app.screen.query_one(Sheet)))
        assert "hanako.tanaka" not in screen_text(pilot)


@pytest.mark.parametrize(("order", "first", "greyed"), [(UNKNOWN, "Resolve: it is there", "Recover: Retry")])
async def test_the_palette_has_the_possible_first_and_greys_the_rest_with_the_reason(
    opened: Opened, order: str, first: str, greyed: str
) -> None:
    async with opened(size=(120, 60)) as pilot:
        await take(pilot, order)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette) and first in screen_text(pilot))
        pilot.app.screen.query_one(Input).value = "retry"
        await until(pilot, lambda: "not now: the outcome of whmcs.AddOrder" in screen_text(pilot))
        shown = screen_text(pilot)
        assert greyed in shown
        assert "supervisor; yours is operator" not in shown, "what the role can never do is not listed"


@pytest.mark.parametrize("role", ["viewer", "operator"])
async def test_the_palette_has_undo_only_for_who_may_ever_cancel(api: CannedApi, opened: Opened, role: str) -> None:
    api.me_answer = api.me_answer.model_copy(update={"role": role})
    async with opened() as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        screen = pilot.app.screen
        assert isinstance(screen, BoardScreen)
        await until(pilot, lambda: screen.desk.session.role == role)
        titles = [entry.title for entry in palette._keys(screen)]
        assert "Go: Orders  1" in titles
        assert ("Undo  z" in titles) is (role == "operator")


@pytest.mark.parametrize("typed", ["田", "ｒ", "が", "か\u3099"], ids=["kanji", "wide r", "composed", "decomposed"])
async def test_a_key_out_of_an_input_method_does_nothing_and_says_why(
    api: CannedApi, opened: Opened, typed: str
) -> None:
    async with opened() as pilot:
        await take(pilot, FAILED)
        for character in typed:
            pilot.app.post_message(events.Key(character, character))
        await until(pilot, lambda: "Japanese input is on" in screen_text(pilot))
        assert isinstance(pilot.app.screen, BoardScreen)
        assert (api.plans, api.submitted) == ([], [])


async def test_a_key_out_of_an_input_method_is_text_in_a_field(opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("slash")
        pilot.app.post_message(events.Key("田", "田"))
        shown: Callable[[], bool] = lambda: "/ 田" in screen_text(pilot).replace("  ", " ")  # noqa: E731
        await until(pilot, shown)
        assert "Japanese input" not in screen_text(pilot)
