"""How often Python looks for cycles in a process that holds many small things for a moment, and few for long."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Python's own (700, 10, 10) walks what some hundred runs under way hold several times a second: a fifth of their time.
YOUNG, MIDDLE, OLD = 10_000, 20, 20


def calm() -> None:
    """Never walk again what was loaded (that stops the loop for tens of milliseconds), and the rest more rarely."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    gc.enable()


@contextmanager
def resting() -> Iterator[None]:
    """While thousands of things come that all stay: looking for cycles among them takes longer than reading them."""
    gc.disable()
    try:
        yield
    finally:
        calm()
