"""The command palette: what is possible now first, the rest greyed with the daemon's reason, then keys and sections."""

from collections.abc import AsyncIterator
from functools import partial

from rich.text import Text
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from console import keys
from console.commands.table import for_orders
from console.screens.acting import ActingScreen


class ConsoleProvider(Provider):
    """Offers what the screen under the palette can do."""

    async def discover(self) -> Hits:
        async for title, help_text, action, possible in self._entries():
            yield DiscoveryHit(
                _shown(title, possible), partial(self.screen.run_action, action), text=title, help=help_text
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        async for title, help_text, action, possible in self._entries():
            score = matcher.match(title)
            if score > 0:
                shown = matcher.highlight(title) if possible else _shown(title, possible)
                yield Hit(
                    score if possible else score / 2,
                    shown,
                    partial(self.screen.run_action, action),
                    text=title,
                    help=help_text,
                )

    async def _entries(self) -> AsyncIterator[tuple[str, str, str, bool]]:
        """(title, help, action, possible now)."""
        screen = self.screen
        known = {command.id: command for command in screen.known_commands()} if isinstance(screen, ActingScreen) else {}
        greyed: list[tuple[str, str, str, bool]] = []
        if isinstance(screen, ActingScreen):
            for command in for_orders():
                answer = known.get(command.id)
                title = f"{command.group}: {command.title}  {command.keys}"
                action = f"act('{command.id}')"
                if answer is None or answer.possible:
                    yield title, command.description, action, True
                elif not answer.never:
                    greyed.append((title, f"not now: {answer.reason}", action, False))
        for binding in (*_own(screen), *keys.APP):
            if binding.action != "command_palette":
                prefix = "app." if binding in keys.APP else ""
                yield (
                    f"{binding.description}  {keys.shown(binding.key.split(',')[0])}",
                    binding.tooltip,
                    prefix + binding.action,
                    True,
                )
        for entry in greyed:
            yield entry


def _own(screen: object) -> list[Binding]:
    """The screen's own bindings that are not commands."""
    bindings = getattr(type(screen), "BINDINGS", [])
    return [binding for binding in bindings if isinstance(binding, Binding) and not binding.action.startswith("act(")]


def _shown(title: str, possible: bool) -> Text:
    return Text(title, style="" if possible else "dim")
