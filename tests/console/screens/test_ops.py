"""Health, Doctor and Settings over canned data."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.looks import LooksFile
from console.schema.detail import PossibleCommand
from console.screens.doctor import DoctorScreen
from console.screens.health import HealthScreen
from console.screens.needs import NeedsScreen
from console.screens.settings import SettingsScreen
from console.widgets.confirm import PlanDialog
from tests.console.screens import ops
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import dialog, notices, planned, screen_text, text_of, words_of


async def health(pilot: Pilot[Any]) -> HealthScreen:
    await pilot.press("8")
    await until(pilot, lambda: isinstance(pilot.app.screen, HealthScreen) and "Salesforce   " in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, HealthScreen)
    return screen


async def test_figures_say_their_window_and_a_broken_way_its_breaker(api: CannedApi, opened: Opened) -> None:
    api.integrations_answer = ops.integrations()
    async with opened() as pilot:
        screen = await health(pilot)
        await until(pilot, lambda: "figures of the last 5 min, real calls only" in screen_text(pilot))
        shown = text_of(screen.table)
        assert "12,481/100,000" in shown and "0.5%" in shown and "38.9%" in shown
        assert "breaker open" in shown
        screen.table.take("esim")
        await until(pilot, lambda: "21 without an answer" in screen_text(pilot))
        assert "7 orders wait for it" in screen_text(pilot) and "http_503" in screen_text(pilot)


async def test_alarms_say_since_when_and_how_often(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        await health(pilot)
        await until(pilot, lambda: "eSIM does not answer" in screen_text(pilot))
        assert "since 11-22 11:04, 5 times" in screen_text(pilot)
        assert "runs out in 12 days" in screen_text(pilot) and "27 hours old" in screen_text(pilot)


async def test_pause_is_asked_for_on_the_row_and_resume_greyed_with_its_reason(api: CannedApi, opened: Opened) -> None:
    api.integrations_answer = ops.integrations()
    api.plan_answer = lambda command, request: ops.planned(str(request.arguments["subject"]))
    async with opened() as pilot:
        screen = await health(pilot)
        screen.table.take("whmcs")
        await pilot.press("R")
        await until(pilot, lambda: "whmcs is not paused" in notices(pilot))
        await pilot.press("P")
        await planned(pilot)
        assert api.plans[-1][1].arguments == {"subject": "whmcs"}
        await pilot.press(*"tea", "enter")
        await until(pilot, lambda: len(api.submitted) == 1)
        command, request, _ = api.submitted[0]
        assert (command, request.arguments, request.reason) == ("system.pause", {"subject": "whmcs"}, "tea")


async def test_a_refusal_read_before_the_system_changed_does_not_stand(api: CannedApi, opened: Opened) -> None:
    api.plan_answer = lambda command, request: ops.planned(str(request.arguments["subject"]))
    async with opened() as pilot:
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, NeedsScreen) and "esim is paused" in screen_text(pilot))
        screen = pilot.app.screen
        assert isinstance(screen, NeedsScreen)
        screen.table.take("pause:esim")
        stale = PossibleCommand(id="system.resume", title="Resume", possible=False, reason="nothing is paused")
        pilot.app.desk.session.system_commands = [stale]  # type: ignore[attr-defined]
        await pilot.press("R")
        await planned(pilot)
        assert api.plans[-1][0] == "system.resume" and "nothing is paused" not in notices(pilot)


async def test_a_double_click_on_a_row_pauses_it_or_resumes_it(api: CannedApi, opened: Opened) -> None:
    api.integrations_answer = ops.integrations()
    api.plan_answer = lambda command, request: ops.planned(str(request.arguments["subject"]))
    async with opened() as pilot:
        screen = await health(pilot)
        row = list(screen.table.keys).index("product:21") + 1
        await pilot.click("#integrations", offset=(10, row), times=2)
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and dialog(pilot).plan is not None)
        assert api.plans[-1][0] == "system.resume" and api.plans[-1][1].arguments == {"subject": "product:21"}


async def test_a_product_is_paused_by_its_id(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        screen = await health(pilot)
        screen.table.take("product:")
        await pilot.press("P")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog))
        assert "product:<WHMCS product" in screen_text(pilot) and api.plans == []


# Doctor ---------------------------------------------------------------------------------------------------------------


async def doctor(pilot: Pilot[Any]) -> DoctorScreen:
    await pilot.press("0")
    await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen) and "Japanese input" in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, DoctorScreen)
    return screen


async def test_each_check_says_what_was_found_what_hangs_on_it_and_what_to_do(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await doctor(pilot)
        shown = text_of(screen.table)
        assert "✗ certificates" in shown and "! backups" in shown and "✓ daemon" in shown
        screen.table.take("store certificates")
        await until(pilot, lambda: "renew it" in words_of(screen._facts))
        assert "cannot be reached" in words_of(screen._facts)


async def test_the_report_is_copied_without_secrets(
    api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "Bearer eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl"
    found = ops.checks()
    bad = found.checks[0].model_copy(update={"detail": f"the file says Authorization: {canary} and 09012345635"})

    async def checks() -> Any:
        return found.model_copy(update={"checks": [bad, *found.checks[1:]]})

    monkeypatch.setattr(api, "checks", checks)
    async with opened() as pilot:
        await doctor(pilot)
        await pilot.press("y")
        await until(pilot, lambda: "certificates" in pilot.app.clipboard)
        copied = pilot.app.clipboard
        assert "eyJhbGci" not in copied and "09012345635" not in copied
        assert "BAD  store: certificates: esim.client_cert has run out: renew it" in copied


async def test_without_a_daemon_the_terminal_is_still_looked_at(api: CannedApi, opened: Opened) -> None:
    async with opened() as pilot:
        api.feed.cut()

        async def away() -> Any:
            from console.client.errors import Unreachable

            raise Unreachable("http://canned", "nobody answers there")

        api.checks = api.health = away  # type: ignore[method-assign]
        screen = await doctor(pilot)
        shown = text_of(screen.table)
        assert "✗ store" in shown and "✗ daemon" in shown and "✓ size" in shown


# Settings -------------------------------------------------------------------------------------------------------------


async def settings(pilot: Pilot[Any]) -> SettingsScreen:
    await pilot.press("0")
    await until(pilot, lambda: isinstance(pilot.app.screen, DoctorScreen))
    await pilot.press("s")
    await until(
        pilot, lambda: isinstance(pilot.app.screen, SettingsScreen) and "whmcs.late_after" in screen_text(pilot)
    )
    screen = pilot.app.screen
    assert isinstance(screen, SettingsScreen)
    return screen


async def test_every_value_stands_with_its_source_and_typing_filters(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await settings(pilot)
        shown = text_of(screen.table)
        assert "secret file /run/secrets/sf" in shown and "••••••••" in shown
        await pilot.press("slash", *"env low", "enter")
        await until(pilot, lambda: list(screen.table.keys) == ["esim.low_water.TRAVEL-5G"])
        assert screen.focused is screen.table


async def test_theme_and_signs_apply_at_once_and_are_kept(opened: Opened, tmp_path: Path) -> None:
    kept = LooksFile(tmp_path / "own" / "looks.json")
    async with opened(looks=kept) as pilot:
        await settings(pilot)
        await pilot.press("t")
        await until(pilot, lambda: pilot.app.theme == "portal-light")
        await pilot.press("g")
        await until(pilot, lambda: "signs of this console" in screen_text(pilot) and "narrow" in screen_text(pilot))
        await pilot.press("g")
        await until(pilot, lambda: "ascii" in screen_text(pilot) and "✗" not in screen_text(pilot))
        await pilot.press("1")
        await until(pilot, lambda: "x failed" in screen_text(pilot) and "│" not in screen_text(pilot))
    assert (kept.read().theme, kept.read().glyphs) == ("portal-light", "ascii")
    assert kept.file.stat().st_mode & 0o077 == 0


def test_what_was_kept_wrongly_was_not_chosen(tmp_path: Path) -> None:
    file = tmp_path / "looks.json"
    for text in ("", "[]", '{"theme": "pink", "glyphs": 3}', "{"):
        file.write_text(text)
        assert (LooksFile(file).read().theme, LooksFile(file).read().glyphs) == (None, None)
