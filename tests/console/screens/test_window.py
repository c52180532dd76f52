"""The installed command in a pseudo-terminal, with a daemon in its window: it drains whoever ends it."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import sqlite3
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from tests.console.api.rig import NOWHERE
from tests.console.cli.processes import PORTAL, environment

WAIT = 40.0


class Window:
    """``portal console …`` with a terminal emulator in front of it."""

    def __init__(self, folder: Path, *arguments: str, columns: int = 160, lines: int = 40) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        env = {**environment(folder), **NOWHERE, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        env |= {"PORTAL_DAEMON__DATA_DIR": str(folder / "d"), "PORTAL_INTAKE__START_AT": "2026-01-01T00:00:00Z"}
        self.process = subprocess.Popen(
            [*PORTAL, "console", *arguments], cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.raw = b""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    def read(self) -> str:
        """What the screen shows now."""
        with contextlib.suppress(OSError):  # the other end is closed
            while select.select([self.master], [], [], 0.05)[0]:
                data = os.read(self.master, 65536)
                if not data:
                    break
                self.raw += data
                self._stream.feed(data)
        return "\n".join(self._screen.display)

    def until(self, words: str) -> str:
        end = time.monotonic() + WAIT
        while words not in (shown := self.read()):
            assert time.monotonic() < end, shown
        return shown

    def ended(self) -> int:
        """The exit code; what it writes meanwhile is read."""
        end = time.monotonic() + WAIT
        while (code := self.process.poll()) is None:
            assert time.monotonic() < end, self.read()
            self.read()
        self.read()
        return code


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    opened = Window(tmp_path, "--embedded")
    try:
        yield opened
    finally:
        if opened.process.poll() is None:
            opened.process.kill()
        opened.process.wait()
        with contextlib.suppress(OSError):
            os.close(opened.master)


def left_in_order(folder: Path) -> bool:
    with contextlib.closing(sqlite3.connect(folder / "d" / "journal.db")) as db:
        row: tuple[str] = db.execute("select value from meta where key = 'running'").fetchone()
    return row == ("0",)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["q", "SIGTERM", "SIGHUP"])
def test_whatever_ends_the_window_its_daemon_is_drained(window: Window, tmp_path: Path, how: str) -> None:
    window.until("this window runs the daemon")
    window.until("● live")
    if how == "q":
        os.write(window.master, b"q")
    elif how == "SIGTERM":
        window.process.send_signal(signal.SIGTERM)
    else:
        os.close(window.master)  # the terminal goes away
        window.master = os.open(os.devnull, os.O_RDONLY)
    assert window.ended() == 0
    assert left_in_order(tmp_path)
    if how != "SIGHUP":
        assert b"The daemon of this window has stopped; no order was under way." in window.raw
    assert b"Traceback" not in window.raw
