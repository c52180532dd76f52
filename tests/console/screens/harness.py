"""Run the board over a synthetic book at a given rate of updates and measure the loop; for the benchmarks."""

import asyncio
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.app import ConsoleApp
from console.client.views import View
from console.schema.book import COLUMNS
from console.widgets.ordertable import OrderTable
from tests.console.screens import world
from tests.console.screens.canned import CannedApi
from tests.console.screens.conftest import options_for, until

PROBE = 0.005  # seconds a probe sleeps; what it oversleeps is the lag
_STATES = (("done", "vvvvvvv"), ("failed", "vv-vx.."), ("parked", "v~....."), ("running", "vv-v>.."))


@dataclass(frozen=True)
class Measured:
    """Lags in milliseconds, CPU as a share of one core, ``ready`` seconds until the board was complete."""

    p50: float
    p95: float
    p99: float
    cpu: float
    ready: float
    applied: int
    in_hand_kept: bool


def synthetic(count: int) -> list[list[Any]]:
    """Rows of the book for so many orders."""
    base = dict(zip(COLUMNS, world.ROWS[5], strict=True))
    rows = []
    for n in range(count):
        state, strip = _STATES[n % len(_STATES)]
        row = base | {
            "order_id": f"801{n:012d}AAA",
            "number": f"{n:08d}",
            "state": state,
            "strip": strip,
            "run_id": n + 1,
            "version": 1,
            "updated": world.NOW - n,
        }
        rows.append([row[name] for name in COLUMNS])
    return rows


async def measure_board(
    folder: Path, *, count: int = 50_000, rate: int = 200, seconds: float = 5.0, size: tuple[int, int] = (120, 40),
    filter_text: str = "", seed: int = 1,
) -> Measured:  # fmt: skip
    """``rate`` changed orders a second, delivered every 100 ms; a row is in hand all the time."""
    chance, rows = random.Random(seed), synthetic(count)
    api = CannedApi(rows)
    app = ConsoleApp(options_for(lambda: api, folder, view=View("", filter_text)))
    began = time.monotonic()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.desk.session.book.complete and app.desk.session.me is not None)
        ready = time.monotonic() - began
        await pilot.press("down", "down", "down")
        table = app.screen.query_one("#orders", OrderTable)
        in_hand = table.in_hand
        lags: list[float] = []
        probe = asyncio.create_task(_probe(lags))
        cpu, end = time.process_time(), time.monotonic() + seconds
        seq = await _feed(api, rows, chance, rate, end)
        share = (time.process_time() - cpu) / seconds
        await until(pilot, lambda: bool(lags))
        probe.cancel()
        await until(pilot, lambda: app.desk.session.book.seq == seq)
        kept = table.in_hand == in_hand
    lags.sort()
    p50, p95, p99 = (lags[min(len(lags) - 1, int(len(lags) * q))] * 1000 for q in (0.5, 0.95, 0.99))
    return Measured(p50, p95, p99, cpu=share, ready=ready, applied=seq - 100, in_hand_kept=kept)


async def _probe(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(PROBE)
        lags.append(time.perf_counter() - before - PROBE)


async def _feed(api: CannedApi, rows: list[list[Any]], chance: random.Random, rate: int, end: float) -> int:
    seq = 100
    while time.monotonic() < end:
        for _ in range(max(1, rate // 10)):
            seq += 1
            row = dict(zip(COLUMNS, chance.choice(rows), strict=True))
            state, strip = chance.choice(_STATES)
            row |= {"state": state, "strip": strip, "version": seq, "updated": world.NOW + seq}
            api.feed.put(
                {"seq": seq, "prev": seq - 1, "epoch": 1, "at": world.NOW, "kind": "run", "order_id": row["order_id"], "row": [row[name] for name in COLUMNS]}
            )  # fmt: skip
        await asyncio.sleep(0.1)
    return seq
