"""Lists of the board: saved views, lists that only the daemon can give, a true pause, and exports."""

import csv
import json
import stat
from pathlib import Path

import pytest
from textual.widgets import Input, Label

from console.client.views import View, Views
from console.schema.book import SnapshotHead
from console.screens.copying import ExportTo
from console.screens.views import NameView, ViewList
from console.widgets.filterbar import FilterBar
from console.widgets.ordertable import OrderTable
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import board, notices, screen_text, text_of
from tests.console.screens.test_board import put, set_filter


async def test_a_view_is_chosen_saved_listed_and_removed(opened: Opened, tmp_path: Path) -> None:
    async with opened() as pilot:
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ViewList))
        assert "Hand-over" in screen_text(pilot) and "state:parked until<12h" in screen_text(pilot)
        await pilot.press("2")
        table = board(pilot).table
        await until(pilot, lambda: "★ Needs me" in screen_text(pilot))
        waiting = {
            key
            for key in world.NAMES
            if (row := board(pilot).listing.row(key))
            and row.owner != "sato"
            and (row.state in ("failed", "held") or row.wait == "person")
        }
        assert set(table.keys) == waiting and len(waiting) == 4
        assert "▴ updated" in screen_text(pilot), "the oldest first"

        await set_filter(pilot, "kind:vpn")
        await until(pilot, lambda: "★" not in screen_text(pilot))
        await pilot.press("greater_than_sign", "V")
        await until(pilot, lambda: isinstance(pilot.app.screen, NameView))
        pilot.app.screen.query_one(Input).value = "夜勤 VPN"
        await pilot.press("enter")
        await until(pilot, lambda: "★ 夜勤 VPN" in screen_text(pilot))
        views = Views(tmp_path / "views.json")
        assert views.get("夜勤 vpn").filter == "kind:vpn"
        assert stat.S_IMODE(views.file.stat().st_mode) == 0o600
        await pilot.press("v", "D")
        await until(pilot, lambda: "夜勤 VPN is removed" in screen_text(pilot))
        await pilot.press("D")
        await until(pilot, lambda: "comes with the program" in screen_text(pilot))
        await pilot.press("escape")
        assert [view.built_in for view in views.all()] == [True] * 4


async def test_the_console_opens_with_a_view(opened: Opened) -> None:
    async with opened(view=View("Mine", "state:parked", "-amount")) as pilot:
        assert "★ Mine" in screen_text(pilot) and "▾ amount" in screen_text(pilot)
        amounts = [board(pilot).listing.row(key).amount for key in board(pilot).table.keys]  # type: ignore[union-attr]
        assert len(amounts) == 5 and amounts == sorted(amounts, reverse=True)  # type: ignore[type-var]


async def test_what_the_book_cannot_sort_is_asked_of_the_daemon(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        table = board(pilot).table
        await pilot.click(OrderTable, offset=(15, 0))  # the title of the customers
        await until(pilot, lambda: "asked of the daemon" in screen_text(pilot))
        names = [world.NAMES[key] for key in table.keys]
        assert names == sorted(names) and len(names) == len(world.ORDERS)
        assert "▴ customer" in screen_text(pilot)
        await pilot.press("minus")
        await until(pilot, lambda: [world.NAMES[key] for key in table.keys] == sorted(names, reverse=True))
        put(api, 101, "00010481", state="done")
        await until(pilot, lambda: any("✓ done" in line for line in text_of(table).splitlines() if "00010481" in line))


async def test_a_book_that_lacks_old_orders_never_says_nothing(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(book: object, head: SnapshotHead) -> None:
        whole(book, head.model_copy(update={"total": 5000}))  # type: ignore[arg-type]

    from console.client.book import Book

    whole = Book.begin
    monkeypatch.setattr(Book, "begin", begin)
    async with opened() as pilot:
        assert "25 of 5,000 orders, the newest and all unfinished" in screen_text(pilot)
        await set_filter(pilot, "state:failed")
        await until(pilot, lambda: "3 orders" in screen_text(pilot))
        assert api.lists == [], "all that is unfinished is in the book"
        await set_filter(pilot, "number:99")
        await until(pilot, lambda: "0 orders, asked of the daemon" in screen_text(pilot))
        assert api.lists == [("number:99", "-updated")]
        assert "the daemon was asked over all it knows" in text_of(board(pilot).table)


async def test_a_daemon_that_does_not_answer_leaves_no_nothing(api: CannedApi, opened: Opened) -> None:
    from console.client.errors import Unreachable

    async def gone(*_: object, **__: object) -> object:
        raise Unreachable("http://canned", "nobody answers there")

    async with opened(size=(160, 40)) as pilot:
        api.orders = gone  # type: ignore[method-assign, assignment]
        before = list(board(pilot).table.keys)
        await set_filter(pilot, "田中")
        await until(pilot, lambda: "could not answer this filter" in screen_text(pilot))
        assert list(board(pilot).table.keys) == before and "No order matches" not in screen_text(pilot)


async def test_paused_nothing_moves_or_changes_and_what_came_is_counted(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        table = board(pilot).table
        before = text_of(table)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "paused 12:04:31" in screen_text(pilot))
        for seq, number in enumerate(("00010460", "00010481", "00010485"), 101):
            put(api, seq, number, state="failed")
        await until(pilot, lambda: board(pilot).desk.session.book.seq == 103)
        board(pilot).flush()
        board(pilot).tick()
        assert text_of(table) == before
        await pilot.press("down", "down", "down", "down", "up")
        assert text_of(table).replace("▌", " ") == before
        await until(pilot, lambda: "new ↑" in screen_text(pilot))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "paused" not in screen_text(pilot))
        assert table.keys[0] == world.order_id("00010485")


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_an_export_has_exactly_what_is_filtered_masked_and_private(
    api: CannedApi, opened: Opened, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / f"out.{form}"
    rows = [list(row) for row in api.rows]
    monkeypatch.setattr(
        world, "ENTRIES", {key: (*entry[:2], "=cmd|' /C calc'!A0", *entry[3:]) for key, entry in world.ENTRIES.items()}
    )
    async with opened() as pilot:
        await set_filter(pilot, "state:failed,parked")
        await until(pilot, lambda: len(board(pilot).table.keys) == 8)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportTo))
        assert "state:failed,parked" in screen_text(pilot)
        pilot.app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: f"8 orders written to {file}" in notices(pilot))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text()
        exported = list(csv.DictReader(text.splitlines())) if form == "csv" else json.loads(text)
        assert {row["order_id"] for row in exported} == set(board(pilot).table.keys)
        assert not [name for name in world.NAMES.values() if len(name) > 3 and name in text]
        assert "•" in exported[0]["customer"]
        assert exported[0]["plan"].startswith("'=" if form == "csv" else "=")
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportTo))
        pilot.app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: "exists already" in screen_text(pilot))
        for name in ("~nobody-of-that-name/a.csv", f"{file.parent}/{'a' * 300}.csv"):
            pilot.app.screen.query_one(Input).value = name
            await pilot.press("enter")
            await until(pilot, lambda: "cannot be the name of a file" in screen_text(pilot))
            pilot.app.screen.query_one("#export-error", Label).update("")
    assert rows


async def test_tab_goes_through_completions_and_they_are_listed(opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("slash")
        await until(pilot, lambda: "tab state:" in screen_text(pilot))
        line = board(pilot).query_one("#filter-input", Input)
        line.value = "ｓｔａｔｅ：ｒ"
        line.cursor_position = 7
        await until(pilot, lambda: "running  retrying" in screen_text(pilot))
        await pilot.press("tab")
        assert line.value == "ｓｔａｔｅ：running"
        await pilot.press("tab")
        assert line.value == "ｓｔａｔｅ：retrying"
        await pilot.press("enter")
        await until(pilot, lambda: len(board(pilot).table.keys) == 2)
        assert "running  retrying" not in screen_text(pilot)
        assert board(pilot).query_one(FilterBar).text == "ｓｔａｔｅ：retrying"
