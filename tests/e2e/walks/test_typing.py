"""What an input method commits, and what is pasted: in text fields it is text, anywhere else it is never a command."""

import re
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.walks.office import Office, open_office
from tests.e2e.walks.terminal import Terminal
from tests.e2e.walks.walker import Walker

pytestmark = pytest.mark.slow
HINT = "Japanese input is on"
NAME = "田中ガラス店"  # as it stands in Salesforce; a keyboard of another system commits が in two pieces


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture(scope="module")
def orders(office: Office) -> list[dict[str, Any]]:
    """Two that wait for a way to pay; the first customer's name is ``NAME``."""
    first, second = office.person("none"), office.person("none")
    office.rename(first, NAME)
    placed = [office.place("vpn", first, approve=True), office.place("travel", second, approve=True)]
    for order in placed:
        office.until_run(order["id"], "parked")
    return placed


@pytest.fixture(scope="module")
def terminal(office: Office, orders: list[dict[str, Any]]) -> Terminal:
    opened = office.console("operator")
    opened.shows("● live", NAME, *(order["number"] for order in orders))
    return opened


def leave(terminal: Terminal) -> None:
    """Back to the board by esc. It has to be heard before the next key comes: together they would be another key."""
    terminal.send("\x1b")
    gone = ("LOOKED IN", "Leave it  esc")
    terminal.until(
        lambda: "space Mark" in (text := terminal.text) and not any(words in text for words in gone), "the board alone"
    )


@pytest.mark.parametrize("committed", ["田中", "ｒ", "１０", "か\u3099", "ｑ"])
def test_outside_a_text_field_it_does_nothing_and_the_next_key_ends_the_hint(
    terminal: Terminal, committed: str
) -> None:
    terminal.send(committed)
    terminal.shows(HINT, NAME, "2 orders")
    terminal.send("Z")  # means nothing on the board
    terminal.until(lambda: HINT not in terminal.text, "the hint to go away")
    terminal.shows(NAME, "2 orders")


@pytest.mark.parametrize("committed", ["田中", "ｶﾞﾗｽ", "カ\u3099ラス"])
def test_the_filter_reads_a_name_however_it_is_committed(terminal: Terminal, committed: str) -> None:
    walker = Walker(terminal)
    walker.press("/", "Filter")
    terminal.shows("tab state:")
    terminal.send(committed)
    terminal.shows(unicodedata.normalize("NFC", committed), "1 order", NAME)
    terminal.send("\x15\r")  # empties the line
    terminal.shows("2 orders")


def test_find_reads_full_width_digits_and_decomposed_kana(terminal: Terminal, orders: list[dict[str, Any]]) -> None:
    wide = orders[1]["number"].lstrip("0").translate({ord("0") + n: chr(ord("０") + n) for n in range(10)})
    for committed, found in ((wide, orders[1]), ("カ\u3099ラス", orders[0])):
        terminal.send("F")
        terminal.shows("Type order or customer number", "⏎ Find")
        terminal.send(committed + "\r")
        terminal.shows(found["number"], "WHAT TO SAY")
        leave(terminal)


def test_three_pasted_lines_are_looked_for_and_are_no_keys(terminal: Terminal, orders: list[dict[str, Any]]) -> None:
    """The first order number in them is found; ``q``, ``r`` and ⏎ in them did nothing."""
    terminal.paste(f"q\r\n受注番号 {orders[1]['number']}\nr")
    terminal.shows(orders[1]["number"], "WHAT TO SAY", "esc Back")
    assert terminal.process.poll() is None
    leave(terminal)


def test_an_escape_sequence_that_is_pasted_is_text(terminal: Terminal, orders: list[dict[str, Any]]) -> None:
    """As a coloured line of a log is: Textual itself takes ``[31mr`` for keys, and opens what they mean."""
    terminal.paste(f"\x1b[31mr\x1b[0m\x1b {orders[0]['number']} \x1b[Bq\r")
    terminal.shows(orders[0]["number"], "LOOKED IN", "⏎ Open")
    leave(terminal)


def test_bytes_that_are_no_characters_mean_nothing(terminal: Terminal, orders: list[dict[str, Any]]) -> None:
    """A paste in another encoding, the report of a mouse beyond column 95 by an old terminal."""
    terminal.send_bytes(b"\xe9\x9b\xff")  # a space among them would mark a row
    terminal.send_bytes(b"\x1b[200~\x93c \xff\x92\x86 " + orders[0]["number"].encode() + b"\x1b[201~")
    terminal.shows(orders[0]["number"], "LOOKED IN", "⏎ Open")
    leave(terminal)
    assert terminal.process.poll() is None


# One write each: nothing of it has been painted when the next letter is there already.


def test_what_is_typed_behind_the_key_of_find_is_looked_for(terminal: Terminal, orders: list[dict[str, Any]]) -> None:
    """``0`` and ``9`` are sections, ``r`` and ``q`` keys of the board: in the field that opens they are text."""
    for text in (orders[1]["number"], f"090-q{orders[1]['number']}"):
        terminal.send(f"F{text}\r")
        terminal.shows(text, "LOOKED IN", "[1 Orders]")
        leave(terminal)
    assert terminal.process.poll() is None


def test_what_is_typed_behind_the_key_of_the_filter_is_the_filter(terminal: Terminal) -> None:
    terminal.send("/state:done\n")
    terminal.shows("/ state:done", "0 orders", "space Mark")
    terminal.send("/\x15state:parked\n\x1b[B")
    terminal.shows("/ state:parked", "2 orders", "Stands")
    terminal.send("/\x15\n")
    terminal.shows("/ all orders", "2 orders", "space Mark")


def test_what_is_typed_behind_the_key_of_go_to_says_where_to_go(terminal: Terminal) -> None:
    terminal.send(":health\r")
    terminal.shows("[8 Health]")
    terminal.send(":state:parked\r")
    terminal.shows("[1 Orders]", "/ state:parked", "2 orders")
    terminal.send("/\x15\r")
    terminal.shows("/ all orders", "2 orders", "space Mark")


def test_what_is_typed_before_a_dialog_stands_agrees_to_nothing(
    terminal: Terminal, office: Office, orders: list[dict[str, Any]]
) -> None:
    """Take is confirmed on a line, Park in a dialog: neither by keys of the same burst, and ``q`` among them does not quit."""
    below = max((order["number"] for order in orders), key=terminal.text.index)
    for key, title, about in (("u", "Take", rf" Take.* {below}"), ("p", "Park", rf"^ +│ {below}")):
        terminal.send(f"\x1b[H\x1b[B{key}\r\rq")  # the cursor's move is of the same burst
        terminal.shows(f" {title}", "Leave it  esc")
        shown = re.compile(about, re.MULTILINE)
        terminal.until(lambda s=shown: s.search(terminal.text) is not None, f"{title} of {below}")  # type: ignore[misc]
        leave(terminal)
    assert terminal.process.poll() is None
    told = office.world.count("SELECT COUNT(*) FROM audit WHERE command IN ('order.take', 'order.park')")
    assert told == 0


def heard(terminal: Terminal, text: str) -> bool:
    """Type it again every second until it stands there: a dialog hears nothing in its first moments."""
    terminal.send(text)
    end = time.monotonic() + 1.0
    while text not in terminal.text and time.monotonic() < end:
        time.sleep(0.02)
    return text in terminal.text


def test_numbers_of_a_dialog_are_read_as_an_input_method_commits_them(
    terminal: Terminal, office: Office, orders: list[dict[str, Any]]
) -> None:
    """Cancel of both orders: their number as ``２``, the pace as ``１０``; it goes last, nothing is left afterwards."""
    terminal.send("*c")
    terminal.shows("Cancel: 2 orders", "reason (needed)", "type 2", "orders a second", "Leave it  esc")
    terminal.until(lambda: heard(terminal, "重複"), "the dialog to hear keys")
    terminal.send("\t２\t１０\r")
    terminal.shows("Cancel of 2 orders", "10 a second", "2 done")
    for order in orders:
        office.until_run(order["id"], "cancelled")
