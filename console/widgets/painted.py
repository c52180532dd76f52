"""A widget that paints line by line."""

from collections.abc import Iterable, Sequence

from rich.style import Style
from textual.css.scalar import Scalar
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget


class PaintedLines(ScrollView):
    """``base`` is its own style. Textual asks all its parents for that: once a painting is enough, not once a line."""

    _base: Style | None = None
    _kept: tuple[Region, list[Strip]] | None = None  # what was painted last, as long as nothing changed

    @property
    def base(self) -> Style:
        return self._base if self._base is not None else self.rich_style

    def render_lines(self, crop: Region) -> list[Strip]:
        """Textual asks for all lines of every widget between the highest and the lowest one that changed."""
        if self._kept is not None and self._kept[0] == crop:
            return self._kept[1]
        self._base = self.rich_style
        try:
            lines = super().render_lines(crop)
        finally:
            self._base = None
        self._kept = (crop, lines)
        return lines

    def get_line_filters(self) -> Sequence[LineFilter]:
        """All our colours are true ones already."""
        return [one for one in super().get_line_filters() if not isinstance(one, ANSIToTruecolor)]

    def _set_dirty(self, *regions: Region) -> None:
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
