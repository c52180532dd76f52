"""What is measured, in which unit, and the budget of each figure (the house's §10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_CEILINGS = {"fsync_per_s", "http_per_s"}


@dataclass(frozen=True)
class Figure:
    """``key`` as in build/bench.json, dotted for a value inside an object; ``at_least`` or ``at_most``: the budget;
    ``beside``: the same figure held against what the machine could do in that minute."""

    key: str
    what: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    beside: Callable[[Mapping[str, Any]], str] | None = None

    def line(self, found: Mapping[str, Any]) -> str:
        """One line of the report."""
        value: Any = found
        for part in self.key.split("."):
            value = value[part]
        beside = self.beside(found) if self.beside and found.keys() >= _CEILINGS else ""
        shown = f"{self.what:<58} {value:>10,.{_digits(value)}f} {self.unit:<9} {self._judged(value):<24} {beside}"
        return shown.rstrip()

    def _judged(self, value: float) -> str:
        if self.at_least is not None:
            return f"budget ≥ {self.at_least:,g}{'' if value >= self.at_least else '   MISSED'}"
        if self.at_most is not None:
            return f"budget ≤ {self.at_most:,g}{'' if value <= self.at_most else '   MISSED'}"
        return ""


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2


def _of_fsync(found: Mapping[str, Any]) -> str:
    return f"{found['engine_runs_per_s'] / found['fsync_per_s']:.2f} runs in the time of one fsync"


def _of_http(found: Mapping[str, Any]) -> str:
    asked = found["provisioning_orders_per_s"] * found["calls_per_order"]
    return f"{asked:,.0f} calls/s, {asked / found['http_per_s']:.0%} of the HTTP ceiling"


def _console(size: str, rate: int) -> tuple[Figure, ...]:
    """Of the board in a terminal of this size at so many updates a second."""
    key, what = f"console.{size}.at_{rate}", f"board {size}, {rate:,} updates/s"
    return (
        Figure(f"{key}.key_ms.p95", f"{what}: key → changed bytes, p95", "ms", at_most=50),
        Figure(f"{key}.key_ms.p99", f"{what}: key → changed bytes, p99", "ms", at_most=120),
        Figure(f"{key}.visible_ms.p95", f"{what}: event committed → visible, p95", "ms", at_most=250),
        Figure(f"{key}.lag_ms.p95", f"{what}: loop lag, p95", "ms", at_most=10),
        Figure(f"{key}.core", f"{what}: share of a core", "", at_most=0.25 if rate == 200 else None),
    )


FIGURES = (
    Figure("fsync_per_s", "this machine: fsync of 4 KiB", "/s"),
    Figure("http_per_s", "this machine: HTTP requests, 50 at once, trivial server", "/s"),
    Figure("engine_runs_per_s", "engine: durable runs of 8 null steps", "runs/s", at_least=800, beside=_of_fsync),
    Figure(
        "provisioning_orders_per_s", "whole provisioning against the sandbox", "orders/s", at_least=20, beside=_of_http
    ),
    Figure("calls_per_order", "outside calls of one order", "calls"),
    Figure("cpu_ms_per_order.daemon", "CPU of one order: the daemon, which works on one core", "ms"),
    Figure("cpu_ms_per_order.sandbox", "CPU of one order: the sandbox, on another", "ms"),
    Figure("event_to_call_ms.p50", "event published → first outside call, 50/s, p50", "ms", at_most=10),
    Figure("event_to_call_ms.p99", "event published → first outside call, 50/s, p99", "ms", at_most=50),
    Figure("catch_up_s", "10,000 missed events journaled", "s", at_most=2),
    Figure("daemon_ready_s", "daemon ready, 100,000 past orders", "s", at_most=1.5),
    Figure("daemon_rss_mb", "daemon memory, 100,000 past orders", "MB", at_most=120),
    Figure("first_paint_s", "console: first paint", "s", at_most=0.7),
    Figure("console.complete_board_s", "console: first complete board, 50,000 orders", "s", at_most=2),
    *(figure for size in ("120x40", "200x60") for rate in (200, 1000) for figure in _console(size, rate)),
    Figure("console.filter_ms.p95", "console: key in the filter line → result, p95", "ms", at_most=150),
    Figure("console.section_lag_ms", "console: longest lag of a section's first visit", "ms"),
    Figure("console.catch_up_s", "console: caught up, 20,000 events behind", "s", at_most=2),
    Figure("console.catch_up_lag_ms", "console: longest lag while it catches up", "ms", at_most=100),
    Figure("console.growth_mb", "console: growth after 720,000 events", "MB", at_most=30),
    Figure("two_consoles.seen_s.p95", "two consoles: act → seen by the other, p95", "s", at_most=0.5),
    Figure("console.control.visible_ms.p95", "control, nothing flushed: event committed → visible, p95", "ms"),
)


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0…1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
