"""Failures grouped by cause: how many, since when, how the same cause ended before, and what to do."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query

from console.api.access import Services
from console.api.identity import Viewer
from console.client.query import parse
from console.client.rows import BookRow
from console.engine.fallout import advice, generalise
from console.schema.desk import FailureGroup, Failures
from storage import book, causes, feed, orders

router = APIRouter(tags=["desk"])
DEFAULT = "state:failed,retrying,parked,held"
MOST_ORDERS = 20_000
MOST_SHOWN = 500
HOUR = 3600.0
SLOTS = 12


@router.get("/failures")
async def failures(
    caller: Viewer, api: Services, filter_: Annotated[str, Query(alias="filter", max_length=1000)] = ""
) -> Failures:
    """Orders that failed, wait or are tried again, by cause; the largest group first."""
    query, now = parse(filter_ or DEFAULT, me=caller.name), api.now()
    where, bound = query.where(now)
    packer = api.hub.packer

    def read(db: sqlite3.Connection) -> Failures:
        _, seq, _ = feed.bounds(db)
        ids = orders.select_ids(
            db, f"({where}) AND r.fingerprint IS NOT NULL", bound, "r.updated_at DESC", MOST_ORDERS, 0
        )
        rows = book.rows_of(db, ids)
        groups: defaultdict[str, list[BookRow]] = defaultdict(list)
        for order_id in ids:
            row = BookRow(*packer.row(rows[order_id]))
            assert row.cause is not None
            groups[row.cause].append(row)
        found = [_group(db, cause, members, now) for cause, members in groups.items()]
        found.sort(key=lambda group: (-group.count, -group.newest))
        return Failures(seq=seq, orders=len(ids), groups=found)

    return await api.read(read)


@dataclass(frozen=True)
class _Times:
    oldest: float
    newest: float
    slots: list[int]


def _group(db: sqlite3.Connection, cause: str, members: Sequence[BookRow], now: float) -> FailureGroup:
    first = members[0]
    ended, last = causes.ended_before(db, cause, [row.run_id for row in members if row.run_id is not None])
    times = _times(db, cause, members, now)
    return FailureGroup(
        cause=cause, title=_title(first), step=first.error_step, system=first.system, code=first.code,
        error_class=first.error_class, advice=advice(first.code, first.error_class), count=len(members),
        oldest=times.oldest, newest=times.newest, states=dict(Counter(row.state for row in members)),
        last_hour=times.slots, automatic=_automatic(members), before=ended, before_at=last,
        order_ids=[row.order_id for row in members[:MOST_SHOWN]], numbers=[row.number for row in members[:MOST_SHOWN]],
    )  # fmt: skip


def _times(db: sqlite3.Connection, cause: str, members: Sequence[BookRow], now: float) -> _Times:
    """``slots``: how many runs met this cause in each five minutes of the last hour, the oldest first."""
    slots = [0] * SLOTS
    for at in causes.met_since(db, cause, now - HOUR):
        slots[min(SLOTS - 1, max(0, int((at - (now - HOUR)) / (HOUR / SLOTS))))] += 1
    moments = [row.updated for row in members]
    return _Times(min(moments), max(moments), slots)


def _title(row: BookRow) -> str:
    return generalise(row.message or row.wait_reason or row.code or "unknown cause")


def _automatic(members: Sequence[BookRow]) -> str:
    """What happens by itself, in words."""
    states: Counter[Any] = Counter((row.state, row.wait) for row in members)
    if any(state == "retrying" for state, _ in states):
        return "tried again by itself"
    if any(wait == "condition" for _, wait in states):
        return "goes on by itself when its condition comes true"
    return "off"
