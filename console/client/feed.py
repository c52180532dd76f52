"""Reading the feed: server-sent events with reconnection from the last number, and the book kept live by them."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from enum import StrEnum

from console import collector
from console.client.api import ApiClient
from console.client.book import Book, FeedGap
from console.client.errors import ApiError, Forbidden, Gone, NoAnswer, Unauthorized
from console.schema.base import PREFIX
from console.schema.book import HEARTBEAT, FeedEvent

SILENCE = 3 * HEARTBEAT
SHORTEST, LONGEST = 0.2, 5.0


class FeedLost(Exception):
    """The rows after the last one seen are gone: fetch the book again."""


class FeedState(StrEnum):
    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"


class SseParser:
    """Bytes → (event, data, id) of each server-sent event; comments give ("comment", "", "")."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[str, str, str]]:
        *whole, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n\n")
        return [_fields(block) for block in whole if block]


def _fields(block: bytes) -> tuple[str, str, str]:
    event, number, data = "message", "", []
    comment = True
    for line in block.decode().split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                event = value
            case "data":
                data.append(value)
            case "id":
                number = value
            case _:
                continue
        comment = False
    return ("comment", "", "") if comment else (event, "\n".join(data), number)


class FeedReader:
    """The feed from ``after`` on, for ever: reconnects by itself and never hands the same event out twice.

    ``heard`` is monotonic time of the last sign of life; ``state`` and ``trouble`` say how it stands.
    """

    def __init__(self, client: ApiClient, after: int, epoch: int) -> None:
        self.last = after
        self.epoch = epoch
        self.state = FeedState.CONNECTING
        self.trouble: ApiError | None = None
        self.heard = time.monotonic()
        self._client = client

    async def batches(self) -> AsyncGenerator[list[FeedEvent], None]:
        """Events as they come, those of one packet together. Raises FeedLost; Unauthorized, Forbidden: who we are
        is not accepted any more."""
        pause = SHORTEST
        while True:
            try:
                async with aclosing(self._session()) as session:
                    async for batch in session:
                        pause = SHORTEST
                        if batch:
                            yield batch
            except Gone as error:
                raise FeedLost(str(error)) from error
            except (Unauthorized, Forbidden):
                raise
            except ApiError as error:
                self.trouble = error
            self.state = FeedState.LOST
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST)

    async def _session(self) -> AsyncGenerator[list[FeedEvent], None]:
        parser = SseParser()
        headers = {"Last-Event-ID": str(self.last), "Accept": "text/event-stream"}
        params = {"epoch": self.epoch}
        async with self._client.connection.stream(
            f"{PREFIX}/feed", params=params, headers=headers, silence=SILENCE
        ) as chunks:
            self.state, self.trouble = FeedState.LIVE, None
            self.heard = time.monotonic()
            async for chunk in chunks:
                self.heard = time.monotonic()
                yield self._events(parser.feed(chunk))
        self.trouble = NoAnswer(self._client.connection.address.shown, "the daemon ended the feed")

    def _events(self, found: list[tuple[str, str, str]]) -> list[FeedEvent]:
        batch: list[FeedEvent] = []
        for kind, data, _ in found:
            if kind == "reset":
                raise FeedLost(str(json.loads(data).get("reason", "the feed was reset")))
            if kind != "message":
                continue
            event = FeedEvent.model_validate_json(data)
            if event.seq <= self.last:
                continue
            if event.prev > self.last:
                raise FeedLost(f"events between {self.last} and {event.prev} were missed")
            self.last, self.epoch = event.seq, event.epoch
            batch.append(event)
        return batch


class LiveBook:
    """A book kept up to date until cancelled. ``changed`` is awaited after each packet that changed something;
    ``heard``: when the daemon was last heard through another client, in monotonic time."""

    def __init__(
        self, client: ApiClient, book: Book, changed: Callable[[], Awaitable[None]] | None = None, heard: float | None = None
    ) -> None:  # fmt: skip
        self.book = book
        self._heard = heard
        self.reader: FeedReader | None = None
        self.trouble: ApiError | None = None
        self.snapshots = 0
        self.took = 0.0  # seconds from asking for the book until it was there, the last time
        self.gaps = 0  # how often events were missed, and why the last time
        self.gap = ""
        self._client = client
        self._changed = changed

    @property
    def state(self) -> FeedState:
        if not self.book.complete or self.reader is None:
            return FeedState.LOST if self.trouble is not None else FeedState.CONNECTING
        return self.reader.state

    @property
    def heard(self) -> float | None:
        """Monotonic time of the daemon's last sign of life; None: there was none yet."""
        return self.reader.heard if self.reader is not None else self._heard

    def silent_for(self) -> float:
        """Seconds since the daemon was last heard; 0 when it never was."""
        return time.monotonic() - self.heard if self.heard is not None else 0.0

    async def run(self) -> None:
        """Raises Unauthorized or Forbidden when the daemon does not accept us any more."""
        while True:
            await self._load()
            try:
                await self._follow()
            except (FeedLost, FeedGap) as error:
                self.gaps, self.gap = self.gaps + 1, str(error)

    async def _load(self) -> None:
        pause = SHORTEST
        while True:
            try:
                with collector.resting():
                    async for _ in self._client.load(self.book):
                        await asyncio.sleep(0)
                self.snapshots, self.took = self.snapshots + 1, time.monotonic() - self._client.book_asked
                break
            except (Unauthorized, Forbidden):
                raise
            except ApiError as error:
                self.trouble = error
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST)
        self.trouble = None
        await self._tell()

    async def _follow(self) -> None:
        self.reader = FeedReader(self._client, self.book.seq, self.book.epoch)
        async with aclosing(self.reader.batches()) as batches:
            async for batch in batches:
                for event in batch:
                    self.book.apply(event)
                await self._tell()

    async def _tell(self) -> None:
        if self._changed is not None:
            await self._changed()
