"""Help for the screen one comes from: its keys, every command with its role, and what the signs mean."""

import unicodedata
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from console import keys
from console.commands.table import COMMANDS
from console.schema.detail import PossibleCommand
from console.screens.sections import SECTIONS
from console.widgets.cells import fit, literal
from console.widgets.frames import suit
from console.widgets.glyphs import WAIT_WORDS, Glyphs
from console.widgets.pieces import Line, flowed
from console.widgets.sheet import Sheet

_STRIP_WORDS = {
    ".": "not reached",
    ">": "at work",
    "~": "tried again",
    "|": "waits",
    "v": "done",
    "x": "failed",
    "s": "skipped",
    "-": "not needed",
}
_WORDS: tuple[tuple[str, str], ...] = (
    ("10480  ord 10480", "an order, with or without zeros"),
    ("find 田中", "whatever a customer can name, over all orders"),
    ("state:failed", "the board with a filter"),
    ("approvals", "a section, its first letters do"),
    ("save", "write the last copy into a file"),
    ("zone", "the zone in which times are told"),
)
_TABLE: tuple[tuple[str, str], ...] = (
    ("↑↓ jk pgup pgdn g G", "take another order in hand"),
    ("enter", "open"),
    ("space  shift+↑↓  *", "mark one, a range, all that match"),
    (".", "let in what came in meanwhile"),
    ("esc", "clear the marks, then put the row down (the rows move again), then clear the board's filter"),
    ("h l ← →", "scroll sideways"),
)


class HelpScreen(ModalScreen[None]):
    """Typing narrows it; esc closes it."""

    CSS_PATH = "../../styles/help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close"),
        Binding("down", "scroll(1)", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
    ]

    def __init__(
        self, glyphs: Glyphs, title: str, bindings: Sequence[Binding], possible: Sequence[PossibleCommand]
    ) -> None:
        super().__init__()
        self._glyphs, self._heading, self._keys, self._possible = glyphs, title, bindings, possible

    def compose(self) -> ComposeResult:
        with Vertical(id="help"):
            yield Input(placeholder="type to narrow the help", id="help-filter", compact=True)
            yield Sheet(id="help-lines", ellipsis=self._glyphs.ellipsis)

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self.query_one("#help-filter", Input).focus()
        self.call_after_refresh(self._show, "")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show, self.query_one("#help-filter", Input).value)

    def action_scroll(self, by: int) -> None:
        self.query_one(Sheet).scroll_relative(y=by, animate=False)

    def _show(self, wanted: str) -> None:
        sheet = self.query_one(Sheet)
        width = max(40, sheet.room)
        folded = unicodedata.normalize("NFKC", wanted).casefold().strip()
        lines: list[Line] = []
        for title, rows in self._groups():
            kept = [row for row in rows if not folded or folded in " ".join(row).casefold()]
            if kept:
                lines += [[(title, "strong")], *(line for row in kept for line in self._row(*row, width)), []]
        sheet.set_lines(lines or [[("nothing like that", "muted")]])

    def _row(self, key: str, said: str, tone: str, width: int) -> list[Line]:
        first, *rest = flowed(self._glyphs.plain(literal(said)), tone, width - 22)
        return [
            [(fit(f"  {self._glyphs.plain(key)}", 22), "accent"), *first],
            *([(" " * 22, "plain"), *line] for line in rest),
        ]

    def _groups(self) -> list[tuple[str, list[tuple[str, str, str]]]]:
        glyphs = self._glyphs
        commands: dict[str, list[tuple[str, str, str]]] = {}
        reasons = {known.id: known for known in self._possible}
        for command in COMMANDS:
            known = reasons.get(command.id)
            why = f" Not now: {known.reason}" if known is not None and not known.possible else ""
            said = f"{command.title}: {command.description} ({command.role}){why}"
            key = command.keys if command.context == "order" else "^p"
            commands.setdefault(command.group, []).append((key, said, "muted" if why else "plain"))
        own = [
            (
                " ".join(keys.shown(key) for key in binding.key.split(",")),
                f"{binding.description}: {binding.tooltip}",
                "plain",
            )
            for binding in [*self._keys, *keys.APP]
        ]
        signs = [(glyphs.states[state], state, state) for state in glyphs.states if state != "none"]
        waits = [
            (f"{sign} wait:{wait}", WAIT_WORDS[wait], "bad" if wait == "person" else "plain")
            for wait, sign in glyphs.waits.items()
        ]
        steps = [(glyphs.strip[letter], f"step {word}", "plain") for letter, word in _STRIP_WORDS.items()]
        table = [(key, said, "plain") for key, said in _TABLE]
        go = [(section.digit, f"the section {section.title}", "plain") for section in SECTIONS]
        go += [(f":{word}", said, "plain") for word, said in _WORDS]
        return [
            (self._heading, own), ("Table", table), *commands.items(), ("Go", go), ("States", signs), ("Waits", waits), ("Step strip", steps),
        ]  # fmt: skip
