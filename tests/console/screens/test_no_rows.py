"""What is said where no row stands comes and goes with the rows, though only the lines that changed are painted."""

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region

from console.theme import DARK
from console.widgets.columns import Column
from console.widgets.glyphs import UNICODE
from console.widgets.ordertable import OrderTable

SAID = "There are no orders yet."


class OneTable(App[None]):
    def compose(self) -> ComposeResult:
        self.register_theme(DARK)
        self.theme = DARK.name
        yield OrderTable([Column("number", "Order", 8)], lambda key: {"number": [(key, "plain")]}, UNICODE)


class Drawn:
    """The lines as a terminal has them: only what the table asks to be painted is drawn."""

    def __init__(self, table: OrderTable, patch: pytest.MonkeyPatch) -> None:
        self._table = table
        self.lines = [self._line(y) for y in range(table.size.height)]
        plain = table.refresh

        def refresh(*regions: Region, **more: Any) -> OrderTable:
            for y in range(table.size.height):
                if not regions or any(region.y <= y < region.bottom for region in regions):
                    self.lines[y] = self._line(y)
            plain(*regions, **more)
            return table

        patch.setattr(table, "refresh", refresh)

    def _line(self, y: int) -> str:
        return self._table.render_line(y).text.strip()


async def test_it_goes_with_the_first_row_and_comes_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    app = OneTable()
    async with app.run_test(size=(40, 10)):
        table = app.query_one(OrderTable)
        table.empty = SAID
        drawn = Drawn(table, monkeypatch)
        for keys in ((), ("a",), (), ("a", "b"), ()):
            table.offer(list(keys))
            assert drawn.lines[1:4] == ([*keys, "", ""][:3] if keys else ["", SAID, ""])
