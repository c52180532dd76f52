"""Saved views: a list to choose from, and a name for a new one."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from console.client.views import LONGEST_NAME, View, ViewError, Views
from console.widgets.cells import fit, literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line
from console.widgets.sheet import Sheet

_NAME = 22


class ViewList(ModalScreen[View | None]):
    """Dismissed with the view that was chosen by arrows and ⏎, by its digit, or by a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("D", "remove", "Remove", tooltip="Remove the view in hand"),
    ]
    AUTO_FOCUS = "#view-choices"

    def __init__(self, views: Views, glyphs: Glyphs, present: str) -> None:
        super().__init__()
        self._views, self._glyphs, self._present = views, glyphs, present
        self._known: Sequence[View] = ()
        self._sheet = Sheet(id="view-choices", ellipsis=glyphs.ellipsis)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(" Views ", id="dialog-act", markup=False)
                yield Label("D remove  esc", id="menu-close", markup=False)
            yield self._sheet
            yield Label("", id="view-error", markup=False)

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self._show(self._present)

    def _show(self, chosen: str) -> None:
        try:
            self._known = self._views.all()
        except ViewError as error:
            self._complain(str(error))
        names = [view.name for view in self._known]
        self._sheet.styles.height = min(len(names), max(3, self.app.size.height - 8))
        self._sheet.set_lines([self._line(i, view) for i, view in enumerate(self._known)], names)
        self._sheet.choose(chosen if chosen in names else next(iter(names), None))

    def _line(self, at: int, view: View) -> Line:
        glyphs = self._glyphs
        name = fit(literal(view.name), _NAME, ellipsis=glyphs.ellipsis)
        sort = f"  {glyphs.sort_down if view.sort.startswith('-') else glyphs.sort_up} {view.sort.lstrip('-')}"
        said = literal(view.filter) or "every order"
        return [
            (f" {at + 1 if at < 9 else ' '}  ", "accent"),
            (name, "plain"),
            (glyphs.plain(said), "muted"),
            (sort, "muted"),
        ]

    def _complain(self, said: str) -> None:
        self.query_one("#view-error", Label).update(self._glyphs.plain(literal(said)))

    def _named(self, name: str | None) -> View | None:
        return next((view for view in self._known if view.name == name), None)

    def on_key(self, event: events.Key) -> None:
        at = int(event.character) - 1 if event.character and event.character in "123456789" else -1
        if 0 <= at < len(self._known):
            event.stop()
            self.dismiss(self._known[at])

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._sheet:
            self.dismiss(self._named(self._sheet.chosen))

    @on(Sheet.Activated)
    def _activated(self, event: Sheet.Activated) -> None:
        event.stop()
        self.dismiss(self._named(event.name))

    def action_remove(self) -> None:
        chosen = self._sheet.chosen
        if chosen is None:
            return
        try:
            self._views.remove(chosen)
        except ViewError as error:
            self._complain(str(error))
        else:
            self._complain(f"{chosen} is removed.")
            self._show("")

    def action_cancel(self) -> None:
        self.dismiss(None)


class NameView(ModalScreen[str | None]):
    """Dismissed with the name under which the filter is to be kept."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, glyphs: Glyphs, filter_: str, present: str) -> None:
        super().__init__()
        self._glyphs, self._filter, self._present = glyphs, filter_, present

    def compose(self) -> ComposeResult:
        said = literal(self._filter) or "every order"
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(" Save this view ", id="dialog-act", markup=False)
                yield Label("esc", id="menu-close", markup=False)
            yield Label(self._glyphs.plain(f"{said}, as it is sorted now"), markup=False)
            yield Input(self._present, id="view-name", compact=True, placeholder="its name", max_length=LONGEST_NAME)

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip() or None)

    def action_cancel(self) -> None:
        self.dismiss(None)
