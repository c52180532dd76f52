"""The application around the screens: trouble of its own, help, palette, what it imports."""

import importlib
import inspect
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen

import console
from console.app import EXIT_REFUSED, ConsoleApp
from console.client.errors import Unreachable
from console.observe.crash import EXIT_CRASH, CrashReports
from console.observe.redact import Redactor
from console.screens.board import BoardScreen
from console.screens.help import HelpScreen
from console.widgets.attended import Attended
from console.widgets.sheet import Sheet
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, options_for, until
from tests.console.screens.looking import board, screen_text, told, words_of

SECRET = "canary-5f2c9a"


async def test_a_crash_leaves_a_file_and_no_local_variable_on_the_terminal(
    api: CannedApi, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = options_for(lambda: api, tmp_path)
    app = ConsoleApp(options)

    def broken() -> None:
        token = SECRET
        raise ZeroDivisionError(len(token))

    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            app.call_later(broken)
            await pilot.pause(0.5)
    shown = capfd.readouterr()
    assert SECRET not in shown.out + shown.err
    assert "Traceback" not in shown.out + shown.err
    assert app.return_code == EXIT_CRASH
    written = Path(options.crashed[0].removeprefix("The details are in ")).read_text()
    assert "ZeroDivisionError" in written and SECRET not in written


async def test_a_crash_that_can_be_written_nowhere_ends_the_console_all_the_same(
    api: CannedApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    nowhere = tmp_path / "file" / "below"
    options = options_for(lambda: api, tmp_path, crash=CrashReports(nowhere, Redactor(), "0.0.0"))
    app = ConsoleApp(options)

    def broken() -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as full, pytest.raises(ZeroDivisionError):
        full.setattr(tempfile, "tempdir", str(nowhere))
        async with app.run_test() as pilot:
            app.call_later(broken)
            await pilot.pause()
    assert options.crashed == ["The details could not be written anywhere: Not a directory"]
    assert app.return_code == EXIT_CRASH


async def test_a_worker_of_a_screen_that_breaks_is_told_once(api: CannedApi, opened: Opened, tmp_path: Path) -> None:
    async with opened() as pilot:
        screen = board(pilot)

        async def broken() -> None:
            raise ZeroDivisionError

        async def refused() -> None:
            raise Unreachable("unix:/nowhere", "no such file")

        screen.run_worker(broken(), exit_on_error=False)
        screen.run_worker(broken(), exit_on_error=False)
        screen.run_worker(refused(), exit_on_error=False)
        await until(pilot, lambda: any("daemon not reachable at unix:/nowhere" in line for line in told(pilot)))
        assert " ".join(told(pilot)).count("Something went wrong in the console itself (ZeroDivisionError)") == 1
        assert len(list((tmp_path / "crashes").iterdir())) == 1


def test_whatever_runs_workers_has_their_errors_told() -> None:
    """Without ``Attended`` an error of a screen's worker would be lost: Textual tells it to that screen alone."""
    folder, found = Path(console.__file__).parent, []
    for file in sorted([*folder.glob("screens/*.py"), *folder.glob("widgets/*.py")]):
        module = importlib.import_module(f"console.{file.parent.name}.{file.stem}")
        for cls in vars(module).values():
            if isinstance(cls, type) and cls.__module__ == module.__name__ and issubclass(cls, Screen):
                source = inspect.getsource(cls)
                if re.search(r"self\.run_worker\(|^    @work|Latest\(self", source, re.MULTILINE):
                    found.append(cls)
    assert len(found) > 10
    assert [cls.__name__ for cls in found if not issubclass(cls, Attended)] == []


async def test_help_is_narrowed_by_typing(opened: Opened) -> None:
    async with opened() as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        lines = pilot.app.screen.query_one(Sheet)
        await until(pilot, lambda: "Retry from step" in words_of(lines))
        await pilot.press(*"approve")
        await until(pilot, lambda: "Retry from step" not in words_of(lines))
        assert "Approve the order: it is provisioned and billed." in words_of(lines)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))


async def test_the_palette_does_what_it_names(opened: Opened) -> None:
    async with opened() as pilot:
        for typed in ("Other", "Theme"):
            await pilot.press("ctrl+p")
            await until(pilot, lambda: isinstance(s := pilot.app.screen, CommandPalette) and s.has_class("-ready"))
            await pilot.press(*typed)
            if typed == "Other":
                await pilot.press("escape")
                await until(pilot, lambda: isinstance(pilot.app.screen, BoardScreen))
        await until(pilot, lambda: first_found(pilot).startswith("Theme"))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == "portal-light")


def first_found(pilot: Pilot[Any]) -> str:
    """What ⏎ in the palette would do."""
    found = pilot.app.screen.query_one(CommandList)
    return str(found.get_option_at_index(found.highlighted).prompt) if found.highlighted is not None else ""


async def test_the_production_badge_is_told_apart(api: CannedApi, opened: Opened) -> None:
    api.me_answer = api.me_answer.model_copy(update={"environment": "production", "production": True})
    async with opened() as pilot:
        assert " PRODUCTION " in screen_text(pilot)
        status = board(pilot).desk.status()
        assert status.production


async def test_a_daemon_of_another_org_than_the_chosen_one_is_left_at_once(api: CannedApi, tmp_path: Path) -> None:
    options = options_for(lambda: api, tmp_path, org_id="00D5h0000000002")
    app = ConsoleApp(options)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.return_value == EXIT_REFUSED)
        assert not len(app.desk.session.book), "nothing of it was read"
    (said,) = options.last_words
    assert "pinned to org 00D5h0000000002" in said and "00D5h0000000001EAA" in said
    assert "Nothing was done" in said


async def test_the_chosen_org_opens(api: CannedApi, tmp_path: Path) -> None:
    app = ConsoleApp(options_for(lambda: api, tmp_path, org_id="00D5h0000000001"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.desk.session.book.complete)


def test_screens_never_load_the_daemon_and_the_daemon_never_loads_the_screens() -> None:
    program = "import sys, console.app; print([n for n in sys.modules if n.split('.')[0] in ('storage', 'integrations') or n.startswith(('console.engine', 'console.api', 'console.daemon', 'console.embedded'))])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
