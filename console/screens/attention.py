"""What waits for a person, told on every screen: the count, a bell and the terminal's title when it grows."""

from collections.abc import Callable
from dataclasses import dataclass


def _nothing() -> None:
    return None


def _nowhere(title: str) -> None:
    return None


@dataclass
class Attention:
    """``count`` None: never heard. ``ring`` sounds the bell, ``entitle`` sets the terminal's title."""

    ring: Callable[[], None] = _nothing
    entitle: Callable[[str], None] = _nowhere
    count: int | None = None

    def heard(self, count: int) -> None:
        """The daemon's newest count. The first one rings nothing: it was there before anybody looked."""
        before, self.count = self.count, count
        if count == before:
            return
        if before is not None and count > before:
            self.ring()
        self.entitle(title(count))


def title(count: int) -> str:
    """What the terminal's title says."""
    return f"({count}) portal: {count} {'needs' if count == 1 else 'need'} a person" if count else "portal"
