"""The installed console in a real terminal: a pseudo-terminal, a process in front of it, and an emulator that draws and answers."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte
from pyte.screens import Char

from tests.console.cli.processes import PORTAL, sizeless

PATIENCE = 30.0
LOCALE = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
SYNCHRONISED = b"\x1b[?2026$p"  # the console asks whether whole frames may be held back until they are complete
BEGINS, ENDS = b"\x1b[?2026h", b"\x1b[?2026l"  # of a frame
TWO_CELLS = "\uff3f"  # any character that every emulator draws two cells wide


class Emulator(pyte.Screen):
    """``wide``: characters of ambiguous width take two cells, as Japanese set-ups like it."""

    def __init__(self, columns: int, lines: int, answer: Callable[[bytes], None], *, wide: bool = False) -> None:
        self._answer, self._wide = answer, wide
        self.bells = 0
        super().__init__(columns, lines)

    def write_process_input(self, data: str) -> None:
        """What the emulator says when it is asked where its cursor is."""
        self._answer(data.encode())

    def bell(self, *args: object) -> None:
        self.bells += 1

    def draw(self, data: str) -> None:
        if not self._wide:
            super().draw(data)
            return
        for char in data:
            ambiguous = unicodedata.east_asian_width(char) == "A" and not unicodedata.combining(char)
            super().draw(TWO_CELLS if ambiguous else char)
            if ambiguous:
                cell = max(0, self.cursor.x - 2)
                line = self.buffer[self.cursor.y]
                line[cell] = line[cell]._replace(data=char)


def whole_frames(data: bytes) -> int:
    """How much of it may be drawn: all but a frame that has begun and not ended, or what may be the begin of one."""
    begun = data.rfind(BEGINS)
    if begun > data.rfind(ENDS):
        return begun
    return next(
        (len(data) - n for n in range(min(len(BEGINS) - 1, len(data)), 0, -1) if BEGINS.startswith(data[-n:])),
        len(data),
    )


class Terminal:
    """``portal console ARGUMENTS`` in a terminal of this size. What it writes is drawn as it comes; ``raw`` keeps it all."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], *arguments: str, columns: int = 120, lines: int = 40, wide: bool = False
    ) -> None:  # fmt: skip
        self.columns, self.lines = columns, lines
        self.raw = bytearray()
        self._begun = b""
        self._lock = threading.Lock()
        self._master, slave = pty.openpty()
        self._emulator = Emulator(columns, lines, self._write, wide=wide)
        self._stream = pyte.ByteStream(self._emulator)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            [*PORTAL, "console", *arguments], cwd=folder, env={**sizeless(env), **LOCALE, **_locale(env)}, stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other end is closed
            while not self._ended:
                if not select.select([self._master], [], [], 0.05)[0]:
                    continue
                data = os.read(self._master, 65536)
                if not data:
                    return
                asked = SYNCHRONISED in self.raw[-len(SYNCHRONISED) + 1 :] + data
                with self._lock:
                    self.raw += data
                    self._begun += data
                    drawn = whole_frames(self._begun)
                    self._stream.feed(self._begun[:drawn])
                    self._begun = self._begun[drawn:]
                if asked:
                    self._write(b"\x1b[?2026;2$y")

    def _write(self, data: bytes) -> None:
        os.write(self._master, data)

    # What stands on it -----------------------------------------------------------------------------------------------

    def cells(self) -> list[list[Char]]:
        """Each line's cells; the second cell of a wide character is empty."""
        with self._lock:
            buffer = self._emulator.buffer
            return [[buffer[y][x] for x in range(self.columns)] for y in range(self.lines)]

    def settled(self, still: float = 0.5, most: float = 3.0) -> list[list[Char]]:
        """The cells when they have not changed for a while; a blinking cursor and a clock are not waited for longer."""
        end, since, before = time.monotonic() + most, time.monotonic(), self.cells()
        while (now := time.monotonic()) < end and now - since < still:
            time.sleep(0.05)
            if (cells := self.cells()) != before:
                before, since = cells, time.monotonic()
        return before

    def rows(self) -> list[str]:
        return ["".join(cell.data for cell in line) for line in self.cells()]

    @property
    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows())

    @property
    def cursor(self) -> tuple[int, int, bool]:
        """Column, line, shown."""
        with self._lock:
            at = self._emulator.cursor
            return at.x, at.y, not at.hidden

    @property
    def title(self) -> str:
        return str(self._emulator.title)

    @property
    def bells(self) -> int:
        return self._emulator.bells

    def until(self, true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Poll until it holds."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}:\n{self.text}"
            assert self.process.poll() is None or true(), f"it ended before {what}:\n{self.text}"
            time.sleep(0.02)

    def shows(self, *words: str, seconds: float = PATIENCE) -> str:
        """Wait until all of these stand on the screen; returns the screen with them."""
        found: list[str] = []

        def there() -> bool:
            text = self.text
            found[:] = [text]
            return all(word in text for word in words)

        self.until(there, f"{words}", seconds)
        return found[0]

    # What a person does ----------------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """As an input method or a keyboard commits it."""
        self._write(text.encode())

    def send_bytes(self, data: bytes) -> None:
        """What no keyboard sends."""
        self._write(data)

    def paste(self, text: str) -> None:
        self._write(f"\x1b[200~{text}\x1b[201~".encode())

    def draw(self, data: bytes) -> None:
        """As if another program had written it."""
        with self._lock:
            self._stream.feed(data)

    def close_window(self) -> None:
        """The terminal goes away, and SIGHUP comes from the system."""
        self._leave()

    def ended(self, seconds: float = PATIENCE) -> int:
        """The exit code."""
        code = self.process.wait(seconds)
        if not self._ended:
            self._reader.join(5.0)  # it has read what was written last
        return code

    def close(self) -> None:
        """SIGTERM; it is killed when it does not leave."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._leave()

    def _leave(self) -> None:
        if not self._ended:
            self._ended = True
            self._reader.join()
            os.close(self._master)


def _locale(env: Mapping[str, str]) -> dict[str, str]:
    """What a test says of the terminal itself stands."""
    return {name: env[name] for name in ("TERM", "NO_COLOR") if name in env}


def sgr_codes(raw: bytes) -> Sequence[bytes]:
    """Every colour or style that was written: the parameters of each CSI … m."""
    return re.findall(rb"\x1b\[([0-9;:]*)m", raw)
