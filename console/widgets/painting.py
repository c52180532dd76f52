"""What every painted line goes through on its way to the terminal: characters the terminal cannot be trusted with are
spelled by others, and with NO_COLOR the colours are taken out."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from console.widgets.glyphs import SETS, UNICODE
from console.widgets.spelling import Spelling

STANDS_OUT = 1.3  # contrast from which on a ground says something: a cursor, a badge, a scroll bar


class Spelled(LineFilter):
    """Each character as one of as many cells: what may be drawn wide, and in ASCII also the signs that are ours."""

    def __init__(self, own: Mapping[str, str]) -> None:
        super().__init__()
        self._spelling = Spelling({ord(sign): spelled for sign, spelled in own.items()})

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [segment if segment.text.isascii() else self._spelled(segment) for segment in segments]

    def _spelled(self, segment: Segment) -> Segment:
        text = segment.text.translate(self._spelling)
        if text == segment.text:
            return segment
        return Segment(set_cell_size(text, segment.cell_length), segment.style, segment.control)


class Colourless(LineFilter):
    """No colour at all: bold, underline and reverse are left, and a ground that stands out is reversed.

    Textual's own way with NO_COLOR is shades of grey, written as 24-bit colours.
    """

    def __init__(self, ground: str) -> None:
        super().__init__()
        self._style = lru_cache(maxsize=1024)(self._without)
        self._ground = Color.parse(ground)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, self._style(style) if style is not None else None) for text, style, _ in segments]

    def _without(self, style: Style) -> Style:
        ground = style.bgcolor
        out = ground is not None and not ground.is_default and _contrast(Color.from_rich_color(ground), self._ground) >= STANDS_OUT  # fmt: skip
        bare = Style(
            bold=style.bold, italic=style.italic, underline=style.underline, strike=style.strike, link=style.link
        )
        return bare + Style(reverse=bool(style.reverse) != out, meta=style.meta or None)


def _contrast(one: Color, other: Color) -> float:
    """WCAG's ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@lru_cache(maxsize=8)
def painting(glyphs: str, ground: str, *, colours: bool) -> Sequence[LineFilter]:
    """For the set of signs of this name. ``ground``: the colour that most of the screen stands on."""
    filters: list[LineFilter] = [] if glyphs == UNICODE.name else [Spelled(SETS[glyphs].own)]
    return filters if colours else [*filters, Colourless(ground)]
