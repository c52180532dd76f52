"""The feed's fan-out: one reader of the journal's tail for all subscribers.

A subscriber is only a position: it takes what it has not seen from the ring of recent rows, or from the journal when
it is further behind. So a slow one costs nothing and holds nobody up.
"""

import asyncio
import bisect
import json
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from console.observe.redact import Redactor
from storage import book, feed
from storage.errors import StorageError
from storage.feed import FeedRow
from storage.journal import Journal

log = logging.getLogger(__name__)
RING = 20_000
PAGE = 1_000
BREATH = 0.04  # seconds between two reads of the tail: commits that come meanwhile share one, and one packet
AGAIN = 1.0
FREE_TEXT = ("wait_reason", "message", "reason", "text")


@dataclass(frozen=True, slots=True)
class Packed:
    """One feed row as it goes out: a whole server-sent event."""

    seq: int
    data: bytes


class RowPacker:
    """Turns rows of the book and of the feed into what may leave: free text redacted, the same for every role."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._texts: dict[str, str] = {}
        self._at = [book.COLUMNS.index(name) for name in ("wait_reason", "message")]
        self._unknown = book.COLUMNS.index("unknown")

    def text(self, text: str) -> str:
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) > 10_000:
                self._texts.clear()
            known = self._texts[text] = self._redactor.text(text)
        return known

    def row(self, values: Sequence[Any]) -> list[Any]:
        row = list(values)
        for i in self._at:
            if row[i]:
                row[i] = self.text(row[i])
        row[self._unknown] = bool(row[self._unknown])
        return row

    def body(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            key: self.text(value) if key in FREE_TEXT and isinstance(value, str) else value
            for key, value in body.items()
        }

    def events(self, rows: Sequence[FeedRow], prev: int, orders: dict[str, tuple[Any, ...]]) -> list[Packed]:
        """``orders``: present rows of the book; each goes out with its order's last event only."""
        last = {row.order_id: row.seq for row in rows if row.order_id is not None}
        packed: list[Packed] = []
        for row in rows:
            event: dict[str, Any] = {
                "seq": row.seq, "prev": prev, "epoch": row.epoch, "at": row.at, "kind": row.kind, "order_id": row.order_id,
                "run_id": row.run_id, "body": self.body(row.body),
            }  # fmt: skip
            if row.order_id is not None and last[row.order_id] == row.seq and row.order_id in orders:
                event["row"] = self.row(orders[row.order_id])
            data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
            packed.append(Packed(row.seq, f"id: {row.seq}\ndata: {data}\n\n".encode()))
            prev = row.seq
        return packed


class FeedHub:
    """``start`` in the daemon's loop, ``stop`` before the server stops: open streams end then."""

    def __init__(self, journal: Journal, redactor: Redactor) -> None:
        self.packer = RowPacker(redactor)
        self._journal = journal
        self._ring: deque[Packed] = deque(maxlen=RING)
        self._top = 0
        self._changed = asyncio.Condition()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._forget: Callable[[], None] | None = None
        self.closed = False
        self.subscribers = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._top = self._journal.peek(lambda db: feed.bounds(db)[1])

        def committed() -> None:  # in the writer's thread
            try:
                loop.call_soon_threadsafe(self._woken.set)
            except RuntimeError:  # the loop has ended
                return

        self._forget = self._journal.on_commit(committed)
        self._task = asyncio.create_task(self._follow(), name="feed-hub")

    async def stop(self) -> None:
        """End all streams."""
        self.closed = True
        if self._forget is not None:
            self._forget()
            self._forget = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        async with self._changed:
            self._changed.notify_all()

    @property
    def top(self) -> int:
        """The newest row that was handed out."""
        return self._top

    async def _follow(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._read_tail()
            except (StorageError, sqlite3.Error) as error:
                log.error("the feed cannot be read: %s", error)
                await asyncio.sleep(AGAIN)
                self._woken.set()
            await asyncio.sleep(BREATH)

    async def _read_tail(self) -> None:
        while self.subscribers:
            packed = await self._page(self._top)
            if not packed:
                return
            self._ring.extend(packed)
            await self._reached(packed[-1].seq)
            if len(packed) < PAGE:
                return
        self._ring.clear()  # nobody listens: what is asked for later comes from the journal
        await self._reached(self._journal.peek(lambda db: feed.bounds(db)[1]))

    async def _reached(self, seq: int) -> None:
        self._top = seq
        async with self._changed:
            self._changed.notify_all()

    async def _page(self, after: int) -> list[Packed]:
        def read(db: sqlite3.Connection) -> list[Packed]:
            rows = feed.after(db, after, PAGE)
            if not rows:
                return []
            orders = book.rows_of(db, list({row.order_id for row in rows if row.order_id is not None}))
            return self.packer.events(rows, feed.before(db, rows[0].seq), orders)

        return await self._journal.read(read)

    async def since(self, seq: int) -> list[Packed]:
        """The next rows after ``seq``, at most a page; empty when there are none yet."""
        if seq >= self._top:
            return []
        if self._ring and self._ring[0].seq <= seq:
            start = bisect.bisect_right(self._ring, seq, key=lambda packed: packed.seq)
            end = min(start + PAGE, len(self._ring))
            return [self._ring[i] for i in range(start, end)]
        return await self._page(seq)

    async def wait(self, seq: int, timeout: float) -> None:
        """Until there is something after ``seq``, the hub closes, or the time is over."""
        if seq < self._top or self.closed:
            return
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(lambda: self._top > seq or self.closed)
        except TimeoutError:
            return
