"""A question with two answers, for what is no command: save a copy, connect elsewhere."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label

from console.widgets.cells import literal, literal_lines
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.grace import Grace
from console.widgets.pieces import Line, flowed
from console.widgets.sheet import Sheet

ENTER = "\r"


class Question(ModalScreen[bool]):
    """``said``: (text, tone) of each paragraph. Dismissed with True for ``yes`` (⏎), False for ``no`` (esc).

    It comes when something has happened, not on a key: what is pressed in its first moments was meant for what stood
    there before.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", "No"),
        Binding("enter", "answer(True)", "Yes"),
        Binding("tab", "app.focus_next", "Next", show=False),
        Binding("shift+tab", "app.focus_previous", "Before", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, glyphs: Glyphs, title: str, said: Sequence[tuple[str, str]], *, yes: str, no: str) -> None:
        super().__init__()
        self._glyphs, self._heading, self._said, self._yes, self._no = glyphs, title, said, yes, no
        self._sheet = Sheet(id="dialog-words", ellipsis=glyphs.ellipsis)
        self._grace = Grace(ENTER)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(f" {literal(self._heading)} ", id="dialog-act", markup=False)
            yield self._sheet
            with Horizontal(id="dialog-buttons"):
                yield Button(f"{self._no}  esc", id="question-no", compact=True)
                yield Button(f"{self._yes}  {self._glyphs.enter}", id="question-yes", compact=True)

    def ignores_input(self, key: str = "") -> bool:
        """Are keys and clicks still ignored? A held-down ⏎ stays ignored while it repeats."""
        return self._grace.ignores(key)

    def on_mount(self) -> None:
        self._grace.start()
        suit(self, self._glyphs)
        self._sheet.can_focus = False
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width = max(30, self._sheet.room or 72)
        lines: list[Line] = []
        for text, tone in self._said:
            lines += [*([[]] if lines else []), *flowed(self._glyphs.plain(literal_lines(text)), tone, width)]
        self._sheet.set_lines(lines)
        self._sheet.styles.height = max(1, min(len(lines), max(3, self.size.height - 8)))

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "question-yes")
