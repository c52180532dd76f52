"""Checks of the terminal: its size, colours, signs and widths, its clipboard, and how Japanese is typed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from console.doctor.check import Check, Finding, ok, warn

LEAST = (80, 24)
COLOURS = {"truecolor": "24-bit colours", "256": "256 colours", "standard": "16 colours"}


@dataclass(frozen=True)
class Terminal:
    """What is known of a terminal. ``colours``: truecolor, 256, standard or "" for none; ``glyphs``: the set in use;
    ``wide``: does it draw characters of ambiguous width two cells wide, None where that is not known; ``clipboard``:
    whether a copy arrives (None: not known), and in words.
    """

    columns: int
    rows: int
    name: str
    colours: str
    no_color: bool
    encoding: str
    glyphs: str
    wide: bool | None
    clipboard: tuple[bool | None, str]


class TerminalChecks:
    """Reads ``terminal`` and asks nothing."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def all(self) -> list[Check]:
        return [
            Check("size", _now(self.size), "Below 80 columns and 24 lines things do not fit."),
            Check("colours", _now(self.colours), "State is told by sign and word; colour only helps."),
            Check("signs", _now(self.signs), "The set of signs must be one that the terminal can draw."),
            Check("widths", _now(self.widths), "Signs drawn two cells wide shift every line that has them."),
            Check("clipboard", _now(self.clipboard), "Where a copy ends up; what does not arrive can be saved in a file."),
            Check("Japanese input", _now(self.japanese), "Keys are letters typed directly; text fields take any input."),
        ]  # fmt: skip

    def size(self) -> Finding:
        terminal = self._terminal
        said = f"{terminal.columns} columns, {terminal.rows} lines"
        if terminal.columns < LEAST[0] or terminal.rows < LEAST[1]:
            return warn(said, f"make it {LEAST[0]} by {LEAST[1]} or larger")
        return ok(said)

    def colours(self) -> Finding:
        terminal = self._terminal
        if terminal.no_color:
            return ok("NO_COLOR is set: no colours, the row in hand is reversed")
        said = COLOURS.get(terminal.colours)
        return (
            ok(f"{said} ({terminal.name})")
            if said
            else warn(f"no colours ({terminal.name})", "set TERM to what the terminal is")
        )

    def signs(self) -> Finding:
        terminal = self._terminal
        said = f"{terminal.glyphs} set, {terminal.encoding or 'unknown'} text"
        utf8 = terminal.encoding.casefold().replace("-", "") == "utf8"
        if terminal.glyphs != "ascii" and not utf8:
            return warn(said, "choose the ascii signs, or a UTF-8 locale")
        return ok(said)

    def widths(self) -> Finding:
        terminal = self._terminal
        if terminal.wide is None:
            known = "it is not known whether ambiguous characters are one cell wide"
            return (
                ok(known)
                if terminal.glyphs != "unicode"
                else warn(known, "if lines look shifted, choose the narrow signs")
            )
        if terminal.wide and terminal.glyphs == "unicode":
            return warn("ambiguous characters are two cells wide", "choose the narrow or ascii signs")
        return ok(f"ambiguous characters are {'two cells' if terminal.wide else 'one cell'} wide")

    def clipboard(self) -> Finding:
        arrives, words = self._terminal.clipboard
        return ok(words) if arrives else warn(words, "save what was copied in a file: it is offered after each copy")

    def japanese(self) -> Finding:
        return ok("for keys switch to direct (half-width) input; names and reasons are typed as usual")


def _now(look: Callable[[], Finding]) -> Callable[[], Awaitable[Finding]]:
    async def told() -> Finding:
        return look()

    return told
