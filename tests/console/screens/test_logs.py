"""Events and Audit over canned data: gaps in their place, older pages, the filter, rows in full, exports."""

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.screens.audit import AuditScreen
from console.screens.events import EventsScreen
from console.screens.order import OrderScreen
from console.widgets.rowdialog import RowDialog
from tests.console.screens import ops
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import notices, screen_text, text_of, words_of


async def events(pilot: Pilot[Any]) -> EventsScreen:
    await pilot.press("7")
    await until(pilot, lambda: isinstance(pilot.app.screen, EventsScreen) and "00010480" in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, EventsScreen)
    return screen


async def audit(pilot: Pilot[Any]) -> AuditScreen:
    await pilot.press("9")
    await until(pilot, lambda: isinstance(pilot.app.screen, AuditScreen) and "230 acts" in screen_text(pilot))
    screen = pilot.app.screen
    assert isinstance(screen, AuditScreen)
    return screen


async def test_gaps_and_poison_stand_in_their_place_and_the_stream_above(api: CannedApi, opened: Opened) -> None:
    api.integrations_answer = ops.integrations()
    async with opened() as pilot:
        screen = await events(pilot)
        shown = text_of(screen.table).splitlines()
        gap = next(i for i, line in enumerate(shown) if "! gap" in line)
        assert "since 11:44:31, reconciled 12:02:31: the replay id had expired" in shown[gap]
        assert "12:01:59" in shown[gap + 1], "the next older event"
        assert "12:02:19" in shown[gap - 1], "the event that came right after it"
        assert any("poison" in line and "is not the id of an order" in line for line in shown)
        above = screen_text(pilot)
        assert "listening since 10:04:31" in above and "412 events" in above and "not deaf" in above
        assert f"cursor 1000430 of {ops.CHANNEL} (cometd), 12s old" in above


async def test_older_pages_come_as_one_scrolls_and_what_is_in_hand_stays(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await events(pilot)
        assert len(screen.rows) == 100
        await pilot.press("down", "down", "end")
        await until(pilot, lambda: len(screen.rows) == ops.EVENTS and screen.whole)
        taken = screen.table.in_hand
        await pilot.press("end")
        await until(pilot, lambda: screen.table.in_hand == "gap:2")
        assert taken in screen.table.keys
        assert "! gap" in text_of(screen.table), "the oldest gap is before everything"


async def test_a_filter_asks_the_daemon_and_a_wrong_one_is_told_where(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await events(pilot)
        await pilot.press("slash", *"state:poison", "enter")
        await until(pilot, lambda: "1 event" in screen_text(pilot) and "2 gaps not shown" in screen_text(pilot))
        assert len(screen.rows) == 1
        await pilot.press("slash", *" stat:x")
        await until(
            pilot, lambda: "there is no field" in screen_text(pilot) and "did you mean state" in screen_text(pilot)
        )


async def test_held_still_nothing_moves(api: CannedApi, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as pilot:
        screen = await events(pilot)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "held still since" in screen_text(pilot))
        before = list(screen.table.keys)
        monkeypatch.setattr(ops, "EVENTS", ops.EVENTS + 3)
        for _ in range(6):
            screen.tick()
        await pilot.pause()
        assert list(screen.table.keys) == before
        await pilot.press("ctrl+l")
        await until(pilot, lambda: len(screen.table.keys) == len(before) + 3)


async def test_a_row_in_full_and_the_way_to_its_order(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await events(pilot)
        screen.table.take(str(ops.EVENTS))
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, RowDialog))
        assert '"IdemKey__c"' in screen_text(pilot)
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen))


async def test_an_act_is_one_row_with_both_times_reason_and_plan(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await audit(pilot)
        shown = text_of(screen.table)
        assert "▸ under way" in shown and "✗ refused" in shown and "esim" in shown
        screen.table.take(str(ops.act(227).id))
        await until(pilot, lambda: "order.approve" in words_of(screen.facts))
        assert "sato (supervisor, uid 1000)" in words_of(screen.facts)
        assert "address checked with the customer" in words_of(screen.facts)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, RowDialog))
        assert f"{227:064x}" in screen_text(pilot)


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_an_export_is_exactly_what_is_filtered_masked_and_private(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr("console.screens.audit.AT_ONCE", 7)
    async with opened() as pilot:
        await audit(pilot)
        await pilot.press("slash", *"who:sato", "enter")
        await until(pilot, lambda: "92 acts" in screen_text(pilot))
        await pilot.press("X")
        await until(pilot, lambda: "92 acts of who:sato" in screen_text(pilot))
        file = tmp_path / f"audit.{form}"
        pilot.app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await until(pilot, lambda: "92 acts written" in notices(pilot))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows: list[dict[str, Any]] = (
        list(csv.DictReader(io.StringIO(file.read_text()))) if form == "csv" else json.loads(file.read_text())
    )
    assert len(rows) == 92 and {row["actor"] for row in rows} == {"sato"}
    assert {row["reason"] for row in rows} == {"•••"}, "as a viewer sees it"
    assert [int(row["id"]) for row in rows] == sorted((int(row["id"]) for row in rows), reverse=True)


async def test_what_is_copied_of_an_act_is_masked(opened: Opened) -> None:
    async with opened() as pilot:
        screen = await audit(pilot)
        screen.table.take(str(ops.act(229).id))
        await pilot.press("y")
        await until(pilot, lambda: "tokens.create" in pilot.app.clipboard)
        copied = json.loads(pilot.app.clipboard)
        assert copied["id"] == ops.act(229).id and copied["reason"] == "•••"
