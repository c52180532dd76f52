"""What a person would read off the screen."""

from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from console.app import ConsoleApp
from console.screens.board import BoardScreen
from console.screens.needs import NeedsScreen
from console.screens.order import OrderScreen
from console.widgets.confirm import PlanDialog
from console.widgets.inline import InlineConfirm
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.conftest import until


def text_of(widget: Widget) -> str:
    """The lines of a widget as painted."""
    size = widget.size
    return "\n".join(widget.render_line(y).text for y in range(size.height))


def screen_text(pilot: Pilot[Any]) -> str:
    """The whole screen as painted."""
    screen: Screen[Any] = pilot.app.screen
    lines = screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def words_of(sheet: Sheet) -> str:
    """Everything a sheet holds, also what is scrolled out of sight, as one line."""
    return " ".join(" ".join("".join(text for text, _ in line) for line in sheet.lines).split())


def notices(pilot: Pilot[Any]) -> str:
    """Everything that was said in notices and still stands."""
    return " ".join(notice.message for notice in pilot.app._notifications)


def told(pilot: Pilot[Any]) -> list[str]:
    """What the console told in a way that stays, notices that have gone by now too."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    return ["".join(text for text, _ in line) for line in app.desk.said]


def board(pilot: Pilot[Any]) -> BoardScreen:
    screen = pilot.app.screen
    assert isinstance(screen, BoardScreen)
    return screen


def order(pilot: Pilot[Any]) -> OrderScreen:
    screen = pilot.app.screen
    assert isinstance(screen, OrderScreen)
    return screen


def dialog(pilot: Pilot[Any]) -> PlanDialog:
    screen = pilot.app.screen
    assert isinstance(screen, PlanDialog)
    return screen


async def take(pilot: Pilot[Any], order_id: str) -> None:
    """Take an order in hand on the board and wait until the daemon said what can be done."""
    board(pilot).table.take(order_id)
    await until(pilot, lambda: bool(board(pilot).known_commands()))


async def planned(pilot: Pilot[Any]) -> PlanDialog:
    """Wait for a dialog with a plan that no longer ignores keys."""
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None)
    await until(pilot, lambda: not dialog(pilot).ignores_input())
    return dialog(pilot)


async def asked_inline(pilot: Pilot[Any]) -> InlineConfirm:
    """Wait for the line with a plan that ⏎ would submit."""
    await until(pilot, lambda: isinstance(s := pilot.app.screen, InlineConfirm) and s.ready)
    assert isinstance(pilot.app.screen, InlineConfirm)
    return pilot.app.screen


async def needs(pilot: Pilot[Any], row: str) -> NeedsScreen:
    await pilot.press("exclamation_mark")
    await until(pilot, lambda: isinstance(pilot.app.screen, NeedsScreen) and "wait for a person" in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, NeedsScreen)
    screen.table.take(row)
    await until(pilot, lambda: screen.in_hand is not None and bool(screen.known_commands()))
    return screen


def order_row(number: str) -> str:
    return f"order:{world.order_id(number)}"
