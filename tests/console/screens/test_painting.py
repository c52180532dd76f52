"""Painted lines: nothing that a terminal may draw wider than was measured, and no colour where none is wanted."""

import sys
import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from console.theme import DARK, LIGHT
from console.widgets.glyphs import ASCII, NARROW, UNICODE
from console.widgets.painting import Colourless, Spelled, painting
from console.widgets.spelling import narrow

GROUND = Color.parse("#000000")


def spelled(text: str, own: dict[str, str] | None = None) -> str:
    (segment,) = Spelled(own or {}).apply([Segment(text)], GROUND)
    assert segment.cell_length == cell_len(text)
    return segment.text


def test_every_ambiguous_character_has_one_as_wide_that_is_not() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.east_asian_width(char) != "A":
            continue
        instead = narrow(char)
        assert instead is None or cell_len(instead) == cell_len(char), f"U+{code:04X}"
        assert not [one for one in instead or "" if unicodedata.east_asian_width(one) in "AWF"], f"U+{code:04X}"


def test_names_stay_readable() -> None:
    assert spelled("André ①±5 Жуков ½ Ⅳ ②店 ß Ø ★") == "Andre 1~5 Zukov # 4 2店 s O *"
    assert spelled("が ﾀﾅｶ 株式会社") == "が ﾀﾅｶ 株式会社"
    assert cell_len(spelled("e\u0301 \u2764\ufe0f x")) == cell_len("e\u0301 \u2764\ufe0f x")


def test_in_ascii_what_is_ours_is_ascii_and_names_are_not() -> None:
    assert spelled("田•• ✓ ⏎ ¥550 · … →", dict(ASCII.own)) == "田** + < Y550 - . >"
    ours = {sign for sign in vars(UNICODE).values() if isinstance(sign, str) and len(sign) == 1}
    ours |= {*UNICODE.states.values(), *UNICODE.waits.values(), *UNICODE.strip.values(), *NARROW.states.values()}
    assert all(spelled(sign, dict(ASCII.own)).isascii() for sign in ours)


def test_without_colours_a_ground_that_stands_out_is_reversed() -> None:
    for theme in (DARK, LIGHT):
        assert theme.background is not None
        (plain, cursor, badge) = Colourless(theme.background).apply(
            [
                Segment("a", Style(color="#ff8589", bgcolor=theme.panel, bold=True)),
                Segment("b", Style(color="#ff8589", bgcolor=theme.variables["cursor-row"])),
                Segment("c", Style(color="#ffffff", bgcolor=theme.variables["badge-sandbox"])),
            ],
            GROUND,
        )
        assert [one.style.color or one.style.bgcolor for one in (plain, cursor, badge) if one.style] == [None] * 3
        assert plain.style == Style(bold=True, reverse=False)
        assert cursor.style == badge.style == Style(reverse=True)


def test_a_unicode_console_in_colours_paints_as_it_is() -> None:
    assert painting("unicode", "#000000", colours=True) == []
