"""The live table: a line-API widget. Rows live in the book, the table knows their ids and asks for the visible ones.

The cursor, the marks and a click belong to ids, never to positions: a click acts on the row that was painted there.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer

from console.widgets.columns import GUTTER, Column
from console.widgets.glyphs import Glyphs
from console.widgets.paintedrows import Cells, PaintedRows

__all__ = ["Cells", "OrderTable"]

AIMING = 2.0  # seconds after the mouse's last move in which rows hold still


class OrderTable(PaintedRows, can_focus=True):
    """Rows of orders that a person goes through, marks and opens."""

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
        Binding("escape", "put_down", "Put down", show=False, id="table.put_down", tooltip="Clear the marks, then put the row down"),
    ]  # fmt: skip
    waiting: reactive[int] = reactive(0, repaint=False)

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
        self, columns: Sequence[Column], cells: Callable[[str], Cells], glyphs: Glyphs, *, id: str | None = None
    ) -> None:  # fmt: skip
        super().__init__(columns, cells, glyphs, id=id)
        self._pointed = False  # the mouse has just moved over the rows
        self._rests: Timer | None = None

    # What comes in ---------------------------------------------------------------------------------------------------

    def hold_still(self, still: bool) -> None:
        """Let nothing in until told otherwise, or asked for by the person."""
        self._rows.still = still

    def offer(self, keys: Sequence[str]) -> None:
        """The rows as they would be now; shown at once unless a row further down is in hand or looked at."""
        if self._rows.offer(keys, hold=self._top > 0 or self._pointed):
            self._moved()
        self._count_waiting()

    def _count_waiting(self) -> None:
        """Counted while rows hold still; the row in hand tells above what, else the first one that can be seen."""
        seen = self.keys[self._top] if 0 < self._top < len(self.keys) else None
        self.waiting = self._rows.waiting(seen)

    def extend(self, older: Sequence[str]) -> None:
        """Rows below all others, shown at once."""
        self._rows.extend(older)
        self._laid_out()

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

    def action_put_down(self) -> None:
        """Nothing marked and nothing in hand: the key is the screen's."""
        if self.marks:
            self.clear_marks()
        elif self.in_hand is not None:
            self.take(None)
        else:
            raise SkipAction

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
