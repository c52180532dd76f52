"""What a terminal hands over as pasted is one text; nothing in it is a key."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

from console.screens.pasting import BEGINS, ENDS, WholePaste


def heard(parser: XTermParser, *chunks: str) -> list[Message]:
    return [message for chunk in chunks for message in parser.feed(chunk)]


def pasted(messages: list[Message]) -> Iterator[str]:
    return (message.text for message in messages if isinstance(message, events.Paste))


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("a\x1b[31mr\nq", "a[31mr\nq"),
        ("\x1bx", "x"),
        ("\x1b[A\x1b[<0;3;3M", "[A[<0;3;3M"),
        ("\x1b\x1b\x1b", ""),
        ("\x1b[20", "[20"),
        ("a\x1b[200~b", "a[200~b"),
        ("\x1b[\x1b[20", "[[20"),
        ("田中\n花子", "田中\n花子"),
    ],
)
def test_escapes_within_a_paste_are_no_keys(inside: str, text: str) -> None:
    messages = heard(WholePaste(), BEGINS + inside + ENDS + "z")
    assert [text, "z"] == [*pasted(messages), *(m.character for m in messages if isinstance(m, events.Key))]


def test_the_control_takes_them_for_keys() -> None:
    assert any(isinstance(message, events.Key) for message in heard(XTermParser(), f"{BEGINS}a\x1b[31mr{ENDS}"))


@given(st.text(alphabet="\x1b[201~0;mMa田\n", max_size=40), st.integers(1, 9))
def test_however_it_is_cut_a_paste_is_one_text_without_escapes(inside: str, size: int) -> None:
    inside = inside.replace(ENDS, "")
    whole = BEGINS + inside + ENDS + "z"
    messages = heard(WholePaste(), *(whole[at : at + size] for at in range(0, len(whole), size)))
    (*before, last) = messages
    assert isinstance(last, events.Key) and last.character == "z"
    assert "".join(pasted(before)) == inside.replace("\x1b", "") and len(before) <= 1


@given(st.text(alphabet="\x1b[OABC1;5~<0Mmuaé田", min_size=1, max_size=30))
def test_outside_a_paste_nothing_is_changed(typed: str) -> None:
    def said(parser: XTermParser) -> list[str]:
        return [f"{type(m).__name__} {getattr(m, 'key', '')}" for m in heard(parser, typed, "z")]

    assert said(WholePaste()) == said(XTermParser())
