"""What the console's measurements stand on: the other process, and the board in a terminal with the places of its parts."""

import json
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from storage.journal import connect
from tests.bench import crowd, watched
from tests.bench.terminal import Screen, Terminal
from tests.console.cli.processes import environment

KEY_EVERY = 0.1
FILTER = ("state:failed,parked", "age>5m")
NUMBER = slice(3, 11)  # where an order's number stands in a row
CURSOR = "▌"
DOWN, UP, BACK = "\x1b[B", "\x1b[A", "\x7f"
LOST = 10.0  # seconds after which a change that was never painted is counted
_FOUND = re.compile(r"([\d,]+) orders? ")
_LISTED = (
    "FROM orders o JOIN runs r ON r.id = o.run_id WHERE r.state IN ('failed', 'parked') AND ? - r.created_at > 300"
)


class Daemon:
    """The other process."""

    def __init__(self, folder: Path, orders: int) -> None:
        self.folder, self.journal = folder, folder / "daemon" / "journal.db"
        arguments = [sys.executable, "-m", crowd.__name__, str(folder), str(orders)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.socket: str = self._answer()["socket"]

    def tell(self, do: str, **more: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the daemon's process ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def listed(self) -> int:
        """How many orders the filter finds, asked of the journal itself."""
        with closing(connect(self.journal, read_only=True)) as db:
            return int(db.execute(f"SELECT COUNT(*) {_LISTED}", (time.time(),)).fetchone()[0])

    def top(self, count: int) -> list[tuple[str, str, str]]:
        """Number, state and tries of the newest ones, asked of the journal itself."""
        columns = "o.number, r.state, r.tries"
        query = f"SELECT {columns} {_LISTED} ORDER BY r.updated_at DESC, o.order_id DESC LIMIT ?"
        with closing(connect(self.journal, read_only=True)) as db:
            return [(number, state, str(tries)) for number, state, tries in db.execute(query, (time.time(), count))]

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


class Board:
    """The board in a terminal: where its parts stand, and what they say."""

    def __init__(self, daemon: Daemon, name: str, size: tuple[int, int], *, installed: bool = False) -> None:
        self.samples_file = daemon.folder / f"{name}.samples"
        program = [str(Path(sys.executable).with_name("portal"))]
        if not installed:
            program = [sys.executable, "-m", watched.__name__, str(self.samples_file)]
        arguments = [*program, "console", "--server", f"unix:{daemon.socket}", *FILTER]
        self.daemon = daemon
        # as it is installed: its bytecode is kept, by pip or by the first start, and not made anew with each
        env = {name: value for name, value in environment(daemon.folder).items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.terminal = Terminal(arguments, daemon.folder, env, *size)
        self._top = self._tries = 0

    def wait(self, orders: int) -> tuple[float, float]:
        """Until the board is complete; seconds to the first paint and to the complete board."""
        painted = self.terminal.until(lambda screen: "Orders" in screen.text, "the first paint")
        whole = self.terminal.until(lambda screen: self._whole(screen, orders), "the complete board")
        self._find(self.terminal.screen())
        return painted - self.terminal.began, whole - self.terminal.began

    @staticmethod
    def _whole(screen: Screen, orders: int) -> bool:
        found = _FOUND.search(screen.part(2))
        first = screen.part(4, NUMBER.stop + 1, NUMBER.stop + 3)
        return (found is not None and int(found[1].replace(",", "")) >= orders and "live" in screen.part(0)
                and first.strip() not in ("", "C-"))  # fmt: skip

    def _find(self, screen: Screen) -> None:
        for y in range(screen.lines):
            cells = "".join(cell[:1] or " " for cell in screen.cells(y))
            if cells.startswith("   Order ") and "Try" in cells:
                self._top, self._tries = y + 1, cells.index("Try")
                return
        raise AssertionError(f"the board has no column Try:\n{screen.text}")

    def row(self, screen: Screen, y: int) -> tuple[str, str]:
        """Number and tries of the order painted in line ``y``; "" where there is none."""
        number = screen.part(y, NUMBER.start, NUMBER.stop)
        if y < self._top or len(number) != 8 or not number.isdigit():
            return "", ""
        return number, screen.part(y, self._tries, self._tries + 3).strip()

    def numbers(self) -> list[str]:
        """Of the painted rows, top to bottom."""
        screen = self.terminal.screen()
        return [number for y in range(screen.lines) if (number := self.row(screen, y)[0])]

    def found(self, screen: Screen) -> int:
        """How many orders the filter line says were found."""
        said = _FOUND.search(screen.part(2))
        return int(said[1].replace(",", "")) if said else -1

    def take(self, row: int) -> None:
        """Put the cursor into a row."""
        for _ in range(row + 1):
            self.terminal.press(DOWN)
            time.sleep(KEY_EVERY / 2)
        y = self._top + row
        self.terminal.until(lambda screen: screen.part(y, 0, 1) == CURSOR, f"the cursor in row {row}")

    def cursor(self, screen: Screen, lines: set[int]) -> int | None:
        """The row of the cursor, if it stands in one of these lines."""
        return next((y - self._top for y in lines if y >= self._top and screen.part(y, 0, 1) == CURSOR), None)

    def samples(self, begin: float, end: float) -> list[watched.Sample]:
        """Those of the watch in this time; waits until they are written."""
        deadline = time.monotonic() + LOST
        while ((newest := watched.last(self.samples_file)) is None or newest.at < end) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [sample for sample in watched.read(self.samples_file) if begin <= sample.at <= end]
