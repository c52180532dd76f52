"""What a board lists: the book's orders that match, kept live; or what the daemon said, where the book is not enough."""

from collections.abc import Mapping, Sequence, Set

from console.client.query import Query, parse, parse_sort
from console.client.rows import BookRow, row_of
from console.client.views import View
from console.screens.orderview import AskedView, OrderView
from console.screens.session import Session
from console.widgets.glyphs import Glyphs
from console.widgets.wording import clock

MOST = 1000  # rows of an answer of the daemon
AGAIN = 10.0  # seconds after which an answer is asked for once more, if anything happened since
REST = 0.2  # the same, if somebody acted


class Listing:
    """``shown`` is the list in force; ``asking`` is set while the daemon is asked for another one."""

    def __init__(self, session: Session, view: View) -> None:
        self._session = session
        self.filter, self.sort, self.name = "", parse_sort("-updated"), ""
        self.asking = False
        self._paused: Mapping[str, BookRow] | None = None
        self._paused_at = 0.0
        self._asked_at = 0.0  # when a question to the daemon ended last, whatever came of it
        self.use_view(view)
        self.shown: OrderView | AskedView = self._local()

    def use_view(self, view: View) -> None:
        """Raises QueryError; nothing changes then."""
        parse(view.filter)
        self.sort = parse_sort(view.sort)
        self.filter, self.name = view.filter, view.name

    @property
    def view(self) -> View:
        """Filter and order of rows as they are now."""
        return View(self.name, self.filter, f"-{self.sort.name}" if self.sort.descending else self.sort.name)

    def use_filter(self, text: str) -> None:
        """Raises QueryError; nothing changes then."""
        parse(text)
        if text != self.filter:
            self.filter, self.name = text, ""

    # The list --------------------------------------------------------------------------------------------------------

    @property
    def query(self) -> Query:
        me = self._session.me
        return parse(self.filter, me=me.name if me is not None else "")

    @property
    def why_asked(self) -> str:
        """Why the book is not enough for this list; "" when it is."""
        query, book = self.query, self._session.book
        if query.beyond:
            return f"{' '.join(query.beyond)} is not in the list here"
        if self.sort.beyond:
            return f"the list here cannot be sorted by {self.sort.name}"
        if book.partial and query.terms and not query.unfinished:
            return "older finished orders are not in the list here"
        return ""

    def rebuild(self) -> None:
        """List the book's orders anew."""
        self.shown, self.asking = self._local(), False

    async def ask(self) -> bool:
        """List what the daemon says; False when another list was wanted meanwhile. Raises ApiError."""
        session, wanted = self._session, (self.filter, self.sort)
        self.asking = True
        sort = f"-{self.sort.name}" if self.sort.descending else self.sort.name
        try:
            found = await session.api.orders(self.filter, sort=sort, limit=MOST)
        finally:
            self.asking = False if wanted == (self.filter, self.sort) else self.asking
            self._asked_at = session.now()
        if wanted != (self.filter, self.sort):
            return False
        session.learn_names({line.order_id: line.customer for line in found.orders if line.customer is not None})
        rows = {line.order_id: row_of(line) for line in found.orders}
        self.shown = AskedView(rows, found.total, session.now(), found.seq)
        return True

    @property
    def outdated(self) -> bool:
        """Should the daemon be asked once more?"""
        view, session = self.shown, self._session
        if not isinstance(view, AskedView) or self.asking or self.paused:
            return False
        rest = REST if session.book.acted > view.seq else AGAIN
        return session.book.seq > view.seq and session.now() - self._asked_at > rest

    def take(self, changed: Set[str]) -> bool:
        """Take changes of the book in; true when the list became another one."""
        view = self.shown
        if not isinstance(view, OrderView):
            return False
        moved = view.update(changed) if changed else False
        return view.sweep() or moved

    def row(self, order_id: str) -> BookRow | None:
        """As the book has it (as it had it, while paused), else as the daemon told it."""
        if self._paused is not None and (kept := self._paused.get(order_id)) is not None:
            return kept
        row = self._session.book.get(order_id)
        if row is None and isinstance(self.shown, AskedView):
            row = self.shown.rows.get(order_id)
        return row

    def _local(self) -> OrderView:
        query, sort = self.query, self.sort
        if query.beyond or sort.beyond:
            query, sort = parse("number:0"), parse_sort("-updated")  # nothing, until the daemon has answered
        return OrderView(self._session.book, query, sort, self._session.now)

    # Pausing ---------------------------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        return self._paused is not None

    def pause(self) -> None:
        """What the rows show stays as it is now."""
        self._paused, self._paused_at = {row.order_id: row for row in self._session.book}, self._session.now()

    def resume(self) -> None:
        self._paused = None

    # Words -----------------------------------------------------------------------------------------------------------

    def summary(self, marks: int, waiting: int, glyphs: Glyphs) -> str:
        """Of what, how many, sorted how, as of when."""
        session, view = self._session, self.shown
        book = session.book
        if not book.complete and len(book) < max(book.total, 1):
            return f"loading {len(book):,} of {book.total:,} " if book.total else "loading "
        parts = [f"{glyphs.star} {self.name}"] if self.name else []
        if self.asking:
            parts.append("asking the daemon")
        elif isinstance(view, AskedView):
            shown = f"{len(view):,} of {view.total:,}" if view.total > len(view) else f"{view.total:,}"
            parts.append(f"{shown} order{'s' * (view.total != 1)}, asked of the daemon {clock(view.at, session.zone)}")
        elif book.partial and not self.filter:
            parts.append(f"{len(view):,} of {book.total:,} orders, the newest and all unfinished")
        else:
            parts.append(f"{len(view):,} order{'s' * (len(view) != 1)}")
        if marks:
            parts.append(f"{marks:,} marked")
        if self._paused is not None:
            parts.append(f"paused {clock(self._paused_at, session.zone)}")
        if waiting:
            parts.append(f"{waiting:,} new {glyphs.arrow_up}")
        parts.append(f"{glyphs.sort_down if self.sort.descending else glyphs.sort_up} {self.sort.name}")
        return f" {f' {glyphs.sep} '.join(parts)} "

    def empty(self) -> str:
        """What stands in place of rows: never "nothing" of a search that did not reach everything."""
        book, view = self._session.book, self.shown
        if self.asking or (self.why_asked and not isinstance(view, AskedView)):
            return f"Asking the daemon: {self.why_asked}." if self.why_asked else "Asking the daemon ..."
        if not book.complete:
            return f"Loading the orders: {len(book):,} of {book.total:,}" if book.total else "Loading the orders ..."
        if isinstance(view, AskedView):
            return "No order matches; the daemon was asked over all it knows. F finds in Salesforce and WHMCS too."
        if not len(book):
            return "There are no orders yet."
        return f"None of the {len(book):,} orders matches." if len(book) > 1 else "The only order does not match."

    def keys(self) -> Sequence[str]:
        return self.shown.keys
