"""The stock file of ``portal esim import FILE``: CSV with the columns iccid, type and, if wanted, batch.

All mistakes are found in one pass, each with its line, field and remedy. A wrong Luhn digit is only a warning, because
vendors print such ICCIDs; an ICCID that stands in the file twice is a mistake. Spreadsheets are the usual source:
byte-order marks, Shift_JIS, tabs and semicolons are read, and a number that lost its digits is named as that.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from integrations.errors import plain_text
from integrations.esim.checkdigits import iccid_ok, normalise_iccid

COLUMNS = ("iccid", "type", "batch")
TYPE_LIMIT = 80
BATCH_LIMIT = 80
_ALIASES = {"profile_type": "type", "profiletype": "type", "esim_profile_type": "type", "lot": "batch"}
_ROUNDED = re.compile(r"[0-9][.,]?[0-9]*E\+?[0-9]+", re.IGNORECASE)
_WRAPPED = re.compile(r'="?([^"]*)"?')


@dataclass(frozen=True)
class StockRow:
    """One profile to import; ``iccid`` is digits only, ``batch`` may be empty."""

    line: int
    iccid: str
    profile_type: str
    batch: str


@dataclass(frozen=True)
class LineNote:
    """A mistake or a warning. ``line`` counts from 1; 0 means the whole file. ``field`` is "" for a whole line."""

    line: int
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "file"
        return f"{place}{f', {self.field}' if self.field else ''}: {self.problem}; {self.remedy}"


@dataclass(frozen=True)
class Inventory:
    """What a file holds. With any error nothing of it may be imported."""

    rows: tuple[StockRow, ...]
    errors: tuple[LineNote, ...]
    warnings: tuple[LineNote, ...]


def parse_inventory(data: bytes) -> Inventory:
    """Read a whole stock file. Never raises for what stands in it: see ``errors``."""
    try:
        text = _decode(data)
    except ValueError as error:
        return Inventory((), (LineNote(0, "", str(error), "save it as CSV in UTF-8"),), ())
    reading = _Reading()
    try:
        for line, cells in _records(text):
            reading.take(line, cells)
    except csv.Error as error:
        reading.error(reading.line + 1, "", f"not readable as CSV ({error})", "check the quotation marks")
    if not reading.rows and not reading.errors:
        reading.error(0, "", "there is no profile in it", "give one line per profile: iccid,type")
    return Inventory(tuple(reading.rows), tuple(reading.errors), tuple(reading.warnings))


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\0" in data:
        raise ValueError("this is not a text file")
    else:
        encodings = ("utf-8-sig", "cp932")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("the characters are neither UTF-8 nor Shift_JIS")


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the number of the line they start on; empty lines are left out."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count) if first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield before + 1, [_cell(cell) for cell in cells]
        before = reader.line_num


def _cell(text: str) -> str:
    """A cell as meant: full-width forms folded, spaces and a spreadsheet's ="…" or leading ' dropped."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if wrapped := _WRAPPED.fullmatch(plain):
        plain = wrapped.group(1).strip()
    return plain.removeprefix("'")


class _Reading:
    """The rows and notes gathered so far; the first record decides about the columns."""

    def __init__(self) -> None:
        self.rows: list[StockRow] = []
        self.errors: list[LineNote] = []
        self.warnings: list[LineNote] = []
        self.line = 0
        self._columns: list[str] | None = None
        self._seen: dict[str, int] = {}

    def error(self, line: int, field: str, problem: str, remedy: str) -> None:
        self.errors.append(LineNote(line, field, problem, remedy))

    def take(self, line: int, cells: list[str]) -> None:
        self.line = line
        if self._columns is None:
            self._columns = self._header(line, cells) or list(COLUMNS)
            if _is_header(cells):
                return
        self._row(line, cells, self._columns)

    def _header(self, line: int, cells: Sequence[str]) -> list[str] | None:
        if not _is_header(cells):
            return None
        names = [_column(cell) for cell in cells]
        for name in ("iccid", "type"):
            if names.count(name) == 0:
                near = get_close_matches(name, names, 1, 0.6)
                hint = f'rename "{plain_text(near[0], 40)}" to {name}' if near else f"add a column {name}"
                self.error(line, name, "the header has no such column", hint)
            elif names.count(name) > 1:
                self.error(line, name, "the header has this column twice", "leave one of them")
        for name in names:
            if name and name not in COLUMNS:
                shown = plain_text(name, 40)
                self.warnings.append(LineNote(line, shown, "unknown column, not read", f"known: {', '.join(COLUMNS)}"))
        return names

    def _row(self, line: int, cells: list[str], columns: list[str]) -> None:
        if extra := [cell for cell in cells[len(columns) :] if cell]:
            self.error(line, "", f"{len(extra)} more cells than columns", f"give {', '.join(columns)}")
            return
        values = dict(zip(columns, cells, strict=False))
        iccid = self._iccid(line, values["iccid"]) if "iccid" in columns else None
        kind = self._words(line, "type", values.get("type", ""), TYPE_LIMIT) if "type" in columns else None
        batch = self._words(line, "batch", values.get("batch", ""), BATCH_LIMIT)
        if kind == "":
            self.error(line, "type", "missing", "give the provider's profile type")
        if iccid and kind and batch is not None:
            self.rows.append(StockRow(line, iccid, kind, batch))

    def _iccid(self, line: int, text: str) -> str | None:
        if not text:
            self.error(line, "iccid", "missing", "give 18 to 20 digits")
            return None
        if _ROUNDED.fullmatch(text):
            remedy = "format the column as text and take the numbers from the vendor's file again"
            self.error(line, "iccid", f"{text} was rounded by a spreadsheet", remedy)
            return None
        try:
            digits = normalise_iccid(text)
        except ValueError:
            said = f'"{plain_text(text, 40)}" is not an ICCID'
            self.error(line, "iccid", said, "give 18 to 20 digits (a padding F at the end is allowed)")
            return None
        if first := self._seen.get(digits):
            self.error(line, "iccid", f"{digits} stands in line {first} already", "remove one of the two lines")
            return None
        self._seen[digits] = line
        if not iccid_ok(digits):
            problem = f"the check digit of {digits} is wrong"
            self.warnings.append(LineNote(line, "iccid", problem, "compare it with the vendor's list"))
        return digits

    def _words(self, line: int, field: str, text: str, limit: int) -> str | None:
        if len(text) > limit:
            self.error(line, field, f"{len(text)} characters", f"at most {limit}")
            return None
        if plain_text(text, limit) != text:
            self.error(line, field, "holds invisible or control characters", "type it again")
            return None
        return text


def _column(cell: str) -> str:
    name = re.sub(r"[\s-]+", "_", cell.strip().lower())
    return _ALIASES.get(name, name)


def _is_header(cells: Sequence[str]) -> bool:
    """The first record is a header when it names a known column, or when no cell has a digit in it."""
    names = [_column(cell) for cell in cells]
    return bool(set(names) & {"iccid", "type"}) or not any(c.isdigit() for cell in cells for c in cell)
