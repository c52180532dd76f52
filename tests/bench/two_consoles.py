"""Two installed consoles at one daemon: from the ⏎ of an act in one to the painting of it in the other."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import crowd
from tests.bench.boards import Daemon
from tests.bench.terminal import Screen, Terminal
from tests.console.cli.processes import PORTAL, environment

ORDERS = 50_000
ACTS = 20  # for each screen that is watched
SIZE = (200, 60)
RUN = crowd.LISTED * 1000  # of an order that failed long ago
ORDER, ORDER_ID = f"{RUN:08d}", f"801{RUN:012d}AAA"
GRACE = 0.7  # seconds in which a dialog takes no key
ENTER, DOWN = "\r", "\x1b[B"
_COUNT = re.compile(r"([\d,]+) acts?")


class Pair:
    """One acts on an order, the other watches. ``delays``: seconds of each act that was seen."""

    def __init__(self, one: Terminal, other: Terminal) -> None:
        self.one, self.other = one, other
        self.delays: list[float] = []

    def told(self) -> list[float]:
        """The delays since the last time."""
        told, self.delays = self.delays, []
        return told

    def take_and_let_go(self, acts: int, taken: Callable[[Screen], bool]) -> None:
        """In turn. ``taken``: does the other screen show that it is?"""
        for _ in range(acts // 2):
            self._on_one_line("u", "Take", "yours for 12 hours", taken)
            self._on_one_line("U", "Let go", "lets go of it", lambda screen: not taken(screen))

    def note(self, text: str, seen: Callable[[Screen], bool]) -> None:
        self.one.press("m")
        self.one.until(lambda screen: "Leave it" in screen.text, "the dialog of Note")
        time.sleep(GRACE)
        self.one.press(text)
        self.one.until(lambda screen: text in screen.text, "what was typed")
        self._measure(seen, text)
        self._free()

    def _on_one_line(self, key: str, title: str, plan: str, seen: Callable[[Screen], bool]) -> None:
        refused = f"{key}  {title}:"  # the other console may have heard of the act before, before the first one
        self.one.until(lambda screen: refused not in screen.text, f"{title} to be possible")
        self.one.press(key)
        self.one.until(lambda screen: plan in screen.text, f"the plan: {plan}")
        self._measure(seen, plan)
        self._free()

    def _measure(self, seen: Callable[[Screen], bool], what: str) -> None:
        began = self.one.press(ENTER)
        self.delays.append(self.other.until(seen, f"the other console to show: {what}") - began)

    def _free(self) -> None:
        """No question stands there any more."""
        self.one.until(lambda screen: "Leave it" not in screen.text, "the end of the question")


def measure(folder: Path, tell: Callable[[str], None], share: float) -> dict[str, list[float]]:
    """Seconds of each act, by the screen of the other console."""
    (folder / "daemon").mkdir(parents=True, exist_ok=True)
    orders, acts = max(10_000, round(ORDERS * share)), max(3, round(ACTS * share))
    tell(f"a journal with {orders:,} orders")
    crowd.fill(folder / "daemon" / "journal.db", orders, time.time())
    daemon = Daemon(folder, orders)
    try:
        with _console(daemon, "--order", ORDER_ID) as one, _console(daemon, f"number:{ORDER}") as other:
            one.until(lambda screen: "u Take" in screen.text, "the order")
            other.until(lambda screen: ORDER in screen.text and "live" in screen.part(0), "the order's row")
            return _watched(Pair(one, other), acts, tell)
    finally:
        daemon.close()


@contextmanager
def _console(daemon: Daemon, *arguments: str) -> Iterator[Terminal]:
    program = [*PORTAL, "console", "--server", f"unix:{daemon.socket}", *arguments]
    terminal = Terminal(program, daemon.folder, environment(daemon.folder), *SIZE)
    try:
        yield terminal
    finally:
        terminal.close()


def _watched(pair: Pair, acts: int, tell: Callable[[str], None]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    tell(f"{acts} acts, the other on the board")
    pair.take_and_let_go(acts, _taken_on_board)
    found["board"] = pair.told()
    tell(f"{acts} acts, the other on the order")
    pair.other.press(DOWN)
    pair.other.until(lambda screen: "u Take" in screen.text, "the order in hand")
    pair.other.press(ENTER)
    pair.other.until(lambda screen: "WHAT YOU CAN DO" in screen.text and "HISTORY" in screen.text, "the order")
    pair.take_and_let_go(acts, lambda screen: "taken by" in _head(screen))
    for n in range(acts // 2):
        pair.note(f"rang {n} times", lambda screen, n=n: f"rang {n} times" in screen.text)  # type: ignore[misc]
    found["order"] = pair.told()
    tell(f"{acts} acts, the other on Audit")
    pair.other.press("9")
    pair.other.until(lambda screen: _acts(screen) > 0, "the audit")
    before = _acts(pair.other.screen())
    pair.take_and_let_go(acts, lambda screen: (_acts(screen) - before) % 2 == 1)
    found["audit"] = pair.told()
    return found


def _taken_on_board(screen: Screen) -> bool:
    """Does the column *Taken by* of the order's row say anything?"""
    lines = ["".join(cell[:1] or " " for cell in screen.cells(y)) for y in range(screen.lines)]
    heading = next((line for line in lines if "Taken by" in line), None)
    row = next((line for line in lines[4:] if ORDER in line), None)
    if heading is None or row is None:
        return False
    at = heading.index("Taken by")
    return bool(row[at : at + len("Taken by")].strip())


def _head(screen: Screen) -> str:
    """The order's line."""
    return next((line for line in screen.text.split("\n") if line.lstrip().startswith(ORDER)), "")


def _acts(screen: Screen) -> int:
    found = _COUNT.search(screen.part(2))
    return int(found[1].replace(",", "")) if found else 0
