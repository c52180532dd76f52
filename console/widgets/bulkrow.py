"""The pace of an act on many orders, and after how many failures in a row it breaks off."""

import unicodedata

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

PACE, STOP_AFTER = 2.0, 3
FASTEST, MOST = 50.0, 1000


class BulkRow(Horizontal):
    """Two numbers, read after NFKC."""

    def __init__(self) -> None:
        super().__init__(classes="field", id="dialog-bulk")
        self.pace = Input(value=f"{PACE:g}", id="dialog-pace")
        self.stop_after = Input(value=str(STOP_AFTER), id="dialog-stop-after")

    def compose(self) -> ComposeResult:
        yield Label("orders a second", markup=False)
        yield self.pace
        yield Label("  breaks off after failures in a row", id="dialog-stop-label", markup=False)
        yield self.stop_after

    def trouble(self) -> tuple[str, Input] | None:
        """What cannot be read, and where."""
        try:
            if not 0.1 <= _number(self.pace.value) <= FASTEST:
                raise ValueError
        except ValueError:
            return f"Orders a second: a number from 0.1 to {FASTEST:g}.", self.pace
        text = unicodedata.normalize("NFKC", self.stop_after.value).strip()
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
            return f"Breaks off after failures in a row: a whole number from 1 to {MOST:,}.", self.stop_after
        return None

    def values(self) -> tuple[float, int]:
        """(orders a second, failures in a row), when nothing is in trouble."""
        return _number(self.pace.value), int(unicodedata.normalize("NFKC", self.stop_after.value).strip())


def _number(text: str) -> float:
    """Raises ValueError."""
    return float(unicodedata.normalize("NFKC", text).strip())
