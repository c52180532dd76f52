"""A console that runs its own daemon: whatever ends it, the daemon is drained and the terminal is as it was."""

import contextlib
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
