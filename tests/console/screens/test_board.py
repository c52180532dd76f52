"""The board: live, and steady under the hand."""

import random
from typing import Any

import pytest
from textual.widgets import Input

from console.client.views import View
from console.schema.book import COLUMNS
from console.screens.base import OWN_STAYS
from console.screens.board import BoardScreen
from console.screens.order import OrderScreen
from console.screens.settings import SettingsScreen
from console.widgets.filterbar import FilterBar
from console.widgets.ordertable import OrderTable
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import board, order, screen_text, text_of


def put(api: CannedApi, seq: int, number: str, *, at: float = world.NOW, **values: object) -> None:
    """The feed says that this order looks so now."""
    changed = dict(zip(COLUMNS, world.row(world.ENTRIES[world.order_id(number)]), strict=True))
    changed |= {"version": 100 + seq, "updated": world.NOW + seq, **values}
    api.feed.put(
        {
            "seq": seq, "prev": seq - 1, "epoch": 1, "at": at, "kind": "run", "order_id": world.order_id(number),
            "body": {"number": number, "state": changed["state"], "step": "crm"}, "row": [changed[name] for name in COLUMNS],
        }
    )  # fmt: skip


async def set_filter(pilot: object, text: str) -> None:
    board(pilot).query_one(FilterBar).put(text)  # type: ignore[arg-type]


async def test_every_row_ends_in_the_same_cell_whatever_its_name(opened: Opened) -> None:
    async with opened() as pilot:
        table = board(pilot).table
        widths = {table.render_line(y).cell_length for y in range(table.size.height)}
        assert len(widths) == 1
        lines = [line for line in text_of(table).splitlines() if "000104" in line]
        assert len(lines) == len(world.ORDERS)
        assert "株式会社みなと… " in text_of(table)
        assert "\x1b" not in screen_text(pilot) and "Tom [31mBaker" in screen_text(pilot)


async def test_a_change_is_shown_and_goes_to_the_ticker(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        put(api, 101, "00010481", state="done", strip="vv-vvvv")
        table = board(pilot).table
        await until(pilot, lambda: table.keys[0] == world.order_id("00010481"))
        assert "✓ done" in text_of(table).splitlines()[1]
        assert "00010481 ✓ done" in screen_text(pilot)


async def test_what_was_said_here_gives_way_in_the_ticker_to_what_happened_since(
    api: CannedApi, opened: Opened
) -> None:
    async with opened(size=(80, 24)) as pilot:  # where the ticker has one line
        board(pilot).tell("The book was read again.")
        said = "12:04:31   The book was read again."
        await until(pilot, lambda: said in screen_text(pilot))
        put(api, 101, "00010481", at=world.NOW + OWN_STAYS - 1, state="parked")
        app: Any = pilot.app
        await until(pilot, lambda: app.desk.session.book.seq == 101)
        app._tick()
        await pilot.pause()
        assert said in screen_text(pilot)
        put(api, 102, "00010481", at=world.NOW + OWN_STAYS + 1, state="done", strip="vv-vvvv")
        await until(pilot, lambda: "00010481 ✓ done" in screen_text(pilot) and said not in screen_text(pilot))


async def test_a_complaint_about_the_filter_that_has_no_room_is_cut_visibly(opened: Opened) -> None:
    async with opened(size=(80, 24)) as pilot:
        await set_filter(pilot, "state:gap")
        await until(pilot, lambda: "no value" in screen_text(pilot))
        assert 'state has no value "gap"; known: queued,' in screen_text(pilot)
        assert next(line for line in screen_text(pilot).splitlines() if "no value" in line).rstrip().endswith("…")


async def test_rows_do_not_move_under_the_hand(api: CannedApi, opened: Opened) -> None:
    chance = random.Random(4)
    async with opened() as pilot:
        await set_filter(pilot, "state:failed,parked")
        table = board(pilot).table
        await pilot.press("down", "down", "down")
        in_hand, before = table.in_hand, list(table.keys)
        numbers = [entry[0] for entry in world.ORDERS]
        for seq in range(101, 301):
            put(api, seq, chance.choice(numbers), state=chance.choice(["failed", "parked", "done", "running"]))
        app: Any = pilot.app
        await until(pilot, lambda: app.desk.session.book.seq == 300)
        app._paint()  # all of it is taken in, whenever the timer comes round
        await pilot.pause()
        assert table.in_hand == in_hand
        assert list(table.keys) == before
        assert table.waiting > 0
        await pilot.press("full_stop")
        assert table.in_hand == in_hand
        assert table.waiting == 0
        assert set(table.keys) - {in_hand} == {
            key for key in world.NAMES if board(pilot).desk.session.book.get(key).state in ("failed", "parked")  # type: ignore[union-attr]
        } - {in_hand}  # fmt: skip


async def test_an_order_in_hand_that_left_the_filter_stays_marked(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await set_filter(pilot, "state:failed")
        table = board(pilot).table
        await until(pilot, lambda: len(table.keys) == 3)
        table.take(world.order_id("00010466"))
        put(api, 101, "00010466", state="done")
        await until(pilot, lambda: "⊄ 00010466" in text_of(table))
        await pilot.press("full_stop")
        assert world.order_id("00010466") in table.keys


async def test_a_click_opens_the_order_that_was_painted(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        table = board(pilot).table
        painted = text_of(table).splitlines()[4]
        put(api, 101, "00010460", state="running")  # moves to the top after the painting that the person saw
        await pilot.click(OrderTable, offset=(20, 4))
        assert table.in_hand is not None
        number = board(pilot).desk.session.book.get(table.in_hand).number  # type: ignore[union-attr]
        assert number in painted or number in text_of(table).splitlines()[4]
        await pilot.click(OrderTable, offset=(20, 4), times=2)
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
        assert order(pilot).order in world.NAMES


async def test_a_click_in_the_gutter_marks_and_a_title_sorts(opened: Opened) -> None:
    async with opened() as pilot:
        table = board(pilot).table
        await pilot.click(OrderTable, offset=(1, 3))
        assert list(table.marks) == [table.keys[2]]
        assert "1 marked" in screen_text(pilot)
        await pilot.click(OrderTable, offset=(5, 0))
        assert list(table.keys) == sorted(world.NAMES)
        await pilot.press("minus")
        assert list(table.keys) == sorted(world.NAMES, reverse=True)


async def test_marks_range_all_and_clear(opened: Opened) -> None:
    async with opened() as pilot:
        table = board(pilot).table
        await pilot.press("down", "shift+down", "shift+down")
        assert list(table.marks) == list(table.keys[:3])
        await pilot.press("asterisk")
        assert len(table.marks) == len(world.ORDERS)
        await pilot.press("escape")
        assert table.marks == {} and table.in_hand is not None
        await pilot.press("escape")
        assert table.in_hand is None


async def test_a_filter_is_completed_and_narrows(opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("slash", *"state:ret", "tab")
        assert board(pilot).query_one("#filter-input", Input).value == "state:retrying"
        await pilot.press("enter")
        await until(pilot, lambda: len(board(pilot).table.keys) == 2)
        assert board(pilot).table.has_focus
        await pilot.press("slash", "escape")
        assert len(board(pilot).table.keys) == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("state:failde", "did you mean failed"),
        ("stat:failed", "did you mean state"),
        ("age>soon", "a time is written like"),
        ('cause:"open', "not closed"),
        ("x" * 10_000, "at most 1000 characters"),
    ],
)
async def test_a_filter_that_cannot_be_read_is_told_in_words(opened: Opened, typed: str, said: str) -> None:
    async with opened(size=(200, 60)) as pilot:
        before = list(board(pilot).table.keys)
        await pilot.press("slash")
        board(pilot).query_one("#filter-input", Input).value = typed
        await until(pilot, lambda: said in screen_text(pilot))
        assert list(board(pilot).table.keys) == before
        await pilot.press("escape")
        await until(pilot, lambda: said not in screen_text(pilot))


@pytest.mark.parametrize("typed", ['"O\'Brien \\" 👩‍👧"', "田中", "\u202eevil"])
async def test_a_name_is_asked_of_the_daemon_and_the_board_says_so(api: CannedApi, opened: Opened, typed: str) -> None:
    async with opened() as pilot:
        await set_filter(pilot, typed)
        await until(pilot, lambda: "asked of the daemon" in screen_text(pilot))
        expected = [world.order_id("00010480")] if typed == "田中" else []
        assert list(board(pilot).table.keys) == expected


async def test_names_are_asked_for_visible_rows_only(api: CannedApi, opened: Opened) -> None:
    asked: list[list[str]] = []
    names = api.names

    async def counting(order_ids: list[str]) -> object:
        asked.append(list(order_ids))
        return await names(order_ids)

    api.names = counting  # type: ignore[method-assign, assignment]
    async with opened(size=(80, 15)) as pilot:
        first = [key for keys in asked for key in keys]
        visible = board(pilot).table.visible_keys()
        assert set(first) <= set(visible)
        assert len(asked) == 1, "one question for all rows of the screen"
        await pilot.press("end")
        await until(pilot, lambda: len(asked) == 2)
        assert not set(asked[1]) & set(first), "what is known is not asked again"


async def test_a_lost_daemon_shows_as_a_growing_age_and_comes_back(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        api.feed.cut()
        await until(pilot, lambda: "daemon lost" in screen_text(pilot))
        await until(pilot, lambda: "nobody answers there" in screen_text(pilot))
        assert board(pilot).table.grey
        api.feed.down = False
        put(api, 101, "00010481", state="done")
        await until(pilot, lambda: "● live" in screen_text(pilot))
        await until(pilot, lambda: not board(pilot).table.grey)
        await until(pilot, lambda: board(pilot).desk.session.book.get(world.order_id("00010481")).state == "done")  # type: ignore[union-attr]


async def test_a_gap_in_the_feed_fetches_the_book_again(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        live = board(pilot).desk.session.live
        assert live is not None and live.snapshots == 1
        api.feed.put({"seq": 150, "prev": 149, "epoch": 1, "at": world.NOW, "kind": "alarm", "body": {}})
        await until(pilot, lambda: live.snapshots == 2)


async def test_paused_the_rows_stay_and_resumed_they_catch_up(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        table = board(pilot).table
        before = list(table.keys)
        await pilot.press("ctrl+l")
        put(api, 101, "00010460", state="running")
        app: Any = pilot.app
        await until(pilot, lambda: app.desk.session.book.seq == 101)
        app._paint()
        await pilot.pause()
        assert list(table.keys) == before
        assert "paused" in screen_text(pilot)
        await pilot.press("ctrl+l")
        assert table.keys[0] == world.order_id("00010460")


async def test_a_click_on_a_count_filters_by_it(opened: Opened) -> None:
    async with opened() as pilot:
        line = screen_text(pilot).splitlines()[1]
        await pilot.click("#sections", offset=(line.index("failed"), 0))
        await until(pilot, lambda: len(board(pilot).table.keys) == 3)


async def test_all_columns_can_be_scrolled_sideways(opened: Opened) -> None:
    async with opened(size=(80, 24)) as pilot:
        table = board(pilot).table
        assert "Amount" not in text_of(table)
        await pilot.press("vertical_line", "down")
        for _ in range(8):
            await pilot.press("right")
        await pilot.pause()
        assert "Amount" in text_of(table) or "Taken by" in text_of(table)
        assert {table.render_line(y).cell_length for y in range(table.size.height)} == {table.size.width}


async def test_esc_clears_marks_then_puts_the_row_down_then_clears_the_filter(opened: Opened) -> None:
    """The view that the filter came from stays in the list of views, and so does the order of rows."""
    async with opened(view=View("Mine", "state:parked", "amount")) as pilot:
        screen, bar = board(pilot), board(pilot).query_one(FilterBar)
        table, listing = screen.table, screen.listing
        await until(pilot, lambda: "Clear filter" in screen_text(pilot))
        await pilot.press("down", "space")
        await until(pilot, lambda: "Clear marks" in screen_text(pilot))
        await pilot.press("escape")
        assert (len(table.marks), bool(table.in_hand)) == (0, True)
        await pilot.press("escape")
        assert (table.in_hand, bar.text, listing.filter) == (None, "state:parked", "state:parked")
        await pilot.press("escape")
        await until(pilot, lambda: len(table.keys) == len(world.ORDERS) and "Clear filter" not in screen_text(pilot))
        assert (bar.text, listing.filter, listing.name, listing.sort.name) == ("", "", "", "amount")
        await pilot.press("slash", *"state:done", "enter", "escape")
        await until(pilot, lambda: len(table.keys) == len(world.ORDERS) and listing.filter == "")


async def test_other_signs_leave_the_filter_and_the_order_of_rows(opened: Opened) -> None:
    async with opened(size=(100, 30)) as pilot:
        await pilot.press("slash", *"state:failed", "enter", "greater_than_sign")
        before = board(pilot).listing.view
        assert before.filter == "state:failed" and before.sort != "-updated"
        app: Any = pilot.app
        app.look(glyphs="ascii")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and app.screen.stands)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, BoardScreen) and app.screen.stands)
        await until(pilot, lambda: "/ state:failed" in screen_text(pilot))
        assert board(pilot).listing.view == before
        assert all(board(pilot).listing.row(key).state == "failed" for key in board(pilot).table.keys)  # type: ignore[union-attr]
