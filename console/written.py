"""Values as text that leaves the program: cells, JSON and CSV. Text from outside never reaches a terminal or a
spreadsheet raw (rules §12).
"""

import json
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The columns of an order in a file, on the screen and on the command line alike.
EXPORTED = (
    "number", "order_id", "customer", "account", "kind", "plan", "amount", "sf", "state", "step", "strip", "tries", "attempt",
    "class", "system", "code", "cause", "message", "parked", "until", "owner", "created", "updated",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def moment_of(condition: str) -> float | None:
    """Seconds since 1970 of the condition ``after(<seconds>)``; None of every other condition."""
    at = condition.removeprefix("after(").removesuffix(")")
    return float(at) if at != condition and at.replace(".", "", 1).isdigit() else None


def code_words(code: str) -> str:
    """``client_inactive`` is a name of ours and told in words; those of the outside stay as they came."""
    return code.replace("_", " ") if code.islower() else code


def write_private(file: Path, text: str) -> None:
    """A new file of mode 0600, whole or not at all. Raises OSError, also when it exists."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        try:
            opened.write(text)
            opened.flush()
        except OSError:  # half of it would look like all of it
            file.unlink(missing_ok=True)
            raise


def plain(value: Any) -> str:
    """A cell as text on one line: no control, format or bidi characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(inner) for inner in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(key)} {plain(inner)}" for key, inner in value.items())
    return "".join(_shown(character) for character in str(value))


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character)[0] == "C" else character


def as_json(value: Any, *, indent: int | None = None) -> str:
    """JSON whose text keeps every character, but control, format and bidi characters as escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character == "\n" or unicodedata.category(character)[0] != "C":
        return character
    code = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{code[at : at + 2].hex()}" for at in range(0, len(code), 2))


def csv_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets a quote before it (rules §12)."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = str(value) if isinstance(value, str) else plain(value)
    if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA):
        text = f"'{text}"
    return plain(text)
