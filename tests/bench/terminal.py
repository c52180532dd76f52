"""A terminal: what a program paints in it is kept with the moment it came, and read off the screen afterwards.

An emulator written in Python is slow; one that ran while the program is measured would take the processor from it.
"""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyte

from tests.console.cli.processes import sizeless

ANSWERS = {b"\x1b[6n": b"\x1b[1;2R", b"\x1b[?2026$p": b"\x1b[?2026;2$y"}  # where the cursor is; synchronised output
PATIENCE = 120.0


class Screen:
    """What stands in the terminal after the bytes fed so far."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> set[int]:
        """Returns the lines that may have changed."""
        self._stream.feed(data)
        dirty, self._screen.dirty = set(self._screen.dirty), set()
        return {y for y in dirty if y < self.lines}

    def part(self, y: int, start: int = 0, end: int | None = None) -> str:
        """The text of line ``y`` between two cells; a wide character stands in the first of its cells."""
        line = self._screen.buffer[y]
        return "".join(line[x].data for x in range(start, self.columns if end is None else end))

    def cells(self, y: int) -> list[str]:
        line = self._screen.buffer[y]
        return [line[x].data for x in range(self.columns)]

    @property
    def text(self) -> str:
        return "\n".join(self.part(y) for y in range(self.lines))


class Terminal:
    """``arguments`` run in a terminal of this size. ``began`` and all moments are monotonic time."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, env: Mapping[str, str], columns: int, lines: int
    ) -> None:
        self.columns, self.lines = columns, lines
        self.chunks: list[tuple[float, bytes]] = []
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            arguments, cwd=folder, env={**sizeless(env), "TERM": "xterm-256color", "LANG": "C.UTF-8", "COLORTERM": "truecolor"},
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # it is hung up when this process dies
        )  # fmt: skip
        os.close(slave)
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()
        self._screen, self._fed = Screen(columns, lines), 0

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while not self._ended:
                if not select.select([self._master], [], [], 0.1)[0]:
                    continue
                data = os.read(self._master, 65536)
                if not data:
                    return
                self.chunks.append((time.monotonic(), data))
                for asked, answer in ANSWERS.items():
                    if asked in data:
                        os.write(self._master, answer)

    def press(self, keys: str) -> float:
        """Returns when."""
        at = time.monotonic()
        os.write(self._master, keys.encode())
        return at

    def screen(self) -> Screen:
        """As it stands now. It is the emulator of ``replay`` too: what was read here does not come there again."""
        for _ in self.replay():
            pass
        return self._screen

    def replay(self) -> Iterator[tuple[float, Screen, set[int]]]:
        """After each piece that has not been looked at: when it came, the screen with it, the lines it touched."""
        while self._fed < len(self.chunks):
            at, data = self.chunks[self._fed]
            self._fed += 1
            yield at, self._screen, self._screen.feed(data)

    def until(self, true: Callable[[Screen], bool], what: str, seconds: float = PATIENCE) -> float:
        """Look until it holds; returns the moment of the piece with which it held (or now)."""
        end = time.monotonic() + seconds
        while True:
            for at, screen, _ in self.replay():
                if true(screen):
                    return at
            if true(self._screen):
                return time.monotonic()
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"waited for {what}:\n{self._screen.text}")
            time.sleep(0.02)

    def close(self) -> None:
        """End the program; it is killed when it does not leave."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._ended = True
        self._reader.join()
        os.close(self._master)
