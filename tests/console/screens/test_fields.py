"""Text fields of dialogs, and those of Find and the filter."""

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from console.screens.find import FindScreen
from console.widgets.fields import LineInput
from console.widgets.filterbar import FilterBar
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import board


class _Form(App[None]):
    def compose(self) -> ComposeResult:
        yield LineInput("before after", id="field")


async def test_a_paste_of_several_lines_is_taken_whole_and_without_control_characters() -> None:
    async with _Form().run_test() as pilot:
        field = pilot.app.query_one("#field", Input)
        field.focus()
        field.cursor_position = len("before ")
        field.post_message(events.Paste("住所が\r\n違う\x1b[31m\n\n\u202e電話\tする "))
        await until(pilot, lambda: field.value != "before after")
        assert field.value == "before 住所が 違う[31m 電話 するafter"
        assert field.cursor_position == len("before 住所が 違う[31m 電話 する")


async def test_a_paste_takes_the_place_of_what_is_chosen() -> None:
    async with _Form().run_test() as pilot:
        field = pilot.app.query_one("#field", Input)
        field.focus()
        field.action_select_all()
        field.post_message(events.Paste("one\ntwo"))
        await until(pilot, lambda: field.value == "one two")


async def test_a_paste_in_the_open_find_field_is_taken_whole(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("F")
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen))
        field = pilot.app.screen.query_one("#find-input", Input)
        await until(pilot, lambda: field.has_focus)
        field.post_message(events.Paste("受注番号\r\n00010480\r\n田中 花子\n"))
        await until(pilot, lambda: field.value == "受注番号 00010480 田中 花子")
        assert api.asked == [], "what is pasted into a field is asked by ⏎, not by itself"
        await pilot.press("enter")
        await until(pilot, lambda: api.asked == ["受注番号 00010480 田中 花子"])


async def test_a_paste_in_the_filter_is_joined_by_spaces(opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("slash")
        bar = board(pilot).query_one(FilterBar)
        field = bar.query_one("#filter-input", Input)
        await until(pilot, lambda: field.has_focus)
        field.post_message(events.Paste("state:failed\nkind:internet\n"))
        await until(pilot, lambda: bar.text == "state:failed kind:internet")
        assert field.value == "state:failed kind:internet"
