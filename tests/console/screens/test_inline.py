"""A harmless act is confirmed on one line; a key that is held down confirms nothing."""

import asyncio
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from console.commands.table import for_orders
from console.schema.commands import Plan, PlanRequest
from console.screens.board import BoardScreen
from console.widgets import grace
from console.widgets.inline import InlineConfirm
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.canned import planned as a_plan
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import (
    asked_inline,
    board,
    planned,
    screen_text,
    take,
)
from tests.console.screens.meanwhile import PARKED, park_meanwhile

FAILED = world.order_id("00010466")


def quiet(command: str, request: PlanRequest) -> Plan:
    """A plan without a warning."""
    return a_plan(command, request, warnings=())


async def hold_down(pilot: Pilot[Any], key: str, pause: float, times: int = 40) -> None:
    """What a terminal sends while a key is held down."""
    name = _character_to_key(key)
    for _ in range(times):
        pilot.app.post_message(events.Key(name, key))
        await asyncio.sleep(pause)
    await pilot.pause()


@pytest.mark.parametrize("key", ["a", "r"])
async def test_holding_a_key_down_at_thirty_a_second_submits_nothing(api: CannedApi, opened: Opened, key: str) -> None:
    api.plan_answer = quiet
    async with opened() as pilot:
        board(pilot).table.take(FAILED)
        await hold_down(pilot, key, 1 / 30)
        assert not isinstance(pilot.app.screen, BoardScreen), "it asks"
        assert api.submitted == []


async def test_holding_any_acting_key_down_submits_nothing(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty of each at thirty a second, as the dialogs' clock has it: longer than they ignore keys."""
    api.plan_answer = quiet
    now = [100.0]
    monkeypatch.setattr(grace, "monotonic", lambda: now[0])
    async with opened() as pilot:
        asked = 0
        for key in (*(command.keys for command in for_orders()), "z"):
            board(pilot).table.take(FAILED)
            for _ in range(20):
                pilot.app.post_message(events.Key(_character_to_key(key), key))
                await asyncio.sleep(0.001)
                now[0] += 1 / 30
            await pilot.pause()
            assert api.submitted == [], key
            asked += not isinstance(pilot.app.screen, BoardScreen)
            now[0] += 1.0
            while not isinstance(pilot.app.screen, BoardScreen):
                await pilot.press("escape")
        assert asked > 10


async def test_a_harmless_act_is_confirmed_on_one_line_that_names_it(api: CannedApi, opened: Opened) -> None:
    api.plan_answer = quiet
    async with opened(size=(80, 24)) as pilot:
        await take(pilot, FAILED)
        await pilot.press("r")
        await asked_inline(pilot)
        shown = screen_text(pilot)
        for said in ("SANDBOX", "Retry", "00010466", "吉田 蓮", "¥5,280", "Retry  ⏎", "Leave it  esc", "00010480"):
            assert said in shown
        await pilot.press("r", "r", "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        assert api.submitted == []
        await pilot.press("r")
        await asked_inline(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: [command for command, _, _ in api.submitted] == ["order.retry"])


async def test_the_line_is_used_with_tab_and_enter_too_and_left_by_a_click_beside_it(
    api: CannedApi, opened: Opened
) -> None:
    api.plan_answer = quiet
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("u")
        await asked_inline(pilot)
        await pilot.click(offset=(20, 8))
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        await pilot.press("u")
        await asked_inline(pilot)
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        assert api.submitted == []
        await pilot.press("u")
        await asked_inline(pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: [command for command, _, _ in api.submitted] == ["order.take"])


async def test_the_line_is_void_when_its_order_changes_and_says_who_did_what(api: CannedApi, opened: Opened) -> None:
    api.plan_answer = quiet
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("r")
        await asked_inline(pilot)
        park_meanwhile(api, FAILED)
        await until(pilot, lambda: f"{PARKED}: this is void. Nothing was sent" in screen_text(pilot))
        before = len(api.plans)
        await pilot.press("enter")
        await until(pilot, lambda: len(api.plans) == before + 1)
        assert api.submitted == []


async def test_a_plan_with_a_warning_does_not_fit_a_line(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("r")
        await planned(pilot)
        assert "WHMCS bills the card" in screen_text(pilot)


async def test_a_plan_that_does_not_fit_its_line_cannot_be_agreed_to_there(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """⏎ between the line and its dialog would agree to warnings that nobody saw."""
    ready: list[bool] = []
    dismiss = InlineConfirm.dismiss

    def dismissed(self: InlineConfirm, result: Any = None) -> Any:
        ready.append(self.ready)
        return dismiss(self, result)

    monkeypatch.setattr(InlineConfirm, "dismiss", dismissed)
    async with opened() as pilot:
        await take(pilot, FAILED)
        await pilot.press("r")
        await planned(pilot)
        assert ready == [False] and api.submitted == []
