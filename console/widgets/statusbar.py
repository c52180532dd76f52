"""The first line of every screen: environment, who, how fresh the data are, and how each integration stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events

from console.widgets import wording
from console.widgets.cells import fit, literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece
from console.widgets.sheet import Bar

WIDE = 104
NEEDS = "bad"  # the tone of what waits for a person


@dataclass(frozen=True)
class PartState:
    """One outside system or the daemon. ``state``: ok, warn, bad; ``word`` says more when it is not ok."""

    title: str
    short: str
    state: str
    word: str = ""


@dataclass(frozen=True)
class Status:
    """What the bar tells. ``live``: connecting, live, stale, lost; ``clock``: the time of day as text; ``silent``: seconds since
    the daemon was heard, 0 when it never was; ``needs``: how much waits for a person."""

    environment: str
    production: bool
    name: str
    role: str
    read_only: bool
    live: str
    clock: str
    silent: float
    lag: float
    parts: Sequence[PartState]
    window_runs_daemon: bool = False
    needs: int = 0


class StatusBar(Bar):
    """One line; short forms on a narrow terminal."""

    DEFAULT_CSS = "StatusBar { height: 1; }"

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id, ellipsis=glyphs.ellipsis)
        self._glyphs = glyphs
        self._status: Status | None = None

    def show(self, status: Status) -> None:
        if status != self._status:
            self._status = status
            self._draw()

    def on_resize(self) -> None:
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """On what needs a person: its list."""
        event.stop()
        line = self.lines[0] if self.lines else ()
        here = next((number for start, end, number in self.spans(0) if start <= event.x < end), None)
        if here is not None and line[here][0].startswith(f"{self._glyphs.warn} ") and line[here][1] == NEEDS:
            self.call_later(self.screen.run_action, "app.section('needs')")

    def _draw(self) -> None:
        if self._status is not None:
            self.set_lines([self._line(self._status, self.size.width)])

    def _line(self, status: Status, width: int) -> Line:
        wide = width >= WIDE
        environment = literal(status.environment).upper() or "?"
        left: list[Piece] = [
            (f" {self._glyphs.logo} {'portal  ' if wide else ''}", "accent"),
            (f" {environment} ", "badge_production" if status.production else "badge_sandbox"),
            (f" {literal(status.name)}", "strong"),
        ]
        if wide:
            left.append((f" {status.role}", "muted"))
        if status.read_only:
            left.append((" read-only", "warn"))
        if status.window_runs_daemon and wide:
            left.append(("  this window runs the daemon", "muted"))
        left += [("  ", "plain"), *self._freshness(status, wide)]
        if status.needs:
            left += [
                ("  ", "plain"),
                (f"{self._glyphs.warn} {status.needs:,}{_needing(status.needs) if wide else ''}", NEEDS),
            ]
        right = self._parts(status, wide)
        used = sum(cell_len(text) for text, _ in left)
        needed = sum(cell_len(text) for text, _ in right)
        if wide and used + needed + 3 > width:
            right = self._parts(status, False)
            needed = sum(cell_len(text) for text, _ in right)
        return [*left, (" " * max(2, min(4, width - used - needed)), "plain"), *right]

    def _freshness(self, status: Status, wide: bool) -> Line:
        lag = f" lag {status.lag:.1f}s" if status.lag < 100 else f" lag {wording.age(status.lag)}"
        clock = status.clock if wide else status.clock[:5]
        match status.live:
            case "live":
                return [(f"{self._glyphs.live} live", "ok"), (f" {clock}{lag}", "muted")]
            case "stale":
                return [(f"{self._glyphs.warn} stale {wording.age(status.silent)}", "warn")]
            case "connecting":
                return [(f"{self._glyphs.into} connecting", "warn")]
        lost = f"daemon lost {wording.age(status.silent)}" if status.silent else "not connected"  # never heard yet
        return [(f"{self._glyphs.lost} {lost}", "bad")]

    def _parts(self, status: Status, wide: bool) -> list[Piece]:
        """Long: ``WHMCS ✓  eSIM ! paused``; short: ``W✓ E!``."""
        pieces: list[Piece] = []
        for part in status.parts:
            sign = {"ok": self._glyphs.ok, "warn": self._glyphs.warn, "bad": self._glyphs.bad}.get(part.state, "?")
            if pieces:
                pieces.append(("  " if wide else " ", "plain"))
            pieces.append((f"{part.title} " if wide else part.short, "muted"))
            pieces.append((f"{sign} {fit(part.word, min(len(part.word), 12))}".rstrip() if wide else sign, part.state))
        return pieces


def _needing(count: int) -> str:
    return " needs a person" if count == 1 else " need a person"
