import unicodedata

import pytest

from console.client.query_words import STATES
from console.schema.book import STRIP_LETTERS
from console.widgets.glyphs import ASCII, NARROW, SETS, Glyphs
from tests.console.screens import world
from tests.console.screens.conftest import Opened
from tests.console.screens.looking import screen_text

SPOKEN = "ご注文の手続きを進めております。少々お待ちください"  # what a clerk can say stays Japanese


def characters(glyphs: Glyphs) -> str:
    own = [value for name, value in vars(glyphs).items() if isinstance(value, str) and name != "name"]
    return "".join([*glyphs.states.values(), *glyphs.strip.values(), *own])


@pytest.mark.parametrize("glyphs", SETS.values(), ids=lambda g: g.name)
def test_every_state_and_step_has_a_sign_and_a_word(glyphs: Glyphs) -> None:
    for state in STATES:
        sign, word = glyphs.state(state).split(" ", 1)
        assert len(sign) == 1 and word
    assert set(STRIP_LETTERS) <= set(glyphs.strip)
    signs = [sign for state, sign in glyphs.states.items() if state not in ("requested", "none")]
    assert len(set(signs)) == len(signs), "no two states share a sign"


def test_ascii_is_ascii() -> None:
    assert characters(ASCII).isascii()
    assert ASCII.plain("a · b … “c” ¥550 → ✗").isascii()


def test_the_narrow_set_has_nothing_that_may_be_drawn_wide() -> None:
    assert not [ch for ch in characters(NARROW) if unicodedata.east_asian_width(ch) in "AWF"]


def test_a_state_of_a_newer_daemon_is_shown_as_it_came() -> None:
    assert ASCII.state("waiting_for_moon") == "? waiting_for_moon"


async def test_a_narrow_console_draws_nothing_that_may_be_wide_but_names(opened: Opened) -> None:
    names = "".join(world.NAMES.values())
    async with opened(glyphs="narrow") as pilot:
        for keys in ((), ("down", "enter"), ("question_mark",), ("escape", "escape", "colon"), ("escape", "c")):
            await pilot.press(*keys)
            await pilot.pause(0.6)
            drawn = {ch for ch in screen_text(pilot) if unicodedata.east_asian_width(ch) in "AWF"}
            assert not drawn - set(names) - set(SPOKEN), keys


async def test_an_ascii_console_draws_nothing_else_but_names(opened: Opened) -> None:
    names = "".join(world.NAMES.values())
    async with opened(glyphs="ascii") as pilot:
        for keys in ((), ("down", "enter"), ("question_mark",), ("escape", "escape", "colon"), ("escape", "ctrl+p")):
            await pilot.press(*keys)
            await pilot.pause(0.4)
            drawn = {ch for ch in screen_text(pilot) if not ch.isascii()} - set(names) - set(SPOKEN)
            assert not drawn, keys
