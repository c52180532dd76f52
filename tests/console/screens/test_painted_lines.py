"""Only lines in which something else stands are painted anew: what is kept is what a whole painting gives."""

import random
from pathlib import Path

import pytest
from textual.geometry import Region
from textual.widget import Widget

from console.app import ConsoleApp
from console.client.views import View
from console.widgets.painted import PaintedLines
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import options_for, until
from tests.console.screens.harness import synthetic
from tests.console.screens.looking import board
from tests.console.screens.test_board_steady import COUNT, Stream

ROUNDS = 12


def _whole(widget: PaintedLines) -> list[str]:
    widget._kept = None
    widget._styles_cache.clear()
    return _now(widget)


def _now(widget: PaintedLines) -> list[str]:
    """Text and style of each line, as Textual asks for them."""
    return [repr([*strip]) for strip in widget.render_lines(Region(0, 0, *widget.outer_size))]


async def _differences(folder: Path) -> set[str]:
    """Widgets of the board that showed something else than a whole painting, while orders change and a hand moves."""
    rows, chance, found = synthetic(COUNT), random.Random(11), set[str]()
    api = CannedApi(rows)
    app = ConsoleApp(options_for(lambda: api, folder, view=View("", "state:failed")))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk.session.book.complete and app.desk.session.me is not None)
        await until(pilot, lambda: len(board(pilot).table.keys) == COUNT // 4)
        stream = Stream(api, rows)
        painted = list(app.screen.query(PaintedLines))
        assert {"orders", "preview", "ticker", "keys", "sections", "status"} <= {one.id for one in painted}
        for _ in range(ROUNDS):
            await stream.one(pilot)
            await pilot.press(chance.choice(["down", "down", "up", "pagedown", "home", "space", "i"]))
            app._paint()
            for widget in painted:
                if widget.display and _now(widget) != _whole(widget):
                    found.add(str(widget.id))
    return found


async def test_what_is_kept_is_what_a_whole_painting_gives(tmp_path: Path) -> None:
    assert await _differences(tmp_path) == set()


async def test_control_a_line_that_nobody_asks_to_paint_again_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PaintedLines, "_set_dirty", lambda self, *regions: Widget._set_dirty(self))
    assert "orders" in await _differences(tmp_path)
