"""Copies say what became of them; what no clipboard took is read on the screen or saved. Pastes are searches."""

import asyncio
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual import events

from console.app import ConsoleApp
from console.screens import clipboard
from console.screens.board import BoardScreen
from console.screens.clipboard import Reach, save, way_out
from console.widgets.question import Question
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import notices, screen_text


@pytest.mark.parametrize(
    ("environ", "reach"),
    [
        ({"TERM": "xterm-256color"}, Reach.UNKNOWN),
        ({"TERM": "xterm-256color", "WT_SESSION": "x"}, Reach.YES),
        ({"TERM": "xterm-kitty"}, Reach.YES),
        ({"TERM": "linux"}, Reach.NO),
        ({"TERM": "screen", "STY": "1.pts"}, Reach.NO),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, Reach.NO),
    ],
)
async def test_what_is_known_of_the_terminal(environ: Mapping[str, str], reach: Reach) -> None:
    assert (await way_out(environ)).reach is reach


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize(("setting", "reach"), [("on", Reach.YES), ("external", Reach.NO), ("off", Reach.NO)])
async def test_tmux_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, reach: Reach) -> None:
    async def tmux(*words: str) -> str:
        done = await asyncio.create_subprocess_exec(
            "tmux", "-S", str(tmp_path / "s"), "-f", "/dev/null", *words, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await done.communicate()
        return said.decode().strip()

    monkeypatch.setattr(clipboard, "ASKING", 30.0)  # a busy machine starts no program within half a second
    await tmux("new-session", "-d", "sleep 600")
    try:
        await tmux("set", "-s", "set-clipboard", setting)
        at = await tmux("display-message", "-p", "#{socket_path},#{pid},0")
        monkeypatch.setenv("TMUX", at)
        way = await way_out({"TMUX": at})
        assert way.reach is reach
        assert setting in way.words or reach is Reach.YES
    finally:
        await tmux("kill-server")


def test_a_saved_copy_is_private_and_keeps_no_control_characters(tmp_path: Path) -> None:
    file = save(tmp_path / "copies", "LPA:1$smdp\nsecond\x1b[2J")
    assert file.read_text() == "LPA:1$smdp\nsecond[2J\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_what_no_clipboard_took_is_shown_and_saved(opened: Opened, tmp_path: Path) -> None:
    async with opened(environ={"TERM": "linux"}) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        app.copy_out("00010480", "order number")
        await until(pilot, lambda: isinstance(app.screen, Question) and "00010480" in screen_text(pilot))
        assert "the Linux console has no clipboard" in screen_text(pilot)
        question = app.screen
        assert isinstance(question, Question)
        question._grace.start()  # as when it has just come
        await pilot.press("enter")
        assert question.is_current and not (tmp_path / "copies").exists()
        await until(pilot, lambda: not question.ignores_input())
        await pilot.press("enter")
        await until(pilot, lambda: "Saved in" in notices(pilot))
        (kept,) = (tmp_path / "copies").iterdir()
        assert kept.read_text() == "00010480\n"


async def test_a_terminal_that_may_have_taken_it_is_told_honestly(opened: Opened) -> None:
    async with opened(environ={"TERM": "xterm-256color"}) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        app.copy_out("00010480", "order number")
        await until(pilot, lambda: "cannot be seen from here" in notices(pilot))
        assert app.clipboard == "00010480"


async def test_a_paste_is_a_search_and_never_a_row_of_keys(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        pilot.app.post_message(events.Paste("a\nx\n田中"))
        await until(pilot, lambda: not isinstance(pilot.app.screen, BoardScreen))
        assert "a x 田中" in screen_text(pilot)
        assert (api.plans, api.submitted) == ([], [])
