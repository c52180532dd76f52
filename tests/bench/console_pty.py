"""The installed console in a terminal, against a daemon's API in another process whose orders change all the time."""

import signal
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tests.bench import crowd, watched
from tests.bench.boards import BACK, DOWN, KEY_EVERY, LOST, UP, Board, Daemon
from tests.bench.budgets import percentile
from tests.bench.terminal import Screen, Terminal

ORDERS = 50_000
SIZES = ((120, 40), (200, 60))
RATES = (200, 1_000)
SECONDS = 10.0
SETTLE = 1.0  # seconds between the start of the changes and the start of the measurement
FAR_BEHIND = 20_000
MANY = 720_000
FIRST_ROW, STROKES = 8, 12  # the cursor moves between this row and so many below
VISIBLE_MS = 250  # the budget that the control must miss
SECTIONS = (("2", "Approvals"), ("3", "Failures"), ("!", "Needs"), ("7", "Events"), ("8", "Health"), ("9", "Audit"), ("0", "Doctor"))  # fmt: skip


@contextmanager
def _board(daemon: Daemon, name: str, size: tuple[int, int]) -> Iterator[Board]:
    board = Board(daemon, name, size)
    try:
        yield board
    finally:
        board.terminal.close()


# Measuring ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Live:
    """Milliseconds of each, and the share of a core. ``unseen``: changes of visible rows that were never painted."""

    key: list[float]
    visible: list[float]
    lag: list[float]
    core: float
    unseen: int
    told: dict[str, Any]


def live(board: Board, per_s: float, seconds: float) -> Live:
    """Change orders for so long, while the cursor moves."""
    terminal, daemon = board.terminal, board.daemon
    seen = [int(number) for number in board.numbers()]
    assert seen, "no row was painted"
    daemon.tell("change", per_s=per_s, seen=seen)
    time.sleep(SETTLE)
    row = board.cursor(terminal.screen(), set(range(terminal.lines)))
    assert row is not None, "no order is in hand"
    begin = time.monotonic()
    pressed = list(_strokes(terminal, begin + seconds, row))
    end = time.monotonic()
    told = daemon.tell("stop")
    time.sleep(SETTLE)
    moves, shown = _seen(board)
    lags = board.samples(begin, end)
    delays = [_since(shown.get(run, []), tries, at) for run, tries, at in told["seen"] if at >= begin]
    core = (lags[-1].cpu - lags[0].cpu) / (lags[-1].at - lags[0].at)
    visible = [1000 * (LOST if delay is None else delay) for delay in delays]
    key = [1000 * delay for delay in _answered(pressed, moves)]
    return Live(key, visible, [1000 * sample.lag for sample in lags], core, delays.count(None), told)


def _strokes(terminal: Terminal, end: float, row: int) -> Iterator[tuple[float, int]]:
    """A hand on the cursor keys: when each key was pressed, and the row the cursor should be in then."""
    by = 1
    while time.monotonic() < end:
        by = 1 if row <= FIRST_ROW else -1 if row >= FIRST_ROW + STROKES else by
        row += by
        yield terminal.press(DOWN if by > 0 else UP), row
        time.sleep(KEY_EVERY)


def _seen(board: Board) -> tuple[list[tuple[float, int]], dict[int, list[tuple[float, int]]]]:
    """From what was painted: when the cursor came into which row; and for each run when its row said how many tries."""
    moves: list[tuple[float, int]] = []
    shown: dict[int, list[tuple[float, int]]] = {}
    for at, screen, lines in board.terminal.replay():
        row = board.cursor(screen, lines)
        if row is not None and (not moves or moves[-1][1] != row):
            moves.append((at, row))
        for y in lines:
            number, tries = board.row(screen, y)
            if tries.isdigit():
                said = shown.setdefault(int(number), [])
                if not said or said[-1][1] < int(tries):
                    said.append((at, int(tries)))
    return moves, shown


def _since(said: list[tuple[float, int]], tries: int, at: float) -> float | None:
    """Seconds from ``at`` until so many tries (or more) were shown; None: never."""
    i = bisect_left(said, tries, key=lambda one: one[1])
    return max(0.0, said[i][0] - at) if i < len(said) else None


def _answered(pressed: list[tuple[float, int]], moves: list[tuple[float, int]]) -> list[float]:
    """Seconds from each key to the painting that shows the cursor where it, or a later key, put it."""
    delays: list[float] = []
    for at, row in moves:
        waiting = list(islice(pressed, len(delays), len(delays) + STROKES))
        for n, (when, expected) in enumerate(waiting):
            if expected == row and when <= at:
                delays += [at - sent for sent, _ in waiting[: n + 1]]
                break
    return delays + [LOST] * (len(pressed) - len(delays))


def _filtering(board: Board) -> list[float]:
    """Milliseconds from a key in the filter line to what it finds, while orders change."""
    terminal = board.terminal
    terminal.press("/")
    time.sleep(SETTLE)
    for letter in " amount>1":
        terminal.press(letter)
        time.sleep(KEY_EVERY)
    time.sleep(2 * SETTLE)
    delays: list[float] = []
    for key in ("0000" + 4 * BACK) * 3:
        before = board.found(terminal.screen())
        assert before > 0, f"the filter was not read:\n{terminal.screen().text}"
        pressed = terminal.press(key)
        enough = before * 0.12
        answered = terminal.until(lambda s, b=before, e=enough: abs(board.found(s) - b) > e, f"the answer to {key!r}")  # type: ignore[misc]
        delays.append(1000 * (answered - pressed))
        time.sleep(2 * KEY_EVERY)
    terminal.press("\x1b")
    terminal.until(lambda screen: "amount" not in screen.part(2), "the filter before")
    return delays


def _catch_up(board: Board, behind: int) -> tuple[float, float]:
    """Stop the console, let it fall behind, let it go on: seconds until the last change is painted, and the longest lag
    (ms)."""
    process, seen = board.terminal.process, int(board.numbers()[-1])
    process.send_signal(signal.SIGSTOP)
    try:
        told = board.daemon.tell("burst", count=behind, each=1, last=seen)
    finally:
        process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    painted = board.terminal.until(lambda screen: _says(board, screen, seen, told["tries"]), "the last change")
    samples = board.samples(began, painted + SETTLE)
    # the first one slept while the process was stopped: late is what it was after the process could go on
    lags = [min(sample.lag, sample.at - began) for sample in samples]
    return painted - began, 1000 * max(lags)


def _says(board: Board, screen: Screen, run: int, tries: int) -> bool:
    return any(board.row(screen, y) == (f"{run:08d}", str(tries)) for y in range(screen.lines))


def _growth(board: Board, count: int) -> float:
    """MB that the console's memory grew by while so many changes went through it."""
    seen = int(board.numbers()[-1])
    before = _memory(board)
    under_way: list[int] = []
    for _ in range(0, count, crowd.BURST):
        if len(under_way) > 1:
            _reached(board, under_way.pop(0))
        under_way.append(board.daemon.tell("burst", count=crowd.BURST, each=4, last=seen)["seq"])
    _reached(board, under_way[-1])
    return _memory(board) - before


def _memory(board: Board) -> float:
    now = time.monotonic()
    return min(sample.rss for sample in board.samples(now - SETTLE, now)) / 1e6


def _reached(board: Board, seq: int) -> None:
    end = time.monotonic() + 60
    while (newest := watched.last(board.samples_file)) is None or newest.seq < seq:
        assert time.monotonic() < end, f"the console never came to {seq}"
        time.sleep(0.01)


def _same(board: Board, seconds: float = 20.0) -> None:
    """Fails unless the rows on the screen are those that the journal names."""
    board.terminal.press("\x1b[H")
    rows = len(board.numbers())

    def true(screen: Screen) -> bool:
        painted = [board.row(screen, y) for y in range(screen.lines)]
        listed = [row for row in painted if row[0]]
        wanted = board.daemon.top(rows)
        states = [screen.part(y) for y, row in enumerate(painted) if row[0]]
        return listed == [(number, tries) for number, _, tries in wanted] and all(
            state in text for (_, state, _), text in zip(wanted, states, strict=True)
        )

    board.terminal.until(true, f"the rows of the journal: {board.daemon.top(rows)}", seconds)


def _sections(board: Board) -> float:
    """The longest lag (ms) of a section's first visit."""
    begin = time.monotonic()
    for key, title in (*SECTIONS, ("1", "Orders")):
        board.terminal.press(key)
        board.terminal.until(lambda screen, t=f"[{key} {title}": t in screen.part(1), f"the section {title}")  # type: ignore[misc]
        time.sleep(3 * KEY_EVERY)
    return 1000 * max(sample.lag for sample in board.samples(begin, time.monotonic()))


@dataclass(frozen=True)
class Amounts:
    """How much is measured: the whole, or a share of it to see that it runs."""

    orders: int = ORDERS
    seconds: float = SECONDS
    behind: int = FAR_BEHIND
    many: int = MANY


def amounts(share: float) -> Amounts:
    """``share`` 0…1 of everything."""
    behind = max(crowd.BURST, round(FAR_BEHIND * share))
    return Amounts(
        max(10_000, round(ORDERS * share)), max(3.0, SECONDS * share), behind, max(behind, round(MANY * share))
    )


def measure(folder: Path, tell: Callable[[str], None], much: Amounts) -> dict[str, Any]:
    """The figures of the console, by their keys."""
    (folder / "daemon").mkdir(parents=True, exist_ok=True)
    tell(f"a journal with {much.orders:,} orders")
    crowd.fill(folder / "daemon" / "journal.db", much.orders, time.time())
    daemon = Daemon(folder, much.orders)
    try:
        return _measure(daemon, tell, much)
    finally:
        daemon.close()


def _measure(daemon: Daemon, tell: Callable[[str], None], much: Amounts) -> dict[str, Any]:
    tell("the start")
    starts = [_start(daemon) for _ in range(3)]
    found: dict[str, Any] = {
        "first_paint_s": round(min(start[0] for start in starts), 3),
        "complete_board_s": round(min(start[1] for start in starts), 3),
    }
    for size in SIZES:
        name = "x".join(map(str, size))
        with _board(daemon, name, size) as board:
            board.wait(daemon.listed())
            if size != SIZES[0]:
                tell("the first visit of each section")
                found["section_lag_ms"] = round(_sections(board), 1)
            board.take(FIRST_ROW)
            found[name] = {}
            for rate in RATES:
                tell(f"{rate:,} updates/s, {name}")
                found[name][f"at_{rate}"] = _figures(live(board, rate, much.seconds))
            if size == SIZES[0]:
                found |= _once(board, tell, much)
            tell(f"the rows on the screen against the journal, {name}")
            _same(board)
    tell("the control: nothing is flushed")
    found["control"] = _control(daemon)
    return found


def _start(daemon: Daemon) -> tuple[float, float]:
    board = Board(daemon, "start", SIZES[0], installed=True)
    try:
        return board.wait(daemon.listed())
    finally:
        board.terminal.close()


def _once(board: Board, tell: Callable[[str], None], much: Amounts) -> dict[str, Any]:
    tell("keys in the filter line")
    board.daemon.tell("change", per_s=RATES[0], seen=[int(number) for number in board.numbers()])
    filtering = _filtering(board)
    board.daemon.tell("stop")
    tell(f"{much.behind:,} events behind")
    caught_up, lag = _catch_up(board, much.behind)
    tell(f"{much.many:,} events")
    return {
        "filter_ms": _shares(filtering), "catch_up_s": round(caught_up, 3), "catch_up_lag_ms": round(lag, 1),
        "growth_mb": round(_growth(board, much.many), 1),
    }  # fmt: skip


def _figures(found: Live) -> dict[str, Any]:
    told = found.told
    assert len(told["seen"]) >= 0.2 * told["written"], "too few changes of visible rows"
    assert told["moved"] >= 0.3 * told["written"], "too few changes of the sort key or the filter"
    return {
        "key_ms": _shares(found.key), "visible_ms": _shares(found.visible), "lag_ms": _shares(found.lag),
        "core": round(found.core, 3), "unseen": found.unseen, "updates": told["written"],
    }  # fmt: skip


def _shares(values: list[float]) -> dict[str, float]:
    return {f"p{share}": round(percentile(values, share / 100), 1) for share in (50, 95, 99)}


def _control(daemon: Daemon) -> dict[str, Any]:
    """With flushing off the budgets must be missed: the figures of that; fails when they are kept."""
    with _board(daemon, "control", SIZES[0]) as board:
        board.wait(daemon.listed())
        board.take(FIRST_ROW)
        board.terminal.process.send_signal(signal.SIGUSR1)
        found = live(board, RATES[0], SECONDS / 2)
        late = percentile(found.visible, 0.95)
        assert late > VISIBLE_MS, f"nothing is flushed, and changes are painted within {late:.0f} ms all the same"
        try:
            _same(board, 3.0)
        except AssertionError:
            return {"visible_ms": _shares(found.visible), "unseen": found.unseen}
        raise AssertionError("nothing is flushed, and the rows are those of the journal all the same")
