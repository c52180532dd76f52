"""The one redactor: for logs, tracebacks, crash files, exports and whatever else leaves the process as text."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from console.observe.patterns import MASK, is_secret_name, text_patterns

SHORTEST_SECRET = 6  # a shorter one would also be found inside ordinary words


class Redactor:
    """Replaces the secrets it knows, what looks like a secret or personal data, and all control characters."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._patterns = tuple(text_patterns())
        self._known: set[str] = set()
        self._form: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Learn secret values (from settings, or tokens as they are issued), in each spelling they travel in."""
        for secret in secrets:
            if len(secret) >= SHORTEST_SECRET:
                self._known |= _spellings(secret)
        if self._known:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._form = re.compile("|".join(re.escape(known) for known in longest_first))

    def text(self, text: str, *, lines: bool = False) -> str:
        """``text`` fit to be written. Line ends are kept only with ``lines``, else they become spaces."""
        text = stripped(self._without_known(text), lines=lines)
        text = self._without_known(text)  # once more: a secret may have been cut in two by what was stripped
        for pattern in self._patterns:
            text = pattern.form.sub(pattern.shown, text)
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """A plain copy of ``value`` (texts, numbers, lists, dicts), redacted; ``name`` is the key it stands under."""
        if value is None or isinstance(value, bool):
            return value
        if name and is_secret_name(name):
            return MASK
        if isinstance(value, float):
            return value
        if isinstance(value, int):
            shown = self.text(str(value))
            return value if shown == str(value) else shown
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(inner) for inner in value]
        if isinstance(value, bytes):
            return f"({len(value)} bytes)"
        return self.text(value if isinstance(value, str) else str(value))

    def _without_known(self, text: str) -> str:
        return self._form.sub(MASK, text) if self._form else text


def stripped(text: str, *, lines: bool = False) -> str:
    """Without control, format (bidi, zero width) and private characters; other white space becomes plain spaces."""
    return "".join(_plain(character, lines) for character in text)


def _plain(character: str, lines: bool) -> str:
    if character == "\n" and lines:
        return character
    if character.isspace():
        return " "
    return "" if unicodedata.category(character)[0] == "C" else character


def _spellings(secret: str) -> set[str]:
    """As it is, as JSON and ``repr`` escape it, url-encoded, and the single lines of a key file."""
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    encoded = {quote(secret, safe=""), quote_plus(secret), quote(secret)}
    long_lines = {line for line in secret.splitlines() if len(line) >= 16 and not line.startswith("-----")}
    return {secret} | escaped | encoded | long_lines
