"""GET /snapshot and GET /feed: the book, and what happens after it."""

import asyncio
import functools
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from console.api.access import Services
from console.api.hub import FeedHub
from console.api.identity import Caller, Gatekeeper, Viewer
from console.api.problems import ProblemError, invalid
from console.schema.base import PREFIX
from console.schema.book import HEARTBEAT
from storage import book, feed
from storage.journal import Journal

router = APIRouter(tags=["book"])
FIRST_READ, READ = 500, 4_000  # rows that are read at once; each handing over between two threads takes milliseconds
CHUNK = 500  # rows of a line, so that who reads them can do something else in between
MOST_ROWS = 100_000
FIRST = "~"  # after every order id
Part = tuple[int, str, bytes, int]  # rows, the last one's id, as they go out, how many were asked for
Reading = Callable[[sqlite3.Connection, str, int], list[tuple[Any, ...]]]
SNAPSHOT = f"{PREFIX}/snapshot"


@router.get("/snapshot", response_class=StreamingResponse, responses={200: {"content": {"application/x-ndjson": {}}}})
async def snapshot(
    caller: Viewer, api: Services, limit: Annotated[int, Query(ge=1, le=1_000_000)] = MOST_ROWS
) -> StreamingResponse:
    """The book as NDJSON: SnapshotHead, arrays of rows, SnapshotEnd. The newest ``limit`` orders and all unfinished."""
    return StreamingResponse(_rows(api.hub, api.journal, api.now(), limit), media_type="application/x-ndjson")


async def _rows(hub: FeedHub, journal: Journal, now: float, limit: int) -> AsyncIterator[bytes]:
    seq, epoch, total = journal.peek(lambda db: (*feed.bounds(db)[1:], book.count(db)))
    head = {"seq": seq, "epoch": epoch, "at": now, "total": total, "columns": list(book.COLUMNS)}
    yield json.dumps(head).encode() + b"\n"
    last, count, reading = FIRST, 0, book.before
    coming = _next(hub, journal, reading, last, min(FIRST_READ, limit))
    try:
        while True:
            part, last, packed, size = await coming
            count += part
            if hub.closed:
                return  # without its end: the client sees that it was cut
            ended = part < size or count == limit
            if ended and (reading is not book.before or count < limit):
                break
            reading = book.unfinished_before if ended else reading
            size = min(READ, limit - count) if reading is book.before else READ
            coming = _next(hub, journal, reading, last, size)  # read while this part is on its way
            if packed:
                yield packed
        if packed:
            yield packed
    finally:
        coming.cancel()
    yield json.dumps({"end": True, "rows": count}).encode() + b"\n"


def _next(hub: FeedHub, journal: Journal, reading: Reading, last: str, size: int) -> asyncio.Task[Part]:
    return asyncio.ensure_future(journal.read(functools.partial(_chunk, hub, reading, last, size)))


def _chunk(hub: FeedHub, reading: Reading, last: str, size: int, db: sqlite3.Connection) -> Part:
    """In a reader's thread: reading and packing one part of at most ``size`` rows, in lines."""
    rows = reading(db, last, size)
    if not rows:
        return 0, last, b"", size
    packed = [hub.packer.row(row) for row in rows]
    lines = [to_json(packed[start : start + CHUNK]) for start in range(0, len(packed), CHUNK)]
    return len(rows), rows[-1][0], b"\n".join([*lines, b""]), size


@router.get("/feed", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def follow(
    caller: Viewer,
    api: Services,
    after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    epoch: Annotated[int | None, Query(ge=0, le=2**31)] = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> StreamingResponse:
    """Server-sent events after a number (``Last-Event-ID`` wins over ``after``; neither: from now on).

    410 when the rows asked for are gone, were never written, or belong to another epoch: fetch the snapshot.
    """
    position = _position(after, last_event_id)
    _check(api.journal, position, epoch)
    start = api.hub.top if position is None else position
    stream = _stream(api.hub, api.journal, api.gatekeeper, caller, start)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


def _position(after: int | None, last_event_id: str | None) -> int | None:
    if last_event_id is None or last_event_id == "":
        return after
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= 16):
        raise invalid("Last-Event-ID", "it is not a number", "send the id of the last event")
    return int(last_event_id)


def _check(journal: Journal, position: int | None, epoch: int | None) -> None:
    oldest, newest, present = journal.peek(feed.bounds)
    if epoch is not None and epoch != present:
        raise _gone(f"the feed is in epoch {present} now, not {epoch}: the journal was restored")
    if position is None:
        return
    if position > newest:
        raise _gone(f"row {position} was never written: the newest is {newest}")
    if position < oldest - 1:
        raise _gone(f"rows after {position} were pruned: the oldest is {oldest}")


def _gone(detail: str) -> ProblemError:
    return ProblemError(410, "feed-gone", "The feed cannot go on from there", detail, see=SNAPSHOT)


async def _stream(
    hub: FeedHub, journal: Journal, gatekeeper: Gatekeeper, caller: Caller, position: int
) -> AsyncIterator[bytes]:
    hub.subscribers += 1
    checked = time.monotonic()
    try:
        yield b": the feed\n\n"
        while not hub.closed:
            if time.monotonic() - checked >= HEARTBEAT:
                checked = time.monotonic()
                if not await gatekeeper.still(caller):  # revoked or expired meanwhile
                    return
            if position + 1 < journal.peek(feed.oldest):
                reason = f"rows after {position} were pruned"
                yield f"event: reset\ndata: {json.dumps({'reason': reason, 'see': SNAPSHOT})}\n\n".encode()
                return
            packed = await hub.since(position)
            if packed:
                position = packed[-1].seq
                yield b"".join(row.data for row in packed)
                continue
            await hub.wait(position, HEARTBEAT)
            if hub.top <= position and not hub.closed:
                yield b": still here\n\n"
    finally:
        hub.subscribers -= 1
