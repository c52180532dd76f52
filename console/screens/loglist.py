"""The base of sections that show a log: filtered, newest first, live, older pages as one scrolls, each row in full."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual import on, work
from textual.widget import Widget

from console.client.errors import ApiError
from console.screens.copying import copy_out
from console.screens.desk import Desk
from console.screens.reading import ReadingScreen
from console.widgets.columns import Column
from console.widgets.filterbar import FilterBar, Grammar
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.pieces import Line
from console.widgets.rowdialog import RowDialog
from console.widgets.sheet import Sheet

PAGE = 100
NEAR_END = 20  # rows from the end at which the next page is asked for
MOST = 20_000


class LogScreen(ReadingScreen):
    """``keys`` of rows are what the daemon numbers them by, as text; a page goes on before the smallest number."""

    NAME: ClassVar[str]  # of the widgets' ids
    COLUMNS: ClassVar[Sequence[Column]]

    def __init__(self, desk: Desk, grammar: Grammar) -> None:
        super().__init__(desk)
        self.bar = FilterBar(id=f"{self.NAME}-filter", grammar=grammar)
        self.table = OrderTable(self.COLUMNS, self.cells, desk.glyphs, id=self.NAME)
        self.facts = Sheet(id=f"{self.NAME}-facts", ellipsis=desk.glyphs.ellipsis)
        self.rows: dict[int, Any] = {}  # by number, newest first
        self.whole = False  # the oldest row that matches has been read
        self._asking_older = False
        self._filter = ""

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.table, "scroll_y", lambda: self._read_older_if_near(), init=False)

    def body(self) -> Iterable[Widget]:
        yield self.bar
        yield self.table
        yield self.facts

    # What a section gives --------------------------------------------------------------------------------------------

    @abstractmethod
    def cells(self, key: str) -> Cells:
        """What stands in the row of this key."""

    @abstractmethod
    async def page(self, before: int | None) -> dict[int, Any]:
        """A page of rows that match the filter, newest first. Raises ApiError."""

    @abstractmethod
    def order_keys(self) -> list[str]:
        """Keys of all rows to be shown, newest first."""

    @abstractmethod
    def summary(self) -> str:
        """What was found, for the right end of the filter line."""

    @abstractmethod
    def about(self, key: str, width: int) -> list[Line]:
        """The row in hand in a few lines."""

    @abstractmethod
    def everything(self, key: str, width: int) -> tuple[str, list[Line]]:
        """Title and all there is of a row."""

    @abstractmethod
    async def copied(self, key: str) -> str:
        """The row as JSON, personal data masked. Raises ApiError."""

    @abstractmethod
    def order_of(self, key: str) -> str | None:
        """The one order the row is about."""

    # Reading ---------------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        asked = self._filter
        newest = await self.page(None)
        if asked != self._filter:
            self.fetch()
            return
        joins = not newest or not self.rows or min(newest) <= max(self.rows)
        if not newest or not joins:
            self.rows = {}
        if len(newest) < PAGE:
            self.whole = True
        elif not self.rows:
            self.whole = False
        merged = {**newest, **{number: row for number, row in self.rows.items() if number not in newest}}
        self.rows = dict(sorted(merged.items(), reverse=True))
        self.table.offer(self.order_keys())
        self.table.refresh()

    def _read_older_if_near(self) -> None:
        table = self.table
        bottom = round(table.scroll_offset.y) + table.size.height
        if not self.whole and not self._asking_older and self.rows and bottom + NEAR_END >= len(table.keys):
            if len(self.rows) >= MOST:
                return
            self._asking_older = True
            self._read_older()

    @work(group="older", exit_on_error=False)
    async def _read_older(self) -> None:
        asked = self._filter
        try:
            older = await self.page(min(self.rows))
        except ApiError as error:
            self.trouble = str(error)
            return
        finally:
            self._asking_older = False
        if asked != self._filter:
            return
        self.whole = len(older) < PAGE
        self.rows |= older
        known = set(self.table.keys)
        self.table.extend([key for key in self.order_keys() if key not in known and self._is_older(key, older)])
        self.show()

    def _is_older(self, key: str, older: dict[int, Any]) -> bool:
        return not key.isdigit() or int(key) in older

    # Shown -----------------------------------------------------------------------------------------------------------

    def show(self) -> None:
        self.table.grey = not self.desk.session.link().usable
        self.bar.summarise(self.desk.glyphs.plain(f"  {self.trouble or self.summary()}"))
        key = self.table.in_hand
        self.facts.set_lines(
            self.about(key, max(30, self.facts.room))
            if key is not None
            else [[("an arrow key takes a row in hand", "muted")]]
        )
        self._read_older_if_near()

    def tick(self) -> None:
        super().tick()
        self.table.refresh_keys(set(self.table.visible_keys()))

    def hints(self) -> Sequence[Hint]:
        new = [Hint(".", f"{self.table.waiting:,} new", "newest", tone="accent")] if self.table.waiting else []
        return [
            *new, Hint("enter", "Open order", "open", must=True), Hint("i", "Whole row", "whole"), Hint("y", "Copy", "copy"),
            *self.more_hints(), Hint("/", "Filter", "filter", must=True), Hint("?", "Help", "app.help", must=True),
        ]  # fmt: skip

    def more_hints(self) -> Sequence[Hint]:
        return ()

    @on(OrderTable.Highlighted)
    def _looked_at(self) -> None:
        self.show()
        self.show_keys()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    # Filter ----------------------------------------------------------------------------------------------------------

    @property
    def filter_text(self) -> str:
        return self._filter

    def action_filter(self) -> None:
        self.bar.edit()

    @on(FilterBar.Changed)
    def _filtered(self, event: FilterBar.Changed) -> None:
        self._filter = event.text
        self.rows, self.whole = {}, False
        self.table.take(None)
        self.fetch()

    @on(FilterBar.Done)
    def _filter_done(self) -> None:
        self.table.focus()

    # Acts on the row in hand -----------------------------------------------------------------------------------------

    def action_newest(self) -> None:
        self.table.newest()

    def action_open(self) -> None:
        self.table.action_open()

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        order_id = self.order_of(event.order_id)
        if order_id is not None and order_id in self.desk.session.book:
            self.open_order(order_id)
        else:
            self._show_whole(event.order_id)

    def action_whole(self) -> None:
        key = self.table.ensure_in_hand()
        if key is not None:
            self._show_whole(key)

    def _show_whole(self, key: str) -> None:
        title, lines = self.everything(key, 100)

        def closed(copy: bool | None) -> None:
            if copy:
                self._copy(key)

        self.app.push_screen(RowDialog(self.desk.glyphs, title, lines), closed)

    def action_copy(self) -> None:
        key = self.table.ensure_in_hand()
        if key is not None:
            self._copy(key)

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy(self, key: str) -> None:
        copy_out(self.app, await self.copied(key), "row as JSON")
