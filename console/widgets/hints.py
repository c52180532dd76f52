"""Bars of things that can be clicked: the sections with their digits, and the keys that help on this screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events

from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Piece
from console.widgets.sheet import Bar


@dataclass(frozen=True)
class Hint:
    """One entry: ``key`` as shown, what it does, and the action a click runs. ``off``: greyed, not possible now.

    ``must``: the others give way to it where there is no room for all.
    """

    key: str
    title: str
    action: str
    off: bool = False
    tone: str = "muted"
    strong: bool = False
    must: bool = False


class HintBar(Bar):
    """Entries from the left as far as they fit; ``last`` stands at the right edge."""

    DEFAULT_CSS = "HintBar { height: 1; }"

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id, ellipsis=glyphs.ellipsis)
        self._glyphs = glyphs
        self._hints: Sequence[Hint] = ()
        self._last: Hint | None = None
        self._actions: list[tuple[int, int, str]] = []

    def show(self, hints: Sequence[Hint], last: Hint | None = None) -> None:
        if (hints, last) != (self._hints, self._last):
            self._hints, self._last = hints, last
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        self._actions = []
        line: list[Piece] = [(" ", "plain")]
        at = 1
        end = self._pieces(self._last) if self._last is not None else []
        for hint in self._fitting(width - _cells(end) - 2):
            pieces = self._pieces(hint)
            size = _cells(pieces)
            self._actions.append((at, at + size, hint.action))
            line += [*pieces, ("  ", "plain")]
            at += size + 2
        if end and self._last is not None:
            start = max(at, width - _cells(end) - 1)
            line += [(" " * (start - at), "plain"), *end]
            self._actions.append((start, start + _cells(end), self._last.action))
        self.set_lines([line])

    def _fitting(self, room: int) -> list[Hint]:
        """Those that have to be there, and of the others as many as there is room for, in their order."""
        sizes = {hint: _cells(self._pieces(hint)) + 2 for hint in self._hints}
        room -= sum(size for hint, size in sizes.items() if hint.must)
        fitting: list[Hint] = []
        for hint, size in sizes.items():
            if not hint.must:
                if size > room:
                    continue
                room -= size
            fitting.append(hint)
        return fitting

    def _pieces(self, hint: Hint) -> list[Piece]:
        key = self._glyphs.enter if hint.key == "enter" else hint.key
        title = self._glyphs.plain(hint.title)
        if hint.strong:
            return [(f"[{key} {title}]", "strong")]
        if hint.off:
            return [(f"{key} {title}".strip(), "none")]
        return [(key, "accent"), (f" {title}" if title else "", hint.tone)]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        action = next((action for start, end, action in self._actions if start <= event.x < end), None)
        if action is not None:
            self.call_later(self.screen.run_action, action)


def _cells(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)
