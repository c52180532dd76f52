"""Numbers for Prometheus, one registry for each daemon."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_CALL_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 900, 3600)


class Metrics:
    """What a daemon counts. Labels are names of systems, operations, states and outcomes, never ids."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._runs = Gauge("portal_runs", "Runs by state", ["state"], registry=registry)
        self._calls = Counter(
            "portal_calls", "Finished outside calls", ["system", "operation", "outcome"], registry=registry
        )
        self._call_seconds = Histogram(
            "portal_call_seconds",
            "Duration of outside calls",
            ["system", "operation"],
            buckets=_CALL_BUCKETS,
            registry=registry,
        )
        self._queues = Gauge("portal_queue_depth", "Things waiting, by queue", ["queue"], registry=registry)
        self._feed = Gauge("portal_feed_seq", "Sequence number of the newest feed row", registry=registry)
        self._lag = Histogram(
            "portal_event_lag_seconds",
            "From the publishing of an event to its row in the journal",
            buckets=_LAG_BUCKETS,
            registry=registry,
        )
        self._events = Counter(
            "portal_events", "Platform events by what became of them", ["outcome"], registry=registry
        )
        self._up = Gauge(
            "portal_integration_up",
            "1 while an integration is neither paused nor broken",
            ["system"],
            registry=registry,
        )

    def call_finished(self, system: str, operation: str, outcome: str, seconds: float) -> None:
        """``outcome`` is "ok" or the class of the failure."""
        self._calls.labels(system, operation, outcome).inc()
        self._call_seconds.labels(system, operation).observe(seconds)

    def runs(self, by_state: Mapping[str, int]) -> None:
        """The runs of every state; a state not named any more has none."""
        for (state,) in self._seen(self._runs) - {(state,) for state in by_state}:
            self._runs.labels(state).set(0)
        for state, count in by_state.items():
            self._runs.labels(state).set(count)

    def queue_depth(self, queue: str, count: int) -> None:
        self._queues.labels(queue).set(count)

    def feed_at(self, sequence: int) -> None:
        self._feed.set(sequence)

    def event_taken(self, outcome: str, lag: float | None = None) -> None:
        """``outcome`` is "new", "duplicate" or "poison"; ``lag`` in seconds where the event tells when it was made."""
        self._events.labels(outcome).inc()
        if lag is not None:
            self._lag.observe(max(lag, 0.0))

    def integration(self, system: str, up: bool) -> None:
        self._up.labels(system).set(1 if up else 0)

    def render(self) -> bytes:
        """The text that a Prometheus server reads."""
        return generate_latest(self._registry)

    @staticmethod
    def _seen(gauge: Gauge) -> set[tuple[str, ...]]:
        return {tuple(sample.labels.values()) for metric in gauge.collect() for sample in metric.samples}
