"""The accepted pictures of what needs a person, of failures, of a plan for many orders and of a batch."""

from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.batch import BatchScreen
from console.screens.failures import FailuresScreen
from console.screens.needs import NeedsScreen
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import SameScreen, until
from tests.console.screens.looking import planned, screen_text
from tests.console.screens.test_troubles import many

SIZES = ((120, 40), (80, 24))


async def open_needs(pilot: Pilot[Any]) -> None:
    await pilot.press("exclamation_mark")
    await until(
        pilot, lambda: isinstance(pilot.app.screen, NeedsScreen) and "9 wait for a person" in screen_text(pilot)
    )
    screen = pilot.app.screen
    assert isinstance(screen, NeedsScreen)
    screen.table.take(f"order:{world.order_id('00010470')}")
    await until(pilot, lambda: bool(screen.known_commands()) and "David Chen" in screen_text(pilot))


async def open_failures(pilot: Pilot[Any]) -> None:
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.screen, FailuresScreen) and "8 causes" in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, FailuresScreen)
    screen.table.take("cause:capacity")
    await pilot.press("enter")
    await until(pilot, lambda: "小林 恵" in screen_text(pilot))


async def open_batch(pilot: Pilot[Any]) -> None:
    await pilot.press("percent_sign")
    await until(pilot, lambda: "Retry" in screen_text(pilot))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, BatchScreen) and "鈴木 一郎" in screen_text(pilot))
    await pilot.press("down")
    await until(pilot, lambda: "an arrow key" not in screen_text(pilot))


async def plan_many(pilot: Pilot[Any]) -> None:
    await open_failures(pilot)
    await pilot.press("r")
    await planned(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_needs(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("needs", size, open_needs)


@pytest.mark.parametrize("size", SIZES)
async def test_failures(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("failures", size, open_failures)


@pytest.mark.parametrize("size", SIZES)
async def test_batch(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("batch", size, open_batch)


@pytest.mark.parametrize("size", SIZES)
async def test_plan_of_many(same_screen: SameScreen, api: CannedApi, size: tuple[int, int]) -> None:
    api.plan_answer = many
    await same_screen("many", size, plan_many)
