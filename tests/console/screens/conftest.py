"""Screens over canned data, with clock, zone, theme and environment pinned, and their accepted pictures."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta, timezone
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import pytest
from textual.app import App
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from console.app import ConsoleApp
from console.client.api import ApiClient
from console.observe.crash import CrashReports
from console.observe.redact import Redactor
from console.screens.base import LiveScreen
from console.screens.opening import ConsoleOptions
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.resting import at_rest

pytest.register_assert_rewrite("tests.console.screens.proving", "tests.console.screens.proving_many")

ACCEPTED = Path(__file__).parents[2] / "screens"
TOKYO = timezone(timedelta(hours=9), "JST")
Steps = Callable[[Pilot[Any]], Awaitable[None]]


class Opened(Protocol):
    def __call__(self, *, size: tuple[int, int] = ..., **options: Any) -> AbstractAsyncContextManager[Pilot[Any]]: ...


class SameScreen(Protocol):
    async def __call__(self, name: str, size: tuple[int, int], steps: Steps | None = None, **options: Any) -> None: ...


@pytest.fixture(autouse=True)
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{module}.wait_for_idle", at_rest)
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    # A machine that stops for a moment between the two clicks of a double click has still made one.
    monkeypatch.setattr(App, "CLICK_CHAIN_TIME_THRESHOLD", 60.0)
    monkeypatch.setattr(CommandPalette, "_RESULT_BATCH_TIME", 600.0)  # its list comes whole, however slow


@pytest.fixture
def api() -> CannedApi:
    return CannedApi()


def options_for(connect: Callable[[], ApiClient], folder: Path, **more: Any) -> ConsoleOptions:
    crash = CrashReports(folder / "crashes", Redactor(), "0.0.0")
    return ConsoleOptions(**{"connect": connect, "crash": crash, "wall": lambda: world.NOW, "zone": TOKYO, **more})


@pytest.fixture
def opened(api: CannedApi, tmp_path: Path) -> Opened:
    """Open the console over ``api``; the pilot is handed out when the board is complete and its names are there."""

    @asynccontextmanager
    async def open_it(*, size: tuple[int, int] = (120, 40), **options: Any) -> AsyncIterator[Pilot[Any]]:
        app = ConsoleApp(options_for(lambda: api, tmp_path, **options))
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app.desk.session.book.complete and app.desk.session.me is not None)
            await until(pilot, lambda: bool(app.desk.session.name(world.order_id("00010480"))) or not api.rows)
            yield pilot

    return open_it


async def until(pilot: Pilot[Any], condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait until it holds; fails after that time."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "it did not come about"
        await asyncio.sleep(0.01)
        await at_rest()
    await pilot.pause()


@pytest.fixture
def same_screen(
    request: pytest.FixtureRequest, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SameScreen:
    """Compare a screen with its accepted picture, or accept it with ``--accept-screens``."""
    for what in ("app.NOTICE", "screens.submitting.SHOWN_FOR", "screens.session.SILENT_IS_STALE"):
        monkeypatch.setattr(f"console.{what}", 600.0)  # nothing goes by time, however long a picture takes
    monkeypatch.setattr(App, "NOTIFICATION_TIMEOUT", 600.0)

    async def check(name: str, size: tuple[int, int], steps: Steps | None = None, **options: Any) -> None:
        async with opened(size=size, **options) as pilot:
            if steps is not None:
                await steps(pilot)
            for screen in pilot.app.screen_stack:
                if isinstance(screen, LiveScreen):
                    screen.flush()
                    screen.tick()
            for field in pilot.app.screen.query(Input):
                field.cursor_blink = False  # shown, whatever the moment
            await pilot.pause()
            svg = pilot.app.export_screenshot(title=name)
        svg = re.sub(r"terminal-\d+", "terminal", svg)
        file = ACCEPTED / f"{name}-{size[0]}x{size[1]}.svg"
        if request.config.getoption("--accept-screens") or os.environ.get("PORTAL_ACCEPT_SCREENS"):
            file.write_text(svg, encoding="utf-8")
            return
        assert file.is_file(), f"no accepted picture {file.name}: look at it, then accept it with --accept-screens"
        if file.read_text(encoding="utf-8") != svg:
            kept = tmp_path / file.name
            kept.write_text(svg, encoding="utf-8")
            pytest.fail(f"{file.name} looks different now; the new picture is {kept}")

    return check
