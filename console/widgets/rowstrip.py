"""Segments of a table's title line and of its cells, each exactly as wide as its column."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from console.widgets.cells import fit
from console.widgets.columns import GUTTER, Placed
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line


def titles(placed: Sequence[Placed], sort: tuple[str, bool], glyphs: Glyphs, style: Style) -> list[Segment]:
    """``sort``: the column whose title carries the sign of the order, and whether that is descending."""
    segments = [Segment(" " * GUTTER, style)]
    sorted_by, descending = sort
    for one in placed:
        title = one.column.title
        if one.column.key == sorted_by:
            sign = glyphs.sort_down if descending else glyphs.sort_up
            title = sign + title if one.column.right else title + sign
        segments.append(Segment(fit(title, one.width, right=one.column.right, ellipsis="") + " ", style))
    return segments


def cell(pieces: Line, one: Placed, base: Style, style_of: Callable[[str], Style], ellipsis: str) -> list[Segment]:
    """A cell of one piece is cut or padded as a whole; of several, the last ones give way."""
    if len(pieces) == 1:
        text, tone = pieces[0]
        return [Segment(fit(text, one.width, right=one.column.right, ellipsis=ellipsis), style_of(tone))]
    segments: list[Segment] = []
    room = one.width
    for text, tone in pieces:
        if room <= 0:
            break
        cells = cell_len(text)
        if cells > room:
            text, cells = fit(text, room, ellipsis=ellipsis), room
        segments.append(Segment(text, style_of(tone)))
        room -= cells
    if room > 0:
        segments.append(Segment(" " * room, base))
    return segments
