"""Board and Find over a real daemon and the sandbox, by keys alone: a clerk on the phone, and a shift that ends."""

import csv
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from textual.pilot import Pilot
from textual.widgets import Input

from console.screens.board import BoardScreen
from console.screens.find import FindScreen
from console.screens.order import OrderScreen
from storage import desk as people
from storage import orders
from tests.console.screens.floor import Floor, open_floor, press, until
from tests.console.screens.looking import notices, screen_text, words_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOST_KEYS = 15


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Floor]:
    async with open_floor(tmp_path_factory.mktemp("finding")) as opened:
        yield opened


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def mended(floor: Floor) -> None:
    """What one case leaves when it fails is not the next one's trouble."""
    await floor.mend()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def parked(floor: Floor) -> str:
    """An order that waits for a way to pay."""
    return await floor.parked()


class Hands:
    """Counts what is pressed besides typed text."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot, self.keys = pilot, 0

    async def press(self, *names: str) -> None:
        self.keys += len(names)
        await press(self.pilot, *names)

    async def type(self, text: str) -> None:
        await press(self.pilot, *text)


def found(pilot: Pilot[Any]) -> FindScreen:
    screen = pilot.app.screen
    assert isinstance(screen, FindScreen)
    return screen


async def to_the_board(pilot: Pilot[Any]) -> None:
    while not isinstance(pilot.app.screen, BoardScreen):
        await press(pilot, "escape")
    await press(pilot, "escape", "escape")


@pytest.mark.parametrize("role", ["operator", "viewer"])
async def test_a_clerk_goes_from_a_phone_number_to_the_sentence(
    floor: Floor, parked: str, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    person = next(p for p in floor.sandbox.world.people if p.whmcs_client_id == floor.placed[parked].client)
    pilot = await floor.console(role)
    copied: list[str] = []
    monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
    hands = Hands(pilot)
    await hands.press("F")
    await hands.type("+81 " + person.phone.lstrip("0").replace("-", " "))
    await hands.press("enter")
    await until(lambda: found(pilot).found.chosen is not None, said=lambda: screen_text(pilot))
    said = words_of(found(pilot).said)
    assert "有効なお支払い方法のご登録をお待ちしております" in said
    assert "Never take card numbers on the phone" in said
    assert "カード番号を電話やメールで受け取らないでください" in said.replace(" ", "")
    assert "Salesforce accounts: 1" in said and "WHMCS clients: 1" in said
    assert (person.name in words_of(found(pilot).found)) == (role == "operator")
    while found(pilot).found.chosen != parked:
        await hands.press("down")
    await hands.press("J", "K")
    await until(lambda: len(copied) == 2)
    detail = await floor.desk.client("operator").order(parked)
    assert copied == [detail.say.ja, detail.say.en]
    await hands.press("enter")
    await until(lambda: isinstance(pilot.app.screen, OrderScreen))
    assert hands.keys <= MOST_KEYS
    await to_the_board(pilot)


async def test_with_whmcs_down_the_result_is_partial_and_says_so(floor: Floor) -> None:
    order_id = await floor.done()
    person = next(p for p in floor.sandbox.world.people if p.whmcs_client_id == floor.placed[order_id].client)
    for action in ("GetClients", "GetClientsDetails"):
        floor.sandbox.faults.add(system="whmcs", operation=action, kind="http_503", count=1000)
    pilot = await floor.console("operator")
    await press(pilot, "F")
    await until(lambda: isinstance(pilot.app.screen, FindScreen))
    await press(pilot, *(person.company or person.last_name), "enter")
    await until(
        lambda: found(pilot).answer is not None and order_id in found(pilot).found.names,
        said=lambda: screen_text(pilot),
    )
    await until(lambda: "not everything could be asked" in screen_text(pilot), said=lambda: screen_text(pilot))
    await until(lambda: "at least " in screen_text(pilot), said=lambda: screen_text(pilot))
    await until(lambda: "WHMCS clients could not be asked" in words_of(found(pilot).said))
    await press(pilot, "slash", *"zzz-nobody", "enter")
    await until(lambda: "Nothing was found where it could be asked" in words_of(found(pilot).found))
    assert "Do not say that there is no order" in words_of(found(pilot).said)
    floor.sandbox.faults.clear()
    await press(pilot, "f")
    await until(lambda: "Nothing was found as" in words_of(found(pilot).found), said=lambda: screen_text(pilot))
    await to_the_board(pilot)


async def test_a_reading_that_nobody_keeps_is_never_said_to_be_nowhere(floor: Floor) -> None:
    pilot = await floor.console("operator")
    await press(pilot, "F")
    await until(lambda: isinstance(pilot.app.screen, FindScreen))
    await press(pilot, *"ﾇﾏｸﾗ", "enter")
    await until(lambda: "Nothing was found as" in words_of(found(pilot).found), said=lambda: screen_text(pilot))
    assert "It may be there all the same" in words_of(found(pilot).found)
    assert "Salesforce and WHMCS keep no reading of a name" in words_of(found(pilot).said)
    await press(pilot, "slash", *"沼倉", "enter")
    await until(lambda: "keep no reading" not in words_of(found(pilot).said), said=lambda: screen_text(pilot))
    assert "It may be there" not in words_of(found(pilot).found)
    await to_the_board(pilot)


async def test_a_shift_is_handed_over_and_exported(floor: Floor, parked: str, tmp_path: Path) -> None:
    ending = parked
    taken, noted, other = [await floor.held() for _ in range(3)]
    pilot = await floor.console("operator")
    me = "operator of the test"
    now = time.time()

    def leave(db: Any) -> None:
        people.take(db, taken, me, now, now + 3600)
        people.take(db, other, "somebody else", now, now + 3600)
        people.add_note(db, noted, now - 600, "somebody else", "customer calls back at five")
        people.add_note(db, other, now - 90_000, "somebody else", "long ago")
        db.execute("UPDATE runs SET wait_until = ? WHERE order_id = ?", (now + 3600, ending))

    await floor.desk.journal.write(leave)
    await press(pilot, "v", "4")
    wanted = {taken, noted, ending}
    await until(
        lambda: isinstance(s := pilot.app.screen, BoardScreen) and set(s.table.keys) == wanted,
        said=lambda: screen_text(pilot),
    )
    said = screen_text(pilot)
    assert "★ Hand-over" in said and "asked of the daemon" in said
    rows_ = floor.desk.journal.peek(lambda db: orders.get_many(db, [*wanted]))
    names = [row.customer_name or "" for row in rows_.values()]
    file = tmp_path / "shift.csv"
    await press(pilot, "X")
    await until(lambda: bool(pilot.app.screen.query("#export-file")))
    pilot.app.screen.query_one("#export-file", Input).value = str(file)
    await press(pilot, "enter")
    await until(lambda: "3 orders written to" in notices(pilot))
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert {row["order_id"] for row in rows} == wanted
    assert all("•" in row["customer"] for row in rows)
    assert not [name for name in names if name in file.read_text()]
