"""The frame of every section's screen: status, sections, what the screen shows, ticker, keys; live while it is active."""

from collections.abc import Iterable, Sequence, Set
from time import monotonic

from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from console.screens.desk import Desk
from console.screens.sections import SECTIONS
from console.widgets.attended import Attended
from console.widgets.cells import literal
from console.widgets.frames import suit
from console.widgets.hints import Hint, HintBar
from console.widgets.pieces import flowed
from console.widgets.sheet import Bar
from console.widgets.statusbar import StatusBar
from console.widgets.ticker import Ticker, event_line

FOREIGN = Hint("Japanese input is on:", "switch it off to use keys", "app.help", tone="warn", must=True)
FOREIGN_FOR = 6.0  # seconds

ROOM_FOR_ALL = 110  # columns in which every section has its name
OWN_STAYS = 30.0  # seconds for which what was said here stands before what the feed tells


class LiveScreen(Attended, Screen[None]):
    """Gets the book's changes only while it is active; what it missed it catches up on when it comes back."""

    MODE = ""

    class Told(Message):
        """A sentence for the person: a notice now, and a line that stays in the ticker. Severity as in ``notify``."""

        def __init__(self, said: str, severity: str) -> None:
            self.said, self.severity = said, severity
            super().__init__()

    class Wanted(Message):
        """Something to be found, whatever it is: a number, a name, a telephone."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._missed: set[str] = set()
        self.stands = False  # has been mounted
        glyphs = desk.glyphs
        self._status = StatusBar(glyphs, id="status")
        self._sections = HintBar(glyphs, id="sections")
        self._banner = Bar(id="banner", ellipsis=glyphs.ellipsis)
        self._ticker = Ticker(glyphs, id="ticker")
        self._keys = HintBar(glyphs, id="keys")

    # Frame -----------------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._sections
        yield self._banner
        yield from self.body()
        yield self._ticker
        yield self._keys

    def body(self) -> Iterable[Widget]:
        """What stands between the sections and the ticker."""
        raise NotImplementedError

    def hints(self) -> Sequence[Hint]:
        """The keys that help here, the most useful first."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.stands = True
        suit(self, self.desk.glyphs)
        self.tick()

    def put_aside(self) -> None:
        """Leave on the desk what the screen that is made in this one's place begins with."""

    # Changes ---------------------------------------------------------------------------------------------------------

    def note_changes(self, changed: Set[str]) -> None:
        """Remember what changed until ``flush``."""
        self._missed |= changed

    def flush(self) -> None:
        """Show what changed since the last time; called ten times a second on the active screen only."""
        changed, self._missed = self._missed, set()
        self.show_changes(changed)
        self._show_ticker()

    def show_changes(self, changed: Set[str]) -> None:
        """Ids of the orders that changed; empty when nothing did."""
        raise NotImplementedError

    def tick(self) -> None:
        """Once a second: clocks, ages, how the connection stands."""
        self.show_frame()
        self._show_sections()
        self._show_ticker()
        self.show_keys()

    def show_frame(self) -> None:
        """How the connection stands, also under a dialog: a loss is never silent."""
        self._status.show(self.desk.status())
        self._show_banner()

    def _show_banner(self) -> None:
        """Why the daemon is not heard, for as long as it is not, and acts whose answer is still awaited."""
        banner, link = self._banner, self.desk.session.link()
        waiting = [
            f"{act.said}: sent, not confirmed; its answer is asked for."
            for act in self.desk.submissions.unconfirmed.values()
        ]
        told = [*([(link.why, "bad")] if link.why else []), *((said, "warn") for said in waiting)]
        banner.display = bool(told)
        if told:
            lines = [
                [(" ", tone), *line]
                for said, tone in told
                for line in flowed(self.desk.glyphs.plain(literal(said)), tone, self.size.width - 2)
            ]
            banner.styles.height = len(lines)
            banner.set_lines(lines)

    def on_screen_resume(self) -> None:
        if self.stands:
            self.flush()
            self.tick()

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted outside a text field is looked for; it is never taken for keys."""
        event.stop()
        text = " ".join(literal(event.text).split())
        if text:
            self.app.post_message(self.Wanted(text))

    def tell(self, said: str, severity: str = "information") -> None:
        """Say a sentence in a way that outlives this screen."""
        self.app.post_message(self.Told(said, severity))

    def open_order(self, order: str) -> None:
        """Its screen on this one; ``order`` is an id or a number. Loaded with its first use, not before the first frame."""
        from console.screens.order import OrderScreen

        self.app.push_screen(OrderScreen(self.desk, order))

    def show_keys(self) -> None:
        foreign = [FOREIGN] if monotonic() - self.desk.foreign_key_at < FOREIGN_FOR else []
        self._keys.show([*foreign, *self.hints()], Hint("^p", "palette", "command_palette"))

    def _show_sections(self) -> None:
        """Where there is no room for all, this one and those that call for action stay, and ``:`` leads to the others."""
        counts, glyphs = self.desk.session.book.counts, self.desk.glyphs
        if self.is_current and any(s.mode == self.app.current_mode for s in SECTIONS):
            self.MODE = self.app.current_mode  # an order belongs to the section it was opened from
        waiting = {mode: f" {count:,}" for mode, count in self.desk.waiting.items() if count}
        hints = [
            Hint(
                s.digit, s.title + waiting.get(s.mode, ""), f"app.section('{s.mode}')",
                strong=s.mode == self.MODE, must=s.mode == self.MODE or s.mode in waiting,
            )
            for s in SECTIONS
        ]  # fmt: skip
        hints += [
            Hint(f"{glyphs.states[state]} {counts[state]:,}", state, f"app.orders_with('{state}')", tone=state)
            for state in ("failed", "held", "parked", "retrying", "running", "queued")
            if counts[state]
        ]
        self._sections.show(hints, Hint(":", "all", "app.go_to") if self.size.width < ROOM_FOR_ALL else None)

    def _show_ticker(self) -> None:
        ticker = self._ticker
        book, session = self.desk.session.book, self.desk.session
        height = max(1, ticker.size.height)
        events = list(book.recent)[-height:][::-1]
        lines = [
            event_line(e, book.get(e.order_id) if e.order_id else None, session.zone, self.desk.glyphs) for e in events
        ]
        newer = sum(1 for e in events if e.at > self.desk.said_at + OWN_STAYS)
        ticker.show([*lines[:newer], *self.desk.said[-1:], *lines[newer:]][:height])
