"""The console against a real daemon that is killed: what was sent happens once, and the console finds out what came of it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.client.address import Address
from console.client.api import ApiClient
from console.screens import submitting
from console.widgets.confirm import PlanDialog
from integrations.sandbox.people import Placed
from storage import audit
from tests.console.screens.conftest import options_for, until
from tests.console.screens.looking import dialog, notices, screen_text
from tests.console.screens.proxy import LossyWay
from tests.e2e.operators import address
from tests.e2e.rig import Rig

PATIENCE = 40.0


async def approve(pilot: Pilot[Any], order: Placed) -> None:
    """From the section to the ⏎ on the daemon's plan."""
    app: Any = pilot.app
    await until(pilot, lambda: app.desk.session.me is not None and app.desk.session.book.complete, seconds=PATIENCE)
    await pilot.press("2")
    await until(pilot, lambda: order.number in screen_text(pilot), seconds=PATIENCE)
    app.screen.table.take(order.id)
    await pilot.press("a")
    await until(pilot, lambda: isinstance(app.screen, PlanDialog) and app.screen.plan is not None, seconds=PATIENCE)
    await until(pilot, lambda: not dialog(pilot).ignores_input(), seconds=PATIENCE)
    await pilot.press("enter")


async def shut_behind(way: LossyWay) -> None:
    """Close the way as soon as an answer is lost on it: a repeat could be answered before the daemon is killed."""
    while not way.dropped:  # noqa: ASYNC110 - the way tells nobody
        await asyncio.sleep(0.005)
    way.refuse = True


def approvals(rig: Rig) -> list[tuple[str, str | None]]:
    """(phase, outcome) of the audit rows of approving, the oldest first."""
    with rig.journal.opened() as db:
        rows = audit.newest(db, 50)
    return [(row.phase, row.outcome) for row in reversed(rows) if row.command == "order.approve"]


async def test_an_approval_whose_daemon_is_killed_before_it_answers_is_done_once(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "AGAIN", (0.2, 0.5))
    await rig.start()
    (order,) = rig.place("vpn")
    behind = address(rig).socket
    assert behind is not None
    async with LossyWay(tmp_path / "way.sock", behind) as way:
        connect_ = lambda: ApiClient(Address(socket=way.path))  # noqa: E731
        app = ConsoleApp(options_for(connect_, tmp_path, wall=time.time))
        async with app.run_test(size=(120, 40)) as pilot:
            way.drop = 1
            shut = asyncio.create_task(shut_behind(way))
            await approve(pilot, order)
            await shut
            await rig.daemon.kill()
            way.refuse = False
            await until(pilot, lambda: "sent, not confirmed" in notices(pilot), seconds=PATIENCE)
            await until(pilot, lambda: "daemon lost" in screen_text(pilot), seconds=PATIENCE)
            await rig.start()
            await until(pilot, lambda: not app.desk.submissions.unconfirmed, seconds=PATIENCE)
            await until(pilot, lambda: f"Approve {order.number}:" in notices(pilot), seconds=PATIENCE)
            await rig.settled(order)
            await until(pilot, lambda: "done" in (row.state if (row := app.desk.session.book.get(order.id)) else ""), seconds=PATIENCE)  # fmt: skip
            await until(pilot, lambda: app.desk.session.link().usable, seconds=PATIENCE)
    assert rig.run(order).state == "done"
    rig.judge()
    assert [phase for phase, _ in approvals(rig)] == ["intent", "outcome"]
