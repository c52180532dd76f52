"""The accepted pictures of board and Find: sizes, colours, and terminals without colour or without Unicode."""

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.screens.find import FindScreen
from tests.console.screens import finds, world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import SameScreen, until
from tests.console.screens.looking import board

SIZES = ((120, 40), (80, 24))


async def in_hand(pilot: Pilot[Any]) -> None:
    """An unknown outcome in hand, two orders marked, the list read to its end."""
    table = board(pilot).table
    table.take(world.order_id("00010477"))
    await pilot.press("space", "up", "up", "space")
    table.take(world.order_id("00010470"))
    await until(pilot, lambda: board(pilot)._detail is not None and board(pilot)._detail.order.number == "00010470")  # type: ignore[union-attr]


async def look(pilot: Pilot[Any]) -> None:
    await pilot.press("F")
    screen = pilot.app.screen
    assert isinstance(screen, FindScreen)
    screen.query_one(Input).value = finds.PHONE
    await pilot.press("enter")
    await until(pilot, lambda: screen.found.chosen is not None and screen.found.has_focus)


@pytest.mark.parametrize("size", [*SIZES, (200, 60)])
async def test_board(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("board", size, in_hand)


async def test_board_in_ascii(same_screen: SameScreen) -> None:
    await same_screen("board-ascii", (80, 24), in_hand, glyphs="ascii")


async def test_board_in_light_colours(same_screen: SameScreen) -> None:
    await same_screen("board-light", (120, 40), in_hand, theme="portal-light")


async def test_board_without_colours(same_screen: SameScreen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    await same_screen("board-mono", (120, 40), in_hand)


@pytest.mark.parametrize("size", SIZES)
async def test_find(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("find", size, look)


async def test_find_that_is_partial(same_screen: SameScreen, api: CannedApi) -> None:
    api.whmcs_down = True
    await same_screen("find-partial", (120, 40), look)
