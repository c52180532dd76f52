"""`make bench`: measure all, print each figure beside its budget, write build/bench.json.

`python -m tests.bench engine console` measures only these (ceilings, engine, provisioning, daemon, console,
two_consoles) and writes nothing.
`--quick` does a twentieth of everything, to see that it runs: its figures say little and go to build/bench-quick.json.
"""

import gc
import json
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from console import collector
from tests.bench import ceilings, console_pty, daemon_start, engine_runs, provisioning, two_consoles
from tests.bench.budgets import FIGURES, percentile

BUILD = Path(__file__).resolve().parents[2] / "build"
ENGINE_ROUNDS = 3
ENGINE_RUNS = 3000
QUICK = "--quick"


def main(wanted: list[str]) -> int:
    """Returns the exit code: 0 measured, 1 a measurement failed, 2 no such measurement. A missed budget is no error."""
    share = 0.05 if QUICK in wanted else 1.0
    wanted = [name for name in wanted if name != QUICK]
    measurements: dict[str, Callable[[Path, float], dict[str, Any]]] = {
        "ceilings": _ceilings, "engine": _engine, "provisioning": _provisioning, "daemon": _daemon, "console": _console,
        "two_consoles": _two_consoles,
    }  # fmt: skip
    if unknown := [name for name in wanted if name not in measurements]:
        print(f"no such measurement: {', '.join(unknown)}; there are {', '.join(measurements)}", file=sys.stderr)
        return 2
    found: dict[str, Any] = {}
    failed: list[str] = []
    for name in wanted or measurements:
        try:
            found |= _in_a_folder(name, measurements[name], share)
        except Exception:  # noqa: BLE001 -- the others can be measured all the same; it is told again at the end
            failed.append(name)
            traceback.print_exc()
    print()
    for figure in FIGURES:
        if figure.key.partition(".")[0] in found:
            print(figure.line(found))
    if failed:
        print(f"\nnot measured: {', '.join(failed)}", file=sys.stderr)
        return 1
    if not wanted:
        file = BUILD / ("bench.json" if share == 1.0 else "bench-quick.json")
        file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"\nwritten to {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")
    return 0


def _in_a_folder(name: str, measure: Callable[[Path, float], dict[str, Any]], share: float) -> dict[str, Any]:
    """On the disk of this checkout: a temporary folder may be memory, where fsync costs nothing."""
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=BUILD))
    try:
        return measure(folder, share)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _part(count: int, share: float) -> int:
    return max(1, round(count * share))


def _tell(name: str) -> Callable[[str], None]:
    return lambda sentence: print(f"{name}: {sentence} …", file=sys.stderr, flush=True)


def _ceilings(folder: Path, share: float) -> dict[str, Any]:
    _tell("ceilings")("fsync and HTTP of this machine")
    return {
        "fsync_per_s": round(ceilings.fsync_per_s(folder), 1),
        "http_per_s": round(ceilings.http_per_s(_part(4000, share)), 1),
    }


def _engine(folder: Path, share: float) -> dict[str, Any]:
    _tell("engine")("null workflow, best of three rounds")
    rounds, before = [], gc.get_threshold()
    collector.calm()  # as the daemon does
    try:
        for n in range(ENGINE_ROUNDS):
            with ceilings.new_loop() as runner:
                rounds.append(runner.run(engine_runs.measure(folder / f"journal-{n}.db", _part(ENGINE_RUNS, share))))
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
    return {"engine_runs_per_s": round(max(rounds), 1)}


def _provisioning(folder: Path, share: float) -> dict[str, Any]:
    found = provisioning.measure(folder, _tell("provisioning"), share)
    calls = ", ".join(f"{name} {count:.2f}" for name, count in found.calls.items())
    print(f"calls of an order: {calls}", file=sys.stderr)
    delays = found.event_to_call_ms
    return {
        "provisioning_orders_per_s": round(found.orders_per_s, 2),
        "calls_per_order": round(found.calls_per_order, 2),
        "cpu_ms_per_order": {name: round(ms, 1) for name, ms in found.cpu_ms_per_order.items()},
        "event_to_call_ms": {"p50": round(percentile(delays, 0.5), 2), "p99": round(percentile(delays, 0.99), 2)},
        "catch_up_s": round(found.catch_up_s, 3),
    }


def _daemon(folder: Path, share: float) -> dict[str, Any]:
    found = daemon_start.measure(folder, _tell("daemon"), _part(daemon_start.PAST, share))
    return {"daemon_ready_s": round(found.ready_s, 3), "daemon_rss_mb": round(found.rss_mb, 1)}


def _console(folder: Path, share: float) -> dict[str, Any]:
    found = console_pty.measure(folder, _tell("console"), console_pty.amounts(share))
    # the two figures of earlier files keep their names
    return {
        "first_paint_s": found["first_paint_s"], "board_lag_ms": found["120x40"]["at_200"]["lag_ms"], "console": found
    }  # fmt: skip


def _two_consoles(folder: Path, share: float) -> dict[str, Any]:
    delays = two_consoles.measure(folder, _tell("two consoles"), share)
    by_screen = ", ".join(f"{screen} {percentile(found, 0.95):.2f} s" for screen, found in delays.items())
    print(f"act → seen by the other, p95 by its screen: {by_screen}", file=sys.stderr)
    every = [delay for found in delays.values() for delay in found]
    return {"two_consoles": {"seen_s": {f"p{n}": round(percentile(every, n / 100), 3) for n in (50, 95)}}}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
