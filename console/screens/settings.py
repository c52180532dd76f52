"""Settings: every value the daemon runs with and where it came from, read only; theme and signs are chosen here."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol, cast

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from console import keys
from console.client.query_words import fold
from console.looks import GLYPHS, THEMES
from console.schema.service import SettingView
from console.screens.desk import Desk
from console.screens.reading import ReadingScreen
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.filterbar import FilterBar, Grammar
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.pieces import Line
from console.widgets.rowdialog import labelled
from console.widgets.sheet import Sheet

COLUMNS = (
    Column("key", "Key", 28, grow=1, most=44),
    Column("value", "Value", 20, grow=2),
    Column("source", "From", 14, grow=1),
)
THEME, SIGNS = "theme of this console", "signs of this console"
_HELP = {
    THEME: "Dark or light; applies at once and is kept for your next start. t or enter takes the next one.",
    SIGNS: "Signs of the screens: unicode; narrow, without characters of ambiguous width; ascii. g or enter takes the next one.",
}
ANYTHING = Grammar(
    lambda text: None, lambda text, cursor: (), "all settings; type a part of a key, a value or a source"
)


class Looking(Protocol):
    """The application, as far as its looks go."""

    looks_from: tuple[str, str]

    def look(self, *, theme: str = ..., glyphs: str = ...) -> None: ...


class SettingsScreen(ReadingScreen):
    """Opened from the doctor. The first rows are this console's own."""

    MODE = "doctor"
    CSS_PATH = "../../styles/doctor.tcss"
    BINDING_GROUP_TITLE = "Settings"
    AUTO_FOCUS = "#settings"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.SETTINGS]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.held = True  # they do not change while the daemon runs
        self.bar = FilterBar(id="settings-filter", grammar=ANYTHING)
        self.table = OrderTable(COLUMNS, self._cells, desk.glyphs, id="settings")
        self._facts = Sheet(id="settings-facts", ellipsis=desk.glyphs.ellipsis)
        self._known: dict[str, SettingView] = {}
        self._file = ""

    def body(self) -> Iterable[Widget]:
        yield self.bar
        yield self.table
        yield self._facts

    def hints(self) -> Sequence[Hint]:
        return [
            Hint("esc", "Back", "back", must=True), Hint("t", "Theme", "theme", must=True),
            Hint("g", "Signs", "glyphs", must=True), Hint("/", "Filter", "filter", must=True), Hint("?", "Help", "app.help"),
        ]  # fmt: skip

    async def read(self) -> None:
        answer = await self.desk.session.api.settings()
        self._known = {one.key: one for one in answer.settings}
        self._file = answer.file or ""
        self._offer()

    def on_mount(self) -> None:
        super().on_mount()
        self._offer()

    # Shown -----------------------------------------------------------------------------------------------------------

    def _own(self) -> dict[str, SettingView]:
        theme, signs = cast("Looking", self.app).looks_from
        return {
            THEME: SettingView(key=THEME, value=self.app.theme, source=theme, help=_HELP[THEME]),
            SIGNS: SettingView(key=SIGNS, value=self.desk.glyphs.name, source=signs, help=_HELP[SIGNS]),
        }

    def _all(self) -> dict[str, SettingView]:
        return {**self._own(), **self._known}

    def _offer(self) -> None:
        words = fold(self.bar.text).split()
        rows = [
            key
            for key, row in self._all().items()
            if all(word in fold(f"{row.key} {row.value} {row.source}") for word in words)
        ]
        self.table.offer(rows)
        self.table.newest()
        self.table.refresh()
        self.show()

    def _cells(self, key: str) -> Cells:
        row, glyphs = self._all().get(key), self.desk.glyphs
        if row is None:
            return {"key": [(key, "muted")]}
        own = key in (THEME, SIGNS)
        return {
            "key": [(literal(row.key), "accent" if own else "plain")],
            "value": [(glyphs.plain(literal(row.value)), "strong" if own else "plain")],
            "source": [(glyphs.plain(literal(row.source)), "muted" if row.source == "default" else "plain")],
        }

    def show(self) -> None:
        glyphs, found = self.desk.glyphs, len(self.table.keys)
        file = f", read from {self._file}" if self._file else ""
        self.bar.summarise(glyphs.plain(f"  {self.trouble or f'{found:,} settings{file}'}"))
        row = self._all().get(self.table.in_hand or "")
        self._facts.set_lines(
            self._about(row) if row is not None else [[("an arrow key takes a setting in hand", "muted")]]
        )

    def _about(self, row: SettingView) -> list[Line]:
        glyphs, width = self.desk.glyphs, max(30, self._facts.room)
        return [
            *labelled("Key", row.key, glyphs, width, "strong"),
            *labelled("Value", row.value or "not set", glyphs, width, "plain" if row.value else "muted"),
            *labelled("From", row.source, glyphs, width),
            *labelled("What for", row.help or "an entry of this group", glyphs, width, "muted"),
        ]

    @on(OrderTable.Highlighted)
    def _looked_at(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    @on(FilterBar.Changed)
    def _filtered(self) -> None:
        self.table.take(None)
        self._offer()

    @on(FilterBar.Done)
    def _filter_done(self) -> None:
        self.table.focus()

    # Acts ------------------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        self.bar.edit()

    def action_back(self) -> None:
        self.app.pop_screen()

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        if event.order_id == THEME:
            self.action_theme()
        elif event.order_id == SIGNS:
            self.action_glyphs()
        else:
            self.notify("Settings are changed where the daemon reads them; it reads them at its start.", markup=False)

    def action_theme(self) -> None:
        cast("Looking", self.app).look(theme=_next(self.app.theme, THEMES))
        self._offer()

    def action_glyphs(self) -> None:
        cast("Looking", self.app).look(glyphs=_next(self.desk.glyphs.name, GLYPHS))


def _next(present: str, names: Sequence[str]) -> str:
    return names[(names.index(present) + 1) % len(names)] if present in names else names[0]
