"""Text in terminal cells: outside text made harmless, cut and padded by width (a Japanese character takes two)."""

import unicodedata

from rich.cells import cell_len, set_cell_size

# Control, surrogate, private and unassigned characters, line and paragraph separators.
_REMOVED = frozenset(("Cc", "Cs", "Zl", "Zp"))
_NOT_FIRST = frozenset("。、，．」』）】〉》！？ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ")
_NOT_LAST = frozenset("「『（【〈《")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def literal(text: object) -> str:
    """Text from outside on one line: no control or bidi character survives (rules §12)."""
    said = str(text)
    if said.isascii() and said.isprintable():
        return said
    kept = (" " if ch in "\n\r\t" else ch for ch in said if ch in "\n\r\t" or not _removed(ch))
    return "".join(kept)


def literal_lines(text: object) -> str:
    """As ``literal`` with line breaks kept."""
    return "\n".join(literal(line) for line in str(text).splitlines())


def _removed(ch: str) -> bool:
    return ch in _BIDI or unicodedata.category(ch) in _REMOVED


def fit(text: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """``text`` in exactly ``width`` cells: padded, or cut with an ellipsis; never half a character."""
    length = cell_len(text)
    if length == width:
        return text
    if length < width:
        pad = " " * (width - length)
        return pad + text if right else text + pad
    room = width - cell_len(ellipsis)
    if room <= 0:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, room).rstrip() + ellipsis, width)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at spaces where there are any (Japanese text has none)."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            candidate = f"{line} {word}" if line else word
            if cell_len(candidate) <= width:
                line = candidate
                continue
            if line:
                lines.append(line)
            line = word
            while cell_len(line) > width:
                head = _broken(line, width)
                lines.append(head)
                line = line[len(head) :]
        lines.append(line)
    return lines


def _broken(line: str, width: int) -> str:
    """As much as fits of a line without a space to break it at; 。 begins no line and 「 ends none."""
    whole = head = set_cell_size(line, width).rstrip() or line[0]
    while len(head) > 1 and (line[len(head)] in _NOT_FIRST or head[-1] in _NOT_LAST):
        head = head[:-1]
    return head if len(head) > 1 else whole
