"""Rows on stdout: a table for people, JSON or CSV for scripts. Text from outside never reaches the terminal raw."""

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TextIO

from console.written import as_json, csv_cell, plain

PIPE_WIDTH = 100_000  # a table that is piped is never cut


class Form(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True)
class Column:
    """``key`` of the row, ``title`` in tables; ``right`` aligned; ``cut``: may be shortened to fit the terminal."""

    key: str
    title: str
    right: bool = False
    cut: bool = False


Row = Mapping[str, Any]


def clock(at: float | None, *, zone: bool = False) -> str:
    """Seconds since 1970 in the time zone of this machine: ``12:04:30`` today, else with the date.

    ``zone``: name it, for what stands beside a day that is told in the install's zone.
    """
    if at is None:
        return ""
    moment = datetime.fromtimestamp(at).astimezone()
    today = datetime.now().astimezone().date()
    said = f"{moment:%H:%M:%S}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"
    return f"{said} {moment:%Z}" if zone else said


def ago(seconds: float | None) -> str:
    """A duration in one unit: ``41s``, ``6m``, ``3h``, ``2d``."""
    if seconds is None:
        return ""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if abs(seconds) >= length:
            return f"{seconds / length:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def yen(amount: int | None) -> str:
    return "" if amount is None else f"¥{amount:,}"


@dataclass(frozen=True)
class Output:
    """Where a verb writes. Tables and sentences go to ``out`` as well as data; what is not the answer goes to ``err``."""

    form: Form
    out: TextIO
    err: TextIO

    def say(self, sentence: str) -> None:
        """A sentence for people; left out of JSON and CSV."""
        if self.form is Form.TABLE:
            self.out.write(f"{plain(sentence)}\n")
            self.out.flush()

    def note(self, sentence: str) -> None:
        """A remark beside the answer."""
        self.err.write(f"{plain(sentence)}\n")
        self.err.flush()

    def one(self, value: Any) -> None:
        """One object as JSON."""
        self.out.write(as_json(value, indent=2) + "\n")

    def rows(
        self,
        columns: Sequence[Column],
        rows: Sequence[Row],
        data: Iterable[Any] | None = None,
        *,
        whole: Mapping[str, Any] | None = None,
    ) -> None:
        """Rows as a table or CSV; as JSON the object ``whole``, or an array of ``data`` (default: the rows themselves)."""
        match self.form:
            case Form.JSON:
                self.one(whole if whole is not None else list(rows if data is None else data))
            case Form.CSV:
                self.csv(columns, rows)
            case Form.TABLE:
                self._table(columns, rows)

    def csv(self, columns: Sequence[Column], rows: Iterable[Row], *, header: bool = True) -> None:
        writer = csv.writer(self.out, lineterminator="\n")
        if header:
            writer.writerow([column.key for column in columns])
        for row in rows:
            writer.writerow([csv_cell(row.get(column.key)) for column in columns])

    def _table(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        tty = self.out.isatty()
        console = Console(
            file=self.out, highlight=False, markup=False, emoji=False, width=None if tty else PIPE_WIDTH,
            legacy_windows=False,
        )  # fmt: skip
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        shown = [column for column in columns if any(plain(row.get(column.key)) for row in rows)]
        for column in shown:
            table.add_column(
                Text(column.title), justify="right" if column.right else "left", no_wrap=True,
                overflow="ellipsis" if column.cut else "fold", min_width=4 if column.cut else None,
            )  # fmt: skip
        for row in rows:
            table.add_row(*(Text(plain(row.get(column.key))) for column in shown))
        if shown:
            console.print(table)


def standard(form: Form) -> Output:
    """On the process's own streams."""
    return Output(form, sys.stdout, sys.stderr)
