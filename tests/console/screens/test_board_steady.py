"""At hundreds of updates a second, sorted by *updated*, filter ``state:failed``: nothing moves under the hand."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.client.views import View
from console.schema.book import COLUMNS
from console.screens.order import OrderScreen
from console.widgets import ordertable
from console.widgets.held_rows import HeldRows
from console.widgets.ordertable import OrderTable
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import options_for, until
from tests.console.screens.harness import synthetic
from tests.console.screens.looking import board, order, text_of

COUNT, FLUSHES, PER_FLUSH = 800, 50, 50  # 2,500 updates; at 200 a second a flush has 20


class Stream:
    """Updates of random orders, of which many change the filter's answer; ``one`` is a flush's worth."""

    def __init__(self, api: CannedApi, rows: list[list[Any]]) -> None:
        self._api, self._rows, self._chance, self.seq = api, rows, random.Random(7), 100

    def put(self, order_id: str | None = None, **values: Any) -> None:
        self.seq += 1
        row = dict(zip(COLUMNS, self._chance.choice(self._rows), strict=True))
        if order_id is not None:
            row = next(dict(zip(COLUMNS, r, strict=True)) for r in self._rows if r[0] == order_id)
        state = self._chance.choice(["failed", "failed", "done", "running"])
        row |= {"state": state, "version": self.seq, "updated": world.NOW + self.seq, **values}
        event = {
            "seq": self.seq,
            "prev": self.seq - 1,
            "epoch": 1,
            "at": world.NOW,
            "kind": "run",
            "order_id": row["order_id"],
        }
        self._api.feed.put({**event, "row": [row[name] for name in COLUMNS]})

    async def one(self, pilot: Pilot[Any]) -> None:
        """Taken in and painted before this returns."""
        for _ in range(PER_FLUSH):
            self.put()
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        while app.desk.session.book.seq < self.seq:
            await pilot.pause(0.001)
        app._paint()
        await pilot.pause()


def _shown_at_once(rows: HeldRows, keys: Sequence[str], *, hold: bool = False) -> bool:
    """The control: nothing is held."""
    rows.offered = keys
    rows._show(keys)
    return True


async def drive(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, holding: bool, flushes: int = FLUSHES
) -> tuple[set[str | None], int, int]:
    """The ids that stood under the cursor's line, how often another line moved, how many orders waited at the end."""
    if not holding:
        monkeypatch.setattr(HeldRows, "offer", _shown_at_once)
        monkeypatch.setattr(HeldRows, "accept", lambda self: self._show(self.offered))
    rows = synthetic(COUNT)
    api = CannedApi(rows)
    app = ConsoleApp(options_for(lambda: api, folder, view=View("", "state:failed")))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.desk.session.book.complete and app.desk.session.me is not None)
        await until(pilot, lambda: len(board(pilot).table.keys) == COUNT // 4)
        stream, table = Stream(api, rows), board(pilot).table
        await pilot.press(*["down"] * 8)
        line = 8  # the cursor's line, below the title
        before, seen, moved = table._painted.copy(), set[str | None](), 0
        for _ in range(flushes):
            await stream.one(pilot)
            seen.add(table._painted.get(line))
            moved += table._painted != before
        return seen, moved, table.waiting


async def test_the_id_under_the_cursor_stays_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, moved, waiting = await drive(tmp_path, monkeypatch, holding=True)
    assert (len(seen), moved) == (1, 0)
    assert waiting > 100


async def test_control_without_holding_it_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, moved, _ = await drive(tmp_path, monkeypatch, holding=False, flushes=15)
    assert len(seen) > 5 and moved > 10


async def test_a_click_opens_what_was_painted_whatever_came_in_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordertable, "AIMING", 600.0)  # a busy machine clicks late
    rows = synthetic(COUNT)
    api = CannedApi(rows)
    app = ConsoleApp(options_for(lambda: api, tmp_path, view=View("", "state:failed")))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len(board(pilot).table.keys) == COUNT // 4 and app.desk.session.me is not None)
        stream, table, chance = Stream(api, rows), board(pilot).table, random.Random(3)
        for turn in range(4):
            await stream.one(pilot)
            line = chance.randrange(1, 30)
            await pilot.hover(OrderTable, offset=(20, line))  # one aims before one clicks
            painted = text_of(table).splitlines()[line][3:11]
            for _ in range(PER_FLUSH):  # on their way when the button goes down
                stream.put()
            stream.put(app.desk.session.book.by_number(painted).order_id, state="done")  # type: ignore[union-attr]
            await pilot.click(OrderTable, offset=(20, line))
            assert app.desk.session.book.get(table.in_hand or "").number == painted, turn  # type: ignore[union-attr]
            if turn == 3:
                await pilot.click(OrderTable, offset=(20, line), times=2)
                await until(pilot, lambda: isinstance(app.screen, OrderScreen))
                assert order(pilot).order == table.in_hand
                await pilot.press("escape")
            table.take(None)
            await pilot.hover("#keys")  # the mouse leaves, and rows move again
            assert table.waiting == 0
