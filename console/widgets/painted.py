"""A widget that paints line by line."""

from collections.abc import Iterable, Sequence

from rich.style import Style
from textual.color import Color
from textual.css.scalar import Scalar
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget


class PaintedLines(ScrollView):
    """``base`` is its own style. Textual asks all its parents for that: once a painting is enough, not once a line."""

    _base: Style | None = None
    _kept: tuple[Region, list[Strip]] | None = None  # what was painted last
    _touched: frozenset[int] = frozenset()  # the lines in which something else stands now

    @property
    def base(self) -> Style:
        return self._base if self._base is not None else self.rich_style

    def render_lines(self, crop: Region) -> list[Strip]:
        """Textual asks for all lines of every widget between the highest and the lowest one that changed."""
        if self._kept is None or self._kept[0] != crop:
            self._kept = (crop, self._paint(crop, crop.line_range))
        elif self._touched:
            self._kept = (crop, self._paint(crop, self._touched.intersection(crop.line_range), self._kept[1]))
        self._touched = frozenset()
        return self._kept[1]

    def _paint(self, crop: Region, touched: Iterable[int], before: Sequence[Strip] = ()) -> list[Strip]:
        """The lines of ``crop``: these anew, the others as they were."""
        self._base = self.rich_style
        try:
            if crop.column_span != (0, self.content_size.width) or self._is_adorned():
                return super().render_lines(crop)
            lines = list(before) or [Strip([])] * crop.height
            filters, ground = self.get_line_filters(), self.background_colors[1]
            for y in touched:
                lines[y - crop.y] = self._painted_line(y, filters, ground)
            return lines
        finally:
            self._base = None

    def _is_adorned(self) -> bool:
        """Does anything stand around the content, or change its colours? Then it is Textual that paints."""
        styles = self.styles
        return bool(
            any(styles.gutter)
            or styles.outline
            or styles.tint.a
            or styles.has_rule("hatch")
            or self.opacity != 1.0
            or styles.text_opacity != 1.0
        )

    def _painted_line(self, y: int, filters: Sequence[LineFilter], ground: Color) -> Strip:
        (width, height), around = self.content_size, self.base.background_style
        strip = self.render_line(y) if y < height else Strip.blank(width, around)
        strip = strip.adjust_cell_length(width, around)
        for one in filters:
            strip = strip.apply_filter(one, ground)
        return strip

    def get_line_filters(self) -> Sequence[LineFilter]:
        """All our colours are true ones already."""
        return [one for one in super().get_line_filters() if not isinstance(one, ANSIToTruecolor)]

    def _set_dirty(self, *regions: Region) -> None:
        if regions:
            top = self.content_offset.y
            self._touched |= {top + y for region in regions for y in region.line_range}
        else:
            self._kept = None
        super()._set_dirty(*regions)

    def notify_style_update(self) -> None:
        self._kept = None
        super().notify_style_update()

    def holds(self, size: Size) -> None:
        """So many cells can be scrolled through. Textual lays the whole screen out anew when ``virtual_size`` is set; of
        what has a place of its own only the scroll bar changes, and the screen only when a bar comes or goes."""
        if size == self.virtual_size:
            return
        if self.container_size and not (_auto(self.styles.width) or _auto(self.styles.height)):
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size

    def repaint(self, lines: Iterable[int]) -> None:
        """Paint these again, counted from the upper edge; those that cannot be seen are left out."""
        width, height = self.size
        if regions := [Region(0, y, width, 1) for y in lines if 0 <= y < height]:
            self.refresh(*regions)


def _auto(length: Scalar | None) -> bool:
    """Does the content say how large it is?"""
    return length is None or length.is_auto
