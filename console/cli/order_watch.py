"""``portal orders watch``: the feed as lines."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from console.cli.exits import Exit
from console.cli.looks import STRIP, note_of, state_word
from console.cli.order_reading import read_orders
from console.cli.output import Column, Form, clock
from console.cli.verbs import Desk
from console.written import EXPORTED, as_json

if TYPE_CHECKING:
    from console.client.rows import BookRow

OVER = frozenset({"done", "failed", "cancelled", "held", "none"})
MOST = 100_000
CSV_KEYS = tuple(key for key in EXPORTED if key != "customer")


async def watch_orders(desk: Desk, text: str, *, until_over: bool) -> int:
    """Print changes until cancelled, or with ``until_over`` until all orders that matched at first have ended."""
    from console.client.book import Book
    from console.client.feed import LiveBook
    from console.client.query import parse

    began, me = time.time(), await desk.client.me()
    text = f"number:{text}" if text.isascii() and text.isdecimal() else text
    first, _ = await read_orders(desk.client, text, limit=MOST)  # also says what is wrong with the filter
    query = parse(text, me=me.name)
    watch = _Watch(desk, {line.order_id for line in first}, query if not query.beyond else None, began)
    if until_over and not watch.ids:
        desk.output.note("no order matches")
        return Exit.FAILED
    book = Book()

    async def changed() -> None:
        watch.take(book)
        if until_over and watch.over(book):
            over.set()

    over = asyncio.Event()
    live = asyncio.create_task(LiveBook(desk.client, book, changed).run())
    waiting = asyncio.create_task(over.wait())
    try:
        await asyncio.wait((live, waiting), return_when=asyncio.FIRST_COMPLETED)
        if live.done():
            live.result()
    finally:
        for task in (live, waiting):
            task.cancel()
        await asyncio.gather(live, waiting, return_exceptions=True)
    return Exit.OK if watch.all_done(book) else Exit.FAILED


class _Watch:
    """Which orders are followed and what was printed of each. ``query`` None: only those that matched at first.

    ``since``: when somebody began to watch; what ended between the first list and the book was a change, too.
    """

    def __init__(self, desk: Desk, ids: set[str], query: Any, since: float) -> None:
        self.ids = ids
        self._since = since
        self._output = desk.output
        self._query = query
        self._printed: dict[str, tuple[Any, ...]] = {}
        self._began = False
        if self._output.form is Form.CSV:
            self._output.csv([Column(key, key) for key in ("at", *CSV_KEYS)], [])

    def take(self, book: Any) -> None:
        """Print what changed since the last time; at first every order that is followed and open."""
        now = time.time()
        dirty = book.take_dirty()
        for row in sorted((row for row in map(book.get, dirty) if row is not None), key=lambda row: row.updated):
            if not self._followed(row, now):
                continue
            shown = (row.state, row.step, row.strip, row.tries, row.wait_reason, row.message, row.mail)
            if self._printed.get(row.order_id) != shown:
                self._printed[row.order_id] = shown
                new = self._began or row.updated >= self._since
                if new or row.state not in OVER or row.order_id in self.ids:
                    self._print(row)
        self._began = True

    def _followed(self, row: "BookRow", now: float) -> bool:
        if row.order_id in self.ids or row.order_id in self._printed:
            return True
        return self._query is not None and bool(self._query.matches(row, now))

    def over(self, book: Any) -> bool:
        rows = [book.get(order_id) for order_id in self.ids]
        return all(row is not None and (row.state in OVER or row.wait == "person") for row in rows)

    def all_done(self, book: Any) -> bool:
        rows = [book.get(order_id) for order_id in self.ids]
        return all(row is not None and row.state == "done" for row in rows)

    def _print(self, row: "BookRow") -> None:
        values = {key: getattr(row, "error_class" if key == "class" else key) for key in CSV_KEYS}
        values["at"] = row.updated
        match self._output.form:
            case Form.JSON:
                self._output.out.write(as_json(values) + "\n")
                self._output.out.flush()
            case Form.CSV:
                self._output.csv([Column(key, key) for key in ("at", *CSV_KEYS)], [values], header=False)
                self._output.out.flush()
            case Form.TABLE:
                self._output.say(self._line(row))

    def _line(self, row: "BookRow") -> str:
        where = f" {row.step}" if row.step and row.state not in OVER else ""
        tries = f" try {row.tries}" if row.tries > 1 else ""
        note = note_of(row)
        strip = row.strip.translate(STRIP)
        return f"{clock(row.updated)} {row.number} {strip} {state_word(row)}{where}{tries}{f': {note}' if note else ''}"
