"""Needs a person: rows that were settled while somebody looked at them, and what is done to one row at a time."""

from console.schema.desk import Failures
from console.screens.failures import FailuresScreen
from console.screens.order import OrderScreen
from console.widgets import needsrow
from tests.console.screens import troubles
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import needs, notices, order_row, screen_text


async def test_a_settled_row_stays_in_hand_and_says_so(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await needs(pilot, order_row("00010466"))
        left = [item for item in api.needs.items if item.key != order_row("00010466")]
        api.needs = api.needs.model_copy(update={"items": left, "count": len(left)})
        await pilot.press("f")
        await until(pilot, lambda: "settled meanwhile" in screen_text(pilot))
        assert screen.table.in_hand == order_row("00010466")
        assert screen.targets() == {}
        row = next(line for line in screen_text(pilot).splitlines() if "settled meanwhile" in line)
        assert "00010466" in row, "the row still says which order it was"
        said = "00010466 was settled meanwhile and waits for nobody any more. ⏎ opens the order."
        await until(pilot, lambda: said in screen_text(pilot))
        await pilot.press("r")
        await until(pilot, lambda: f"Retry: {said}" in notices(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))


async def test_a_settled_row_of_the_system_asks_for_no_row_by_its_id(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await needs(pilot, "pause:esim")
        title = screen.in_hand.title if screen.in_hand is not None else ""
        left = [item for item in api.needs.items if item.key != "pause:esim"]
        api.needs = api.needs.model_copy(update={"items": left, "count": len(left)})
        await pilot.press("f")
        await until(pilot, lambda: "settled meanwhile" in screen_text(pilot))
        await pilot.press("D")
        said = f"Mark as seen: {title} was settled meanwhile and waits for nobody any more."
        await until(pilot, lambda: said in notices(pilot))
        assert pilot.app.screen is screen and not api.plans


async def test_what_is_for_one_row_is_not_done_while_rows_are_marked(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await needs(pilot, "mail:17")
        await pilot.press("space")
        await until(pilot, lambda: "1 marked" in screen_text(pilot))
        await pilot.press("D")
        said = "Mark as seen: this is done for one row at a time: esc clears the marks"
        await until(pilot, lambda: said in notices(pilot))
        assert pilot.app.screen is screen and not api.plans


async def test_acts_that_begin_alike_are_told_apart(api: CannedApi, opened: Opened) -> None:
    """A supervisor may say both: it is there, and it is not there."""
    async with opened() as pilot:
        screen = await needs(pilot, order_row("00010470"))
        item = screen.in_hand
        assert item is not None
        both = item.model_copy(update={"next_acts": ["order.resolve_is", "order.resolve_absent"]})
        assert needsrow.acts_words(both) == "= It is there  A It is not there"
        one = item.model_copy(update={"next_acts": ["order.resolve_is", "order.unpark"]})
        assert needsrow.acts_words(one) == "= Resolve  W Go on now"


async def test_a_cause_without_orders_keeps_its_name_while_it_is_in_hand(api: CannedApi, opened: Opened) -> None:
    found = troubles.failures()
    gone = next(group for group in found.groups if group.cause == "capacity")
    left = found.model_copy(update={"groups": [group for group in found.groups if group is not gone]})
    answer = [found]

    async def failing(filter_: str = "") -> Failures:
        return answer[0]

    api.failures = failing  # type: ignore[method-assign]
    async with opened() as pilot:
        await pilot.press("3")
        await until(pilot, lambda: isinstance(pilot.app.screen, FailuresScreen) and gone.title in screen_text(pilot))
        screen = pilot.app.screen
        assert isinstance(screen, FailuresScreen)
        screen.table.take("cause:capacity")
        answer[0] = left
        await pilot.press("f")
        await until(pilot, lambda: f"not here any more: {gone.title}" in screen_text(pilot))
        await until(pilot, lambda: "no order under this filter stands at this cause any more" in screen_text(pilot))
        assert "an arrow key takes" not in screen_text(pilot)
