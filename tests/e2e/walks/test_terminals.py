"""Terminals of every kind: ambiguous characters two cells wide, no colours, ASCII only, the bell, and nothing that must not get out."""

import asyncio
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.client.api import new_key
from console.schema.commands import PlanRequest, SubmitRequest
from tests.e2e.walks.office import Office, open_office
from tests.e2e.walks.terminal import Terminal, sgr_codes
from tests.e2e.walks.walker import Walker

pytestmark = pytest.mark.slow
# What the customer calls herself: markup and control characters.
NAME = "[red]Zoe\x1b]0;owned\x07 店"
CARD = "4111111111111111"  # as somebody writes it into a note against all rules
AMBIGUOUS = ("André ①±Ж", "Жукова é店")  # each of their signs but 店 may be drawn two cells wide


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture(scope="module")
def orders(office: Office) -> list[dict[str, Any]]:
    """One waits for a way to pay and has a card number in a note, one is done with an eSIM, one is Pending Review."""
    odd, good, new = office.person("none"), office.person(), office.person()
    office.rename(odd, NAME)
    for person, name in zip((good, new), AMBIGUOUS, strict=True):
        office.rename(person, name)
    placed = [
        office.place("vpn", odd, approve=True), office.place("travel", good, approve=True), office.place("sim", new)
    ]  # fmt: skip
    office.until_run(placed[0]["id"], "parked")
    office.until_run(placed[1]["id"], "done")
    groups = " ".join(CARD[at : at + 4] for at in range(0, 16, 4))
    asyncio.run(noted(office, placed[0]["id"], f"declined card {CARD}, read out as {groups}"))
    return placed


async def noted(office: Office, order_id: str, text: str) -> None:
    """Somebody else's note."""
    asked = PlanRequest(orders=[order_id], arguments={"text": text})
    async with office.client("other") as client:
        plan = await client.plan("order.note", asked)
        await client.submit("order.note", SubmitRequest(**asked.model_dump(), plan_hash=plan.hash), key=new_key())


def frames_end(terminal: Terminal) -> set[int]:
    """The cells in which the right borders of a dialog stand: of every row between its corners."""
    ends = set()
    for line in terminal.cells():
        text = [cell.data for cell in line]
        if "|" in text:
            ends.add(max(at for at, data in enumerate(text) if data == "|"))
    return ends


def column_of(terminal: Terminal, words: str) -> int:
    """The cell in which these words begin; -1 while they are not there."""
    for line in terminal.cells():
        text = ""
        starts = []
        for at, cell in enumerate(line):
            starts += [at] * len(cell.data)
            text += cell.data
        if words in text:
            return starts[text.index(words)]
    return -1


def test_where_ambiguous_characters_are_wide_every_column_ends_in_its_cell(
    office: Office, orders: list[dict[str, Any]]
) -> None:
    terminal = office.console("operator", wide=True)
    terminal.shows("live", "Zoe", "Andre 1~Z", *(order["number"] for order in orders[:2]))

    def in_line() -> bool:
        columns = {column_of(terminal, words) for words in ("State ", "= parked", "✓ done")}
        return len(columns) == 1 and columns != {-1} and len(frames_end(terminal)) == 1

    terminal.until(in_line, "every column in its cell")
    drawn = [terminal.text]
    terminal.send("\x1b[B\r")
    terminal.shows("STEPS", "WHAT YOU CAN DO")
    drawn.append(terminal.text)
    terminal.send("2")
    terminal.shows(orders[2]["number"], "Zukova e", "waits for a decision")
    terminal.until(lambda: not frames_end(terminal), "the order's frames to go")
    terminal.send("\x1b[B")
    Walker(terminal).press("a", "Approve")
    terminal.shows("Leave it  esc", "Salesforce: Approved, then", "Zukova e")
    terminal.until(lambda: len(frames_end(terminal)) == 1, "the dialog's frame in one cell")
    drawn.append(terminal.text)
    assert not [char for text in drawn for char in text if unicodedata.east_asian_width(char) == "A"], drawn


def test_ascii_without_colours(office: Office, orders: list[dict[str, Any]]) -> None:
    terminal = office.console("viewer", "--glyphs", "ascii", env={"NO_COLOR": "1"})
    terminal.shows("live", *(order["number"] for order in orders[:2]))
    terminal.send("0")
    terminal.shows("[0 Doctor]")
    terminal.send("2")
    terminal.shows(orders[2]["number"])
    said = re.sub(rb"\x1b\][^\x07]*\x07", b"", bytes(terminal.raw)).decode()
    beyond = {char for char in said if ord(char) > 126 and not unicodedata.name(char, "").startswith(("CJK", "HIRAGANA", "KATAKANA", "FULLWIDTH"))}  # fmt: skip
    assert not beyond, beyond
    assert "**" in said, "names are masked for a viewer, in ASCII too"
    codes = {part for code in sgr_codes(bytes(terminal.raw)) for part in re.split(rb"[;:]", code)}
    assert codes <= {b"", b"0", b"1", b"4", b"7", b"22", b"24", b"27"}, codes  # no colour at all, no grey either
    assert b"7" in codes, "the row in hand and the badge are reversed"


def test_the_bell_rings_and_the_title_counts_when_more_needs_a_person(office: Office, tmp_path: Path) -> None:
    terminal = office.console("operator")
    terminal.shows("● live")
    terminal.until(lambda: "portal" in terminal.title, "a title")
    before = terminal.bells
    order = office.place("wrong_recipient", approve=True)
    office.until_run(order["id"], "failed")
    terminal.until(lambda: terminal.title == "(1) portal: 1 needs a person", "the title to count")
    terminal.until(lambda: terminal.bells == before + 1, "the bell")


def test_nothing_secret_and_nothing_active_is_written_to_the_terminal(
    office: Office, orders: list[dict[str, Any]]
) -> None:
    """Every section, both orders with everything unfolded: no credential, matching id or card, no sequence from a name."""
    terminal = office.console("operator")
    walker = Walker(terminal)
    for order in orders[:2]:
        terminal.shows("● live")
        terminal.send("F")
        terminal.shows("Type order or customer number", "⏎ Find")
        terminal.send(order["number"] + "\r")
        terminal.shows("WHAT TO SAY", order["number"])
        walker.press("⏎", "Open")
        terminal.shows("STEPS", *(["declined card"] if order is orders[0] else []))
        terminal.send("t")
        terminal.send("d")
        terminal.shows("RECORDS")
        terminal.send("1")
    for key in "2378901":
        terminal.send(key)
        terminal.until(lambda key=key: f"[{key} " in terminal.text, f"section {key}")  # type: ignore[misc]
    written = bytes(terminal.raw)
    assert b"\x1b]0;owned" not in written
    assert all(word.encode() in written for word in ("[red]", "Zo"))
    secrets = office.secrets() | {"card": CARD, "card in groups": "4111 1111"}
    assert {"whmcs secret", "matching id 0", "token of operator"} <= secrets.keys()
    for kind, secret in secrets.items():
        assert secret.encode() not in written, kind
