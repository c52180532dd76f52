"""What came in and what was done: events, gaps, poison, mails, the audit log."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Query

from console.api.access import Services
from console.api.detail import mail_view
from console.api.identity import Viewer
from console.api.logs import wanted_of
from console.api.problems import invalid
from console.client.log_query import EVENT_FIELDS
from console.schema import desk as schema
from storage import audit, inbox, mail, orders

router = APIRouter(tags=["desk"])
Limit = Annotated[int, Query(ge=1, le=1000)]
Before = Annotated[int | None, Query(ge=0, le=2**53)]
Filter = Annotated[str, Query(alias="filter", max_length=1000)]
Word = Annotated[str | None, Query(max_length=100)]
MAIL_STATES = ("queued", "sending", "sent", "maybe_sent", "failed", "held")


@router.get("/events")
async def events(
    caller: Viewer, api: Services, limit: Limit = 100, before: Before = None, filter_: Filter = ""
) -> schema.Events:
    """Platform events as they were journaled, newest first; ``before``: a sequence number to go on from."""
    mask, wanted = api.masker(caller), wanted_of(api, caller, filter_, EVENT_FIELDS)

    def read(db: sqlite3.Connection) -> schema.Events:
        rows = inbox.newest(db, limit, before, wanted)
        numbers = _numbers(db, (row.order_id for row in rows))
        shown = [
            schema.EventView(
                seq=e.seq, channel=e.channel, replay_id=e.replay_id, event_uuid=e.event_uuid, order_id=e.order_id,
                number=numbers.get(e.order_id or ""), idem_key=mask.text(e.idem_key), received_at=e.received_at,
                state=e.state, reason=mask.text(e.reason), run_id=e.run_id, handled_at=e.handled_at,
                payload=mask.value(e.payload),
            )
            for e in rows
        ]  # fmt: skip
        cursors = [
            schema.CursorView(org=org, transport=transport, channel=channel, replay_id=replay_id, at=at)
            for org, transport, channel, replay_id, at in inbox.cursors(db)
        ]
        return schema.Events(events=shown, cursors=cursors)

    return await api.read(read)


@router.get("/gaps")
async def gaps(caller: Viewer, api: Services) -> schema.Gaps:
    """Stretches in which events may have been missed, and when a poll had read everything."""
    mask = api.masker(caller)
    rows = await api.read(inbox.gaps)
    return schema.Gaps(
        gaps=[
            schema.GapView(
                id=g.id, channel=g.channel, lost_cursor=g.lost_cursor, cursor_at=g.cursor_at, at=g.at,
                reason=mask.text(g.reason) or "", reconciled_at=g.reconciled_at,
            )
            for g in rows
        ]
    )  # fmt: skip


@router.get("/poison")
async def poison(caller: Viewer, api: Services, limit: Limit = 100) -> schema.Poisons:
    """Events that could not be read."""
    mask = api.masker(caller)
    rows = await api.read(lambda db: inbox.poison(db, limit))
    shown = [
        schema.PoisonView.model_validate({
            **row, "reason": mask.text(row["reason"]) or "",
            "payload": json.dumps(mask.value(_payload(row["payload"])), ensure_ascii=False),
        })
        for row in rows
    ]  # fmt: skip
    return schema.Poisons(poison=shown)


def _payload(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


@router.get("/mails")
async def mails(
    caller: Viewer, api: Services, state: Word = None, order: Word = None, limit: Limit = 100
) -> schema.Mails:
    """Queued and sent mails, newest first."""
    if state is not None and state not in MAIL_STATES:
        raise invalid("state", "there is no such state", f"one of {', '.join(MAIL_STATES)}")
    order_id = await api.order_id(order) if order is not None else None
    mask = api.masker(caller)

    def read(db: sqlite3.Connection) -> schema.Mails:
        if order_id is not None:
            rows = [row for row in reversed(mail.of_order(db, order_id)) if state in (None, row.state)][:limit]
        else:
            rows = mail.in_state(db, state, limit=limit) if state is not None else mail.newest(db, limit)
        numbers = _numbers(db, (row.order_id for row in rows))
        return schema.Mails(mails=[mail_view(row, numbers.get(row.order_id), mask) for row in rows])

    return await api.read(read)


@router.get("/audit")
async def audit_log(
    caller: Viewer,
    api: Services,
    limit: Limit = 100,
    before: Before = None,
    actor: Word = None,
    command: Word = None,
    order: Word = None,
) -> schema.Audit:
    """Who did what, why, and what came of it; newest first. Nothing of it is ever changed."""
    order_id = await api.order_id(order) if order is not None else None

    def read(db: sqlite3.Connection) -> schema.Audit:
        rows = audit.newest(db, limit, before=before, actor=actor, command=command, subject=order_id)
        known = orders.get_many(db, list({subject for row in rows for subject in row.subjects}))
        mask = api.masker(caller, (order.customer_name for order in known.values()))
        return schema.Audit(
            rows=[
                schema.AuditView(
                    id=r.id, at=r.at, phase=r.phase, intent_id=r.intent_id, actor=r.actor, peer=r.peer,
                    token_id=r.token_id, role=r.role, command=r.command, plan_hash=r.plan_hash, subjects=r.subjects,
                    numbers=[known[s].number for s in r.subjects if s in known], reason=mask.text(r.reason),
                    outcome=r.outcome, detail=mask.value(r.detail) if r.detail is not None else None,
                )
                for r in rows
            ]
        )  # fmt: skip

    return await api.read(read)


def _numbers(db: sqlite3.Connection, order_ids: Iterable[str | None]) -> dict[str, str]:
    ids = list({order_id for order_id in order_ids if order_id is not None})
    return {order_id: row.number for order_id, row in orders.get_many(db, ids).items()}
