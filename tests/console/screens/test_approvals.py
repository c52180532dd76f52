"""Approvals: who may decide and why not, and the decision itself."""

from console.screens.approvals import ApprovalsScreen
from console.screens.order import OrderScreen
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import notices, planned, screen_text

LARGE, SMALL = world.order_id("00010485"), world.order_id("00010484")


async def open_approvals(pilot: object) -> ApprovalsScreen:
    await pilot.press("2")  # type: ignore[attr-defined]
    await until(pilot, lambda: "2 waiting" in screen_text(pilot))  # type: ignore[arg-type]
    screen = pilot.app.screen  # type: ignore[attr-defined]
    assert isinstance(screen, ApprovalsScreen)
    return screen


async def test_what_waits_stands_with_its_reason_and_the_sum(opened: Opened) -> None:
    async with opened() as pilot:
        await open_approvals(pilot)
        shown = screen_text(pilot)
        assert "sum ¥10,230" in shown and "oldest 14m" in shown
        assert "2 Approvals 2" in shown


async def test_an_order_beyond_ones_limit_says_who_may_and_opens_nothing(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_approvals(pilot)
        screen.table.take(LARGE)
        await pilot.press("a")
        await until(pilot, lambda: "a supervisor may approve it" in notices(pilot))
        assert pilot.app.screen is screen
        assert api.plans == []


async def test_one_within_the_limit_is_approved(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_approvals(pilot)
        screen.table.take(SMALL)
        await pilot.press("a")
        await planned(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: len(api.submitted) == 1)
        assert (api.submitted[0][0], api.submitted[0][1].orders) == ("order.approve", [SMALL])


async def test_one_that_was_decided_meanwhile_says_so_and_still_opens(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await open_approvals(pilot)
        screen.table.take(SMALL)
        left = [one for one in api.waiting.approvals if one.order_id != SMALL]
        api.waiting = api.waiting.model_copy(update={"approvals": left, "count": len(left)})
        await pilot.press("f")
        said = "00010484 was decided meanwhile and does not wait any more. ⏎ opens it, an arrow key takes another one."
        await until(pilot, lambda: said in screen_text(pilot))
        assert "an arrow key takes an order in hand" not in screen_text(pilot), "one is in hand"
        await pilot.press("a")
        await until(pilot, lambda: f"Approve: {said}" in notices(pilot))
        assert pilot.app.screen is screen and api.plans == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
