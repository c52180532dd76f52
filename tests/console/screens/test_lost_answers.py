"""Over a real daemon's API and a way that loses answers: each act happens once and leaves one audit pair."""

import time
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.app import ConsoleApp
from console.client.address import Address
from console.client.api import ApiClient, new_key
from console.commands.table import BY_ID
from console.schema.commands import PlanRequest, SubmitRequest
from console.screens import submitting
from console.screens.board import BoardScreen
from console.widgets.confirm import PlanDialog
from console.widgets.inline import InlineConfirm
from storage import audit
from tests.console.api.rig import Desk
from tests.console.screens.conftest import options_for, until
from tests.console.screens.looking import board, dialog, notices, screen_text, take, told
from tests.console.screens.proxy import LossyWay
from tests.console.screens.test_real import FIRST, fail, fill

# command → what is typed into its fields; those whose whole effect is in the journal, for nothing outside stands here
ACTS: dict[str, dict[str, str]] = {
    "order.take": {}, "order.note": {"text": "calls back"}, "order.park": {"until": "up(whmcs)"}, "order.retry": {},
    "order.retry_step": {"step": "accept"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "AGAIN", (0.05, 0.1))


def pairs(desk: Desk, command: str) -> list[tuple[str, str | None]]:
    """(phase, outcome) of each audit row of a command, the oldest first."""
    rows = desk.journal.peek(lambda db: audit.newest(db, 50))
    return [(row.phase, row.outcome) for row in reversed(rows) if row.command == command]


def console(path: Path, folder: Path) -> ConsoleApp:
    return ConsoleApp(options_for(lambda: ApiClient(Address(socket=path)), folder, wall=time.time))


async def agree(pilot: Pilot[Any], command: str, typed: dict[str, str]) -> None:
    """From the key to the ⏎ that submits."""
    await take(pilot, FIRST)
    await pilot.press(BY_ID[command].keys)
    await until(pilot, lambda: not isinstance(pilot.app.screen, BoardScreen))
    if isinstance(pilot.app.screen, PlanDialog):
        await until(pilot, lambda: dialog(pilot).stands)
        for name, value in typed.items():
            dialog(pilot).query_one(f"#argument-{name}", Input).value = value
        await until(pilot, lambda: not dialog(pilot).ignores_input())
        if typed:
            await pilot.press("enter")  # the plan; a command without risk goes on by itself
    await until(
        pilot,
        lambda: (
            isinstance(s := pilot.app.screen, BoardScreen)
            or (isinstance(s, InlineConfirm) and s.ready)
            or (isinstance(s, PlanDialog) and s.plan is not None and not s.ignores_input())
        ),
    )
    if not isinstance(pilot.app.screen, BoardScreen):
        await pilot.press("enter")


@pytest.mark.parametrize("command", ACTS)
async def test_an_answer_that_is_lost_is_asked_for_and_nothing_is_done_twice(
    desk: Desk, tmp_path: Path, command: str
) -> None:
    await fail(desk, await fill(desk, FIRST, "00000001", "田中 花子", "Failed"))
    async with LossyWay(tmp_path / "way.sock", desk.path) as way:
        app = console(way.path, tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: FIRST in app.desk.session.book and app.desk.session.me is not None)
            way.drop = 2
            await agree(pilot, command, ACTS[command])
            await until(pilot, lambda: len(pairs(desk, command)) == 2 and way.dropped == 2)
            await until(pilot, lambda: not app.desk.submissions.unconfirmed)
            await until(pilot, lambda: any("sent, not confirmed" in line for line in told(pilot)))
            answered = f"{BY_ID[command].title} 00000001: "
            await until(pilot, lambda: any(answered in one and "not confirmed" not in one for one in told(pilot)))
        assert [phase for phase, _ in pairs(desk, command)] == ["intent", "outcome"]


@pytest.mark.parametrize("command", ["order.retry", "order.retry_step"])
async def test_another_actor_in_between_is_named_and_nothing_is_done_twice(
    desk: Desk, tmp_path: Path, command: str
) -> None:
    await fail(desk, await fill(desk, FIRST, "00000001", "田中 花子", "Failed"))
    other = desk.client("supervisor")
    async with LossyWay(tmp_path / "way.sock", desk.path) as way:
        app = console(way.path, tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: FIRST in app.desk.session.book and app.desk.session.me is not None)
            asked = PlanRequest(orders=[FIRST])
            plan = await other.plan("order.retry", asked)
            faster = SubmitRequest(orders=[FIRST], plan_hash=plan.hash)

            async def between(*given: Any, **more: Any) -> Any:
                """The plan stands; before it is submitted somebody else is faster."""
                app.desk.session.api.submit = submit  # type: ignore[method-assign]
                await other.submit("order.retry", faster, key=new_key())
                return await submit(*given, **more)

            submit = app.desk.session.api.submit
            app.desk.session.api.submit = between  # type: ignore[method-assign]
            await agree(pilot, command, ACTS[command])
            await until(pilot, lambda: isinstance(pilot.app.screen, PlanDialog) and dialog(pilot).plan is not None)
            await until(pilot, lambda: "supervisor of the test" in screen_text(pilot))
        assert len(pairs(desk, "order.retry")) == 2, "what the other did"
        assert command == "order.retry" or pairs(desk, command) == []


async def test_what_never_left_is_said_and_not_repeated(desk: Desk, tmp_path: Path) -> None:
    await fail(desk, await fill(desk, FIRST, "00000001", "田中 花子", "Failed"))
    async with LossyWay(tmp_path / "way.sock", desk.path) as way:
        app = console(way.path, tmp_path)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: FIRST in app.desk.session.book and app.desk.session.me is not None)
            await take(pilot, FIRST)
            board(pilot)
            way.refuse = True
            way.cut()
            await until(pilot, lambda: "daemon lost" in screen_text(pilot))
            await pilot.press("r")
            await until(pilot, lambda: "is made again by itself" in notices(pilot))
            way.refuse = False
            await until(pilot, lambda: "● live" in screen_text(pilot))
        assert pairs(desk, "order.retry") == []
