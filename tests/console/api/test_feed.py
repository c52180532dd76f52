"""Snapshot and feed on real sockets: complete, in order, resumable, and honest when they cannot be."""

import asyncio
import itertools
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from console.api.hub import BREATH
from console.client.book import Book
from console.client.errors import Unauthorized
from console.client.feed import FeedLost, FeedReader, FeedState, LiveBook, SseParser
from console.client.rows import BookRow
from console.engine import transitions
from console.schema.base import PREFIX
from console.schema.book import COLUMNS, FeedEvent
from storage import book, feed, runs
from storage.journal import Journal
from tests.console.api.rig import Desk, until
from tests.console.client.journal_rows import put_order, take


def test_storage_and_schema_name_the_same_columns() -> None:
    assert book.COLUMNS == COLUMNS
    assert len(COLUMNS) == len(BookRow._fields)


async def _orders(journal: Journal, count: int) -> list[str]:
    def write(db: sqlite3.Connection) -> list[str]:
        return [
            put_order(db, n, {}, {"state": "running", "step": "esim", "steps": {"load": "done", "esim": "running"}})
            for n in range(1, count + 1)
        ]

    return await journal.write(write)


async def _move(journal: Journal, order_id: str, **values: Any) -> None:
    def write(db: sqlite3.Connection) -> None:
        run = runs.latest_of_order(db, order_id)
        assert run is not None
        transitions.move(db, time.time(), run.id, **values)

    await journal.write(write)


def _by_query(journal: Journal) -> dict[str, BookRow]:
    """What the journal says, independently of snapshot and feed."""
    rows = journal.peek(lambda db: book.after(db, "", 100_000))
    return {row[0]: BookRow(*row) for row in rows}


async def _load(desk: Desk, role: str = "viewer") -> Book:
    loaded = Book()
    async for _ in desk.client(role).load(loaded):
        await asyncio.sleep(0)
    return loaded


async def test_the_snapshot_is_the_journal(desk: Desk) -> None:
    await _orders(desk.journal, 1203)
    loaded = await _load(desk)
    assert loaded.complete
    assert {row.order_id: row for row in loaded} == _by_query(desk.journal)
    assert loaded.counts["running"] == 1203
    row = loaded.by_number("7")
    assert row is not None
    assert (row.strip, row.step, row.number) == ("v.>....", "esim", "00000007")


async def test_a_cut_snapshot_is_not_taken_for_a_whole_one(desk: Desk) -> None:
    await _orders(desk.journal, 700)
    async with httpx.AsyncClient(base_url=desk.url, timeout=60) as http:
        answer = await http.get(f"{PREFIX}/snapshot", headers={"Authorization": f"Bearer {desk.tokens['viewer']}"})
    lines = answer.text.splitlines()
    assert json.loads(lines[0])["total"] == 700
    assert json.loads(lines[-1]) == {"end": True, "rows": 700}
    assert answer.headers["content-type"].startswith("application/x-ndjson")


async def test_a_limited_snapshot_holds_the_newest_and_all_unfinished(desk: Desk) -> None:
    def fill(db: sqlite3.Connection) -> None:
        for n in range(1, 31):
            put_order(db, n, {}, {"state": "failed" if n in (2, 3) else "done"})

    await desk.journal.write(fill)
    for limit in (1, 7, 10, 28, 29, 30, 500):
        answer = await desk.ask("GET", "/snapshot", role="viewer", params={"limit": limit})
        lines = [json.loads(line) for line in answer.text.splitlines()]
        numbers = sorted(int(row[1]) for part in lines[1:-1] for row in part)
        newest = set(range(max(1, 31 - limit), 31))
        assert numbers == sorted(newest | {2, 3}), limit
        assert (lines[0]["total"], lines[-1]["rows"]) == (30, len(numbers))


async def test_the_feed_brings_the_book_to_the_journals_state(desk: Desk) -> None:
    ids = await _orders(desk.journal, 40)
    live_book, changes = Book(), 0

    async def changed() -> None:
        nonlocal changes
        changes += 1

    live = LiveBook(desk.client("viewer"), live_book, changed)
    task = asyncio.create_task(live.run())
    try:
        await until(lambda: live.state is FeedState.LIVE and live_book.complete)
        live_book.take_dirty()
        for n, order_id in enumerate(ids * 5):
            await _move(desk.journal, order_id, state="retrying", wait_reason=f"try {n}", tries=n % 7)
        await desk.journal.write(lambda db: _take(db, ids[0]))
        new = await desk.journal.write(lambda db: put_order(db, 999, {}, {"state": "queued"}))
        await _move(desk.journal, new, state="failed", error_class="data", error_message="call 090-1234-5678 back")
        await until(lambda: live_book.seq == desk.journal.peek(lambda db: feed.bounds(db)[1]))
        expected = _by_query(desk.journal)
        shown = {row.order_id: row for row in live_book}
        assert set(shown) == set(expected)
        assert shown[ids[3]] == expected[ids[3]]
        assert shown[ids[0]].owned_by(time.time()) == "mira"
        assert shown[new].message == "call 090••••••••78 back"
        assert live_book.take_dirty() == {*ids, new}
        assert live_book.counts["retrying"] == 40
        assert changes > 1
        assert [event.seq for event in live_book.recent] == sorted({event.seq for event in live_book.recent})
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _take(db: sqlite3.Connection, order_id: str) -> None:
    take(db, order_id, "mira", time.time(), time.time() + 3600)
    feed.append(db, time.time(), "taken", {"by": "mira"}, order_id=order_id)


def _restored(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM feed")
    feed.continue_above(db, 100)
    feed.append(db, 1.0, "x", {})


async def test_an_event_is_there_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brought by its commit, not by the next beat of a timer. How many milliseconds it takes is the benchmark's."""
    monkeypatch.setattr("console.api.feed.HEARTBEAT", 3600.0)
    assert BREATH < 0.1, "what a reading of the tail waits for others that come meanwhile"
    reader = FeedReader(desk.client("viewer"), desk.api.hub.top, 1)
    seen: list[int] = []

    async def read() -> None:
        async for batch in reader.batches():
            seen.extend(event.seq for event in batch)

    task = asyncio.create_task(read())
    try:
        await until(lambda: reader.state is FeedState.LIVE)
        written = []
        for _ in range(20):
            written.append(await desk.write_feed(1))
            await until(lambda: seen == written)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_reader_resumes_where_it_was_cut(desk: Desk) -> None:
    """Over the Unix socket: its path, unlike a port, is nobody else's meanwhile."""
    await desk.write_feed(5)
    reader = FeedReader(desk.socket, 2, 1)
    got: list[int] = []

    async def read() -> None:
        async for batch in reader.batches():
            got.extend(event.seq for event in batch)

    task = asyncio.create_task(read())
    try:
        await until(lambda: got == [3, 4, 5])
        await desk.server.stop()
        await desk.write_feed(3)
        await until(lambda: reader.state is FeedState.LOST)
        assert re.search("not reachable|lost|ended", str(reader.trouble))
        await _serve_again(desk)
        await until(lambda: got == [3, 4, 5, 6, 7, 8])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _serve_again(desk: Desk) -> None:
    from console.api.server import ApiServer
    from console.api.sockets import bind_unix

    desk.server = ApiServer(desk.app, [bind_unix(desk.path)])
    await desk.server.start()


async def test_several_subscribers_far_and_near_get_the_same(desk: Desk) -> None:
    await desk.write_feed(30)
    readers = [FeedReader(desk.client("viewer"), after, 1) for after in (0, 10, 30)]
    got: list[list[FeedEvent]] = [[] for _ in readers]

    async def read(n: int) -> None:
        async for batch in readers[n].batches():
            got[n].extend(batch)

    tasks = [asyncio.create_task(read(n)) for n in range(3)]
    try:
        await until(lambda: all(reader.state is FeedState.LIVE for reader in readers))
        await desk.write_feed(1200, kind="note")
        await until(lambda: all(events and events[-1].seq == 1230 for events in got))
        assert [len(events) for events in got] == [1230, 1220, 1200]
        for events in got:
            assert all(b.prev == a.seq for a, b in itertools.pairwise(events))
        await until(lambda: desk.api.hub.subscribers == 3)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: desk.api.hub.subscribers == 0)


async def _first(reader: FeedReader) -> AsyncIterator[list[FeedEvent]]:
    async for batch in reader.batches():
        yield batch
        return


@pytest.mark.parametrize(
    ("query", "headers", "words"),
    [
        ("?after=99", {}, "never written"),
        ("", {"Last-Event-ID": "99"}, "never written"),
        ("?epoch=7", {}, "epoch 1 now, not 7"),
        ("?after=3", {}, "pruned"),
    ],
)
async def test_what_cannot_be_resumed_is_410_with_the_snapshots_address(
    desk: Desk, query: str, headers: dict[str, str], words: str
) -> None:
    await desk.write_feed(20)
    await desk.journal.write(lambda db: db.execute("DELETE FROM feed WHERE seq <= 10"))
    answer = await desk.ask("GET", f"/feed{query}", role="viewer", headers=headers)
    assert answer.status_code == 410
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert words in problem["detail"]
    assert problem["see"] == f"{PREFIX}/snapshot"


async def test_after_a_restore_the_client_starts_anew(desk: Desk) -> None:
    """The numbers go on far above in another epoch; a book of the old epoch is fetched again."""
    await _orders(desk.journal, 3)
    await desk.write_feed(4)
    live_book = Book()
    live = LiveBook(desk.client("viewer"), live_book)
    task = asyncio.create_task(live.run())
    try:
        await until(lambda: live.state is FeedState.LIVE and live_book.complete)
        await desk.journal.write(lambda db: feed.continue_above(db, 5000))
        await desk.write_feed(1)
        await until(lambda: live_book.seq == 5001)
        assert live_book.epoch == 2
        with pytest.raises(FeedLost):
            async for _ in _first(FeedReader(desk.client("viewer"), 4, 1)):
                raise AssertionError("the old epoch was served")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_stream_that_falls_behind_the_pruning_is_reset(desk: Desk) -> None:
    await desk.write_feed(3)
    async with (
        httpx.AsyncClient(base_url=desk.url, timeout=60) as http,
        http.stream(
            "GET", f"{PREFIX}/feed?after=3", headers={"Authorization": f"Bearer {desk.tokens['viewer']}"}
        ) as answer,
    ):
        chunks = answer.aiter_text()
        assert (await anext(chunks)).startswith(": the feed\n\n")
        await desk.journal.write(_restored)
        text = "".join([chunk async for chunk in chunks])
    assert "event: reset" in text
    assert f'"see": "{PREFIX}/snapshot"' in text


async def test_a_revoked_token_ends_the_stream(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.api.feed.HEARTBEAT", 0.05)
    reader = FeedReader(desk.client("viewer"), desk.api.hub.top, 1)

    async def read() -> None:
        async for _ in reader.batches():
            continue

    task = asyncio.create_task(read())
    await until(lambda: reader.state is FeedState.LIVE)
    heard = reader.heard
    await until(lambda: reader.heard > heard)  # a heartbeat
    await desk.journal.write(lambda db: db.execute("UPDATE tokens SET revoked_at = 1 WHERE role = 'viewer'"))
    with pytest.raises(Unauthorized, match="revoked"):
        await asyncio.wait_for(task, 60)


def test_server_sent_events_are_read_however_they_are_cut() -> None:
    stream = b': hello\n\nid: 7\ndata: {"a": 1}\n\nevent: reset\ndata: x\ndata: y\n\n'
    whole = SseParser().feed(stream)
    assert whole == [("comment", "", ""), ("message", '{"a": 1}', "7"), ("reset", "x\ny", "")]
    for cut in range(1, len(stream)):
        parser = SseParser()
        assert parser.feed(stream[:cut]) + parser.feed(stream[cut:]) == whole
    assert SseParser().feed(stream.replace(b"\n", b"\r\n")) == whole
