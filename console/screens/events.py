"""Events: the platform events as they came in, gaps in their place, what could not be read, and how the stream stands."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from console import keys
from console.client.log_query import EVENT_FIELDS, clauses
from console.client.query import complete
from console.observe.redact import Redactor
from console.schema.desk import CursorView, EventView, GapView
from console.schema.service import DeepHealth
from console.screens.desk import Desk
from console.screens.loglist import PAGE, LogScreen
from console.widgets import eventrow, wording
from console.widgets.filterbar import Grammar
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells
from console.widgets.pieces import Line
from console.widgets.sheet import Bar

GRAMMAR = Grammar(
    partial(clauses, fields=EVENT_FIELDS),
    partial(complete, fields=EVENT_FIELDS),
    "all events; try state:poison since:2h",
)
GAP = "gap:"
AROUND = 4.0  # seconds between readings of what changes seldom while nobody acts


class EventsScreen(LogScreen):
    """Nothing is done here: whoever looks reads, and goes to the order."""

    MODE = "events"
    NAME = "events"
    COLUMNS = eventrow.COLUMNS
    CSS_PATH = "../../styles/events.tcss"
    BINDING_GROUP_TITLE = "Events"
    AUTO_FOCUS = "#events"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.EVENTS]
    EVERY = 3

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, GRAMMAR)
        self._stream = Bar(id="events-stream", ellipsis=desk.glyphs.ellipsis)
        self._gaps: Sequence[GapView] = ()
        self._seen_by: Mapping[str, str | None] = {}
        self._cursors: Sequence[CursorView] = ()
        self._deep: DeepHealth | None = None
        self._held_at = 0.0
        self._around_at: float | None = None  # when gaps, poison and health were read
        self._around_act = -1  # the newest act that this reading knew of

    def body(self) -> Iterable[Widget]:
        yield self._stream
        yield from super().body()

    def more_hints(self) -> Sequence[Hint]:
        return [Hint("^l", "Go on" if self.held else "Pause", "pause", tone="warn" if self.held else "muted")]

    # Reading ---------------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        now, acted = self.desk.session.now(), self.desk.session.book.acted
        if self._around_at is None or now - self._around_at >= AROUND or acted != self._around_act:
            await self._read_around()
            self._around_at, self._around_act = now, acted
        await super().read()

    async def _read_around(self) -> None:
        """What changes seldom. How the stream stands is asked for by the application all the time."""
        api = self.desk.session.api
        self._gaps = (await api.gaps()).gaps
        self._seen_by = {one.event_uuid: one.seen_by for one in (await api.poison()).poison}
        self._deep = await api.health_deep()

    async def page(self, before: int | None) -> dict[int, EventView]:
        answer = await self.desk.session.api.events(limit=PAGE, before=before, filter_=self.filter_text)
        self._cursors = answer.cursors
        return {event.seq: event for event in answer.events}

    def order_keys(self) -> list[str]:
        """Events and, where nothing is filtered, the gaps at the time they were found."""
        placed = [(event.received_at, event.seq, str(event.seq)) for event in self.rows.values()]
        if not self.filter_text.strip():
            oldest = min((at for at, _, _ in placed), default=0.0)
            placed += [(gap.at, 2**62, f"{GAP}{gap.id}") for gap in self._gaps if self.whole or gap.at >= oldest]
        return [key for _, _, key in sorted(placed, reverse=True)]

    def action_pause(self) -> None:
        self.held = not self.held
        self._held_at = self.desk.session.now()
        if not self.held:
            self.fetch()
        self.show()
        self.show_keys()

    # Shown -----------------------------------------------------------------------------------------------------------

    def cells(self, key: str) -> Cells:
        session, glyphs = self.desk.session, self.desk.glyphs
        row = self._row(key)
        if isinstance(row, GapView):
            return eventrow.gap_cells(row, session.now(), session.zone, glyphs)
        if row is None:
            return {"at": [(key, "muted")]}
        return eventrow.cells(row, session.now(), session.zone, glyphs, seen_by=self._seen_by.get(row.event_uuid))

    def _row(self, key: str) -> EventView | GapView | None:
        if key.startswith(GAP):
            return next((gap for gap in self._gaps if f"{GAP}{gap.id}" == key), None)
        return self.rows.get(int(key))

    def summary(self) -> str:
        loaded = (
            f"{len(self.rows):,} event{'s' if len(self.rows) != 1 else ''}{'' if self.whole else ', older ones below'}"
        )
        hidden = f", {len(self._gaps)} gaps not shown" if self._gaps and self.filter_text.strip() else ""
        since = f"held still since {wording.clock(self._held_at, self.desk.session.zone)}, " if self.held else ""
        return f"{since}{loaded}{hidden}"

    def show(self) -> None:
        super().show()
        session = self.desk.session
        known = session.integrations
        lines = eventrow.stream_lines(
            known.events if known is not None else {},
            self._cursors,
            self._deep,
            session.now(),
            session.zone,
            self.desk.glyphs,
        )
        self._stream.styles.height = max(1, len(lines))
        self._stream.set_lines(lines)

    def about(self, key: str, width: int) -> list[Line]:
        return self._lines(key, width, whole=False)

    def everything(self, key: str, width: int) -> tuple[str, list[Line]]:
        title = f"Gap {key.removeprefix(GAP)}" if key.startswith(GAP) else f"Event {key}"
        return title, self._lines(key, width, whole=True)

    def _lines(self, key: str, width: int, *, whole: bool) -> list[Line]:
        row, session = self._row(key), self.desk.session
        if row is None:
            return [[("this row is not there any more", "muted")]]
        if isinstance(row, GapView):
            return eventrow.gap_lines(row, session.now(), session.zone, self.desk.glyphs, width)
        return eventrow.lines(row, session.now(), session.zone, self.desk.glyphs, width, whole=whole)

    async def copied(self, key: str) -> str:
        """Besides what the daemon masks, everything that looks like a secret or a person's data."""
        row = self._row(key)
        values: Any = row.model_dump() if row is not None else None
        return json.dumps(Redactor().value(values), ensure_ascii=False, indent=2)

    def order_of(self, key: str) -> str | None:
        row = self._row(key)
        return row.order_id if isinstance(row, EventView) else None
