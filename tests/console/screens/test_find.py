"""Find: from whatever a customer names to the sentence for them."""

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from console.schema.orders import FindAnswer
from console.screens.board import BoardScreen
from console.screens.find import FindScreen
from console.screens.order import OrderScreen
from tests.console.screens import finds, world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import screen_text, words_of
from tests.console.screens.test_board import put

FOUND = [world.order_id("00010480"), world.order_id("00010475"), "8015h0000010499AAA"]


def find(pilot: Pilot[Any]) -> FindScreen:
    screen = pilot.app.screen
    assert isinstance(screen, FindScreen)
    return screen


async def look(pilot: Pilot[Any], text: str) -> FindScreen:
    await pilot.press("F")
    find(pilot).query_one("#find-input", Input).value = text
    await pilot.press("enter")
    await until(pilot, lambda: find(pilot).answer is not None and find(pilot).answer.text == text)  # type: ignore[union-attr]
    return find(pilot)


async def test_from_a_phone_number_to_the_sentence_in_three_keys(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as pilot:
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        screen = await look(pilot, finds.PHONE)
        assert screen.found.names.count(None) and [name for name in screen.found.names if name] == FOUND
        said = screen_text(pilot)
        assert "3 orders, 1 customer" in said and "田中 花子" in said
        assert "ご注文（10480）は承っております。ただいま在庫がなく" in said.replace("\n", "")
        assert "Not: Do not say that new stock is on its way." in said
        assert "✓ WHMCS clients: 1" in said and "as phone" in said
        await pilot.press("J")
        assert copied == [finds.found(finds.PHONE).orders[0].say.ja]
        await pilot.press("K")
        assert copied[1] == finds.found(finds.PHONE).orders[0].say.en
        await pilot.press("down", "J")
        assert "10475" in copied[2]
        await pilot.press("down", "J")
        assert "10499" in copied[3], "an order that only Salesforce knows has its sentence too"
        await pilot.press("up", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
        await pilot.press("escape")
        assert find(pilot).found.chosen == FOUND[1]
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, BoardScreen)


async def test_a_paste_on_the_board_is_looked_for_and_never_taken_for_keys(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        pilot.app.screen.post_message(events.Paste("田中\n花子\nq"))
        await until(pilot, lambda: api.asked == ["田中 花子 q"])
        assert isinstance(pilot.app.screen, FindScreen)


async def test_a_partial_search_never_says_that_there_is_nothing(api: CannedApi, opened: Opened) -> None:
    api.whmcs_down = True
    async with opened(size=(80, 24)) as pilot:
        await look(pilot, "nobody")
        said = screen_text(pilot)
        assert "Nothing was found where it could be asked, but not everything could be asked" in said.replace("\n", "")
        assert "not everything could be asked" in said.splitlines()[2] or "not everything" in said
        assert "Do not say that there is no order" in said
        api.whmcs_down = False
        await pilot.press("f")
        await until(pilot, lambda: "Nothing was found as name." in screen_text(pilot))


async def test_what_a_partial_search_counted_is_the_least_there_is(api: CannedApi, opened: Opened) -> None:
    api.whmcs_down = True
    async with opened() as pilot:
        await look(pilot, finds.PHONE)
        await until(pilot, lambda: "at least 3 orders, 1 customer, not everything could be asked" in screen_text(pilot))
        api.whmcs_down = False
        await pilot.press("f")
        await until(
            pilot, lambda: "3 orders, 1 customer, " in screen_text(pilot) and "at least" not in screen_text(pilot)
        )


async def test_a_daemon_that_cannot_look_is_told_in_words(api: CannedApi, opened: Opened) -> None:
    from console.client.errors import Unreachable

    async def gone(text: str) -> object:
        raise Unreachable("http://canned", "nobody answers there")

    async with opened() as pilot:
        api.find = gone  # type: ignore[method-assign, assignment]
        await pilot.press("F")
        line = find(pilot).query_one("#find-input", Input)
        line.value = "x" * 300
        await pilot.press("enter")
        await until(pilot, lambda: "That is 300 characters long" in screen_text(pilot))
        line.value = "田中"
        await pilot.press("enter")
        await until(pilot, lambda: "nobody answers there" in screen_text(pilot))
        assert "Nothing was found" not in screen_text(pilot)


async def test_what_is_longer_than_can_be_looked_for_is_not_cut_in_silence(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await look(pilot, "10480")
        pilot.app.screen.post_message(events.Paste("田中 " * 4000))
        await until(pilot, lambda: "characters long and was not looked for" in screen_text(pilot))
        assert api.asked == ["10480"] and "10480" not in screen_text(pilot), "nor does an older answer stand beside it"
        await pilot.press("escape")
        pilot.app.screen.post_message(events.Paste("花子 " * 4000))
        await until(pilot, lambda: isinstance(pilot.app.screen, FindScreen) and "11,999" in screen_text(pilot))
        assert api.asked == ["10480"]


async def test_more_than_is_listed_is_said(api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def many(text: str, *, whmcs_down: bool = False) -> FindAnswer:
        answer = plain(text, whmcs_down=whmcs_down)
        looked = [place.model_copy(update={"more": place.place == "Salesforce orders"}) for place in answer.looked]
        return answer.model_copy(update={"more": True, "looked": looked})

    plain = finds.found
    monkeypatch.setattr(finds, "found", many)
    for size in ((120, 40), (80, 24)):
        async with opened(size=size) as pilot:
            await look(pilot, finds.PHONE)
            await until(pilot, lambda: "more than 3 orders, 1 customer" in screen_text(pilot))
            shown = [words_of(find(pilot).found), words_of(find(pilot).said)]
            assert "There are more than are listed here: give a number" in shown[0]
            assert "Salesforce orders: more than 3" in shown[1]


async def test_the_sentence_follows_the_order(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await look(pilot, "10480")
        assert "在庫" in screen_text(pilot)
        put(api, 101, "00010480", state="done", strip="vvvvvvv", wait=None, parked=None)
        await until(pilot, lambda: "✓ done" in screen_text(pilot))
        await until(pilot, lambda: "ご注文の手続きを進めております" in screen_text(pilot))  # what world.detail says
        assert "在庫" not in screen_text(pilot)


async def test_looking_again_from_an_order_goes_back_to_the_open_search(opened: Opened) -> None:
    async with opened() as pilot:
        first = await look(pilot, "10480")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
        await pilot.press("F")
        assert pilot.app.screen is first
        assert first.query_one("#find-input", Input).has_focus


@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
async def test_columns_align_whatever_the_name(opened: Opened, glyphs: str) -> None:
    async with opened(glyphs=glyphs) as pilot:
        screen = await look(pilot, "田中 花子")
        widths = {screen.found.render_line(y).cell_length for y in range(screen.found.size.height)}
        assert widths == {screen.found.room}
