"""The Orders board: every order, live, sorted, filtered, with the one in hand beside it."""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError, NotFound
from console.client.query import QueryError, parse_sort
from console.commands.table import BY_ID
from console.schema.detail import OrderDetail, PossibleCommand
from console.screens.copying import copy_out
from console.screens.desk import Desk
from console.screens.keeping import KeepingScreen
from console.screens.orderview import AskedView
from console.widgets import boardrow
from console.widgets.filterbar import FilterBar
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.preview import overview_lines, preview_lines
from console.widgets.saylines import LANGUAGES
from console.widgets.sheet import Sheet

AT_ONCE = 4000  # changes that are sorted in between two keys
SETTLES = 0.15  # seconds the cursor must rest before the order in hand is fetched
_DOWN_FIRST = ("updated", "amount", "try", "age", "until")  # what one wants the largest of first


class BoardScreen(KeepingScreen):
    """Cursor, marks and preview belong to order ids; while an order is in hand the rows stay where they are."""

    MODE = "orders"
    CSS_PATH = "../../styles/board.tcss"
    BINDING_GROUP_TITLE = "Orders"
    AUTO_FOCUS = "#orders"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.BOARD, *keys.SAY, *keys.of_commands()]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.table = OrderTable(boardrow.ALONE, self._cells, desk.glyphs, id="orders")
        self.preview = Sheet(id="preview", ellipsis=desk.glyphs.ellipsis, steady=True)
        self._detail: OrderDetail | None = None
        self._wide_preview = True
        self._complete = False
        self._awaited = False  # is the detail of the order in hand still to come?

    # Parts -----------------------------------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        yield self._bar
        with Horizontal(id="board"):
            yield self.table
            yield self.preview

    def on_mount(self) -> None:
        super().on_mount()
        self._show_sort()

    def put_aside(self) -> None:
        self.desk.view = self.listing.view

    def _cells(self, order_id: str) -> Cells:
        session, row = self.desk.session, self.listing.row(order_id)
        if row is None:
            return {"number": [(order_id, "muted")], "note": [("no longer in the list", "muted")]}
        requested = self.desk.submissions.is_requested(order_id)
        return boardrow.cells(
            row, session.name(order_id), session.now(), session.zone, self.desk.glyphs, requested=requested
        )

    def hints(self) -> Sequence[Hint]:
        table = self.table
        waiting = [Hint(".", f"{table.waiting:,} new", "newest", tone="accent")] if table.waiting else []
        paused = [Hint("^l", "Go on", "pause", tone="accent")] if self.listing.paused else []
        acts = [Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')") for c in self.known_commands() if c.possible][:6]
        first = [Hint("enter", "Open", "open", must=True), Hint("space", "Mark", "mark")]
        marked = [Hint("esc", "Clear marks", "clear_marks")] if table.marks else []
        if self.listing.filter and not table.marks and table.in_hand is None:
            marked = [Hint("esc", "Clear filter", "clear_filter")]
        last = [
            Hint("/", "Filter", "filter", must=True), Hint("F", "Find", "app.find", must=True), Hint("v", "Views", "views"),
            Hint("J", "Say", "say('ja')"), Hint(":", "Go to", "app.go_to"), Hint("?", "Help", "app.help", must=True),
        ]  # fmt: skip
        return [*waiting, *paused, *first, *marked, *acts, *last]

    # Live ------------------------------------------------------------------------------------------------------------

    def show_changes(self, changed: Set[str]) -> None:
        book, table, listing = self.desk.session.book, self.table, self.listing
        if book.complete and not self._complete:
            self._complete = True
            self._list_anew()
        elif not book.complete and len(listing.shown):  # a list of all that came so far, made anew for each part of it
            self.note_changes(changed)
            return
        elif listing.take(self._now_listed(changed)):
            table.offer(listing.keys())
        if listing.outdated and self.desk.session.link().usable:
            self._ask_daemon(anew=False)
        if changed and not listing.paused:
            table.refresh_keys(changed)
            if table.in_hand in changed:
                self._fetch_detail(table.in_hand)
        self._ask_names()

    def _now_listed(self, changed: Set[str]) -> Set[str]:
        """Of very many changes a part, so that no key waits for all of them; the others have their turn soon."""
        if len(changed) <= AT_ONCE:
            return changed
        part = set(islice(changed, AT_ONCE))
        self.note_changes(changed - part)
        return part

    def tick(self) -> None:
        super().tick()
        table = self.table
        table.grey = not self.desk.session.link().usable
        table.refresh_keys(set(table.visible_keys()))
        self._summarise()
        self._show_preview()
        detail, session = self._detail, self.desk.session
        if detail is not None and detail.order.order_id == table.in_hand and detail.outlived(session.now()):
            self._fetch_detail(detail.order.order_id)

    def _list_anew(self) -> None:
        """Another filter or another order of rows."""
        if self.listing.why_asked:
            self._ask_daemon(anew=True)
            return
        self.workers.cancel_group(self, "ask")
        self.listing.rebuild()
        self._offer_all()

    def _offer_all(self) -> None:
        """Show another list at once; the order in hand stays in hand if it is in it."""
        table = self.table
        keys_now = self.listing.keys()
        if table.in_hand is not None and table.in_hand not in keys_now:
            table.take(None)
        table.offer(keys_now)
        table.newest()
        self._summarise()
        self._show_preview()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_daemon(self, *, anew: bool) -> None:
        """``anew``: for another list; else once more for the same, whose rows hold still."""
        asked = self.listing.ask()
        self.call_next(self._summarise)
        try:
            if not await asked:
                return
        except ApiError as error:
            self._bar.complain(f"The daemon could not answer this filter: {error}")
            return
        if anew:
            self._offer_all()
        else:
            self.table.offer(self.listing.keys())

    def _summarise(self) -> None:
        table, listing = self.table, self.listing
        table.empty = listing.empty()
        self._bar.summarise(listing.summary(len(table.marks), table.waiting, self.desk.glyphs))

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
        self._detail, self._awaited = None, event.order_id is not None
        if self.preview.scroll_y:
            self.preview.scroll_to(y=0, animate=False, immediate=True)
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
            self._awaited = False
            return
        if self.table.in_hand == order_id:
            self._detail, self._awaited = detail, False
            self._show_preview()
            self.show_keys()

    def _show_preview(self) -> None:
        preview, session, listing = self.preview, self.desk.session, self.listing
        if not preview.display:
            return
        order_id = self.table.in_hand
        row = listing.row(order_id) if order_id is not None else None
        if row is None:
            preview.set_lines(overview_lines(session.book, len(listing.shown), self.desk.glyphs))
            return
        width = max(20, preview.room or 36)
        lines = preview_lines(
            row, self._detail, session.name(row.order_id) or "", width, session.now(), session.zone, self.desk.glyphs,
            requested=self.desk.submissions.is_requested(row.order_id),
        )  # fmt: skip
        preview.set_lines(lines, more=self._awaited)

    def targets(self) -> Mapping[str, str]:
        table = self.table
        in_hand = [] if table.marks else [table.ensure_in_hand()]
        rows = [self.listing.row(order_id) for order_id in (*table.marks, *in_hand) if order_id is not None]
        return {row.order_id: row.number for row in rows if row is not None}

    def chosen_filter(self) -> str:
        """All that match were marked, and the daemon knows more of them than are listed: the filter itself is meant."""
        return self.listing.filter if self._beyond_list() else ""

    def _beyond_list(self) -> int:
        """How many match, when all listed ones are marked and there are more; else 0."""
        shown, marks = self.listing.shown, self.table.marks
        if not isinstance(shown, AskedView) or shown.total <= len(shown) or not marks:
            return 0
        return shown.total if all(key in marks for key in shown.keys) else 0

    def known_commands(self) -> Sequence[PossibleCommand]:
        if self._detail is None or self.table.marks or self._detail.order.order_id != self.table.in_hand:
            return ()
        row = self.desk.session.book.get(self._detail.order.order_id)
        fresh = row is None or self._detail.run is None or self._detail.run.version == row.version
        return self._detail.commands if fresh else ()

    @work(group="say", exclusive=True, exit_on_error=False)
    async def action_say(self, language: str) -> None:
        """Copy what to say to the customer about the order in hand, as it stands now."""
        order_id = self.table.ensure_in_hand()
        if order_id is None:
            self.notify("No order is in hand.", severity="warning", markup=False)
            return
        try:
            say = (await self.desk.session.api.order(order_id)).say
        except ApiError as error:
            self.tell(f"What to say could not be read: {error}", "error")
            return
        copy_out(self.app, say.ja if language == "ja" else say.en, f"{LANGUAGES[language]} sentence")

    # Acts of this screen ---------------------------------------------------------------------------------------------

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        self.open_order(event.order_id)

    @on(OrderTable.MarksChanged)
    def _marks_changed(self) -> None:
        if count := self._beyond_list():
            self.notify(f"A command now is for all {count:,} that match the filter.", markup=False)
        self._summarise()
        self.show_keys()

    def action_clear_marks(self) -> None:
        self.table.clear_marks()

    @on(OrderTable.SortAsked)
    def _sort_asked(self, event: OrderTable.SortAsked) -> None:
        name, sort = boardrow.SORTS[event.column], self.listing.sort
        self._sort_by(name, not sort.descending if name == sort.name else name in _DOWN_FIRST)

    def _sort_by(self, name: str, descending: bool) -> None:
        self.listing.sort = parse_sort(f"-{name}" if descending else name)
        self._show_sort()
        self._list_anew()

    def _show_sort(self) -> None:
        sort = self.listing.sort
        column = next((column for column, name in boardrow.SORTS.items() if name == sort.name), "")
        self.table.set_sort(column, sort.descending)

    def action_sort_by(self, by: int) -> None:
        """By the next column that can be seen."""
        names = [boardrow.SORTS[column] for column in self.table.columns if column in boardrow.SORTS]
        sort = self.listing.sort
        at = names.index(sort.name) + by if sort.name in names else 0
        name = names[at % len(names)]
        self._sort_by(name, name in _DOWN_FIRST)

    def action_turn_sort(self) -> None:
        self._sort_by(self.listing.sort.name, not self.listing.sort.descending)

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        try:
            self.listing.use_filter(event.text)
        except QueryError as error:
            self._bar.complain(str(error))
        else:
            self._list_anew()

    @on(FilterBar.Done)
    def _filter_done(self) -> None:
        self.table.focus()

    def action_filter(self) -> None:
        self._bar.edit()

    def action_clear_filter(self) -> None:
        """All orders; their order stays, and so does the view that the filter came from, in the list of views."""
        if self.listing.filter:
            self._bar.put("")

    def action_filter_by(self, text: str) -> None:
        """A filter that was typed elsewhere."""
        self._bar.put(text)

    def action_show_state(self, state: str) -> None:
        """A click on a count of the section bar."""
        self._bar.put(f"state:{state}")

    def action_failures_like(self) -> None:
        """Only orders that stand for the same cause as the one in hand."""
        order_id = self.table.in_hand
        row = self.listing.row(order_id) if order_id is not None else None
        if row is None or not row.cause:
            self.notify("The order in hand has no cause to compare.", severity="warning", markup=False)
            return
        self._bar.put(f"cause:{row.cause}")

    def action_pause(self) -> None:
        listing = self.listing
        if listing.paused:
            listing.resume()
            self.table.hold_still(False)
            self._list_anew()
        else:
            listing.pause()
            self.table.hold_still(True)
        self._summarise()
        self.show_keys()

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
