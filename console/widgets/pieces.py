"""Pieces of text with a tone, and strips made of them. Text is never read as markup."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from console.theme import DARK, THEMES, TONES
from console.widgets.cells import fit, wrap

Piece = tuple[str, str]  # text, tone
Line = Sequence[Piece]

_BADGES = ("badge_production", "badge_sandbox")


@lru_cache(maxsize=8)
def _styles(theme: str) -> Mapping[str, Style]:
    """The style of each tone. No component class: each of those is a node of its own in every widget, styled anew with
    every change of a class. A word the daemon is ahead of us with is shown plain."""
    colours = next((known for known in THEMES if known.name == theme), DARK).variables
    styles = {
        tone: Style(color=colours[f"tone-{tone}"], bold=tone == "strong" or None)
        for tone in TONES
        if tone not in _BADGES
    }
    for badge in _BADGES:
        name = badge.replace("_", "-")
        styles[badge] = Style(color=colours[f"{name}-text"], bgcolor=colours[name], bold=True)
    return styles


def toned(base: Style, tone: str, theme: str) -> Style:
    """``base`` with a tone of this theme on it."""
    return _toned(base, tone if tone in TONES else "plain", theme)


@lru_cache(maxsize=4096)
def _toned(base: Style, tone: str, theme: str) -> Style:
    return base + _styles(theme)[tone]


def strip_of(widget: Widget, line: Line, width: int, base: Style, *, muted: bool = False, ellipsis: str = "…") -> Strip:
    """One line of exactly ``width`` cells; what does not fit is cut with an ellipsis."""
    theme = widget.app.theme
    segments: list[Segment] = []
    room = width
    for text, tone in line:
        style = toned(base, "muted" if muted else tone, theme)
        cells = cell_len(text)
        if cells > room:
            segments.append(Segment(fit(text, room, ellipsis=ellipsis), style))
            room = 0
            break
        segments.append(Segment(text, style))
        room -= cells
    if room:
        segments.append(Segment(" " * room, base))
    return Strip(segments, width)


def flowed(text: str, tone: str, width: int, *, indent: str = "") -> list[Line]:
    """Prose in lines of at most ``width`` cells; the first begins as ``text`` does, lines after it are indented."""
    lead = " " * (len(text) - len(text.lstrip(" ")))
    lines = wrap(text.lstrip(" "), max(8, width - max(len(lead), len(indent))))
    return [[((lead if i == 0 else indent) + line, tone)] for i, line in enumerate(lines)]


def told(head: Line, said: str, tone: str, width: int, *, indent: str = "  ") -> list[Line]:
    """A head, and prose after it that goes on below it, indented."""
    size = sum(cell_len(text) for text, _ in head)
    apart = size > 1 and head[-1][0].endswith(" ")  # then the first word may go below, whole
    first, *rest = wrap(("x" * (size - 1) + " " if apart else "x" * size) + said, width)
    more = wrap(" ".join(rest), max(8, width - len(indent))) if rest else []
    return [[*head, (first[size:], tone)], *([(indent + line, tone)] for line in more)]


def joined(parts: Iterable[Line], between: Piece) -> list[Piece]:
    """Lines put one after another with ``between`` in the gaps."""
    result: list[Piece] = []
    for part in parts:
        if result:
            result.append(between)
        result.extend(part)
    return result
