"""Frames and scroll bars without block or line characters, for the glyph sets that want none."""

from typing import Any, ClassVar

from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBarRender

from console.widgets.glyphs import Glyphs

PLAIN = "-plain-frames"  # the class that style sheets look for


class PlainScrollBar(ScrollBarRender):
    """A bar of coloured blanks."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def suit(screen: Screen[Any], glyphs: Glyphs) -> None:
    """Give a mounted screen the frames and scroll bars that go with the glyph set; style sheets do the frames."""
    if glyphs.name == "unicode":
        return
    screen.add_class(PLAIN)
    for view in screen.query(ScrollView):
        view.vertical_scrollbar.renderer = PlainScrollBar  # type: ignore[misc]  # looked up on the instance
