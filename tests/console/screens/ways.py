"""The ways by keys from wherever a console is to a screen with these orders in hand or marked."""

from collections.abc import Sequence
from typing import Any

from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.approvals import ApprovalsScreen
from console.screens.board import BoardScreen
from console.screens.failures import CAUSE, FailuresScreen
from console.screens.find import FindScreen
from console.screens.order import OrderScreen
from console.widgets.filterbar import FilterBar
from console.widgets.ordertable import OrderTable
from tests.console.screens.floor import Floor, home, press, until
from tests.console.screens.looking import screen_text


async def to_the_order(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    """Its own screen."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await app.push_screen(OrderScreen(app.desk, order_id))


async def to_approvals(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    """In hand on the list of what waits for an approval."""
    app = pilot.app
    await press(pilot, "2")
    await until(lambda: isinstance(app.screen, ApprovalsScreen))
    approvals = app.screen
    assert isinstance(approvals, ApprovalsScreen)
    await press(pilot, "f")
    await until(lambda: order_id in approvals._known)
    await press(pilot, "full_stop")
    await until(lambda: order_id in approvals.table.keys)
    approvals.table.take(order_id)


async def to_the_board(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    """In hand on the board, which is filtered down to it."""
    await listed_on_the_board(floor, pilot, [order_id])
    await press(pilot, "down")
    await until(lambda: table_of(pilot).in_hand == order_id)


async def marked_on_the_board(floor: Floor, pilot: Pilot[Any], orders: Sequence[str]) -> None:
    await listed_on_the_board(floor, pilot, orders)
    await press(pilot, "asterisk")
    await until(lambda: set(table_of(pilot).marks) == set(orders))


async def listed_on_the_board(floor: Floor, pilot: Pilot[Any], orders: Sequence[str]) -> None:
    await press(pilot, "1")
    await until(lambda: isinstance(pilot.app.screen, BoardScreen))
    await filtered(floor, pilot, orders)
    await until(lambda: set(table_of(pilot).keys) == set(orders), said=lambda: screen_text(pilot))


async def to_failures(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    """In hand among the failures, beneath its unfolded cause."""
    screen = await causes_of(floor, pilot, [order_id])
    (cause,) = screen._groups
    await press(pilot, "down")
    await until(lambda: table_of(pilot).in_hand == cause)
    if order_id not in table_of(pilot).keys:
        await press(pilot, "enter")
    await until(lambda: order_id in table_of(pilot).keys, said=lambda: screen_text(pilot))
    await press(pilot, "down")
    await until(lambda: table_of(pilot).in_hand == order_id)


async def to_the_cause(floor: Floor, pilot: Pilot[Any], orders: Sequence[str]) -> None:
    """The one cause of these orders in hand."""
    screen = await causes_of(floor, pilot, orders)
    (cause,) = screen._groups
    await press(pilot, "down")
    await until(lambda: table_of(pilot).in_hand == cause)


async def marked_by_cause(floor: Floor, pilot: Pilot[Any], orders: Sequence[str]) -> None:
    """All causes of these orders marked."""
    screen = await causes_of(floor, pilot, orders)
    await press(pilot, "asterisk")
    await until(lambda: set(screen._groups) <= set(table_of(pilot).marks))


async def causes_of(floor: Floor, pilot: Pilot[Any], orders: Sequence[str]) -> FailuresScreen:
    """Failures filtered down to these orders, with each of them in the answer."""
    await press(pilot, "3")
    await until(lambda: isinstance(pilot.app.screen, FailuresScreen))
    screen = pilot.app.screen
    assert isinstance(screen, FailuresScreen)
    await filtered(floor, pilot, orders)

    def listed() -> bool:
        causes = [key for key in table_of(pilot).keys if key.startswith(CAUSE)]
        return set(screen._group_of) == set(orders) and set(causes) == set(screen._groups)

    await until(listed, said=lambda: screen_text(pilot))
    return screen


async def to_what_is_found(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    """Found by its number, and opened from the result."""
    await found(floor, pilot, order_id)
    await press(pilot, "enter")
    await until(lambda: isinstance(pilot.app.screen, OrderScreen))


async def found(floor: Floor, pilot: Pilot[Any], order_id: str) -> None:
    """In hand in the result of Find."""
    await home(pilot)
    await press(pilot, "F")
    await until(lambda: isinstance(pilot.app.screen, FindScreen))
    find = pilot.app.screen
    assert isinstance(find, FindScreen)
    await press(pilot, *floor.placed[order_id].number, "enter")
    await until(lambda: find.found.chosen == order_id and find.found.has_focus, said=lambda: screen_text(pilot))


async def filtered(floor: Floor, pilot: Pilot[Any], orders: Sequence[str]) -> None:
    """Nothing marked, nothing in hand, and only these asked for."""
    while table_of(pilot).marks or table_of(pilot).in_hand is not None:
        await press(pilot, "escape")
    text = "number:" + ",".join(floor.placed[order_id].number for order_id in orders)
    await press(pilot, "slash", "end", "ctrl+u", *text, "enter")
    bar = pilot.app.screen.query_one(FilterBar)
    await until(lambda: bar.text == text and table_of(pilot).has_focus, said=lambda: screen_text(pilot))


def table_of(pilot: Pilot[Any]) -> OrderTable:
    return pilot.app.screen.query_one(OrderTable)
