"""What is wrong with the settings, all of it at once."""

from collections.abc import Iterable
from dataclasses import dataclass

from integrations.errors import plain_text


@dataclass(frozen=True)
class Problem:
    """One wrong key or value.

    ``source`` is "FILE:LINE", the name of an environment variable, or "" where something is missing everywhere.
    ``key`` is dotted; ``nearest`` is a valid key that was probably meant, "" for none. Never holds a value.
    """

    source: str
    key: str
    reason: str
    nearest: str = ""

    def __str__(self) -> str:
        parts = [part for part in (self.source, self.key, self.reason) if part]
        hint = f" (did you mean {self.nearest}?)" if self.nearest else ""
        return plain_text(": ".join(parts) + hint, 1000)


class SettingsError(Exception):
    """The settings cannot be used; ``problems`` names every reason. Renders as one line each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
