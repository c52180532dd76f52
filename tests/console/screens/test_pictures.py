"""The accepted pictures in tests/screens, made again and compared byte for byte."""

from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from console.screens.board import BoardScreen
from console.screens.help import HelpScreen
from console.screens.order import OrderScreen
from console.widgets.confirm import PlanDialog
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.conftest import SameScreen, Steps, until
from tests.console.screens.looking import board, dialog, screen_text

SIZES = ((120, 40), (80, 24))


async def open_unknown(pilot: Pilot[Any]) -> None:
    await pilot.press("colon", *"10470", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
    screen = pilot.app.screen
    assert isinstance(screen, OrderScreen)
    await until(pilot, lambda: bool(screen.known_commands()) and len(screen.query_one("#records", Sheet).lines) > 3)


async def ask_approve(pilot: Pilot[Any]) -> None:
    board(pilot).table.take(world.order_id("00010485"))
    await until(pilot, lambda: bool(board(pilot).known_commands()))
    await pilot.press("a")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None)


@pytest.mark.parametrize("size", SIZES)
async def test_order(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("order", size, open_unknown)


@pytest.mark.parametrize("size", SIZES)
async def test_confirmation(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("approve", size, ask_approve)


# What is after the picture's name, the terminal, and the options of another look; the board's are beside Find's.
OTHER_LOOKS: tuple[tuple[str, tuple[int, int], dict[str, Any]], ...] = (
    ("", (200, 60), {}),
    ("-light", (120, 40), {"theme": "portal-light"}),
    ("-mono", (120, 40), {}),
    ("-ascii", (80, 24), {"glyphs": "ascii"}),
)


@pytest.mark.parametrize(("after", "size", "options"), OTHER_LOOKS, ids=["200x60", "light", "mono", "ascii"])
@pytest.mark.parametrize(("name", "steps"), [("order", open_unknown), ("approve", ask_approve)])
async def test_another_look(
    same_screen: SameScreen, monkeypatch: pytest.MonkeyPatch, name: str, steps: Steps, after: str, size: tuple[int, int], options: dict[str, Any]
) -> None:  # fmt: skip
    if after == "-mono":
        monkeypatch.setenv("NO_COLOR", "1")
    await same_screen(f"{name}{after}", size, steps, **options)


async def open_help(pilot: Pilot[Any]) -> None:
    await pilot.press("question_mark")
    await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


async def open_palette(pilot: Pilot[Any]) -> None:
    board(pilot).table.take(world.order_id("00010470"))
    await until(pilot, lambda: bool(board(pilot).known_commands()))
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
    await until(pilot, lambda: pilot.app.screen.has_class("-ready") and "Decide: Approve" in screen_text(pilot))


async def open_log(pilot: Pilot[Any]) -> None:
    ticker = "12:04:31   Approve 00010485: requested"
    await ask_approve(pilot)
    await until(pilot, lambda: not dialog(pilot).ignores_input())
    await pilot.press("enter")
    # in the ticker of the board, which is seen around the log
    await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen) and ticker in screen_text(pilot))
    await pilot.press("L")
    await until(pilot, lambda: "portal orders approve" in screen_text(pilot))


async def open_go_to(pilot: Pilot[Any]) -> None:
    await pilot.press("colon", *"appr")
    await until(pilot, lambda: "Approvals" in screen_text(pilot))


async def open_views(pilot: Pilot[Any]) -> None:
    await pilot.press("v")
    await until(pilot, lambda: "Hand-over" in screen_text(pilot))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "steps"),
    [("help", open_help), ("palette", open_palette), ("log", open_log), ("go-to", open_go_to), ("views", open_views)],
)
async def test_what_opens_over_the_board(
    same_screen: SameScreen, name: str, steps: Steps, size: tuple[int, int]
) -> None:
    await same_screen(name, size, steps)
