"""The accepted pictures of Events, Health, Audit, Doctor and Settings, made again and compared byte for byte."""

from typing import Any, TypeVar

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.screens.audit import AuditScreen
from console.screens.doctor import DoctorScreen
from console.screens.events import EventsScreen
from console.screens.health import HealthScreen
from console.screens.settings import SettingsScreen
from console.widgets.confirm import PlanDialog
from tests.console.screens import ops
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import SameScreen, until
from tests.console.screens.looking import screen_text, words_of

SIZES = ((120, 40), (80, 24))
TERMINAL = {"TERM": "xterm-kitty", "COLORTERM": "truecolor"}
S = TypeVar("S")
sizes = pytest.mark.parametrize("size", SIZES)


@pytest.fixture
def api() -> CannedApi:
    made = CannedApi()
    made.integrations_answer = ops.integrations("mail")
    made.plan_answer = lambda command, request: ops.planned(str(request.arguments["subject"]))
    return made


def on(pilot: Pilot[Any], kind: type[S]) -> S:
    """The screen on top, which is of this kind."""
    screen = pilot.app.screen
    assert isinstance(screen, kind)
    return screen


async def events(pilot: Pilot[Any]) -> None:
    await pilot.press("7")
    await until(pilot, lambda: isinstance(pilot.app.screen, EventsScreen) and "00010480" in screen_text(pilot))
    screen = on(pilot, EventsScreen)
    screen.table.take(str(ops.EVENTS - 4))
    await until(pilot, lambda: "is not the id of an order" in words_of(screen.facts))


async def health(pilot: Pilot[Any]) -> None:
    await pilot.press("8")
    await until(
        pilot, lambda: isinstance(pilot.app.screen, HealthScreen) and "eSIM does not answer" in screen_text(pilot)
    )
    screen = on(pilot, HealthScreen)
    screen.table.take("esim")
    await until(pilot, lambda: "21 without an answer" in screen_text(pilot))


async def pause(pilot: Pilot[Any]) -> None:
    await health(pilot)
    await pilot.press("P")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and pilot.app.screen.plan is not None)
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))


async def audit(pilot: Pilot[Any]) -> None:
    await pilot.press("9")
    await until(pilot, lambda: isinstance(pilot.app.screen, AuditScreen) and "230 acts" in screen_text(pilot))
    screen = on(pilot, AuditScreen)
    screen.table.take(str(ops.act(227).id))
    await until(pilot, lambda: "order.approve" in words_of(screen.facts))


async def doctor(pilot: Pilot[Any]) -> None:
    await pilot.press("0")
    await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen) and "certificates" in screen_text(pilot))
    screen = on(pilot, DoctorScreen)
    screen.table.take("store certificates")
    await until(pilot, lambda: "renew it" in screen_text(pilot))


async def settings(pilot: Pilot[Any]) -> None:
    await pilot.press("0")
    await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen))
    await pilot.press("s")
    await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen) and "late_after" in screen_text(pilot))
    screen = on(pilot, SettingsScreen)
    screen.table.take("whmcs.late_after")
    await until(pilot, lambda: "How long a lost call" in screen_text(pilot))


@sizes
async def test_events(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("events", size, events)


@sizes
async def test_health(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("health", size, health)


async def test_pausing(same_screen: SameScreen) -> None:
    await same_screen("pause", (80, 24), pause)


@sizes
async def test_audit(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("audit", size, audit)


@sizes
async def test_doctor(same_screen: SameScreen, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda _: "UTF-8")
    await same_screen("doctor", size, doctor, environ=TERMINAL, wide=False)


@sizes
async def test_settings(same_screen: SameScreen, size: tuple[int, int]) -> None:
    await same_screen("settings", size, settings, environ=TERMINAL)
