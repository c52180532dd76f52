"""A short list to choose one from: by its key, by arrows and ⏎, or by a click."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from console.widgets.cells import fit, literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line
from console.widgets.sheet import Sheet

_LABEL = 24


@dataclass(frozen=True)
class Choice:
    """``key``: one letter. ``shown``: what would be copied or opened, to be seen before it is."""

    key: str
    title: str
    shown: str = ""


class Menu(ModalScreen[str | None]):
    """Dismissed with the key of what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    AUTO_FOCUS = "#menu-choices"

    def __init__(self, title: str, choices: Sequence[Choice], glyphs: Glyphs) -> None:
        super().__init__()
        self._title, self._choices, self._glyphs = title, choices, glyphs
        self._sheet = Sheet(id="menu-choices", ellipsis=glyphs.ellipsis)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(f" {self._title} ", id="dialog-act", markup=False)
                yield Label("esc", id="menu-close", markup=False)
            yield self._sheet

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self._sheet.styles.height = len(self._choices)
        self._sheet.set_lines([self._line(choice) for choice in self._choices], [c.key for c in self._choices])
        self._sheet.choose(self._choices[0].key if self._choices else None)

    def _line(self, choice: Choice) -> Line:
        glyphs = self._glyphs
        return [
            (f" {choice.key}  ", "accent"),
            (fit(choice.title, _LABEL, ellipsis=glyphs.ellipsis), "plain"),
            (glyphs.plain(literal(choice.shown)), "muted"),
        ]

    def on_key(self, event: events.Key) -> None:
        if any(choice.key == event.character for choice in self._choices):
            event.stop()
            self.dismiss(event.character)

    def on_click(self, event: events.Click) -> None:
        """A single click on a line chooses it."""
        if event.widget is self._sheet and self._sheet.chosen is not None:
            self.dismiss(self._sheet.chosen)

    @on(Sheet.Activated)
    def _chosen(self, event: Sheet.Activated) -> None:
        event.stop()
        self.dismiss(event.name)

    def action_cancel(self) -> None:
        self.dismiss(None)
