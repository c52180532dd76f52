"""Acts on many orders: the list of them, and one with its progress and the result of each order.

They run in the daemon: leaving the screen, or the console, stops nothing.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence, Set
from io import StringIO
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.commands.command import Command
from console.schema.commands import BatchItem, BatchView
from console.schema.detail import PossibleCommand
from console.screens.desk import Desk
from console.screens.exporting import export
from console.screens.reading import ReadingScreen
from console.widgets import batchrow
from console.widgets.cells import literal
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.sheet import Bar, Sheet
from console.written import csv_cell

STOP = "system.stop_batch"
OVERLAP = 2.0  # seconds that two readings have in common, so that no item is missed
COLUMNS = ("position", "number", "order_id", "state", "message", "at")


class BatchesScreen(ReadingScreen):
    """The newest acts on many orders, whoever began them."""

    CSS_PATH = "../../styles/batch.tcss"
    BINDING_GROUP_TITLE = "Batches"
    AUTO_FOCUS = "#batches"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.BATCHES]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        ellipsis = desk.glyphs.ellipsis
        self.table = OrderTable(batchrow.LIST, self._cells, desk.glyphs, id="batches")
        self._summary = Bar(id="batches-summary", ellipsis=ellipsis)
        self._known: dict[str, BatchView] = {}

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self.table

    def hints(self) -> Sequence[Hint]:
        return [
            Hint("esc", "Back", "back", must=True),
            Hint("enter", "Open", "open", off=not self._known),
            Hint("f", "Read again", "fetch"),
            Hint("?", "Help", "app.help", must=True),
        ]

    def _cells(self, batch_id: str) -> Cells:
        known, session = self._known.get(batch_id), self.desk.session
        return batchrow.list_cells(known, session.now(), session.zone, self.desk.glyphs) if known is not None else {}

    async def read(self) -> None:
        self._known = {one.id: one for one in (await self.desk.session.api.batches()).batches}
        self.table.offer(list(self._known))
        self.table.refresh()

    def show(self) -> None:
        going = sum(one.ended_at is None for one in self._known.values())
        count = len(self._known)
        said = (
            f" {count:,} {'act' if count == 1 else 'acts'} on many orders, {going:,} going on; they run in the daemon"
        )
        if self.trouble:
            said = f" {self.desk.glyphs.plain(literal(self.trouble))}"
        elif self.read_at is None:
            said = " being read"
        elif not self._known:
            said = " No act on many orders was begun yet: mark orders on a board, then give a command."
        self._summary.set_lines([[(said, "bad" if self.trouble else "strong")]])
        self.table.grey = not self.desk.session.link().usable

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        self.app.push_screen(BatchScreen(self.desk, event.order_id))

    def action_open(self) -> None:
        self.table.action_open()

    def action_back(self) -> None:
        self.app.pop_screen()


class BatchScreen(ReadingScreen):
    """One of them. ``t`` shows only what was not done."""

    CSS_PATH = "../../styles/batch.tcss"
    BINDING_GROUP_TITLE = "Batch"
    AUTO_FOCUS = "#batch-items"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.BATCH, *keys.of_system(STOP)]

    def __init__(self, desk: Desk, batch_id: str) -> None:
        super().__init__(desk)
        self.batch_id = batch_id
        ellipsis = desk.glyphs.ellipsis
        self.table = OrderTable(batchrow.ITEMS, self._cells, desk.glyphs, id="batch-items")
        self._head = Sheet(id="batch-head", ellipsis=ellipsis)
        self._about = Sheet(id="batch-about", ellipsis=ellipsis)
        self.known: BatchView | None = None
        self._items: dict[str, BatchItem] = {}
        self._troubles_only = False

    def body(self) -> Iterable[Widget]:
        yield self._head
        yield self.table
        yield self._about

    def hints(self) -> Sequence[Hint]:
        stop = self.possible(STOP)
        going = self.known is not None and self.known.ended_at is None
        stops = (
            [Hint("x", "Stop the batch", f"act('{STOP}')", off=not stop.possible, tone="warn")]
            if stop and going
            else []
        )
        return [
            Hint("esc", "Back", "back", must=True),
            *stops,
            Hint("enter", "Open order", "open"),
            Hint("t", "All" if self._troubles_only else "Only what was not done", "troubles"),
            Hint("X", "Export", "export", off=not self._items),
            Hint("?", "Help", "app.help", must=True),
        ]

    def _cells(self, order_id: str) -> Cells:
        item, session = self._items.get(order_id), self.desk.session
        if item is None:
            return {}
        return batchrow.item_cells(item, session.name(order_id), session.now(), session.zone, self.desk.glyphs)

    # Live ------------------------------------------------------------------------------------------------------------

    def outdated(self, changed: Set[str]) -> bool:
        return super().outdated(changed) or not changed.isdisjoint(self._items)

    async def read(self) -> None:
        api, before = self.desk.session.api, self.known
        after = before.at - OVERLAP if before is not None else None
        self.known = await api.batch(self.batch_id, after=after)
        self._items |= {item.order_id: item for item in self.known.items}
        self._offer()
        self._ask_names()

    def _offer(self) -> None:
        items = sorted(self._items.values(), key=lambda item: item.position)
        troubles = ("failed", "excluded", "waiting")
        self.table.offer([item.order_id for item in items if not self._troubles_only or item.state in troubles])
        self.table.refresh()

    def show(self) -> None:
        session, glyphs = self.desk.session, self.desk.glyphs
        self.table.grey = not session.link().usable
        if self.known is None:
            said = glyphs.plain(literal(self.trouble)) if self.trouble else "being read"
            self._head.set_lines([[(f" {said}", "bad" if self.trouble else "muted")]])
            return
        width = max(30, self._head.room)
        lines = batchrow.head_lines(self.known, session.now(), session.zone, glyphs, width)
        if self.trouble:
            lines.append([(f" {glyphs.plain(literal(self.trouble))}", "bad")])
        self._head.styles.height = len(lines)
        self._head.set_lines(lines)
        item = self._items.get(self.table.in_hand or "")
        room = max(30, self._about.room)
        hint = [[("an arrow key takes an order in hand", "muted")]]
        self._about.set_lines(
            batchrow.about(item, session.name(item.order_id) or "", glyphs, room) if item is not None else hint
        )

    @work(group="names", exit_on_error=False)
    async def _ask_names(self) -> None:
        session = self.desk.session
        missing = session.nameless(self.table.visible_keys())
        try:
            if missing and await session.ask_names(missing):
                self.table.refresh()
        except ApiError as error:
            self.log(f"names: {error}")

    @on(OrderTable.Highlighted)
    def _looked_at(self) -> None:
        self.show()
        self._ask_names()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    # Acting ----------------------------------------------------------------------------------------------------------

    def known_commands(self) -> Sequence[PossibleCommand]:
        stop = self.possible(STOP)
        return [stop] if stop is not None else []

    def possible(self, command_id: str) -> PossibleCommand | None:
        found = super().possible(command_id)
        if found is None or not found.possible or self.known is None or self.known.state == "running":
            return found
        reason = "it is stopping already" if self.known.state == "stopping" else "it has ended"
        return found.model_copy(update={"possible": False, "reason": reason})

    def prefilled(self, command: Command) -> Mapping[str, str]:
        return {"batch": self.batch_id} if command.id == STOP else {}

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        self.open_order(event.order_id)

    def action_open(self) -> None:
        self.table.action_open()

    def action_troubles(self) -> None:
        self._troubles_only = not self._troubles_only
        self._offer()
        self.table.newest()
        self.show_keys()

    def action_back(self) -> None:
        self.app.pop_screen()

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Every order with what came of it, as CSV."""

        async def made(json_form: bool) -> tuple[str, str]:
            items = list(self._items.values())
            return as_csv(items), f"{len(items):,} results"

        await export(self, f"batch-{self.batch_id[:8]}", f"The results of {len(self._items):,} orders as CSV", made)


def as_csv(items: Sequence[BatchItem]) -> str:
    """Safe for spreadsheets; without personal data."""
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item in sorted(items, key=lambda one: one.position):
        row = item.model_dump()
        writer.writerow([csv_cell(row[name]) for name in COLUMNS])
    return written.getvalue().rstrip("\n")
