"""Groups of verbs whose help lists each verb with its whole first sentence."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from typer.core import TyperGroup

LONGEST = 200


class Group(TyperGroup):
    """``sections``: heading → names; what stands in none comes under "Verbs"."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        named = {name for names in self.sections.values() for name in names}
        rest = tuple(name for name in self.list_commands(ctx) if name not in named)
        for title, names in {**self.sections, "Verbs": rest}.items():
            lines = list(self._lines(ctx, names))
            if lines:
                with formatter.section(title):
                    formatter.write_dl(lines)

    def _lines(self, ctx: Any, names: Iterable[str]) -> Iterable[tuple[str, str]]:
        for name in names:
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                yield name, str(command.get_short_help_str(limit=LONGEST))
