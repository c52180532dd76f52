"""Everything of one row of a log, in a dialog that scrolls."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label

from console.widgets.cells import fit, literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, flowed
from console.widgets.sheet import Sheet

_LABEL = 12


class RowDialog(ModalScreen[bool]):
    """Dismissed with whether the row is to be copied."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,i", "close", "Close"),
        Binding("y", "copy", "Copy"),
        Binding("tab", "app.focus_next", "Next", show=False),
        Binding("shift+tab", "app.focus_previous", "Before", show=False),
    ]
    AUTO_FOCUS = "#row-words"

    def __init__(self, glyphs: Glyphs, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._glyphs, self._title, self._lines = glyphs, title, lines
        self._sheet = Sheet(id="row-words", ellipsis=glyphs.ellipsis)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(f" {literal(self._title)} ", id="dialog-act", markup=False)
            yield self._sheet
            with Horizontal(id="dialog-buttons"):
                yield Button("Copy  y", id="row-copy", compact=True)
                yield Button("Close  esc", id="row-close", compact=True)

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self._sheet.set_lines(self._lines)
        self._sheet.styles.height = max(1, min(len(self._lines), max(3, self.app.size.height - 8)))

    @on(Button.Pressed, "#row-copy")
    def action_copy(self) -> None:
        self.dismiss(True)

    @on(Button.Pressed, "#row-close")
    def action_close(self) -> None:
        self.dismiss(False)


def labelled(label: str, said: object, glyphs: Glyphs, width: int, tone: str = "plain") -> list[Line]:
    """``Reason      the customer asked for it``, in as many lines as it takes."""
    first, *rest = flowed(glyphs.plain(literal(said)), tone, width - _LABEL)
    return [[(fit(label, _LABEL), "muted"), *first], *([(" " * _LABEL, "muted"), *line] for line in rest)]


def json_lines(label: str, value: Any, glyphs: Glyphs, width: int) -> list[Line]:
    """A label, and the value as JSON below it."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    lines: list[Line] = [[(label, "muted")]]
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        lines += flowed(f"  {glyphs.plain(literal(line))}", "plain", width, indent=indent)
    return lines
