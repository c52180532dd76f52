"""The accepted pictures of the order screen's panes, of resolve, edit, reveal, the copy menu and Approvals."""

from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.approvals import ApprovalsScreen
from console.screens.edit import EditScreen
from console.screens.order import OrderScreen
from console.screens.resolve import ResolveScreen
from console.screens.reveal import RevealScreen
from console.widgets.menu import Menu
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.conftest import SameScreen, until
from tests.console.screens.looking import screen_text

SIZES = ((120, 40), (80, 24))
UNKNOWN, WAITING = "10470", "10480"


async def open_order(pilot: Pilot[Any], number: str) -> OrderScreen:
    await pilot.press("colon", *number, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
    screen = pilot.app.screen
    assert isinstance(screen, OrderScreen)
    await until(pilot, lambda: bool(screen.known_commands()) and len(screen.query_one("#records", Sheet).lines) > 3)
    return screen


@pytest.mark.parametrize(("pane", "key"), [("records", "d"), ("history", "H"), ("events", "E")])
async def test_a_pane_on_a_small_terminal(same_screen: SameScreen, pane: str, key: str) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await open_order(pilot, WAITING if pane == "history" else UNKNOWN)
        await pilot.press(key)

    await same_screen(f"order-{pane}", (80, 24), steps)


@pytest.mark.parametrize(("pane", "times"), [("meaning", 4), ("acts", 6)])
async def test_a_pane_reached_by_tab_on_a_small_terminal(same_screen: SameScreen, pane: str, times: int) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        screen = await open_order(pilot, UNKNOWN)
        for _ in range(times):
            await pilot.press("tab")
        await until(pilot, lambda: screen.focused is not None and screen.focused.id == pane)

    await same_screen(f"order-{pane}", (80, 24), steps)


@pytest.mark.parametrize("size", SIZES)
async def test_resolve(same_screen: SameScreen, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await open_order(pilot, UNKNOWN)
        await pilot.press("equals_sign")
        await until(pilot, lambda: isinstance(pilot.app.screen, ResolveScreen) and "It matches" in screen_text(pilot))

    await same_screen("resolve", size, steps)


@pytest.mark.parametrize("size", SIZES)
async def test_edit(same_screen: SameScreen, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        screen = await open_order(pilot, WAITING)
        pilot.app.push_screen(EditScreen(screen.desk, screen.order_id))
        await until(pilot, lambda: "NOT EDITED HERE" in screen_text(pilot))
        await until(pilot, lambda: pilot.app.focused is not None)

    await same_screen("edit", size, steps)


@pytest.mark.parametrize("size", SIZES)
async def test_approvals(same_screen: SameScreen, size: tuple[int, int]) -> None:
    async def steps(pilot: Pilot[Any]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: isinstance(pilot.app.screen, ApprovalsScreen) and "2 waiting" in screen_text(pilot))
        screen = pilot.app.screen
        assert isinstance(screen, ApprovalsScreen)
        screen.table.take(world.order_id("00010484"))
        await until(pilot, lambda: any(one.id == "order.take" for one in screen.known_commands()))

    await same_screen("approvals", size, steps)


async def test_copy_and_reveal_ask_first(same_screen: SameScreen) -> None:
    async def menu(pilot: Pilot[Any]) -> None:
        await open_order(pilot, UNKNOWN)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, Menu))

    async def reveal(pilot: Pilot[Any]) -> None:
        await open_order(pilot, UNKNOWN)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, RevealScreen))

    await same_screen("copy", (80, 24), menu)
    await same_screen("reveal", (80, 24), reveal)
