"""Rows of a table as they are painted: the ids that are shown, their columns, and the lines they become."""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from console.widgets.cells import fit
from console.widgets.columns import GUTTER, Column, Placed, place, total_width
from console.widgets.glyphs import Glyphs
from console.widgets.held_rows import HeldRows
from console.widgets.painted import PaintedLines
from console.widgets.pieces import Line, toned
from console.widgets.rowstrip import cell, titles

MOST_KEPT = 256  # strips
EMPTY_LINE = 2  # where it is said that there is no row
Cells = Mapping[str, Line]  # column key → pieces


class PaintedRows(PaintedLines):
    """A title line and rows below it. ``cells`` gives what stands in a row; it is called for visible rows only.
    ``marks``: ids of the rows that are marked, in the order they were."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "ordertable--header", "ordertable--cursor", "ordertable--blurred", "ordertable--marked",
    }  # fmt: skip

    grey: reactive[bool] = reactive(False)

    def __init__(
        self, columns: Sequence[Column], cells: Callable[[str], Cells], glyphs: Glyphs, *, id: str | None = None
    ) -> None:  # fmt: skip
        super().__init__(id=id)
        self._columns, self._cells, self._glyphs = columns, cells, glyphs
        self._rows = HeldRows()
        self._placed: tuple[Placed, ...] = ()
        self._painted: dict[int, str] = {}  # line → the row that stands there
        self._strips: dict[str, tuple[tuple[Any, ...], Strip]] = {}  # row → all that its strip was made of, the strip
        self._sort: tuple[str, bool] = ("", False)
        self.marks: dict[str, None] = {}
        self.all_columns = False
        self._empty = ""

    @property
    def keys(self) -> Sequence[str]:
        """The ids of the rows as shown, top to bottom."""
        return self._rows.keys

    @property
    def in_hand(self) -> str | None:
        """The id under the cursor."""
        return self._rows.in_hand

    @property
    def columns(self) -> Sequence[str]:
        """The keys of the columns that can be seen, left to right."""
        return [placed.column.key for placed in self._placed]

    @property
    def empty(self) -> str:
        """What is said where no row stands."""
        return self._empty

    @empty.setter
    def empty(self, said: str) -> None:
        if said != self._empty:
            self._empty = said
            if not self.keys:
                self.refresh()

    def refresh_keys(self, changed: Set[str]) -> None:
        """Repaint the visible rows among these."""
        self.repaint(y for y, key in enumerate(self.visible_keys(), 1) if key in changed)

    def visible_keys(self) -> list[str]:
        """The ids that can be seen now."""
        top = self._top
        return list(self.keys[top : top + max(0, self.size.height - 1)])

    def set_sort(self, column: str, descending: bool) -> None:
        """Which column's title carries the sign of the order."""
        self._sort = (column, descending)
        self.repaint((0,))

    def use_columns(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._laid_out()

    def _laid_out(self) -> None:
        self._placed = place(self._columns, self.scrollable_content_region.width, all_of_them=self.all_columns)
        self._measure()
        self.refresh()

    def _measure(self) -> None:
        self.holds(Size(max(total_width(self._placed), 1), len(self.keys) + 1))

    def _moved(self) -> None:
        """Other rows are shown, or in other places: the lines in which something else stands now are painted anew."""
        self._measure()
        painted, shown = self._painted, dict(enumerate(self.visible_keys(), 1))
        lines = {y for y in painted.keys() | shown.keys() if painted.get(y) != shown.get(y)}
        self.repaint(lines | {EMPTY_LINE} if not painted or not shown else lines)

    def on_resize(self) -> None:
        self._laid_out()

    def watch_grey(self) -> None:
        self.refresh()

    @property
    def _top(self) -> int:
        return round(self.scroll_offset.y)

    def _repaint(self, at: int) -> None:
        """The row at this place."""
        if at >= self._top:
            self.repaint((at - self._top + 1,))

    # Painting --------------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        scroll_x, width = round(self.scroll_offset.x), self.size.width
        if y == 0:
            style = self.get_component_rich_style("ordertable--header")
            strip = Strip(titles(self._placed, self._sort, self._glyphs, style))
            return strip.crop_extend(scroll_x, scroll_x + width, style)
        at = self._top + y - 1
        if at >= len(self.keys):
            self._painted.pop(y, None)
            if y == EMPTY_LINE and not self.keys and self._empty:
                said = fit(" " * GUTTER + self._glyphs.plain(self._empty), width, ellipsis=self._glyphs.ellipsis)
                return Strip([Segment(said, toned(self.base, "muted", self.app.theme))], width)
            return Strip.blank(width, self.base)
        key = self.keys[at]
        self._painted[y] = key
        return self._row(key, scroll_x, width)

    def _row(self, key: str, scroll_x: int, width: int) -> Strip:
        """The strip of before, as long as the same stands in it: Textual has cut and written that one already."""
        in_hand, marked, left = key == self.in_hand, key in self.marks, self._rows.has_left(key)
        sign = self._glyphs.mark if marked else self._glyphs.left if left else " "
        gutter = f"{self._glyphs.cursor if in_hand else ' '}{sign} "
        base, muted, theme = self._row_style(in_hand, marked), self.grey or left, self.app.theme
        state = (gutter, base, muted, theme, self._placed, scroll_x, width, self._cells(key))
        kept = self._strips.get(key)
        if kept is not None and kept[0] == state:
            return kept[1]
        if len(self._strips) > MOST_KEPT:
            self._strips.clear()
        strip = self._strip(*state)
        self._strips[key] = (state, strip)
        return strip

    def _strip(
        self, gutter: str, base: Style, muted: bool, theme: str, placed: Sequence[Placed], scroll_x: int, width: int, cells: Cells
    ) -> Strip:  # fmt: skip
        def style_of(tone: str) -> Style:
            return toned(base, "muted" if muted else tone, theme)

        segments = [Segment(gutter, toned(base, "accent", theme))]
        for one in placed:
            segments += cell(cells.get(one.column.key, ()), one, base, style_of, self._glyphs.ellipsis)
            segments.append(Segment(" ", base))
        room = width - total_width(placed) - 1
        if scroll_x or room < 0:
            return Strip(segments).crop_extend(scroll_x, scroll_x + width, base)
        return Strip([*segments, Segment(" " * room, base)] if room else segments, width)

    def _row_style(self, in_hand: bool, marked: bool) -> Style:
        if in_hand:
            return self.get_component_rich_style("ordertable--cursor" if self.has_focus else "ordertable--blurred")
        if marked:
            return self.get_component_rich_style("ordertable--marked")
        return self.base
