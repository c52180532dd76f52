"""One value for each key: later sources win, entries of mappings one by one."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from console.settings.keys import Key, KeyPath, Keys
from console.settings.problems import Problem
from console.settings.sources import Given, decode_text, leaves


def merge(found: Iterable[Given], keys: Keys, problems: list[Problem]) -> dict[KeyPath, Given]:
    """``found`` in rising precedence; unknown keys and values of a wrong shape become problems."""
    merged: dict[KeyPath, Given] = {}
    for given in found:
        for entry in _accept(given, keys, merged, problems):
            merged[entry.path] = entry
    return merged


def _accept(given: Given, keys: Keys, merged: dict[KeyPath, Given], problems: list[Problem]) -> Iterator[Given]:
    key = keys.find(given.path)
    if key is None:
        problems.append(_unknown(given, keys))
        return
    try:
        value = decode_text(given, key) if given.is_text else given.value
    except ValueError:
        problems.append(Problem(given.place, given.dotted, "is not valid JSON"))
        return
    if key.is_mapping and given.path == key.path:
        if isinstance(value, dict):
            yield from _whole_mapping(given, value, keys, merged, problems)
        else:
            problems.append(Problem(given.place, given.dotted, f"must be a table: [{given.dotted}]"))
    elif isinstance(value, bool) and bool not in key.kinds:
        problems.append(Problem(given.place, given.dotted, "must not be true or false"))
    else:
        yield replace(given, value=_resolved(value, key, given.base), is_text=False)


def _whole_mapping(
    given: Given, value: dict[str, Any], keys: Keys, merged: dict[KeyPath, Given], problems: list[Problem]
) -> Iterator[Given]:
    """A variable that gives a whole mapping replaces the entries of lower sources."""
    for path in [path for path in merged if path[: len(given.path)] == given.path]:
        del merged[path]
    for path, entry in leaves(value, given.path):
        yield from _accept(replace(given, path=path, value=entry, is_text=False), keys, merged, problems)


def _unknown(given: Given, keys: Keys) -> Problem:
    if keys.is_section(given.path):
        return Problem(given.place, given.dotted, f"is a section, not a value: write [{given.dotted}]")
    return Problem(given.place, given.dotted, "unknown key", keys.nearest(given.path))


def _resolved(value: Any, key: Key, base: Path) -> Any:
    if value == "" and key.is_optional:
        return None
    if key.is_path and isinstance(value, str):
        return base / Path(value).expanduser()
    return value
