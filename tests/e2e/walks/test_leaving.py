"""Leaving: whatever ends a console that runs its own daemon, that is drained and the terminal is as it was; and no console
outlives its terminal."""

import contextlib
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.servers import World, sandbox
from tests.e2e.walks.terminal import Terminal

pytestmark = pytest.mark.slow
LEFT_AS_IT_WAS = {"alternate screen": b"\x1b[?1049l", "cursor": b"\x1b[?25h", "mouse": b"\x1b[?1000l", "paste": b"\x1b[?2004l"}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with sandbox(tmp_path_factory.mktemp("world"), customers=30, settings={"DAEMON__DRAIN": "2"}) as opened:
        yield opened


def left_in_order(journal: Path) -> bool:
    with contextlib.closing(sqlite3.connect(journal)) as db:
        row: tuple[str] = db.execute("select value from meta where key = 'running'").fetchone()
    return row == ("0",)


@pytest.mark.parametrize(("how", "under_way"), [("q", 0), ("SIGTERM", 1), ("SIGHUP", 1)])
def test_whatever_ends_the_window_its_daemon_is_drained(world: World, tmp_path: Path, how: str, under_way: int) -> None:
    """With an order whose call hangs it says that one goes on at the next start."""
    terminal = Terminal(tmp_path, world.env, "--embedded", "--config", str(world.config), columns=160)
    try:
        terminal.shows("this window runs the daemon", "● live", "Events ✓")
        if under_way:
            world.post("/faults", system="whmcs", operation="GetPayMethods", kind="hold", count=9)
            world.post("/orders", count=1, kinds=["vpn"], approve=True)
            terminal.shows("▸ running")
        if how == "q":
            terminal.send("q")
        elif how == "SIGTERM":
            terminal.process.terminate()
        else:
            terminal.close_window()
        assert terminal.ended() == 0
    finally:
        terminal.close()
        world.http.delete("/faults")
    assert left_in_order(world.journal)
    said = bytes(terminal.raw)
    assert b"Traceback" not in said
    if how != "SIGHUP":
        rest = said[said.rindex(b"\x1b[?1049h") :]
        assert not [name for name, sequence in LEFT_AS_IT_WAS.items() if sequence not in rest]
        last = "1 order goes on at the next start." if under_way else "no order was under way."
        assert last in said[said.rindex(LEFT_AS_IT_WAS["alternate screen"]) :].decode()


def test_none_outlives_its_terminal(world: World, tmp_path: Path) -> None:
    """With SIGHUP comes SIGCONT, at which Textual would start its threads a second time."""
    windows = [Terminal(tmp_path, world.env, "--config", str(world.config), columns=100) for _ in range(3)]
    try:
        for window in windows:
            window.shows("daemon not reachable")
        for window in windows:
            window.close_window()
        assert [window.ended() for window in windows] == [0, 0, 0]
    finally:
        for window in windows:
            window.close()


def test_one_that_was_stopped_draws_itself_anew_and_leaves(world: World, tmp_path: Path) -> None:
    window = Terminal(tmp_path, world.env, "--config", str(world.config), columns=100)
    try:
        window.shows("daemon not reachable", "9 Audit", "Find")
        window.process.send_signal(signal.SIGSTOP)
        state = Path(f"/proc/{window.process.pid}/stat")
        window.until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "it to stand still")
        window.settled()
        window.draw(b"\x1b[2J")
        assert "9 Audit" not in window.text
        window.process.send_signal(signal.SIGCONT)
        window.shows("daemon not reachable", "9 Audit", "Find")
        window.send("9")
        window.shows("[9 Audit]")
        window.send("q")
        assert window.ended() == 0
    finally:
        window.process.send_signal(signal.SIGCONT)
        window.close()
