"""The log console: what this window did, each act as the command line that does the same. Masked; nothing is stored."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from console.screens.logbook import Did, Entry, LogBook
from console.widgets.cells import literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.hints import Hint, HintBar
from console.widgets.pieces import Line, told
from console.widgets.sheet import Sheet

_TONES = {Did.ACT: "accent", Did.SAID: "plain", Did.FAILED: "warn"}
EVERY = 0.5


class LogConsole(ModalScreen[None]):
    """``copy`` is given the text of the line in hand. The newest line stands at the end and is followed."""

    CSS_PATH = "../../styles/help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,L", "dismiss", "Close"),
        Binding("y", "copy", "Copy", tooltip="Copy the line in hand"),
    ]
    AUTO_FOCUS = "#log-lines"

    def __init__(self, glyphs: Glyphs, book: LogBook, zone: tzinfo, copy: Callable[[str, str], None]) -> None:
        super().__init__()
        self._glyphs, self._book, self._zone, self._copy = glyphs, book, zone, copy
        self._lines = Sheet(id="log-lines", ellipsis=glyphs.ellipsis)
        self._keys = HintBar(glyphs, id="log-keys")
        self._turn = -1
        self._texts: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="log"):
            yield self._lines
            yield self._keys

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self.set_interval(EVERY, self._follow)
        self._keys.show([Hint("y", "Copy the line", "copy"), Hint("esc", "Close", "dismiss")])
        self.call_after_refresh(self._follow)

    def on_resize(self) -> None:
        self._turn = -1
        self.call_after_refresh(self._follow)

    def _follow(self) -> None:
        if self._turn == self._book.turn:
            return
        self._turn = self._book.turn
        width = max(40, self._lines.room)
        lines: list[Line] = []
        names: list[str | None] = []
        self._texts = {}
        for number, entry in enumerate(self._book.entries):
            name = f"{entry.at}-{number}"
            shown = self._shown(entry, width)
            lines += shown
            names += [name] * len(shown)
            self._texts[name] = entry.text
        at_end = self._lines.chosen is None or self._lines.is_vertical_scroll_end
        self._lines.set_lines(lines or [[("this window has done nothing yet", "muted")]], names)
        if at_end:
            self._lines.scroll_end(animate=False)

    def _shown(self, entry: Entry, width: int) -> list[Line]:
        at = datetime.fromtimestamp(entry.at, self._zone)
        again = f" ({entry.count} times)" if entry.count > 1 else ""
        head = [(f" {at:%H:%M:%S} ", "muted"), (f"{entry.kind:<7}", _TONES[entry.kind])]
        text = self._glyphs.plain(literal(entry.text)) + again
        return told(head, text, _TONES[entry.kind], width, indent=" " * 17)

    def action_copy(self) -> None:
        text = self._texts.get(self._lines.chosen or "")
        if text is not None:
            self._copy(text, "line")

    @on(Sheet.Activated)
    def _activated(self) -> None:
        self.action_copy()
