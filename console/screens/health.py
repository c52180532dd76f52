"""Health: every way to the outside with its figures of the last minutes, the daemon's own parts, the open alarms."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from console import keys
from console.commands.command import Command
from console.commands.table import BY_ID
from console.schema.detail import PossibleCommand
from console.schema.service import DeepHealth, Integrations
from console.screens.desk import Desk
from console.screens.reading import ReadingScreen
from console.widgets import healthlines, wording
from console.widgets.cells import literal
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.pieces import Line, joined
from console.widgets.sheet import Bar, Sheet

PAUSE, RESUME = "system.pause", "system.resume"
_COMMANDS = (PAUSE, RESUME, "system.release_brake", "system.end_recovery")


class HealthScreen(ReadingScreen):
    """What the daemon knows of itself and of its ways to the outside: looking asks nothing of the outside."""

    MODE = "health"
    CSS_PATH = "../../styles/health.tcss"
    BINDING_GROUP_TITLE = "Health"
    AUTO_FOCUS = "#integrations"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.HEALTH, *keys.of_system(*_COMMANDS)]
    EVERY = 3
    LEAST = 2

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        ellipsis = desk.glyphs.ellipsis
        self.table = OrderTable(healthlines.COLUMNS, self._cells, desk.glyphs, id="integrations")
        self._summary = Bar(id="health-summary", ellipsis=ellipsis)
        self._about = Sheet(id="health-about", ellipsis=ellipsis)
        self._parts = Sheet(id="health-parts", ellipsis=ellipsis)
        self._alarms = Sheet(id="health-alarms", ellipsis=ellipsis)
        self._known: Integrations | None = None
        self._deep: DeepHealth | None = None

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self.table
        yield self._about
        with Horizontal(id="health-rest"):
            yield self._parts
            yield self._alarms

    def hints(self) -> Sequence[Hint]:
        acts = [
            Hint(BY_ID[one.id].keys, one.title, f"act('{one.id}')", off=not one.possible)
            for one in self.known_commands()
            if not one.never and (one.possible or one.id in (PAUSE, RESUME))
        ]
        return [
            *acts,
            Hint("tab", "Pane", "app.focus_next"),
            Hint("f", "Read again", "fetch"),
            Hint("?", "Help", "app.help", must=True),
        ]

    def _cells(self, subject: str) -> Cells:
        return healthlines.cells(subject, self._known, self.desk.glyphs) if self._known is not None else {}

    # Live ------------------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        session = self.desk.session
        await session.look_around()
        self._deep = await session.api.health_deep()
        self._known = session.integrations
        if self._known is not None:
            rows = healthlines.subjects(self._known)
            self.table.offer(rows)
            if self.table.in_hand not in rows:
                self.table.take(None)
            self.table.newest()
            self.table.styles.height = len(rows) + 1
            self.table.refresh()

    def show(self) -> None:
        glyphs, session = self.desk.glyphs, self.desk.session
        self.table.grey = not session.link().usable
        self._summary.set_lines([self._summed_up()])
        if self._known is None or self._deep is None:
            return
        now, zone = session.now(), session.zone
        subject = self.table.in_hand or (self.table.keys[0] if self.table.keys else "")
        width = max(30, self._about.room)
        self._about.set_lines(healthlines.about(subject, self._known, now, zone, glyphs, width))
        systems = [one.system for one in self._known.integrations]
        parts = healthlines.part_lines(self._deep, systems, glyphs, max(30, self._parts.room))
        alone = not self._alarms.display
        room = max(30, self._parts.room if alone else self._alarms.room)
        alarms: list[Line] = [[(" ALARMS", "strong")]]
        alarms += healthlines.alarm_lines(self._deep.alerts, now, zone, glyphs, room)
        own: list[Line] = [[(" THE DAEMON", "strong")], *parts]
        self._parts.set_lines([*alarms, *own] if alone else own)
        self._alarms.set_lines(alarms)

    def _summed_up(self) -> Line:
        glyphs, session = self.desk.glyphs, self.desk.session
        if self.trouble:
            return [(f" {glyphs.plain(literal(self.trouble))}", "bad")]
        if self._known is None or self._deep is None or self.read_at is None:
            return [(" being read", "muted")]
        words: dict[str, tuple[str, str]] = {
            "ok": (f" {glyphs.ok} all is well", "ok"),
            "warn": (f" {glyphs.warn} look at what is marked", "warn"),
            "bad": (f" {glyphs.bad} something is wrong", "bad"),
        }
        window = max((one.recent.window for one in self._known.integrations if one.recent is not None), default=0.0)
        parts: list[Line] = [[words[self._deep.state]]]
        if self._known.brake:
            parts.append([("the brake is on", "bad")])
        if self._known.recovery:
            parts.append([("in recovery", "bad")])
        if self._known.observe:
            parts.append([("only observing", "warn")])
        parts.append([(f"read {wording.clock(self.read_at, session.zone)}", "muted")])
        parts.append([(f"figures of the last {healthlines.window_words(window)}, real calls only", "muted")])
        return joined(parts, (f" {glyphs.sep} ", "muted"))

    @on(OrderTable.Highlighted)
    def _looked_at(self) -> None:
        self.show()
        self.show_keys()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    # Acting ----------------------------------------------------------------------------------------------------------

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        """⏎ or a double click: pause what runs, resume what is paused."""
        self.action_act(RESUME if self._pause_of(event.order_id) else PAUSE)

    def _pause_of(self, subject: str) -> str:
        """By whom and why it is paused, in the daemon's words; "" when it is not."""
        pauses = self._known.pauses if self._known is not None else ()
        found = next((pause for pause in pauses if pause.subject == subject), None)
        return f"{subject} is paused by {found.actor}: {found.reason}" if found is not None else ""

    def known_commands(self) -> Sequence[PossibleCommand]:
        return [found for name in _COMMANDS if (found := self.possible(name)) is not None]

    def possible(self, command_id: str) -> PossibleCommand | None:
        """As the daemon said, and for pause and resume whether it fits the row in hand."""
        found = super().possible(command_id)
        subject = self.table.in_hand
        if found is None or not found.possible or subject is None or command_id not in (PAUSE, RESUME):
            return found
        paused = self._pause_of(subject)
        reason = paused if command_id == PAUSE else "" if paused else f"{literal(subject)} is not paused"
        return found.model_copy(update={"possible": False, "reason": reason}) if reason else found

    def prefilled(self, command: Command) -> Mapping[str, str]:
        subject = self.table.in_hand
        if command.id not in (PAUSE, RESUME) or subject is None or subject == healthlines.PRODUCT:
            return {}
        return {"subject": subject}
