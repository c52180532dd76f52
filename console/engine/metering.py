"""What the engine tells whoever counts: names of systems, operations and outcomes, never ids."""

from typing import Protocol


class Meter(Protocol):
    """As ``console.observe.metrics.Metrics``; the engine itself counts nothing."""

    def call_finished(self, system: str, operation: str, outcome: str, seconds: float) -> None: ...

    def event_taken(self, outcome: str, lag: float | None = None) -> None: ...


class Unmetered:
    """Nobody counts."""

    def call_finished(self, system: str, operation: str, outcome: str, seconds: float) -> None:
        return

    def event_taken(self, outcome: str, lag: float | None = None) -> None:
        return
