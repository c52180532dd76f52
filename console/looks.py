"""How the console looks for one person: theme and set of signs, kept in a private file of theirs for the next start."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

THEMES = ("portal-dark", "portal-light")
GLYPHS = ("unicode", "narrow", "ascii")


@dataclass(frozen=True)
class Looks:
    """None: not chosen, so the command line or the default decides."""

    theme: str | None = None
    glyphs: str | None = None


class LooksFile:
    """``read`` never fails: what cannot be read was not chosen. The command line goes before what is kept here."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> Looks:
        try:
            found: Any = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Looks()
        if not isinstance(found, dict):
            return Looks()
        return Looks(_known(found.get("theme"), THEMES), _known(found.get("glyphs"), GLYPHS))

    def keep(self, *, theme: str = "", glyphs: str = "") -> Looks:
        """Write these besides what is kept already, mode 0600; "" leaves what is kept. Raises OSError."""
        kept = self.read()
        looks = Looks(theme or kept.theme, glyphs or kept.glyphs)
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(json.dumps(asdict(looks)) + "\n")
        part.replace(self.file)
        return looks


def _known(value: object, names: tuple[str, ...]) -> str | None:
    return value if isinstance(value, str) and value in names else None
