"""Folded JSON: what went out and what came back. ⏎ or a click folds and unfolds."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from console.widgets.cells import literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece
from console.widgets.sheet import Sheet

FOLD_FROM_DEPTH = 2  # objects this deep and longer than FOLD_OVER lines begin folded
FOLD_OVER = 8
LONGEST_TEXT = 2000
INLINE = 32


@dataclass(frozen=True)
class Part:
    """A heading, and under it a JSON value or lines of words."""

    title: Line
    value: Any = None
    lines: Sequence[Line] = ()


class JsonView(Sheet):
    """``show`` takes parts; every object and list can be folded."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "fold", "Fold", show=False)]

    def __init__(self, glyphs: Glyphs, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, ellipsis=glyphs.ellipsis)
        self._glyphs = glyphs
        self._parts: Sequence[Part] = ()
        self._toggled: set[str] = set()

    def show(self, parts: Sequence[Part], *, keep_place: bool) -> None:
        """Show these parts; with ``keep_place`` what was folded and where one stood stays."""
        self._parts = parts
        if not keep_place:
            self._toggled.clear()
            self.chosen = None
            self.scroll_to(y=0, animate=False)
        self._render_parts()

    def action_fold(self) -> None:
        if self.chosen is not None:
            self._toggled ^= {self.chosen}
            self._render_parts()

    def on_click(self, event: events.Click) -> None:
        before = self.chosen
        super().on_click(event)
        if event.chain == 2 or self.chosen == before:
            self.action_fold()

    def _render_parts(self) -> None:
        lines: list[Line] = []
        names: list[str | None] = []
        for number, part in enumerate(self._parts):
            lines.append(part.title)
            names.append(None)
            lines += part.lines
            names += [None] * len(part.lines)
            if part.value is not None:
                for line, name in self._value(part.value, f"{number}", 0, [], ""):
                    lines.append(line)
                    names.append(name)
        self.set_lines(lines, names)

    def _folded(self, value: Any, path: str, depth: int) -> bool:
        begins = depth >= FOLD_FROM_DEPTH and _size(value) > FOLD_OVER
        return begins != (path in self._toggled)

    def _value(
        self, value: Any, path: str, depth: int, key: list[Piece], after: str
    ) -> Iterator[tuple[Line, str | None]]:
        pad: Piece = ("  " * depth, "plain")
        if isinstance(value, dict | list) and (short := _inline(value)) is not None:
            yield [pad, *key, (short, "plain"), (after, "muted")], None
            return
        if not isinstance(value, dict | list):
            yield [pad, *key, *_scalar(value), (after, "muted")], None
            return
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        if self._folded(value, path, depth):
            inside = f"{opening} {self._glyphs.folded} {len(value)} {closing}"
            yield [pad, *key, (inside, "accent"), (after, "muted")], path
            return
        yield [pad, *key, (opening, "muted")], path
        for i, (name, inner) in enumerate(_items(value)):
            label: list[Piece] = (
                [] if name is None else [(json.dumps(literal(name), ensure_ascii=False), "accent"), (": ", "muted")]
            )
            comma = "," if i < len(value) - 1 else ""
            yield from self._value(inner, f"{path}/{i}", depth + 1, label, comma)
        yield [pad, (closing + after, "muted")], None


def _items(value: Any) -> Iterator[tuple[str | None, Any]]:
    if isinstance(value, dict):
        yield from ((str(key), inner) for key, inner in value.items())
    else:
        yield from ((None, inner) for inner in value)


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 2 + sum(_size(inner) for inner in value.values())
    if isinstance(value, list):
        return 2 + sum(_size(inner) for inner in value)
    return 1


def _inline(value: Any) -> str | None:
    """A list or an object that is short enough to stand on the line of its name."""
    inner = value.values() if isinstance(value, dict) else value
    if len(value) > 3 or any(isinstance(one, dict | list) and one for one in inner):
        return None
    text = literal(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= INLINE else None


def _scalar(value: Any) -> list[Piece]:
    if isinstance(value, str):
        text = literal(value)
        cut = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} ({len(text):,} characters)"
        return [(json.dumps(cut, ensure_ascii=False), "plain")]
    if value is None or isinstance(value, bool):
        return [(json.dumps(value), "muted")]
    return [(json.dumps(value, ensure_ascii=False), "running")]
