"""Saved views: a filter and an order of rows under a name, in a private file of this person. No Textual."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.client.query import QueryError, parse, parse_sort
from console.client.query_words import fold, nearest

LONGEST_NAME = 40
MOST = 100


@dataclass(frozen=True)
class View:
    """``built_in``: comes with the program; it can be neither changed nor removed."""

    name: str
    filter: str
    sort: str = "-updated"
    built_in: bool = False


BUILT_IN = (
    View("All orders", "", built_in=True),
    View(
        "Needs me",
        "state:failed,held owner:@me,@none | wait:person owner:@me,@none | mail:maybe_sent,failed,held owner:@me,@none",
        "updated", built_in=True,
    ),
    View("My orders", "owner:@me", built_in=True),
    # Taken by me, notes of this shift, parks that end in the next twelve hours.
    View("Hand-over", "owner:@me | noted<12h | state:parked until<12h", built_in=True),
)  # fmt: skip


class ViewError(Exception):
    """A view that is not there, may not be changed, or a file that cannot be read or written; in words."""


class Views:
    """The views of ``file``; it is made when one is saved."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def all(self) -> Sequence[View]:
        """The built-in ones, then this person's own by name. Raises ViewError."""
        return [*BUILT_IN, *sorted(self._own(), key=lambda view: fold(view.name))]

    def get(self, name: str) -> View:
        """By name, however its letters are written. Raises ViewError with the nearest name."""
        known = {fold(view.name): view for view in self.all()}
        found = known.get(fold(name))
        if found is None:
            near = nearest(name, [view.name for view in known.values()])
            hint = f"did you mean {near}?" if near else f"known are {', '.join(view.name for view in known.values())}"
            raise ViewError(f"there is no view “{name[:LONGEST_NAME]}”; {hint}")
        return found

    def save(self, name: str, filter_: str, sort: str) -> View:
        """Keep it, in place of the own one of that name. Raises ViewError."""
        plain = " ".join(name.split())
        if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
            raise ViewError(f"a name has 1 to {LONGEST_NAME} printable characters")
        if any(fold(view.name) == fold(plain) for view in BUILT_IN):
            raise ViewError(f"“{plain}” comes with the program: choose another name")
        view = View(plain, filter_, sort)
        kept = [own for own in self._own() if fold(own.name) != fold(plain)]
        if len(kept) >= MOST:
            raise ViewError(f"there are {MOST} views already: remove one first")
        self._write([*kept, view])
        return view

    def remove(self, name: str) -> None:
        """Raises ViewError."""
        found = self.get(name)
        if found.built_in:
            raise ViewError(f"“{found.name}” comes with the program and stays")
        self._write([own for own in self._own() if own != found])

    def _own(self) -> list[View]:
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise ViewError(f"{self.file} cannot be read: {error}") from error
        try:
            return [_read(entry) for entry in json.loads(text)["views"]]
        except (ValueError, KeyError, TypeError, AttributeError, QueryError) as error:
            raise ViewError(f"{self.file} is not a file of views: {error}; mend it or put it aside") from error

    def _write(self, views: Sequence[View]) -> None:
        """In one go: a crash leaves the old file or the new one. Raises ViewError."""
        data = {"views": [{"name": view.name, "filter": view.filter, "sort": view.sort} for view in views]}
        draft = self.file.with_suffix(".new")
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                draft.unlink()
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as opened:
                json.dump(data, opened, ensure_ascii=False, indent=1)
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(self.file)
        except OSError as error:
            raise ViewError(f"{self.file} cannot be written: {error.strerror or error}") from error


def _read(entry: Any) -> View:
    view = View(str(entry["name"]), str(entry["filter"]), str(entry.get("sort", "-updated")))
    parse(view.filter)
    parse_sort(view.sort)
    return view
