"""Text fields of dialogs."""

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from console.widgets.fields import LineInput
from tests.console.screens.conftest import until


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
