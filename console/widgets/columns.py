"""Columns of a table: which fit into a width, and how wide each becomes."""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 1
GUTTER = 3  # cursor, mark, a space


@dataclass(frozen=True)
class Column:
    """``width`` in cells. ``priority`` 0 always stays; the highest goes first when there is no room.

    ``grow``: takes its share of the room that is left, up to ``most`` cells (0: without end).
    """

    key: str
    title: str
    width: int
    priority: int = 0
    right: bool = False
    grow: int = 0
    most: int = 0


@dataclass(frozen=True)
class Placed:
    """A column in its place: ``start`` and ``width`` in cells from the left edge of the table's content."""

    column: Column
    start: int
    width: int


def place(columns: Sequence[Column], room: int, *, all_of_them: bool = False) -> tuple[Placed, ...]:
    """The columns that fit into ``room`` cells, in their order; with ``all_of_them`` all, however wide that is."""
    chosen = list(columns)
    while not all_of_them and _needed(chosen) > room and (droppable := [c for c in chosen if c.priority]):
        first = max(droppable, key=lambda column: column.priority)
        chosen = [column for column in chosen if column is not first]
    widths = _grown(chosen, room)
    placed: list[Placed] = []
    start = GUTTER
    for column, width in zip(chosen, widths, strict=True):
        placed.append(Placed(column, start, width))
        start += width + GAP
    return tuple(placed)


def total_width(placed: Sequence[Placed]) -> int:
    return placed[-1].start + placed[-1].width if placed else GUTTER


def _needed(columns: Sequence[Column]) -> int:
    return GUTTER + sum(column.width + GAP for column in columns) - GAP


def _grown(chosen: Sequence[Column], room: int) -> list[int]:
    widths = [column.width for column in chosen]
    left = room - _needed(chosen)
    growing = [i for i, column in enumerate(chosen) if column.grow]
    while left > 0 and growing:
        share = max(1, left // sum(chosen[i].grow for i in growing))
        for i in list(growing):
            column = chosen[i]
            more = min(left, share * column.grow, column.most - widths[i] if column.most else left)
            widths[i] += more
            left -= more
            if column.most and widths[i] >= column.most:
                growing.remove(i)
            if left <= 0:
                break
    return widths
