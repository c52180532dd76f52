"""Reasons of our own for which no guarded call may leave now (clock, ownership, disk, integrity check, observe)."""

from collections.abc import Callable

from console.engine.failures import Condition, NotNow


class Holds:
    """Reasons by name; each is set and lifted by whoever watches it."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._watchers: list[Callable[[], None]] = []

    def watch(self, look: Callable[[], None]) -> None:
        """Have ``look`` set what it finds right before each check: what is noticed every few seconds may come too late."""
        self._watchers.append(look)

    def set(self, name: str, reason: str) -> None:
        self._reasons[name] = reason

    def lift(self, name: str) -> None:
        self._reasons.pop(name, None)

    def reasons(self) -> dict[str, str]:
        return dict(self._reasons)

    def check(self) -> None:
        """Raises NotNow while any reason stands."""
        for look in self._watchers:
            look()
        if self._reasons:
            raise NotNow("guarded", "; ".join(self._reasons.values()), condition=Condition("lifted", "guarded"))
