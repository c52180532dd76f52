"""The command palette: what is possible now first, the rest greyed with the daemon's reason, then keys and sections."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rich.text import Text
from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from console import keys
from console.commands.command import Command
from console.commands.table import BY_ID, for_orders, for_system
from console.schema.detail import PossibleCommand
from console.screens.acting import ActingScreen
from console.screens.sections import SECTIONS

CANCEL = BY_ID["order.cancel"]  # what z opens
_ORDER = {"command": 2.0, "key": 1.0, "greyed": 0.0}  # added to the score, so that each group stays together


@dataclass(frozen=True)
class Entry:
    """One line of the palette. ``rank``: command (possible now), key, greyed."""

    title: str
    help: str
    action: str
    rank: str


class ConsoleProvider(Provider):
    """Offers what the screen under the palette can do."""

    async def discover(self) -> Hits:
        async for entry in self._entries():
            yield DiscoveryHit(self._shown(entry), self._run(entry), text=entry.title, help=entry.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        async for entry in self._entries():
            score = max(matcher.match(entry.title), matcher.match(entry.help) * 0.5)
            if score > 0:
                shown = matcher.highlight(entry.title) if entry.rank != "greyed" else self._shown(entry)
                yield Hit(score + _ORDER[entry.rank], shown, self._run(entry), text=entry.title, help=entry.help)

    def _run(self, entry: Entry) -> Callable[[], Awaitable[None]]:
        return partial(self.screen.run_action, entry.action)

    def _shown(self, entry: Entry) -> Text:
        """Greyed is a colour of its own with enough contrast, never a dim one."""
        muted = self.app.theme_variables.get("text-muted", "")
        return Text(entry.title, style=muted if entry.rank == "greyed" else "")

    async def _entries(self) -> AsyncIterator[Entry]:
        screen = self.screen
        commands = list(_commands(screen)) if isinstance(screen, ActingScreen) else []
        for entry in commands:
            if entry.rank == "command":
                yield entry
        for entry in _keys(screen):
            yield entry
        for entry in commands:
            if entry.rank == "greyed":
                yield entry


def _commands(screen: ActingScreen) -> Iterator[Entry]:
    """Of the order in hand and of the system; what this role can never do is not listed."""
    if screen.has_orders():
        yield from _judged(for_orders(), {command.id: command for command in screen.known_commands()})
    yield from _judged(for_system(), {command.id: command for command in screen.desk.session.system_commands})


def _judged(commands: Sequence[Command], known: dict[str, PossibleCommand]) -> Iterator[Entry]:
    for command in commands:
        answer = known.get(command.id)
        key = f"  {command.keys}" if command.context == "order" else ""
        title, action = f"{command.group}: {command.title}{key}", f"act('{command.id}')"
        if answer is None or answer.possible:
            yield Entry(title, command.description, action, "command")
        elif not answer.never:
            yield Entry(title, f"not now: {answer.reason}", action, "greyed")


def _keys(screen: object) -> Iterator[Entry]:
    """The screen's own keys, the console's, and the sections."""
    for binding in own_keys(screen):
        if binding.action == "undo" and isinstance(screen, ActingScreen) and not screen.desk.session.may(CANCEL.role):
            continue
        yield Entry(_titled(binding), binding.tooltip, binding.action, "key")
    for binding in keys.APP:
        if binding.action != "command_palette":
            yield Entry(_titled(binding), binding.tooltip, f"app.{binding.action}", "key")
    for section in SECTIONS:
        yield Entry(f"Go: {section.title}  {section.digit}", f"The section {section.title}", f"app.section('{section.mode}')", "key")  # fmt: skip


def _titled(binding: Binding) -> str:
    return f"{binding.description}  {keys.shown(binding.key.split(',')[0])}"


def own_keys(screen: object) -> list[Binding]:
    """A screen's own bindings that are not commands."""
    bindings = getattr(type(screen), "BINDINGS", [])
    return [binding for binding in bindings if isinstance(binding, Binding) and not binding.action.startswith("act(")]
