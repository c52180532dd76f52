"""The audit log as acts: who, what, why and what came of it; and how the filters of the logs are read."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query

from console.api.access import Api, Services
from console.api.identity import Caller, Viewer
from console.api.mask import Masker
from console.client.log_query import AUDIT_FIELDS, clauses
from console.client.query_words import Field
from console.commands.table import BY_ID
from console.schema import desk as schema
from storage import audit, orders
from storage.wanted import Wanted

router = APIRouter(tags=["desk"])


def wanted_of(api: Api, caller: Caller, text: str, fields: Mapping[str, Field]) -> list[Wanted]:
    """The conditions of a filter. Raises QueryError."""
    read = clauses(text, fields, now=api.now(), zone=_zone(api.settings.whmcs.time_zone), me=caller.name)
    return [Wanted(one.name, one.values, one.negated) for one in read]


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@router.get("/audit/acts")
async def acts(
    caller: Viewer,
    api: Services,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    filter_: Annotated[str, Query(alias="filter", max_length=1000)] = "",
    masked: Annotated[bool, Query()] = False,
) -> schema.AuditActs:
    """The audit log with each intent and its outcome as one act, newest first.

    ``masked``: as a viewer sees it, whatever your role; for what leaves the screen.
    """
    wanted = wanted_of(api, caller, filter_, AUDIT_FIELDS)
    role = "viewer" if masked else caller.role

    def read(db: sqlite3.Connection) -> schema.AuditActs:
        found = audit.acts(db, wanted, limit, before=before)
        known = orders.get_many(db, list({subject for act in found for subject in act.intent.subjects}))
        mask = Masker(api.services.redactor, role, (order.customer_name for order in known.values()))
        numbers = {order_id: order.number for order_id, order in known.items()}
        return schema.AuditActs(
            total=audit.count_acts(db, wanted), acts=[_act(act, numbers, mask) for act in found]
        )  # fmt: skip

    return await api.read(read)


def _act(act: audit.Act, numbers: Mapping[str, str], mask: Masker) -> schema.AuditAct:
    row = act.intent
    return schema.AuditAct(
        id=row.id, at=row.at, ended_at=act.ended_at, actor=row.actor, role=row.role, peer=row.peer, token_id=row.token_id,
        command=row.command, title=BY_ID[row.command].title if row.command in BY_ID else row.command,
        plan_hash=row.plan_hash, subjects=row.subjects, numbers=[numbers[s] for s in row.subjects if s in numbers],
        reason=mask.text(row.reason), outcome=act.outcome or audit.UNDER_WAY,
        detail=mask.value(row.detail) if row.detail is not None else None,
        result=mask.value(act.result) if act.result is not None else None,
    )  # fmt: skip
