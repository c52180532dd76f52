"""The Orders board: every order, live, sorted, filtered, with the one in hand beside it."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError, NotFound
from console.client.query import QueryError, parse, parse_sort
from console.commands.table import BY_ID
from console.schema.detail import OrderDetail, PossibleCommand
from console.screens.acting import ActingScreen
from console.screens.desk import Desk
from console.screens.order import OrderScreen
from console.screens.orderview import AskedView, OrderView
from console.widgets import boardrow
from console.widgets.filterbar import FilterBar
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.preview import overview_lines, preview_lines
from console.widgets.sheet import Sheet
from console.widgets.wording import clock

ASKED_MOST = 500
SETTLES = 0.15  # seconds the cursor must rest before the order in hand is fetched
_SORT_ORDER = ("number", "plan", "state", "amount", "age", "try", "updated")


class BoardScreen(ActingScreen):
    """Cursor, marks and preview belong to order ids; while an order is in hand the rows stay where they are."""

    MODE = "orders"
    CSS_PATH = "../../styles/board.tcss"
    BINDING_GROUP_TITLE = "Orders"
    AUTO_FOCUS = "#orders"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.BOARD, *keys.of_commands()]
    paused: reactive[bool] = reactive(False, init=False)

    def __init__(self, desk: Desk, *, sort: str = "-updated") -> None:
        super().__init__(desk)
        self._sort = parse_sort(sort)
        self._filter = desk.filter
        self.table = OrderTable(boardrow.ALONE, self._cells, desk.glyphs, id="orders")
        self.preview = Sheet(id="preview", ellipsis=desk.glyphs.ellipsis)
        self._bar = FilterBar(desk.filter, id="filter")
        self._view: OrderView | AskedView = self._local_view("")
        self._detail: OrderDetail | None = None
        self._wide_preview = True
        self._complete = False

    # Parts -----------------------------------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        yield self._bar
        with Horizontal(id="board"):
            yield self.table
            yield self.preview

    def on_mount(self) -> None:
        super().on_mount()
        self.table.set_sort(_column_of(self._sort.name), self._sort.descending)
        if self._filter:
            self._bar.put(self._filter)

    def _cells(self, order_id: str) -> Cells:
        session = self.desk.session
        row = session.book.get(order_id)
        if row is None:
            return {"number": [(order_id, "muted")], "note": [("no longer in the book", "muted")]}
        requested = self.desk.submissions.is_requested(order_id)
        return boardrow.cells(
            row, session.name(order_id), session.now(), session.zone, self.desk.glyphs, requested=requested
        )

    def hints(self) -> Sequence[Hint]:
        table = self.table
        waiting = [Hint(".", f"{table.waiting:,} new", "newest", tone="accent")] if table.waiting else []
        acts = [Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')") for c in self.known_commands() if c.possible][:6]
        first = [Hint("enter", "Open", "open", must=True), Hint("space", "Mark", "mark")]
        last = [
            Hint("/", "Filter", "filter", must=True),
            Hint(":", "Go to", "app.go_to"),
            Hint("?", "Help", "app.help", must=True),
        ]
        return [*waiting, *first, *acts, *last]

    # Live ------------------------------------------------------------------------------------------------------------

    def show_changes(self, changed: Set[str]) -> None:
        book = self.desk.session.book
        table = self.table
        if book.complete and not self._complete:
            self._complete = True
            self._rebuild()
        elif isinstance(self._view, OrderView) and not self.paused:
            moved = self._view.update(changed) if changed else False
            if self._view.sweep() or moved:
                table.offer(self._view.keys)
        if changed:
            table.refresh_keys(changed)
            if table.in_hand in changed:
                self._fetch_detail(table.in_hand)
        self._ask_names()

    def tick(self) -> None:
        super().tick()
        table = self.table
        table.grey = not self.desk.session.link().usable
        table.refresh_keys(set(table.visible_keys()))
        self._summarise()
        self._show_preview()

    def _rebuild(self) -> None:
        """Apply filter and sort anew."""
        query = parse(self._filter, me=self._me)
        if query.beyond:
            self._ask_daemon(self._filter)
            return
        self._view = self._local_view(self._filter)
        self._offer_all()

    def _local_view(self, text: str) -> OrderView:
        session = self.desk.session
        return OrderView(session.book, parse(text, me=self._me), self._sort, session.now)

    @property
    def _me(self) -> str:
        me = self.desk.session.me
        return me.name if me is not None else ""

    def _offer_all(self) -> None:
        """Another filter or order: show its rows at once, the order in hand stays in hand."""
        table = self.table
        table.offer(self._view.keys)
        table.newest()
        self._summarise()
        self._show_preview()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_daemon(self, text: str) -> None:
        """The book does not hold what this filter asks for: names, ICCIDs, ids of other systems."""
        session = self.desk.session
        sort = f"-{self._sort.name}" if self._sort.descending else self._sort.name
        try:
            found = await session.api.orders(text, sort=sort, limit=ASKED_MOST)
        except ApiError as error:
            self._bar.complain(f"The daemon could not answer this filter: {error}")
            return
        if text == self._filter:
            self._view = AskedView([order.order_id for order in found.orders], found.total, session.now())
            self._offer_all()

    def _summarise(self) -> None:
        glyphs, session = self.desk.glyphs, self.desk.session
        table, view = self.table, self._view
        if not session.book.complete and not len(session.book):
            self._bar.summarise("loading ")
            return
        parts = []
        if isinstance(view, AskedView):
            shown = f"{len(view):,} of {view.total:,}" if view.total > len(view) else f"{view.total:,}"
            parts.append(f"{shown} orders, asked of the daemon {clock(view.at, session.zone)}")
        else:
            parts.append(f"{len(view):,} orders")
        if table.marks:
            parts.append(f"{len(table.marks):,} marked")
        if table.waiting:
            parts.append(f"{table.waiting:,} new {glyphs.arrow_up}")
        if self.paused:
            parts.append("paused")
        parts.append(f"{glyphs.sort_down if self._sort.descending else glyphs.sort_up} {self._sort.name}")
        self._bar.summarise(f" {f' {glyphs.sep} '.join(parts)} ")

    @work(group="names", exit_on_error=False)
    async def _fetch_names(self, order_ids: Sequence[str]) -> None:
        try:
            if await self.desk.session.ask_names(order_ids):
                self.table.refresh_keys(set(order_ids))
        except ApiError as error:
            self.log(f"names: {error}")

    def _ask_names(self) -> None:
        session = self.desk.session
        if not session.link().usable:
            return
        missing = session.nameless(self.table.visible_keys())
        if missing and not session.naming:
            self._fetch_names(missing)

    # The order in hand -----------------------------------------------------------------------------------------------

    @on(OrderTable.Highlighted)
    def _highlighted(self, event: OrderTable.Highlighted) -> None:
        self._detail = None
        self._summarise()
        self._show_preview()
        self.show_keys()
        if event.order_id is not None:
            order_id = event.order_id
            self.set_timer(SETTLES, lambda: self._fetch_detail(order_id) if self.table.in_hand == order_id else None)

    @work(group="detail", exclusive=True, exit_on_error=False)
    async def _fetch_detail(self, order_id: str) -> None:
        try:
            detail = await self.desk.session.api.order(order_id)
        except NotFound:
            detail = None
        except ApiError as error:
            self.log(f"preview: {error}")
            return
        if self.table.in_hand == order_id:
            self._detail = detail
            self._show_preview()
            self.show_keys()

    def _show_preview(self) -> None:
        preview, session = self.preview, self.desk.session
        if not preview.display:
            return
        order_id = self.table.in_hand
        row = session.book.get(order_id) if order_id is not None else None
        if row is None:
            preview.set_lines(overview_lines(session.book, len(self._view), self.desk.glyphs))
            return
        width = max(20, preview.room or 36)
        lines = preview_lines(
            row, self._detail, session.name(row.order_id) or "", width, session.now(), session.zone, self.desk.glyphs,
            requested=self.desk.submissions.is_requested(row.order_id),
        )  # fmt: skip
        preview.set_lines(lines)

    def targets(self) -> Mapping[str, str]:
        table, book = self.table, self.desk.session.book
        in_hand = [] if table.marks else [table.ensure_in_hand()]
        rows = [book.get(order_id) for order_id in (*table.marks, *in_hand) if order_id is not None]
        return {row.order_id: row.number for row in rows if row is not None}

    def known_commands(self) -> Sequence[PossibleCommand]:
        if self._detail is None or self.table.marks or self._detail.order.order_id != self.table.in_hand:
            return ()
        row = self.desk.session.book.get(self._detail.order.order_id)
        fresh = row is not None and (self._detail.run is None or self._detail.run.version == row.version)
        return self._detail.commands if fresh else ()

    # Acts of this screen ---------------------------------------------------------------------------------------------

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        self.app.push_screen(OrderScreen(self.desk, event.order_id))

    @on(OrderTable.MarksChanged)
    def _marks_changed(self) -> None:
        self._summarise()
        self.show_keys()

    @on(OrderTable.SortAsked)
    def _sort_asked(self, event: OrderTable.SortAsked) -> None:
        name = boardrow.SORTS.get(event.column)
        if name is None:
            self.notify("Only the daemon could sort by that column.", markup=False)
            return
        descending = (
            not self._sort.descending if name == self._sort.name else name in ("updated", "amount", "try", "age")
        )
        self._sort_by(name, descending)

    def _sort_by(self, name: str, descending: bool) -> None:
        self._sort = parse_sort(f"-{name}" if descending else name)
        self.table.set_sort(_column_of(name), descending)
        self._rebuild()

    def action_sort_by(self, by: int) -> None:
        at = _SORT_ORDER.index(self._sort.name) + by if self._sort.name in _SORT_ORDER else 0
        self._sort_by(_SORT_ORDER[at % len(_SORT_ORDER)], self._sort.descending)

    def action_turn_sort(self) -> None:
        self._sort_by(self._sort.name, not self._sort.descending)

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        self._filter = event.text
        try:
            self._rebuild()
        except QueryError as error:
            self._bar.complain(str(error))

    @on(FilterBar.Done)
    def _filter_done(self) -> None:
        self.table.focus()

    def action_filter(self) -> None:
        self._bar.edit()

    def action_show_state(self, state: str) -> None:
        """A click on a count of the section bar."""
        self._bar.put(f"state:{state}")

    def action_filter_by(self, text: str) -> None:
        """A filter that was typed elsewhere."""
        self._bar.put(text)

    def action_failures_like(self) -> None:
        """Only orders that stand for the same cause as the one in hand."""
        order_id = self.table.in_hand
        row = self.desk.session.book.get(order_id) if order_id is not None else None
        if row is None or not row.cause:
            self.notify("The order in hand has no cause to compare.", severity="warning", markup=False)
            return
        self._bar.put(f"cause:{row.cause}")

    def action_pause(self) -> None:
        self.paused = not self.paused
        if not self.paused:
            self._rebuild()
        self._summarise()

    def action_preview(self) -> None:
        self._wide_preview = not self._wide_preview
        self._arrange()

    def action_all_columns(self) -> None:
        self.table.all_columns = not self.table.all_columns
        self._arrange()

    def action_newest(self) -> None:
        self.table.newest()

    def action_open(self) -> None:
        self.table.action_open()

    def action_mark(self) -> None:
        self.table.action_mark()

    def on_resize(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """The preview has room from 110 columns on; without it the note takes the place of plan and amount."""
        shown = self._wide_preview and self.size.width >= 110
        self.preview.display = shown
        self.table.use_columns(boardrow.BESIDE_PREVIEW if shown else boardrow.ALONE)
        self.call_after_refresh(self._show_preview)


def _column_of(sort: str) -> str:
    return next((column for column, name in boardrow.SORTS.items() if name == sort), "")
