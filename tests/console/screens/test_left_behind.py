"""What may never stay behind: revealed values after the daemon is lost, and personal data in crash file and log console."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from console.client.errors import NoAnswer
from console.observe.crash import CrashReports
from console.observe.redact import Redactor
from console.schema.service import Revealed, RevealRequest
from console.screens.logscreen import LogConsole
from console.screens.order import OrderScreen
from console.screens.reveal import RevealScreen
from console.screens.session import Live
from console.widgets.menu import Menu
from console.widgets.sheet import Sheet
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import board, order, screen_text, words_of

PHONE, MAIL, TOKEN = "090-1234-5635", "hanako.tanaka@example.jp", f"ptl_0123456789ab_{'Ab3-' * 10}xyz"


class Open(Redactor):
    """The control: it takes nothing out."""

    def text(self, text: str, *, lines: bool = False) -> str:
        return text


@pytest.mark.parametrize("closes", [True, False], ids=["as it is", "control"])
async def test_what_was_revealed_goes_when_the_daemon_is_lost(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    async def reveal(request: RevealRequest) -> Revealed:
        return Revealed(order_id=request.order_id, audit_id=1, values={"phone": PHONE}, hide_after=600.0)

    monkeypatch.setattr(api, "reveal", reveal)
    if not closes:
        monkeypatch.setattr(RevealScreen, "hide", lambda self: None)
    async with opened() as pilot:
        desk = board(pilot).desk
        pilot.app.push_screen(OrderScreen(desk, world.order_id("00010480")))
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen) and bool(order(pilot).known_commands()))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, RevealScreen))
        pilot.app.screen.query_one("#reveal-reason", Input).value = "the customer asked"
        await pilot.press("enter")
        await until(pilot, lambda: PHONE in screen_text(pilot))
        api.feed.cut()
        await until(pilot, lambda: desk.session.link().state is Live.LOST)
        if closes:
            await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen) and PHONE not in screen_text(pilot))
        else:
            with pytest.raises(AssertionError, match="did not come about"):
                await until(pilot, lambda: PHONE not in screen_text(pilot), seconds=0.6)


@pytest.mark.parametrize("away", ["another window", "another screen"])
async def test_what_comes_after_somebody_looked_away_is_not_shown(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def reveal(request: RevealRequest) -> Revealed:
        asked.set()
        await answer.wait()
        return Revealed(order_id=request.order_id, audit_id=1, values={"phone": PHONE}, hide_after=600.0)

    monkeypatch.setattr(api, "reveal", reveal)
    async with opened() as pilot:
        desk = board(pilot).desk
        pilot.app.push_screen(OrderScreen(desk, world.order_id("00010480")))
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen) and bool(order(pilot).known_commands()))
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, RevealScreen))
        revealing = pilot.app.screen
        shown: list[object] = []
        monkeypatch.setattr(revealing, "_put", shown.append)
        revealing.query_one("#reveal-reason", Input).value = "the customer asked"
        await pilot.press("enter")
        await until(pilot, asked.is_set)
        if away == "another window":
            pilot.app.app_focus = False
        else:
            pilot.app.push_screen(Menu("Something else", [], desk.glyphs))
            await until(pilot, lambda: isinstance(pilot.app.screen, Menu))
        answer.set()
        if away == "another screen":
            await until(pilot, lambda: not any(worker.group == "reveal" for worker in pilot.app.workers))
            await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))
        assert PHONE not in str(shown)


async def test_after_leaving_the_question_for_a_reason_keys_are_heard(opened: Opened) -> None:
    async with opened() as pilot:
        desk = board(pilot).desk
        pilot.app.push_screen(OrderScreen(desk, world.order_id("00010480")))
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen) and bool(order(pilot).known_commands()))
        for _ in range(2):
            pilot.app.post_message(events.Key("w", "w"))
            await until(pilot, lambda: isinstance(pilot.app.screen, RevealScreen))
            pilot.app.post_message(events.Key("escape", None))
            await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))


@pytest.mark.parametrize("redactor", [Redactor(), Open()], ids=["as it is", "control"])
async def test_crash_file_and_log_console_carry_masked_values_only(
    opened: Opened, tmp_path: Path, redactor: Redactor
) -> None:
    canaries = (PHONE, MAIL, TOKEN)

    async def broken() -> None:
        raise ZeroDivisionError(f"at {' and '.join(canaries)}")

    async with opened(crash=CrashReports(tmp_path / "crashes", redactor, "0.0.0")) as pilot:
        app: Any = pilot.app
        board(pilot).run_worker(broken(), exit_on_error=False)
        await until(pilot, lambda: len(list((tmp_path / "crashes").glob("*"))) == 1)
        app.log_book.failed("GET", f"/find?text={PHONE}", NoAnswer("here", f"{MAIL} sent {TOKEN}"))
        await pilot.press("L")
        await until(
            pilot, lambda: isinstance(app.screen, LogConsole) and "/find" in words_of(app.screen.query_one(Sheet))
        )
        shown = words_of(app.screen.query_one(Sheet)) + screen_text(pilot)
    (file,) = (tmp_path / "crashes").iterdir()
    written = file.read_text()
    assert "ZeroDivisionError" in written
    found = [canary for canary in canaries for text in (shown, written) if canary in text]
    assert bool(found) == isinstance(redactor, Open), found
    if isinstance(redactor, Open):
        assert set(found) == set(canaries) and len(found) == 2 * len(canaries), found
