"""How soon a daemon is ready, and how much memory it has, with a long past in its journal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.past import fill
from tests.bench.servers import daemon, notified, sandbox
from tests.console.cli.processes import running

PAST = 100_000
STARTS = 3
SETTLING = 5.0  # seconds until housekeeping, poll and session have run once


@dataclass(frozen=True)
class Found:
    ready_s: float
    rss_mb: float


def measure(folder: Path, tell: Callable[[str], None], past: int = PAST) -> Found:
    """The best of a few starts, from the start of the process to its word to systemd; memory when all parts work."""
    with sandbox(folder, customers=60) as world:
        tell(f"a journal with {past:,} orders")
        fill(world.journal, past)
        times = []
        for attempt in range(STARTS):
            with notified(folder / f"start-{attempt}") as (env, ready):
                began = time.perf_counter()
                arguments = ["daemon", "--config", str(world.config)]
                with running(folder, f"start-{attempt}", arguments, {**world.env, **env}) as process:
                    ready()
                    times.append(time.perf_counter() - began)
                    process.stop()
        tell("its memory")
        with daemon(world, "settled") as process:
            time.sleep(SETTLING)
            rss = psutil.Process(process.process.pid).memory_info().rss
        return Found(min(times), rss / 1024 / 1024)
