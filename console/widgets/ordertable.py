"""The live table: a line-API widget. Rows live in the book, the table knows their ids and asks for the visible ones.

The cursor, the marks and a click belong to ids, never to positions: a click acts on the row that was painted there.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from console.widgets.cells import fit
from console.widgets.columns import GUTTER, Column, Placed, place, total_width
from console.widgets.glyphs import Glyphs
from console.widgets.held_rows import HeldRows
from console.widgets.painted import PaintedLines
from console.widgets.pieces import Line, tone_style
from console.widgets.rowstrip import cell, titles

AIMING = 2.0  # seconds after the mouse's last move in which rows hold still
Cells = Mapping[str, Line]  # column key → pieces


class OrderTable(PaintedLines, can_focus=True):
    """Rows of orders. ``cells`` gives what stands in a row; it is called for visible rows only."""

    BINDING_GROUP_TITLE = "Table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.pagedown"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.pageup"),
        Binding("home", "first", "First", show=False, id="table.first"),
        Binding("end,G", "last", "Last", show=False, id="table.last"),
        Binding("right,l", "across(8)", "Right", show=False, id="table.right"),
        Binding("left,h", "across(-8)", "Left", show=False, id="table.left"),
        Binding("enter", "open", "Open", id="table.open", tooltip="Open the order in hand"),
        Binding("space", "mark", "Mark", id="table.mark", tooltip="Mark the order in hand, or take its mark away"),
        Binding("shift+down", "mark_range(1)", "Mark down", show=False, id="table.mark_down"),
        Binding("shift+up", "mark_range(-1)", "Mark up", show=False, id="table.mark_up"),
        Binding("asterisk", "mark_all", "Mark all", show=False, id="table.mark_all", tooltip="Mark all that match"),
        Binding("full_stop", "newest", "Newest", show=False, id="table.newest", tooltip="Show what came in meanwhile"),
        Binding("escape", "let_go", "Let go", show=False, id="table.let_go", tooltip="Clear the marks, then let go"),
    ]  # fmt: skip
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "ordertable--header", "ordertable--cursor", "ordertable--blurred", "ordertable--marked",
    }  # fmt: skip

    waiting: reactive[int] = reactive(0, repaint=False)
    grey: reactive[bool] = reactive(False)

    class Highlighted(Message):
        """Another order is in hand (None: none)."""

        def __init__(self, order_id: str | None) -> None:
            self.order_id = order_id
            super().__init__()

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, OrderTable.Highlighted)

    class Opened(Message):
        """The person wants to see this order."""

        def __init__(self, order_id: str) -> None:
            self.order_id = order_id
            super().__init__()

    class MarksChanged(Message):
        """Other orders are marked."""

    class SortAsked(Message):
        """A column's title was clicked."""

        def __init__(self, column: str) -> None:
            self.column = column
            super().__init__()

    def __init__(
        self, columns: Sequence[Column], cells: Callable[[str], Cells], glyphs: Glyphs, *, id: str | None = None  # noqa: A002
    ) -> None:  # fmt: skip
        super().__init__(id=id)
        self._columns, self._cells, self._glyphs = columns, cells, glyphs
        self._rows = HeldRows()
        self._placed: tuple[Placed, ...] = ()
        self._painted: dict[int, str] = {}
        self._sort: tuple[str, bool] = ("", False)
        self.marks: dict[str, None] = {}
        self.all_columns = False
        self._empty = ""
        self._pointed = False  # the mouse has just moved over the rows
        self._rests: Timer | None = None

    # What is shown ---------------------------------------------------------------------------------------------------

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

    def hold_still(self, still: bool) -> None:
        """Let nothing in until told otherwise, or asked for by the person."""
        self._rows.still = still

    def offer(self, keys: Sequence[str]) -> None:
        """The rows as they would be now; shown at once unless a row further down is in hand or looked at."""
        if self._rows.offer(keys, hold=self._top > 0 or self._pointed):
            self._laid_out()
        self._count_waiting()

    def _count_waiting(self) -> None:
        """Counted while rows hold still; the row in hand tells above what, else the first one that can be seen."""
        seen = self.keys[self._top] if 0 < self._top < len(self.keys) else None
        self.waiting = self._rows.waiting(seen)

    def extend(self, older: Sequence[str]) -> None:
        """Rows below all others, shown at once."""
        self._rows.extend(older)
        self._laid_out()

    def refresh_keys(self, changed: Set[str]) -> None:
        """Repaint the visible rows among these."""
        top = self._top
        for y in range(1, self.size.height):
            at = top + y - 1
            if at >= len(self.keys):
                return
            if self.keys[at] in changed:
                self._repaint(at)

    def visible_keys(self) -> list[str]:
        """The ids that can be seen now."""
        top = self._top
        return list(self.keys[top : top + max(0, self.size.height - 1)])

    def set_sort(self, column: str, descending: bool) -> None:
        """Which column's title carries the sign of the order."""
        self._sort = (column, descending)
        self._repaint_header()

    def use_columns(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._laid_out()

    def _laid_out(self) -> None:
        self._placed = place(self._columns, self.scrollable_content_region.width, all_of_them=self.all_columns)
        self.virtual_size = Size(max(total_width(self._placed), 1), len(self.keys) + 1)
        self.refresh()

    def on_resize(self) -> None:
        self._laid_out()

    def watch_grey(self) -> None:
        self.refresh()

    @property
    def _top(self) -> int:
        return round(self.scroll_offset.y)

    def _repaint(self, at: int) -> None:
        y = at - self._top + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _repaint_header(self) -> None:
        self.refresh(Region(0, 0, self.size.width, 1))

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
            if at == 1 and not self.keys and self._empty:
                said = fit(" " * GUTTER + self._glyphs.plain(self._empty), width, ellipsis=self._glyphs.ellipsis)
                return Strip([Segment(said, self.base + self._tone("muted"))], width)
            return Strip.blank(width, self.base)
        key = self.keys[at]
        self._painted[y] = key
        strip, style = self._row(key)
        return strip.crop_extend(scroll_x, scroll_x + width, style)

    def _row(self, key: str) -> tuple[Strip, Style]:
        in_hand, marked = key == self.in_hand, key in self.marks
        left = self._rows.has_left(key)
        base = self._row_style(in_hand, marked)
        gutter = self._glyphs.cursor if in_hand else " "
        gutter += self._glyphs.mark if marked else self._glyphs.left if left else " "
        segments = [Segment(gutter + " ", base + self._tone("accent"))]
        cells = self._cells(key)
        tone_of = self._muted if self.grey or left else self._tone
        for placed in self._placed:
            segments += cell(cells.get(placed.column.key, ()), placed, base, tone_of, self._glyphs.ellipsis)
            segments.append(Segment(" ", base))
        return Strip(segments), base

    def _row_style(self, in_hand: bool, marked: bool) -> Style:
        if in_hand:
            return self.get_component_rich_style("ordertable--cursor" if self.has_focus else "ordertable--blurred")
        if marked:
            return self.get_component_rich_style("ordertable--marked")
        return self.base

    def _tone(self, tone: str) -> Style:
        return tone_style(self, tone)

    def _muted(self, _: str) -> Style:
        return tone_style(self, "muted")

    # The row in hand -------------------------------------------------------------------------------------------------

    def take(self, key: str | None) -> None:
        """Take the order in hand and show its row; None lets go."""
        if key == self.in_hand:
            return
        before = self._rows.place
        self._rows.take(key)
        if self._rows.at_first:
            self._rows.follow()
        if key is None or self._rows.at_first:
            self._laid_out()
        elif before is not None:
            self._repaint(before)
        self._show_in_hand()
        self._count_waiting()
        self.post_message(self.Highlighted(key))

    def ensure_in_hand(self) -> str | None:
        """The order in hand; if there is none, the first painted row is taken."""
        if self.in_hand is None and self.keys:
            self.take(self.keys[min(self._top, len(self.keys) - 1)])
        return self.in_hand

    def _show_in_hand(self) -> None:
        place_now = self._rows.place
        if place_now is None:
            return
        self._repaint(place_now)
        rows = max(1, self.size.height - 1)
        if place_now < self._top:
            self.scroll_to(y=place_now, animate=False, immediate=True)
        elif place_now >= self._top + rows:
            self.scroll_to(y=place_now - rows + 1, animate=False, immediate=True)

    def _move_to(self, at: int) -> None:
        if self.keys:
            self.take(self.keys[max(0, min(at, len(self.keys) - 1))])

    def action_move(self, by: int) -> None:
        at = self._rows.place
        if at == 0 and by < 0:
            self.action_first()
        else:
            self._move_to(self._top if at is None else at + by)

    def action_page(self, pages: int) -> None:
        self._move_to((self._rows.place or 0) + pages * max(1, self.size.height - 2))

    def action_first(self) -> None:
        """The first row, with everything that came in meanwhile."""
        self.newest()
        self._move_to(0)

    def action_last(self) -> None:
        self._move_to(len(self.keys) - 1)

    def action_across(self, by: int) -> None:
        self.scroll_to(x=max(0, round(self.scroll_offset.x) + by), animate=False)

    def action_newest(self) -> None:
        self.newest()

    def newest(self) -> None:
        """Let in what came in while a row was in hand."""
        self._rows.accept()
        self._laid_out()
        if self.in_hand is None:
            self.scroll_to(y=0, animate=False, immediate=True)
        self._show_in_hand()
        self._count_waiting()

    def action_let_go(self) -> None:
        if self.marks:
            self.clear_marks()
        else:
            self.take(None)

    def action_open(self) -> None:
        key = self.ensure_in_hand()
        if key is not None:
            self.post_message(self.Opened(key))

    # Marks -----------------------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        key = self.ensure_in_hand()
        if key is not None:
            self._toggle(key)
            self.action_move(1)

    def action_mark_range(self, by: int) -> None:
        """Mark the row in hand and the one that is taken next."""
        key = self.ensure_in_hand()
        if key is None:
            return
        self.marks[key] = None
        if not (by < 0 and self._rows.at_first):
            self.action_move(by)
        if self.in_hand is not None:
            self.marks[self.in_hand] = None
        self._marked()

    def action_mark_all(self) -> None:
        """Mark everything that matches the filter now."""
        self.marks = dict.fromkeys(self._rows.offered)
        self._marked()

    def clear_marks(self) -> None:
        self.marks = {}
        self._marked()

    def _toggle(self, key: str) -> None:
        if key in self.marks:
            del self.marks[key]
        else:
            self.marks[key] = None
        self._marked()

    def _marked(self) -> None:
        self.refresh()
        self.post_message(self.MarksChanged())

    # Mouse -----------------------------------------------------------------------------------------------------------

    def on_mouse_move(self) -> None:
        """Rows hold still while somebody aims at one of them."""
        self._pointed = True
        if self._rests is None:
            self._rests = self.set_timer(AIMING, self._mouse_rests)
        else:
            self._rests.reset()

    def on_leave(self) -> None:
        self._mouse_rests()

    def _mouse_rests(self) -> None:
        if self._rests is not None:
            self._rests.stop()
        self._pointed, self._rests = False, None
        self.offer(self._rows.offered)

    def on_click(self, event: events.Click) -> None:
        """The row that was painted there; a second click opens it; the gutter marks; a title sorts."""
        event.stop()
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x = offset.x + round(self.scroll_offset.x)
        if offset.y == 0:
            self._title_clicked(x)
            return
        key = self._painted.get(offset.y)
        if key is None:
            return
        self.take(key)
        if x < GUTTER and event.chain == 1:
            self._toggle(key)
        elif event.chain == 2:
            self.post_message(self.Opened(key))

    def _title_clicked(self, x: int) -> None:
        for placed in self._placed:
            if placed.start <= x <= placed.start + placed.width:
                self.post_message(self.SortAsked(placed.column.key))

    def on_focus(self) -> None:
        self._repaint_in_hand()

    def on_blur(self) -> None:
        self._repaint_in_hand()

    def _repaint_in_hand(self) -> None:
        if (at := self._rows.place) is not None:
            self._repaint(at)
