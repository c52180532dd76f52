"""A row of bars for a few figures, as high as each is against the largest."""

from collections.abc import Sequence

from console.widgets.glyphs import Glyphs

_BLOCKS = "▁▂▃▄▅▆▇█"  # of ambiguous width: only where those are one cell
_PLAIN = "_.:-=+*#"


def spark(values: Sequence[float | None], glyphs: Glyphs) -> str:
    """One cell a value; a blank for None. The largest is as high as it goes, whatever it is."""
    levels = _BLOCKS if glyphs.name == "unicode" else _PLAIN
    most = max((value for value in values if value is not None), default=0.0)
    return "".join(" " if value is None else levels[_level(value, most, len(levels))] for value in values)


def _level(value: float, most: float, levels: int) -> int:
    return min(levels - 1, int(value / most * levels)) if most > 0 else 0
