"""What each role may see of personal data (rules §12, architecture §8).

Names, ICCIDs and EIDs are masked for viewers; phones, addresses of mail and activation data for everybody: they come
by the audited reveal alone. Free text goes through the one redactor for viewers, and shows a card number to nobody;
outside text is always stripped of control and bidi characters.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from console.observe.patterns import cards_masked, middle_masked
from console.observe.redact import Redactor, stripped
from console.schema.base import MASK

_SHORTEST = 2  # a name's part of one character is found inside too many words


class Masker:
    """For one answer to one person. ``names``: names of customers that must not stand in a viewer's free text."""

    def __init__(self, redactor: Redactor, role: str, names: Iterable[str | None] = ()) -> None:
        self.viewer = role == "viewer"
        self._redactor = redactor
        self._names = _form(names) if self.viewer else None

    def name(self, text: str | None) -> str | None:
        if text is None:
            return None
        return masked_name(text) if self.viewer else stripped(text)

    def iccid(self, text: str | None) -> str | None:
        if text is None:
            return None
        return middle_masked(text) if self.viewer else stripped(text)

    def eid(self, text: str | None) -> str | None:
        return middle_masked(text) if text else text

    def phone(self, text: str | None) -> str | None:
        """The first three and the last two characters."""
        if not text:
            return text
        plain = stripped(text).strip()
        return middle_masked(plain, 3, 2) if len(plain) > 7 else MASK * 5

    def email(self, text: str | None) -> str | None:
        if not text:
            return text
        local, at, domain = stripped(text).partition("@")
        return f"{local[:1]}{MASK * 2}@{domain[:3]}…" if at else MASK * 5

    def text(self, text: str | None) -> str | None:
        """Free text: what staff wrote, what a system said."""
        if text is None:
            return None
        if not self.viewer:
            return cards_masked(stripped(text, lines=True))
        shown = self._redactor.text(text, lines=True)
        return self._names.sub(MASK * 3, shown) if self._names else shown

    def value(self, value: Any) -> Any:
        """Inputs and outputs of calls, evidence, details: redacted for everybody."""
        return self._without_names(self._redactor.value(value))

    def _without_names(self, value: Any) -> Any:
        if self._names is None:
            return value
        if isinstance(value, str):
            return self._names.sub(MASK * 3, value)
        if isinstance(value, Mapping):
            return {key: self._without_names(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._without_names(inner) for inner in value]
        return value


def masked_name(text: str) -> str:
    """田中 花子 → 田•• 花••; a part of one character is hidden whole."""
    return " ".join(part[0] + MASK * 2 if len(part) > 1 else MASK * 2 for part in stripped(text).split())


def _form(names: Iterable[str | None]) -> re.Pattern[str] | None:
    """Finds the names and their parts, longest first."""
    parts = {part for name in names if name for part in (name, stripped(name), *name.split()) if len(part) >= _SHORTEST}
    if not parts:
        return None
    return re.compile("|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True)), re.IGNORECASE)
