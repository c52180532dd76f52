"""The accepted pictures in tests/screens, made again and compared byte for byte."""

from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.board import BoardScreen
from console.screens.order import OrderScreen
from console.widgets.confirm import PlanDialog
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.conftest import SameScreen, until

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


def board(pilot: Pilot[Any]) -> BoardScreen:
    screen = pilot.app.screen
    assert isinstance(screen, BoardScreen)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_order(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("order", size, open_unknown)


@pytest.mark.parametrize("size", SIZES)
async def test_confirmation(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("approve", size, ask_approve)
