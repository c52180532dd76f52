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


FIGURES = (
    Figure("fsync_per_s", "this machine: fsync of 4 KiB", "/s"),
    Figure("http_per_s", "this machine: HTTP requests, 50 at once, trivial server", "/s"),
    Figure("engine_runs_per_s", "engine: durable runs of 8 null steps", "runs/s", at_least=800, beside=_of_fsync),
    Figure(
        "provisioning_orders_per_s", "whole provisioning against the sandbox", "orders/s", at_least=20, beside=_of_http
    ),
    Figure("calls_per_order", "outside calls of one order", "calls"),
    Figure("event_to_call_ms.p50", "event published → first outside call, 50/s, p50", "ms", at_most=10),
    Figure("event_to_call_ms.p99", "event published → first outside call, 50/s, p99", "ms", at_most=50),
    Figure("catch_up_s", "10,000 missed events journaled", "s", at_most=2),
    Figure("daemon_ready_s", "daemon ready, 100,000 past orders", "s", at_most=1.5),
    Figure("daemon_rss_mb", "daemon memory, 100,000 past orders", "MB", at_most=120),
    Figure("first_paint_s", "console: first paint", "s", at_most=0.7),
    Figure("board_lag_ms.p50", "board: loop lag, 200 updates/s over 50,000 orders, p50", "ms"),
    Figure("board_lag_ms.p95", "board: loop lag, 200 updates/s over 50,000 orders, p95", "ms", at_most=10),
    Figure("board_lag_ms.p99", "board: loop lag, 200 updates/s over 50,000 orders, p99", "ms"),
)


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0…1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
