"""A terminal's screen as a picture. What differs from run to run by itself (clocks, ages, lag) is drawn the same always."""

import io
import re

from pyte.screens import Char
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

CLOCK = re.compile(r"\b\d\d:\d\d:\d\d\b")
STEADY = (
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "2026-11-23"),
    (CLOCK, "12:04:31"),
    (re.compile(r"\b\d\d:\d\d\b(?!:)"), "12:04"),
    (re.compile(r"\blag \d+\.\d+s"), "lag 0.0s"),
    (re.compile(r"(?<=\s)\d+(?:ms|s)(?=\s|$)"), None),
    (re.compile(r"█+"), None),
)
THEME = TerminalTheme((18, 18, 24), (220, 220, 220), [(0, 0, 0)] * 8, [(128, 128, 128)] * 8)


def svg(cells: list[list[Char]], title: str) -> str:
    """Rich draws it, as it draws the accepted pictures of the screens."""
    console = Console(
        file=io.StringIO(), record=True, width=len(cells[0]), height=len(cells), force_terminal=True,
        color_system="truecolor", legacy_windows=False,
    )  # fmt: skip
    for row in cells:
        console.print(_line(row), end="\n", no_wrap=True, crop=False, overflow="ignore")
    return console.export_svg(title=title, theme=THEME, unique_id="tour")


def _line(row: list[Char]) -> Text:
    steady = _steady("".join(cell.data for cell in row))
    line, at = Text(), 0
    for cell in row:
        line.append(steady[at : at + len(cell.data)], _style(cell))
        at += len(cell.data)
    return line


def _steady(text: str) -> str:
    """The same number of characters and cells: what is replaced keeps its length."""
    for pattern, written in STEADY:
        text = pattern.sub(lambda found, written=written: _as_long(found[0], written), text)  # type: ignore[misc]
    return text


def _as_long(found: str, written: str | None) -> str:
    if written is not None and len(written) == len(found):
        return written
    if found[0].isdigit():  # an age or a duration: its unit stays
        digits = re.match(r"\d+", found)
        assert digits is not None
        return "2".rjust(digits.end()) + found[digits.end() :]
    return found


def _style(cell: Char) -> Style:
    return Style(
        color=_colour(cell.fg), bgcolor=_colour(cell.bg), bold=cell.bold or None, italic=cell.italics or None,
        underline=cell.underscore or None, reverse=cell.reverse or None,
    )  # fmt: skip


def _colour(name: str) -> str | None:
    return f"#{name}" if re.fullmatch(r"[0-9a-fA-F]{6}", name) else None


def width(text: str) -> int:
    return cell_len(text)
