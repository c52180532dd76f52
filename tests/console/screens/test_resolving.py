"""Resolve, whichever of its two answers comes first: the order or what the call may have made."""

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from console.schema.detail import OrderDetail
from console.screens.order import OrderScreen
from console.screens.resolve import ResolveScreen
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import board, notices, planned, screen_text, words_of

UNKNOWN = world.order_id("00010470")


async def open_resolve(pilot: Pilot[Any]) -> ResolveScreen:
    screen = ResolveScreen(board(pilot).desk, UNKNOWN)
    pilot.app.push_screen(screen)
    await until(pilot, lambda: pilot.app.screen is screen and screen.stands)
    return screen


@pytest.mark.parametrize("late", ["order", "candidates"])
async def test_enter_means_what_is_shown_whichever_is_read_first(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """Before both are read nothing is shown as a match, and nothing is planned."""
    answers, asked = asyncio.Event(), getattr(api, late)
    gone_out: list[str] = []

    async def later(order: str, **more: Any) -> Any:
        gone_out.append(order)
        await answers.wait()
        return await asked(order, **more)

    async with opened() as pilot:
        monkeypatch.setattr(api, late, later)
        screen = await open_resolve(pilot)
        match = screen.query_one("#match", Sheet)
        await until(pilot, lambda: UNKNOWN in gone_out)
        assert "It matches" not in words_of(match) and not api.plans
        await pilot.press("enter")
        screen.action_is_it()  # a click on the key's hint
        await until(pilot, lambda: "It is still being read" in notices(pilot))
        assert pilot.app.screen is screen and not api.plans
        answers.set()
        await until(pilot, lambda: "It matches" in screen_text(pilot))
        await pilot.press("enter")
        plan = (await planned(pilot)).plan
        assert plan is not None and (plan.command, [one.order_id for one in plan.orders]) == (
            "order.resolve_is",
            [UNKNOWN],
        )
        first = world.candidates(UNKNOWN).candidates[0].identifier
        assert plan.arguments == {"identifier": first}


@pytest.mark.parametrize("kind", [OrderScreen, ResolveScreen])
async def test_what_becomes_possible_by_time_alone_is_asked_for_then(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch, kind: type[OrderScreen | ResolveScreen]
) -> None:
    """That a call can no longer land is no event: nothing else would tell the screen."""
    asked, moment, reads = api.order, [world.NOW], [0]

    async def order(wanted: str, **more: Any) -> OrderDetail:
        reads[0] += 1
        found = await asked(wanted, **more)
        calls = [one.model_copy(update={"late_until": world.NOW + 30}) for one in found.calls]
        able = [
            one.model_copy(update={"possible": moment[0] >= world.NOW + 30, "reason": "it may still arrive"})
            if one.id == "order.retry"
            else one
            for one in found.commands
        ]
        return found.model_copy(update={"calls": calls, "commands": able, "at": moment[0]})

    monkeypatch.setattr(api, "order", order)
    async with opened(wall=lambda: moment[0]) as pilot:
        screen = kind(board(pilot).desk, UNKNOWN)
        pilot.app.push_screen(screen)
        await until(pilot, lambda: (one := screen.possible("order.retry")) is not None and not one.possible)
        moment[0] += 31
        await until(pilot, lambda: (one := screen.possible("order.retry")) is not None and one.possible)
        read = reads[0]
        screen.tick()
        await pilot.pause()
        assert reads[0] == read, "it is asked for once"
