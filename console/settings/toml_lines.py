"""The line of every key of a TOML text, which tomllib does not tell."""

import re
import tomllib
from typing import Any

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"\s*{_PART}(?:\s*\.\s*{_PART})*\s*"
_HEADER = re.compile(rf"\s*\[({_DOTTED})\]\s*(?:#.*)?")
_KEY = re.compile(rf"({_DOTTED})=(.*)", re.DOTALL)


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """Key path → line number (from 1) of the tables and keys of a *valid* TOML text, keys of inline tables included."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if header := _HEADER.fullmatch(line):
            table = _path(header[1])
            found.setdefault(table, number)
        elif pair := _KEY.fullmatch(line):
            path = (*table, *_path(pair[1]))
            value, more = _value(pair[2], lines[at:])
            at += more
            found.setdefault(path, number)
            _note_inline(value, path, number, found)
    return found


def _path(dotted: str) -> tuple[str, ...]:
    """Let tomllib read the key, so that quoting and escapes mean what they mean there."""
    parts: list[str] = []
    inner: Any = tomllib.loads(f"{dotted} = 0")
    while isinstance(inner, dict):
        ((part, inner),) = inner.items()
        parts.append(part)
    return tuple(parts)


def _value(first: str, rest: list[str]) -> tuple[Any, int]:
    """The value that begins with ``first``, and how many further lines it takes."""
    text = first
    for more in range(len(rest) + 1):
        try:
            return tomllib.loads(f"x = {text}")["x"], more
        except tomllib.TOMLDecodeError:
            text = "\n".join([first, *rest[: more + 1]])
    return None, 0


def _note_inline(value: Any, path: tuple[str, ...], number: int, found: dict[tuple[str, ...], int]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            found.setdefault((*path, name), number)
            _note_inline(inner, (*path, name), number, found)
