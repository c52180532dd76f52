"""A terminal's screen as a picture. What differs from run to run by itself (clocks, ages, durations) is drawn alike."""

import io
import re
from collections.abc import Callable, Sequence
from itertools import groupby

from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

THEME = TerminalTheme((18, 18, 24), (220, 220, 220), [(0, 0, 0)] * 8, [(128, 128, 128)] * 8)


def _fixed(words: str) -> Callable[[re.Match[str]], str]:
    """As long as what it stands for."""
    return lambda found: words[: len(found[0])].ljust(len(found[0]))


STEADY: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), _fixed("2026-11-23")),
    (re.compile(r"\b\d\d:\d\d:\d\d(\.\d)?"), _fixed("12:04:31.0")),
    (re.compile(r"\blag \d+\.\d+s"), _fixed("lag 0.0s")),
    (re.compile(r"(?<!lag) +\d+(ms|\.\d+s)(?=[ │]|$) *"), _fixed(" 90ms")),
    (re.compile(r" +\d+s(?=[ │]|$) *"), _fixed(" 5s")),
    (re.compile(r"█+"), _fixed("█")),
)


def svg(cells: Sequence[Sequence[Char]], title: str) -> str:
    """Rich draws it, as it draws the accepted pictures of the screens."""
    console = Console(
        file=io.StringIO(), record=True, width=len(cells[0]), height=len(cells), force_terminal=True,
        color_system="truecolor", legacy_windows=False,
    )  # fmt: skip
    for row in cells:
        console.print(_line(row), no_wrap=True, crop=False, overflow="ignore")
    drawn = console.export_svg(title=title, theme=THEME, unique_id="tour")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def _line(row: Sequence[Char]) -> Text:
    steady = "".join(cell.data for cell in row)
    for pattern, written in STEADY:
        steady = pattern.sub(written, steady)
    line, at = Text(), 0
    for look, run in groupby(row, key=lambda cell: cell._replace(data="")):
        length = sum(len(cell.data) for cell in run)
        line.append(steady[at : at + length], _style(look))
        at += length
    return line


def _style(cell: Char) -> Style:
    return Style(
        color=_colour(cell.fg), bgcolor=_colour(cell.bg), bold=cell.bold or None, italic=cell.italics or None,
        underline=cell.underscore or None, reverse=cell.reverse or None,
    )  # fmt: skip


def _colour(name: str) -> str | None:
    return f"#{name}" if re.fullmatch(r"[0-9a-fA-F]{6}", name) else None
