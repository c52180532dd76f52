"""The records of an order in each system side by side: differences marked, each with the age of its fetch."""

from collections.abc import Sequence

from rich.cells import cell_len

from console.schema.records import Compared, Records
from console.widgets import wording
from console.widgets.cells import fit, literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece, flowed

_SHOWN = (("whmcs", "WHMCS"), ("salesforce", "Salesforce"), ("esim", "eSIM"))
_LEAST = 10  # cells of a name and of a value
_ROOMY, _LONGEST_LABEL = (
    20,
    18,
)  # cells in which an ICCID can be read, and of most fields' names; with less the third has no column
Systems = Sequence[tuple[str, str]]


def comparison(records: Records | None, note: str, width: int, now: float, glyphs: Glyphs) -> list[Line]:
    """Lines for ``width`` cells. ``note``: what to say while there is nothing, or why it could not be fetched."""
    if records is None:
        return [[("RECORDS", "strong")], *flowed(note, "muted", width)]
    systems = [pair for pair in _SHOWN if any(getattr(line, pair[0]) is not None for line in records.lines)] or list(
        _SHOWN[:2]
    )
    below = systems[2:] if width < _LONGEST_LABEL + len(systems) * (3 + _ROOMY) else []
    systems = systems[: len(systems) - len(below)]
    label = _label(records, width, len(systems))
    column = max(_LEAST, (width - label - 3 * len(systems)) // len(systems))
    lines: list[Line] = [_titles(systems, label, column, glyphs)]
    group = None
    for compared in records.lines:
        if compared.group != group and group is not None and compared.group.startswith("item"):
            lines.append([(literal(compared.group), "accent")])
        group = compared.group
        lines.append(_compared(compared, systems, label, column, glyphs))
        lines += _whole(compared, systems, below, column, width, glyphs)
        if compared.note and compared.same is False:
            lines += flowed(f"  {literal(compared.note)}", "warn", width, indent="  ")
    lines.append([])
    lines += _footing(records, width, now, glyphs)
    return lines


def _label(records: Records, width: int, systems: int) -> int:
    """Cells for the names of fields: as many as the longest needs, while the values keep the larger part."""
    longest = max((cell_len(line.field) for line in records.lines), default=_LEAST)
    return max(_LEAST, min(longest, width * 3 // 10, width - systems * (3 + _LEAST)))


def _titles(systems: Systems, label: int, column: int, glyphs: Glyphs) -> Line:
    pieces: list[Piece] = [(fit("RECORDS", label), "strong")]
    for _, title in systems:
        pieces += [(f" {glyphs.vline} ", "muted"), (fit(title, column), "strong")]
    return pieces


def _compared(compared: Compared, systems: Systems, label: int, column: int, glyphs: Glyphs) -> Line:
    differs = compared.same is False
    pieces: list[Piece] = [(fit(literal(compared.field), label, ellipsis=glyphs.ellipsis), "muted")]
    for i, (name, _) in enumerate(systems):
        value = getattr(compared, name)
        text = glyphs.plain(literal(value)) if value is not None else "-"
        last = i == len(systems) - 1
        if differs and last:
            cut = fit(text, column - 1 - len(glyphs.differs), ellipsis=glyphs.ellipsis)
            text = f"{cut} {glyphs.differs}"
        tone = "warn" if differs else "muted" if value is None else "plain"
        pieces += [(f" {glyphs.vline} ", "muted"), (fit(text, column, ellipsis=glyphs.ellipsis), tone)]
    return pieces


def _whole(compared: Compared, systems: Systems, below: Systems, column: int, width: int, glyphs: Glyphs) -> list[Line]:
    """On lines of their own: the values of systems that have no column here, and all of a difference that was cut."""
    differs = compared.same is False
    sign = 1 + len(glyphs.differs)  # on the last column
    values = {
        name: glyphs.plain(literal(value))
        for name, _ in (*systems, *below)
        if (value := getattr(compared, name)) is not None
    }
    cut = differs and any(
        cell_len(values.get(name, "")) > column - sign * (pair == systems[-1]) for pair in systems for name in pair[:1]
    )
    lines: list[Line] = []
    for name, title in (*(systems if cut else ()), *below):
        if name in values:
            lines += flowed(f"  {title} {values[name]}", "warn" if differs else "plain", width, indent="    ")
    return lines


def _footing(records: Records, width: int, now: float, glyphs: Glyphs) -> list[Line]:
    count = records.differences
    said = "no field differs" if not count else f"{count} field differs" if count == 1 else f"{count} fields differ"
    lines: list[Line] = [[(said, "warn" if count else "ok"), (f" {glyphs.sep} f read again", "muted")]]
    for fetched in records.fetched:
        title = dict(_SHOWN).get(fetched.system, fetched.system)
        old = wording.age(now - fetched.at)
        if fetched.ok:
            lines.append([(f"{title} read {old} ago", "muted")])
        else:
            lines += flowed(f"{title} could not be read: {literal(fetched.note)}", "bad", width, indent="  ")
    return lines
