import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.widgets.cells import fit, literal, literal_lines, wrap

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("田中花子ﾀﾅｶ\u202e\x1b\n\u200e ￥"), max_size=60
)


def test_japanese_names_fill_their_cells_exactly() -> None:
    assert fit("田中 花子", 12) == "田中 花子   "
    assert fit("株式会社みなとみらい", 9) == "株式会社…"
    assert fit("株式会社みなとみらい", 10) == "株式会社… "
    assert cell_len(fit("田中", 3, ellipsis="")) == 3


def test_amounts_stand_at_the_right() -> None:
    assert fit("¥550", 8, right=True) == "    ¥550"


@given(TEXTS, st.integers(1, 40), st.booleans())
def test_a_cell_is_as_wide_as_it_was_asked_to_be(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(literal(text), width, right=right)) == width


@given(TEXTS)
def test_outside_text_cannot_steer_the_terminal(text: str) -> None:
    for ch in literal(text):
        assert unicodedata.category(ch) not in ("Cc", "Zl", "Zp")
        assert ch not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def test_escapes_lose_their_power_and_markup_stays_text() -> None:
    assert literal("Tom \x1b[31mBaker[/red]\r\nx") == "Tom [31mBaker[/red]  x"
    assert literal_lines("a\x07\nb") == "a\nb"


@given(TEXTS, st.integers(8, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    said = literal(text)
    lines = wrap(said, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(said.split())


def test_no_line_begins_with_a_full_stop_or_ends_with_an_opening_bracket() -> None:
    assert wrap("お待ちください。", 14) == ["お待ちくださ", "い。"]
    assert wrap("ご注文（10480）は", 8) == ["ご注文", "（1048", "0）は"]
    assert wrap("。。。。", 4) == ["。。", "。。"]
