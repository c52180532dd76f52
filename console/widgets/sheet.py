"""A sheet of lines that can be scrolled and, if wanted, gone through line by line. Line API; nothing is markup."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from console.widgets.painted import PaintedLines
from console.widgets.pieces import Line, strip_of


class Sheet(PaintedLines, can_focus=True):
    """``set_lines`` replaces everything; lines with a name in ``names`` can be chosen by cursor or click."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"sheet--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home", "edge(0)", "Top", show=False),
        Binding("end,G", "edge(1)", "End", show=False),
        Binding("right,l", "across(8)", "Right", show=False),
        Binding("left,h", "across(-8)", "Left", show=False),
        Binding("enter", "activate", "Choose", show=False),
    ]

    class Activated(Message):
        """⏎ or a double click on a named line."""

        def __init__(self, sheet: "Sheet", name: str) -> None:
            self.sheet, self.name = sheet, name
            super().__init__()

        @property
        def control(self) -> "Sheet":
            return self.sheet

    class Widened(Message):
        """Its lines have another width now; those that were broken for the width before are to be broken anew."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Sheet.Widened)

    class Chosen(Message):
        """The cursor came to another named line of this sheet."""

        def __init__(self, sheet: "Sheet", name: str) -> None:
            self.sheet, self.name = sheet, name
            super().__init__()

        @property
        def control(self) -> "Sheet":
            return self.sheet

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Sheet.Chosen) and message.sheet is self.sheet

    def __init__(
        self, *, id: str | None = None, classes: str | None = None, ellipsis: str = "…", steady: bool = False
    ) -> None:  # fmt: skip
        """``steady``: nothing around it moves, whatever stands in it."""
        super().__init__(id=id, classes=classes)
        self.steady = steady
        self.lines: Sequence[Line] = ()
        self.names: Sequence[str | None] = ()
        self.chosen: str | None = None
        self.muted = False
        self._wide = 0  # when it was resized last
        self._ellipsis = ellipsis

    def set_lines(self, lines: Sequence[Line], names: Sequence[str | None] = (), *, more: bool = False) -> None:
        """Show these. ``names``: one for each line that can be chosen (equal names belong together), None for the rest.
        ``more`` is to come: until then the sheet stays as large as it was."""
        lines, names = list(lines), list(names)
        if lines == self.lines and names == self.names:
            return
        before, same_names = self.lines, names == self.names
        self.lines, self.names = lines, names
        if self.chosen is not None and self.chosen not in names:
            self.chosen = None
        self._measure(more=more)
        if same_names:
            top = round(self.scroll_offset.y)
            self.repaint(at - top for at, pair in enumerate(zip_longest(before, lines)) if pair[0] != pair[1])
        else:
            self.refresh()

    def _measure(self, *, more: bool = False) -> None:
        """What does not fill a sheet of fixed height is taken as large as the sheet: another length lays nothing out."""
        width, height = (
            max((sum(cell_len(text) for text, _ in line) for line in self.lines), default=0),
            len(self.lines),
        )
        if self.styles.height is not None and not self.styles.height.is_auto:
            least = self.virtual_size if more else self.scrollable_content_region.size
            width, height = max(width, least.width), max(height, least.height)
        if self.steady:
            self.holds(Size(width, height))
        else:
            self.virtual_size = Size(width, height)

    def on_resize(self) -> None:
        self._measure()
        if self.room != self._wide:
            self._wide = self.room
            self.post_message(self.Widened())

    def choose(self, name: str | None) -> None:
        """Put the cursor on the line of this name without telling anybody."""
        self.chosen = name if name in self.names else None
        self.refresh()

    def set_muted(self, muted: bool) -> None:
        if muted != self.muted:
            self.muted = muted
            self.refresh()

    @property
    def room(self) -> int:
        """Cells of a line that are not under the scroll bar; it keeps its place also while it is not shown."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width, at = self.room, y + scroll_y
        if at >= len(self.lines):
            return Strip.blank(width, self.base)
        base = self.base
        if self.chosen is not None and self._name_at(at) == self.chosen and self.has_focus:
            base = self.get_component_rich_style("sheet--cursor")
        line = self.lines[at]
        if not scroll_x:
            return strip_of(self, line, width, base, muted=self.muted, ellipsis=self._ellipsis)
        strip = strip_of(self, line, max(width, self.virtual_size.width), base, muted=self.muted)
        return strip.crop_extend(scroll_x, scroll_x + width, base)

    def _name_at(self, at: int) -> str | None:
        return self.names[at] if at < len(self.names) else None

    def action_move(self, by: int) -> None:
        """To the next named line; a sheet without names scrolls."""
        order = list(dict.fromkeys(name for name in self.names if name is not None))
        if not order:
            self.scroll_relative(y=by, animate=False)
            return
        at = order.index(self.chosen) + by if self.chosen in order else 0
        self._choose(order[max(0, min(at, len(order) - 1))])

    def action_page(self, pages: int) -> None:
        self.scroll_relative(y=pages * max(1, self.size.height - 1), animate=False)

    def action_edge(self, end: int) -> None:
        self.scroll_to(y=self.virtual_size.height if end else 0, animate=False)

    def action_across(self, by: int) -> None:
        self.scroll_relative(x=by, animate=False)

    def _choose(self, name: str) -> None:
        self.chosen = name
        self.refresh()
        at = [i for i, known in enumerate(self.names) if known == name]
        self.scroll_to_region(Region(0, at[0], 1, len(at)), animate=False, x_axis=False)
        self.post_message(self.Chosen(self, name))

    def action_activate(self) -> None:
        if self.chosen is not None:
            self.post_message(self.Activated(self, self.chosen))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        name = self._name_at(offset.y + round(self.scroll_offset.y))
        if name is None:
            return
        self._choose(name)
        if event.chain == 2:
            self.action_activate()

    def on_focus(self) -> None:
        if self.chosen is None and (first := next((name for name in self.names if name), None)):
            self.chosen = first
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


class Bar(Sheet, can_focus=False):
    """A sheet of fixed lines that never scrolls: bars, tickers, headings."""

    DEFAULT_CSS = "Bar { overflow: hidden hidden; height: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = []

    def on_mount(self) -> None:
        self.show_vertical_scrollbar = self.show_horizontal_scrollbar = False

    def _measure(self, *, more: bool = False) -> None:
        """It is as large as it is."""

    def spans(self, y: int) -> list[tuple[int, int, int]]:
        """(start, end, number of the piece) of each piece of a line, in cells; for clicks."""
        found: list[tuple[int, int, int]] = []
        start = 0
        for number, (text, _) in enumerate(self.lines[y] if y < len(self.lines) else ()):
            end = start + Segment(text).cell_length
            found.append((start, end, number))
            start = end
        return found
