"""Somebody who knows nothing: only keys that stand on the screen at that moment are pressed, and each press counts."""

import re
import time

from tests.e2e.walks.terminal import PATIENCE, Terminal

BYTES = {"⏎": "\r", "esc": "\x1b", "tab": "\t", "space": " ", "^p": "\x10", "^t": "\x14", "^l": "\x0c", "↓": "\x1b[B"}
_BUTTON = re.compile(r"(?:^|\s)(\S[^│]*?)  (esc|⏎)(?=\s|$)")
_ENTRY = re.compile(r"\s{2,}")


READS = 0.8  # seconds a dialog stands before a person answers it; it ignores what comes in its first half second


class NotOffered(AssertionError):
    """The key is not on the screen."""


class Walker:
    """``pressed``: every key that was pressed, in order; what is typed or pasted is free."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.pressed: list[str] = []

    def offers(self) -> list[tuple[str, str]]:
        """(key, what the screen says it does). While a dialog stands only its own count."""
        rows = [row for row in self.terminal.rows() if row.strip()]
        if (buttons := _dialog_buttons(rows)) is not None:
            return buttons
        found: list[tuple[str, str]] = []
        for row in (*rows[1:3], rows[-1]):
            for entry in _ENTRY.split(row.strip()):
                key, _, title = entry.strip("[]").partition(" ")
                found.append((key, title))
        if any("an arrow key takes" in row for row in rows):
            found.append(("↓", "takes"))
        return found

    def press(self, key: str, title: str, *, seconds: float = PATIENCE) -> None:
        """Wait until the screen offers ``key`` for what begins with ``title``, then press it."""
        end = time.monotonic() + seconds
        while not any(one == key and does.startswith(title) for one, does in self.offers()):
            if time.monotonic() > end:
                raise NotOffered(f"{key} {title} is not among {self.offers()}:\n{self.terminal.text}")
            time.sleep(0.02)
        self._read()
        self.pressed.append(key)
        self.terminal.send(BYTES.get(key, key))

    def _read(self) -> None:
        if _dialog_buttons(self.terminal.rows()) is not None:
            time.sleep(READS)

    def type(self, text: str) -> None:
        self._read()
        self.terminal.send(text)

    def sees(self, *words: str, seconds: float = PATIENCE) -> str:
        return self.terminal.shows(*words, seconds=seconds)


def _dialog_buttons(rows: list[str]) -> list[tuple[str, str]] | None:
    """What the buttons of a dialog say; None when none stands."""
    line = next((row for row in reversed(rows) if "Leave it  esc" in row), None)
    if line is None:
        return None
    framed = re.search(r"│(.*)│", line)
    return [(key, title.strip()) for title, key in _BUTTON.findall(framed[1] if framed else line)]
