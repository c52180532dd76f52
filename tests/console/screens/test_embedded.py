"""The daemon inside the console's process: its own thread, and an end that says what it left."""

import asyncio
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.app import ConsoleApp
from console.client.address import Address
from console.client.api import ApiClient
from console.client.owndaemon import OwnDaemonFailed
from console.embedded import EmbeddedDaemon
from console.engine.ownership import NotOwner
from console.observe.redact import Redactor
from console.settings.loading import load_settings
from console.widgets.question import Question
from integrations.salesforce.models import JournalRow
from tests.console.api.rig import NOWHERE
from tests.console.screens.conftest import options_for, until
from tests.console.screens.looking import screen_text


def made(folder: Path) -> EmbeddedDaemon:
    environ = {**NOWHERE, "PORTAL_DAEMON__DATA_DIR": str(folder), "PORTAL_INTAKE__START_AT": "2026-01-01T00:00:00Z"}
    return EmbeddedDaemon(load_settings(None, environ).settings, Redactor())


async def test_it_answers_over_its_socket_and_stops_with_a_sentence(tmp_path: Path) -> None:
    daemon = made(tmp_path / "d")
    await asyncio.to_thread(daemon.start)
    try:
        async with ApiClient(daemon.address) as client:
            assert (await client.me()).role == "admin"
        assert stat.S_IMODE(daemon.log_file.stat().st_mode) == 0o600
        second = made(tmp_path / "d")
        with pytest.raises(OwnDaemonFailed, match=r"in use by .* since") as refused:
            await asyncio.to_thread(second.start)
        assert refused.value.where == daemon.address.shown
        assert second.stop() == 0
    finally:
        left = await asyncio.to_thread(daemon.stop)
    assert (left, daemon.farewell) == (0, "The daemon of this window has stopped; no order was under way.")
    assert daemon.stop() == 0, "stopping again does nothing"


async def test_a_window_whose_journal_has_a_daemon_offers_to_connect_there(tmp_path: Path) -> None:
    first = made(tmp_path / "d")
    await asyncio.to_thread(first.start)
    second = made(tmp_path / "d")
    app = ConsoleApp(options_for(lambda: ApiClient(second.address), tmp_path, embedded=second))
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, Question) and "Connect there" in screen_text(pilot))
            shown = " ".join(screen_text(pilot).split())
            assert "journal.db is in use by" in shown and "since" in shown
            assert first.address.shown[:60] in shown
            question = app.screen
            assert isinstance(question, Question)
            await until(pilot, lambda: not question.ignores_input())
            await pilot.press("enter")
            await until(pilot, lambda: "● live" in screen_text(pilot) and app.desk.session.me is not None)
            assert "this window runs the daemon" not in screen_text(pilot)
    finally:
        await asyncio.to_thread(second.stop)
        await asyncio.to_thread(first.stop)


async def test_a_window_that_stays_without_a_daemon_goes_on_saying_why(tmp_path: Path) -> None:
    first = made(tmp_path / "d")
    await asyncio.to_thread(first.start)
    second = made(tmp_path / "d")
    app = ConsoleApp(options_for(lambda: ApiClient(second.address), tmp_path, embedded=second))
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: isinstance(app.screen, Question) and "Stay here" in screen_text(pilot))
            question = app.screen
            assert isinstance(question, Question)
            await until(pilot, lambda: not question.ignores_input())
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, Question))
            app.clear_notifications()
            await until(pilot, lambda: "✗ not connected" in screen_text(pilot))
            assert "The daemon of this window is not at work: journal.db is in use by" in screen_text(pilot)
    finally:
        await asyncio.to_thread(second.stop)
        await asyncio.to_thread(first.stop)


async def test_a_window_that_runs_the_daemon_says_so_and_drains_it_when_left(tmp_path: Path) -> None:
    own = made(tmp_path / "d")
    app = ConsoleApp(options_for(lambda: ApiClient(own.address), tmp_path, embedded=own))
    async with app.run_test(size=(180, 40)) as pilot:
        await until(pilot, lambda: "● live" in screen_text(pilot))
        assert "this window runs the daemon" in screen_text(pilot)
        await pilot.press("q")
        await until(pilot, lambda: app.return_value == 0)
    assert own.farewell == "The daemon of this window has stopped; no order was under way."


@pytest.mark.parametrize("known", [True, False])
def test_an_org_owned_elsewhere_names_the_owner_and_the_way_there_where_it_is_known(
    tmp_path: Path, known: bool
) -> None:
    seen = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
    row = JournalRow.model_validate(
        {
            "Id": "a01000000000001AAA", "Generation__c": 4, "Journal_Id__c": "0123456789", "Highest_Feed__c": 9,
            "Seen_At__c": seen.isoformat(),
        }
    )  # fmt: skip
    address = Address(url="https://portal.example.jp:8443")
    own = EmbeddedDaemon(made(tmp_path)._settings, Redactor(), None, lambda org_id: address if known else None)
    failure = own._failure(NotOwner(row))
    assert "owns this org and was seen at 2026-11-23T03:00:00" in str(failure)
    assert (failure.where, failure.connect is not None) == (address.url if known else "", known)
    assert known or "[console.environments]" in str(failure)
