"""The records of an order in each system side by side: differences marked, each with the age of its fetch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from console.schema.records import Compared, Records
from console.widgets import wording
from console.widgets.cells import fit, literal, wrap
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece, flowed

_SHOWN = (("whmcs", "WHMCS"), ("salesforce", "Salesforce"), ("esim", "eSIM"))
_LEAST = 10  # cells of a name and of a value
_BETWEEN = 3  # cells of the line between two columns
_ROOMY, _LONGEST_LABEL = (
    20,
    18,
)  # cells in which an ICCID can be read, and of most fields' names; with less the third has no column
Systems = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class _Columns:
    """``label`` cells for the names of fields, ``widths`` for the values of each of ``systems``; those of ``below`` have
    no column."""

    systems: Systems
    below: Systems
    label: int
    widths: Sequence[int]


def comparison(records: Records | None, note: str, width: int, now: float, glyphs: Glyphs) -> list[Line]:
    """Lines for ``width`` cells. ``note``: what to say while there is nothing, or why it could not be fetched."""
    if records is None:
        return [[("RECORDS", "strong")], *flowed(note, "muted", width)]
    columns = _columns(records, width, glyphs)
    lines: list[Line] = [_titles(columns, glyphs)]
    group = None
    for compared in records.lines:
        if compared.group != group and group is not None and compared.group.startswith("item"):
            lines.append([(literal(compared.group), "accent")])
        group = compared.group
        lines += _compared(compared, columns, glyphs)
        lines += _whole(compared, columns, width, glyphs)
        if compared.note and compared.same is False:
            lines += flowed(f"  {literal(compared.note)}", "warn", width, indent="  ")
    lines.append([])
    lines += _footing(records, width, now, glyphs)
    return lines


def _columns(records: Records, width: int, glyphs: Glyphs) -> _Columns:
    """As wide as what stands in them; when that is too much, names of fields go on below first."""
    known = [pair for pair in _SHOWN if any(getattr(line, pair[0]) is not None for line in records.lines)]
    systems = known or list(_SHOWN[:2])
    below = systems[2:] if width < _LONGEST_LABEL + len(systems) * (_BETWEEN + _ROOMY) else []
    systems = systems[: len(systems) - len(below)]
    needed = [max([cell_len(title), *_needed(records, name, systems, glyphs)]) for name, title in systems]
    names = [literal(line.field) for line in records.lines] or [""]
    whole = max(_LEAST, *(cell_len(name) for name in names))
    word = max(_LEAST, *(cell_len(word) for name in names for word in name.split(" ")))
    room = width - _BETWEEN * len(systems)
    label = max(min(whole, room - sum(min(cells, _ROOMY) for cells in needed)), min(word, width * 3 // 10), _LEAST)
    return _Columns(systems, below, label, _shared(needed, room - label))


def _needed(records: Records, name: str, systems: Systems, glyphs: Glyphs) -> Iterator[int]:
    for line in records.lines:
        if (text := _text(line, name, glyphs)) is not None:
            yield cell_len(text) + _sign(line, name, systems, glyphs)


def _shared(needed: Sequence[int], room: int) -> list[int]:
    """``room`` cells for columns: what is needed, the rest alike; where it is too little the widest give way."""
    widths, left = [0] * len(needed), max(room, _LEAST * len(needed))
    for place, i in enumerate(sorted(range(len(needed)), key=needed.__getitem__)):
        widths[i] = min(max(_LEAST, needed[i]), left // (len(needed) - place))
        left -= widths[i]
    each, odd = divmod(left, len(needed))
    return [width + each + (i < odd) for i, width in enumerate(widths)]


def _text(compared: Compared, name: str, glyphs: Glyphs) -> str | None:
    value = getattr(compared, name)
    return glyphs.plain(literal(value)) if value is not None else None


def _sign(compared: Compared, name: str, systems: Systems, glyphs: Glyphs) -> int:
    """Cells that the sign of a difference takes; it stands in the last column."""
    return 1 + len(glyphs.differs) if compared.same is False and name == systems[-1][0] else 0


def _titles(columns: _Columns, glyphs: Glyphs) -> Line:
    pieces: list[Piece] = [(fit("RECORDS", columns.label), "strong")]
    for (_, title), width in zip(columns.systems, columns.widths, strict=True):
        pieces += [(f" {glyphs.vline} ", "muted"), (fit(title, width), "strong")]
    return pieces


def _compared(compared: Compared, columns: _Columns, glyphs: Glyphs) -> list[Line]:
    """One line, or as many as the words of its cells need; a word too long for its column is cut."""
    differs, dots = compared.same is False, glyphs.ellipsis
    label = wrap(literal(compared.field), columns.label)
    cells: list[list[str]] = []
    for (name, _), width in zip(columns.systems, columns.widths, strict=True):
        text, room = _text(compared, name, glyphs), width - _sign(compared, name, columns.systems, glyphs)
        broken = [fit(text, room, ellipsis=dots)] if text is not None and _cut(text, room) else wrap(text or "-", room)
        cells.append(broken)
    lines: list[Line] = []
    for row in range(max(len(label), *(len(cell) for cell in cells))):
        pieces: list[Piece] = [(fit("".join(label[row : row + 1]), columns.label), "muted")]
        for (name, _), width, cell in zip(columns.systems, columns.widths, cells, strict=True):
            said, sign = "".join(cell[row : row + 1]), _sign(compared, name, columns.systems, glyphs)
            if sign and not row:
                said = f"{fit(said, width - sign)} {glyphs.differs}"
            tone = "warn" if differs else "muted" if getattr(compared, name) is None else "plain"
            pieces += [(f" {glyphs.vline} ", "muted"), (fit(said, width), tone)]
        lines.append(pieces)
    return lines


def _cut(text: str, room: int) -> bool:
    return any(cell_len(word) > room for word in text.split(" "))


def _whole(compared: Compared, columns: _Columns, width: int, glyphs: Glyphs) -> list[Line]:
    """On lines of their own: the values of systems that have no column here, and all values where one was cut."""
    values = {name: text for name, _ in _SHOWN if (text := _text(compared, name, glyphs)) is not None}
    cut = any(
        _cut(values.get(name, ""), room - _sign(compared, name, columns.systems, glyphs))
        for (name, _), room in zip(columns.systems, columns.widths, strict=True)
    )
    tone = "warn" if compared.same is False else "plain"
    lines: list[Line] = []
    for name, title in (*(columns.systems if cut else ()), *columns.below):
        if name in values:
            lines += flowed(f"  {title} {values[name]}", tone, width, indent="    ")
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
