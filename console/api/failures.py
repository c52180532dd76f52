"""Failures grouped by cause: how many, since when, how the same cause ended before, and what to do."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query

from console.api.access import Services
from console.api.identity import Viewer
from console.client.query import parse
from console.commands import table
from console.commands.facts import Facts, RunWord, WaitWord
from console.commands.words import Role
from console.engine.commanding.sheet import mode_of
from console.engine.fallout import advice, generalise
from console.schema.book import NO_RUN
from console.schema.desk import FailureGroup, Failures, GroupAct
from storage import causes, feed, orders
from storage.causes import Standing

router = APIRouter(tags=["desk"])
DEFAULT = "state:failed,retrying,parked,held"
MOST_ORDERS = 20_000
MOST_SHOWN = 500
HOUR = 3600.0
SLOTS = 12
ACTS = ("order.retry", "order.unpark", "order.park", "order.cancel", "order.take", "order.note")


@router.get("/failures")
async def failures(
    caller: Viewer, api: Services, filter_: Annotated[str, Query(alias="filter", max_length=1000)] = ""
) -> Failures:
    """Orders that failed, wait or are tried again, by cause; the largest group first."""
    query, now = parse(filter_ or DEFAULT, me=caller.name), api.now()
    where, bound = query.where(now)
    packer, asker = api.hub.packer, Asker(Role(caller.role), mode_of(api.engine))

    def read(db: sqlite3.Connection) -> Failures:
        _, seq, _ = feed.bounds(db)
        rows = causes.standing(db, where, bound, MOST_ORDERS)
        groups: defaultdict[str, list[Standing]] = defaultdict(list)
        for row in rows:
            groups[row.cause].append(row)
        found = [_group(db, members, now, asker, packer.text) for members in groups.values()]
        found.sort(key=lambda group: (-group.count, -group.newest))
        cut = len(rows) == MOST_ORDERS
        total = orders.count(db, f"({where}) AND r.fingerprint IS NOT NULL", bound) if cut else len(rows)
        return Failures(seq=seq, at=now, filter=filter_ or DEFAULT, orders=total, groups=found)

    return await api.read(read)


@dataclass(frozen=True)
class Asker:
    """Who asks, and in which mode the daemon works."""

    role: Role
    mode: Any


@dataclass(frozen=True)
class _Times:
    oldest: float
    newest: float
    slots: list[int]


def _group(
    db: sqlite3.Connection, members: Sequence[Standing], now: float, asker: Asker, redacted: Callable[[str], str]
) -> FailureGroup:
    first, cause = members[0], members[0].cause
    ended, last = causes.ended_before(db, cause, [row.run_id for row in members])
    times = _times(db, cause, members, now)
    return FailureGroup(
        cause=cause, title=_title(first, redacted), step=first.error_step or first.step, system=first.system, code=first.code,
        error_class=first.error_class, advice=advice(first.code, first.error_class), count=len(members),
        oldest=times.oldest, newest=times.newest, first=causes.first_met(db, cause),
        states=dict(Counter(row.state for row in members)), last_hour=times.slots, automatic=_automatic(members),
        unknown=sum(row.unknown for row in members), sum_yen=sum(row.amount or 0 for row in members), before=ended,
        before_at=last, acts=_acts(members, asker), order_ids=[row.order_id for row in members[:MOST_SHOWN]],
        numbers=[row.number for row in members[:MOST_SHOWN]],
    )  # fmt: skip


def _acts(members: Sequence[Standing], asker: Asker) -> list[GroupAct]:
    """Judged by the one table from what the book holds; the plan looks at each order whole."""
    found = []
    kinds = Counter((row.state, row.wait, row.step or row.error_step, row.code, row.unknown, row.sf) for row in members)
    for command in (table.BY_ID[act] for act in ACTS):
        reasons: Counter[str] = Counter()
        possible = 0
        for (state, wait, step, code, unknown, status), count in kinds.items():
            facts = Facts(
                status=status, run=cast(RunWord, state) if state != NO_RUN else None, wait=cast("WaitWord | None", wait),
                step=step, code=code, unknown="a call" if unknown else None, bulk=len(members) > 1, mode=asker.mode,
            )  # fmt: skip
            answer = table.possible(command, asker.role, facts)
            if answer.ok:
                possible += count
            else:
                reasons[answer.reason] += count
        why = reasons.most_common(1)[0][0] if reasons else ""
        found.append(GroupAct(id=command.id, possible=possible, why_not=why))
    return found


def _times(db: sqlite3.Connection, cause: str, members: Sequence[Standing], now: float) -> _Times:
    """``slots``: how many runs met this cause in each five minutes of the last hour, the oldest first."""
    slots = [0] * SLOTS
    for at in causes.met_since(db, cause, now - HOUR):
        slots[min(SLOTS - 1, max(0, int((at - (now - HOUR)) / (HOUR / SLOTS))))] += 1
    moments = [row.updated for row in members]
    return _Times(min(moments), max(moments), slots)


def _title(row: Standing, redacted: Callable[[str], str]) -> str:
    return generalise(redacted(row.message or row.wait_reason or row.code or "unknown cause"))


def _automatic(members: Sequence[Standing]) -> str:
    """What happens by itself, in words."""
    states: Counter[Any] = Counter((row.state, row.wait) for row in members)
    if any(state == "retrying" for state, _ in states):
        return "tried again by itself"
    if any(wait == "condition" for _, wait in states):
        return "goes on by itself when its condition comes true"
    return "off"
