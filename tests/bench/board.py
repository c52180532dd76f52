"""The board: how soon the console paints, and how its loop lags while two hundred orders a second change."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from console.app import ConsoleApp
from console.client.api import ApiClient
from console.client.connection import Address
from console.engine import transitions
from console.observe.crash import CrashReports
from console.observe.redact import Redactor
from console.screens.opening import ConsoleOptions
from tests.bench.past import STEPS, fill
from tests.console.api.rig import open_desk
from tests.console.cli.processes import PORTAL, environment

ORDERS = 50_000
UPDATES_PER_S = 200
SECONDS = 15.0
TICK = 0.005
BEAT = 0.05  # seconds between two bunches of updates
SIZE = (120, 40)
CURSOR_EVERY = 0.1
PATIENCE = 300.0


@dataclass(frozen=True)
class Found:
    first_paint_s: float
    lag_ms: list[float]
    cpu_share: float


def measure(folder: Path, tell: Callable[[str], None], orders: int = ORDERS) -> Found:
    """Against the API of a process of its own whose journal changes all the time."""
    (folder / "daemon").mkdir(parents=True, exist_ok=True)
    tell(f"a journal with {orders:,} orders")
    fill(folder / "daemon" / "journal.db", orders)
    with _feeder(folder, orders) as path:
        tell("the first paint")
        paints = [_first_paint(folder, path) for _ in range(3)]
        tell(f"{UPDATES_PER_S} updates/s")
        lags, share = asyncio.run(_lag(folder, path, orders))
    return Found(min(paints), lags, share)


# The other process ----------------------------------------------------------------------------------------------------


@contextmanager
def _feeder(folder: Path, orders: int) -> Iterator[Path]:
    """A process that serves the API and changes orders; gives its socket."""
    arguments = [sys.executable, "-m", __name__, str(folder), str(orders)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Path(process.stdout.readline().strip())
        finally:
            process.terminate()


async def _feed(folder: Path, orders: int) -> None:
    desk = await open_desk(folder)
    print(desk.path, flush=True)
    number, began, written = 0, time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * UPDATES_PER_S) - written
        if due:
            chosen = [1 + (number + i) * 7919 % orders for i in range(due)]
            step = STEPS[number % len(STEPS)]

            def change(db: object, chosen: list[int] = chosen, step: str = step) -> None:
                for run_id in chosen:
                    transitions.move(db, time.time(), run_id, state="running", step=step)  # type: ignore[arg-type]

            await desk.journal.write(change)
            number, written = number + due, written + due
        await asyncio.sleep(BEAT)


# The console ----------------------------------------------------------------------------------------------------------


def _first_paint(folder: Path, path: Path) -> float:
    """Seconds from the start of `portal console` on a terminal to its first characters there."""
    env = environment(folder, PORTAL_DAEMON__SOCKET__PATH=str(path), TERM="xterm-256color", LINES="40")
    ours, theirs = pty.openpty()
    began = time.perf_counter()
    with subprocess.Popen(
        [*PORTAL, "console"], cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        try:
            return _until_painted(ours, began)
        finally:
            process.terminate()
            _read_on(ours, process)
            os.close(ours)


def _until_painted(ours: int, began: float) -> float:
    seen = b""
    while time.perf_counter() - began < 60:
        if select.select([ours], [], [], 1.0)[0]:
            seen += os.read(ours, 65536)
            if b"Orders" in seen:  # the name of the board, in its frame
                return time.perf_counter() - began
    raise AssertionError(f"nothing was painted: {seen[-500:]!r}")


def _read_on(ours: int, process: "subprocess.Popen[bytes]") -> None:
    """A terminal that nobody reads would hold the process."""
    end = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                os.read(ours, 65536)
            except OSError:
                return


async def _lag(folder: Path, path: Path, orders: int) -> tuple[list[float], float]:
    async with _open(folder, path) as (app, pilot):
        end = time.monotonic() + PATIENCE
        while len(app.desk.session.book) < orders or not app.desk.session.book.complete:
            assert time.monotonic() < end, "the board never had all orders"
            await asyncio.sleep(0.1)
        await asyncio.sleep(2)
        moving = asyncio.create_task(_move(app))
        lags, cpu, began = [], time.process_time(), time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            asked = time.perf_counter()
            await asyncio.sleep(TICK)
            lags.append((time.perf_counter() - asked - TICK) * 1000)
        share = (time.process_time() - cpu) / (time.perf_counter() - began)
        moving.cancel()
        await asyncio.wait([moving])
        await pilot.pause()  # the last keys are taken while there is still a screen
        return lags, share


async def _move(app: ConsoleApp) -> None:
    """A hand on the cursor keys."""
    while True:
        for key in ("down",) * 20 + ("up",) * 20:
            app.simulate_key(key)
            await asyncio.sleep(CURSOR_EVERY)


@asynccontextmanager
async def _open(folder: Path, path: Path) -> AsyncIterator[tuple[ConsoleApp, Pilot[int]]]:
    crash = CrashReports(folder / "crashes", Redactor(), "0.0.0")
    app = ConsoleApp(ConsoleOptions(connect=lambda: ApiClient(Address(socket=path)), crash=crash))
    async with app.run_test(size=SIZE) as pilot:
        yield app, pilot


if __name__ == "__main__":
    asyncio.run(_feed(Path(sys.argv[1]), int(sys.argv[2])))
