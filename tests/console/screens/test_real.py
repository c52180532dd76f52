"""The console over a real API: a Unix socket, a journal on disk, and the engine's own statements behind it."""

import sqlite3
import time
from pathlib import Path

from console.app import ConsoleApp
from console.client.address import Address
from console.client.api import ApiClient
from console.engine import transitions
from console.schema.book import STEPS
from storage import audit, orders, runs
from storage import desk as people
from tests.console.api.rig import Desk, open_desk
from tests.console.screens.conftest import options_for, until
from tests.console.screens.looking import asked_inline, board, order, screen_text, take, text_of

FIRST, SECOND = "801000000000001AAA", "801000000000002AAA"


def _order(db: sqlite3.Connection, order_id: str, number: str, name: str, status: str) -> None:
    row = orders.OrderRow(
        order_id=order_id, number=number, account_id="001000000000001AAA", customer_number="C-004417", customer_name=name,
        client_id="4417", phone="09012345635", email="h@example.jp", kind="VPN", plan="VPN Team", amount=3300, sf_status=status,
        placed_by="portal", approved_by="sato", effective_date=None, sf_modified_at=time.time(), read_at=time.time(),
    )  # fmt: skip
    orders.put(db, row)


def _run(db: sqlite3.Connection, order_id: str, number: str) -> int:
    now = time.time()
    run_id = runs.insert(
        db, STEPS, now, workflow="provision_order", subject=order_id, order_id=order_id, order_number=number, state="queued",
        source="event",
    )  # fmt: skip
    transitions.announce(db, now, run_id)
    return run_id


async def fill(desk: Desk, order_id: str, number: str, name: str, status: str = "Provisioning") -> int:
    """An order with a queued run, as the door leaves it."""

    def write(db: sqlite3.Connection) -> int:
        _order(db, order_id, number, name, status)
        return _run(db, order_id, number)

    return await desk.journal.write(write)


async def fail(desk: Desk, run_id: int) -> None:
    """The run failed at accept, as the engine writes it."""
    await desk.journal.write(
        lambda db: transitions.move(
            db, time.time(), run_id, state="failed", step="accept", error_step="accept", error_class="conflict",
            error_system="whmcs", error_code="service_pending", error_message="service 812 is Pending",
        )
    )  # fmt: skip


def console(desk: Desk, folder: Path) -> ConsoleApp:
    return ConsoleApp(options_for(lambda: ApiClient(Address(socket=desk.path)), folder, wall=time.time))


async def test_a_run_is_seen_from_queued_to_failed_and_opened(desk: Desk, tmp_path: Path) -> None:
    await fill(desk, FIRST, "00000001", "田中 花子")
    app = console(desk, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "田中 花子" in screen_text(pilot))
        assert "◷ queued" in text_of(board(pilot).table)
        second = await fill(desk, SECOND, "00000002", "David Chen")
        await until(pilot, lambda: "David Chen" in screen_text(pilot))
        await fail(desk, second)
        await until(pilot, lambda: "✗ failed" in text_of(board(pilot).table))
        board(pilot).table.take(SECOND)
        await pilot.press("enter")
        await until(pilot, lambda: "WHAT YOU CAN DO" in screen_text(pilot))
        await until(pilot, lambda: bool(order(pilot).known_commands()))
        assert "service_pending" in screen_text(pilot)


async def test_taking_an_order_leaves_one_audit_pair_and_shows_on_the_board(desk: Desk, tmp_path: Path) -> None:
    await fail(desk, await fill(desk, FIRST, "00000001", "田中 花子", "Failed"))
    app = console(desk, tmp_path)
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: FIRST in app.desk.session.book and app.desk.session.me is not None)
        await take(pilot, FIRST)
        await pilot.press("u")
        await asked_inline(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: desk.journal.peek(lambda db: people.taken(db, FIRST, time.time())) is not None)
        await until(pilot, lambda: not app.desk.submissions.is_requested(FIRST))
        assert app.desk.session.me is not None
        me = app.desk.session.me.name
        await until(pilot, lambda: me in text_of(board(pilot).table))

        def phases() -> list[str]:
            rows = desk.journal.peek(lambda db: audit.newest(db, 10))
            return sorted(row.phase for row in rows if row.command == "order.take")

        await until(pilot, lambda: phases() == ["intent", "outcome"])


async def test_a_stopped_daemon_is_told_and_found_again(tmp_path: Path) -> None:
    desk = await open_desk(tmp_path)
    await fill(desk, FIRST, "00000001", "田中 花子")
    app = console(desk, tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "田中 花子" in screen_text(pilot))
        await desk.close()
        await until(pilot, lambda: "daemon lost" in screen_text(pilot))
        assert "00000001" in text_of(board(pilot).table), "what was known stays on the screen"
        again = await open_desk(tmp_path)
        try:
            await until(pilot, lambda: "● live" in screen_text(pilot))
        finally:
            await again.close()
