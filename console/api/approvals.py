"""Orders that wait for approval: read from Salesforce now, with why each waits, computed from facts."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from console.api.access import Api, Services
from console.api.asking import ask
from console.api.deciders import Deciders, deciders
from console.api.identity import Caller, Viewer
from console.api.mask import Masker
from console.api.problems import system_down
from console.commands.command import over_limit
from console.engine.clock import as_datetime
from console.engine.commanding.sheet import limit_of
from console.schema.desk import Approval, Approvals
from integrations.errors import System
from integrations.salesforce.ids import norm_id
from storage import desk, orders, runs
from storage.desk import Take
from storage.runs import Run

router = APIRouter(tags=["desk"])
SOQL = (
    "SELECT Id, OrderNumber, TotalAmount, EffectiveDate, LastModifiedDate, CreatedDate, CreatedById, Placed_By__c,"
    " Account.Name, Account.SF_Account_No__c FROM Order WHERE Status = 'Pending Review' ORDER BY CreatedDate, Id"
)


@router.get("/approvals")
async def approvals(caller: Viewer, api: Services) -> Approvals:
    """Every order that is Pending Review, the longest waiting first. 503 when Salesforce cannot be asked."""
    asked = await ask(api.engine, System.SALESFORCE, lambda: api.engine.salesforce.query(SOQL))
    if asked.answer is None:
        raise system_down("salesforce", asked.note)
    rows = {norm_id(str(row["Id"])): row for row in asked.answer}
    now = api.now()

    def read(db: sqlite3.Connection) -> "_Known":
        latest = {order_id: runs.latest_of_order(db, order_id) for order_id in rows}
        return _Known(desk.all_taken(db, now), latest, orders.get_many(db, list(rows)), deciders(api, db))

    known = await api.read(read)
    mask = api.masker(caller)
    shown = [_approval(api, caller, mask, order_id, row, known) for order_id, row in rows.items()]
    return Approvals(at=now, count=len(shown), sum_yen=sum(a.amount or 0 for a in shown), approvals=shown)


@dataclass(frozen=True)
class _Known:
    """What the journal knows about the orders that wait."""

    takes: Mapping[str, Take]
    latest: Mapping[str, Run | None]
    orders: Mapping[str, orders.OrderRow]
    deciders: Deciders


def _approval(api: Api, caller: Caller, mask: Masker, order_id: str, row: Mapping[str, Any], known: _Known) -> Approval:
    account = row.get("Account") or {}
    amount = int(row["TotalAmount"]) if row.get("TotalAmount") is not None else None
    placed_by = row.get("Placed_By__c") or row.get("CreatedById")
    modified, created = _moment(row.get("LastModifiedDate")), _moment(row.get("CreatedDate"))
    may, why_not = _may(api, caller, amount, placed_by, known.deciders)
    take, read = known.takes.get(order_id), known.orders.get(order_id)
    return Approval(
        order_id=order_id, number=str(row.get("OrderNumber") or ""), customer=mask.name(account.get("Name")),
        account=account.get("SF_Account_No__c"), amount=amount, placed_by=mask.text(placed_by),
        effective_date=row.get("EffectiveDate"), modified_at=modified, waited=max(0.0, api.now() - created),
        why=[mask.text(why) or "" for why in _why(api, caller, row, why_not, known.latest[order_id], read, modified)],
        may=may, why_not=why_not, who=known.deciders.named(amount, placed_by), owner=take.actor if take else None,
        owner_until=take.expires_at if take else None,
    )  # fmt: skip


def _may(api: Api, caller: Caller, amount: int | None, placed_by: str | None, deciders: Deciders) -> tuple[bool, str]:
    """May this person approve it; if not, why and who may."""
    if not caller.may("operator"):
        return False, f"this needs the role operator; yours is {caller.role}"
    if api.settings.approve.four_eyes and placed_by and orders.fold(str(placed_by)) == orders.fold(caller.name):
        return False, "you placed it: any other operator may approve it"
    over = over_limit(amount, limit_of(api.engine, caller.actor))
    if over is None:
        return True, ""
    role = deciders.role_for(amount)
    return False, f"{over}; " + (f"a {role} may approve it" if role else "no role may approve it")


def _why(
    api: Api, caller: Caller, row: Mapping[str, Any], why_not: str, run: Run | None, known: orders.OrderRow | None,
    modified: float,
) -> list[str]:  # fmt: skip
    """Only what stands somewhere: limits, hands, dates, earlier runs, changes since it was read here."""
    why = [why_not] if why_not and caller.may("operator") else []  # nobody's role is why an order waits
    if run is not None:
        reason = run.wait_reason or run.error_message
        why.append(f"an earlier run is {run.state}" + (f": {reason}" if reason else ""))
    if known is not None and known.sf_modified_at is not None and modified > known.sf_modified_at:
        why.append("changed in Salesforce since it was read here")
    day = row.get("EffectiveDate")
    zone = ZoneInfo(api.settings.whmcs.time_zone)
    if day and date.fromisoformat(day) > as_datetime(api.now()).astimezone(zone).date():
        why.append(f"begins on {day}")
    return why or ["waits for a decision"]


def _moment(text: Any) -> float:
    """Salesforce's ``2026-04-01T00:00:00.000+0000``; 0 where there is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
