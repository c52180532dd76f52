"""The claim: the first outside write of a run, and the reservation of profiles that goes with it (rules §5.1, §6 esim)."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from console.engine.failures import Condition, NotNow, OrderWithdrawn, Parked, conflict
from console.engine.states import CallState
from console.engine.steps.context import WITHDRAWN, Provisioning, fingerprint, is_first_start
from console.engine.steps.plan import PlannedItem
from integrations.errors import CallFailed, ErrorClass, System
from integrations.esim.provider import Capability
from integrations.salesforce.models import OrderBundle
from storage import calls, outbox, profiles, runs

CLAIMABLE = ("Approved", "Failed", "Provisioning")


async def claim(context: Provisioning) -> None:
    """One PATCH to Provisioning with the attempt counted and the reserved ICCIDs, confirmed by a read.

    Raises Parked when the stock has no profile left (after the claim), conflict when the order moved meanwhile.
    """
    if context.bundle is not None and context.bundle.order.status == "Activated":
        _activated_by_us(context, context.bundle)
        named = {item.id: item.esim_iccid for item in context.bundle.items}
        context.data.setdefault("iccids", {i.id: named[i.id] for i in esim_items(context) if named[i.id]})
        return
    await _settle_outbox(context)
    _distrust_what_was_begun(context)
    attempt, iccids, loose = await _reserve(context)
    context.data["attempt"], context.data["iccids"] = attempt, iccids
    await context.calls.keyed(
        System.SALESFORCE,
        "salesforce.claim",
        lambda: _write(context, attempt, iccids),
        standing=lambda: _standing(context, attempt, iccids),
        request={"status": "Provisioning", "attempt": attempt, "iccids": sorted(iccids.values())},
        fresh=not _claimed(context.bundle, attempt, iccids),
    )
    if loose:  # Salesforce names none of them any more: the next order may have them
        now = context.engine.clock.now()
        await context.ledger.commit(lambda db: _give_back(db, loose, context.order_id, now))
    missing = [item for item in esim_items(context) if item.id not in iccids]
    if missing and by_iccid(context):
        kind = missing[0].profile_type
        raise Parked(
            Condition("stock", kind), ErrorClass.CAPACITY, "esim", "stock_empty", f"no free profile of type {kind} in stock",
            context.engine.settings.engine.parked_capacity,
        )  # fmt: skip


def by_iccid(context: Provisioning) -> bool:
    """Do we own the stock and name the profile?"""
    return Capability.ORDER_BY_ICCID in context.engine.esim.capabilities


def esim_items(context: Provisioning) -> list[PlannedItem]:
    return [item for item in context.plan.items if item.is_esim]


def _activated_by_us(context: Provisioning, bundle: OrderBundle) -> None:
    """An order that a person activated before anything was made for it is theirs: nothing is ordered for it."""
    if not bundle.order.whmcs_order_id and not context.engine.journal.peek(lambda db: _ever_claimed(db, context)):
        raise conflict("order_not_approved", "the order was activated in Salesforce without us", system="salesforce")


def _ever_claimed(db: sqlite3.Connection, context: Provisioning) -> bool:
    """Did a claim of ours stand, or may it? What Salesforce refused was overtaken by somebody else."""
    made = calls.find(db, context.order_id, "salesforce.claim")
    if made is None:
        return False
    return made.state == CallState.DONE or any(outcome != "refused" for outcome in calls.outcomes(db, made.id))


async def _settle_outbox(context: Provisioning) -> None:
    """A status write that waits is overtaken by the claim; one in flight must be settled first (rules §6 crm)."""
    row = context.engine.journal.peek(lambda db: outbox.get(db, context.order_id))
    if row is None or row.state in ("settled", "given_up"):
        return
    if not await context.engine.journal.write(lambda db: outbox.drop(db, context.order_id)):
        raise NotNow("guarded", "an earlier status write to Salesforce is not settled yet", after=2.0)


def _distrust_what_was_begun(context: Provisioning) -> None:
    """Before this order's first claim: does it look as if somebody else had begun with it (rules §2)?"""
    assert context.bundle is not None
    claimed = context.engine.journal.peek(lambda db: _ever_claimed(db, context))
    if not claimed and not context.run.look_first and not is_first_start(context.bundle):
        context.data["foreign_since"] = context.engine.clock.now()
        context.calls.distrust(context.data["foreign_since"])


async def _reserve(context: Provisioning) -> tuple[int, dict[str, str], list[str]]:
    """Fix this run's attempt number and reserve its profiles in one transaction, before the claim leaves.

    Also answers the profiles that were reserved for what the order does not ask for any more.
    """
    assert context.bundle is not None
    run, now = context.run, context.engine.clock.now()
    counted = context.bundle.order.attempt_count + 1
    items, own_stock = esim_items(context), by_iccid(context)

    def write(db: sqlite3.Connection) -> tuple[int, dict[str, str], list[str]]:
        stored = runs.get(db, run.id)
        attempt = stored.attempt if stored and stored.attempt else counted
        look_first = run.look_first or "foreign_since" in context.data
        runs.change(db, run.id, now, attempt=attempt, look_first=look_first, state_data=dict(context.data))
        found: dict[str, str] = {}
        loose = _let_go(db, context, items, now)
        for item in items:
            if item.esim_iccid and item.esim_iccid not in loose:
                owner = profiles.adopt(db, item.esim_iccid, context.order_id, item.id, item.profile_type, now)
                if owner is not None:
                    raise conflict(
                        "iccid_taken", f"Salesforce gives {item.name} an ICCID that order item {owner} has here"
                    )
                found[item.id] = item.esim_iccid
            elif own_stock and (
                iccid := profiles.reserve(db, context.order_id, item.id, item.profile_type, item.eid, now)
            ):
                found[item.id] = iccid
        return attempt, found, loose

    return await context.ledger.commit(write)


def _let_go(db: sqlite3.Connection, context: Provisioning, items: Sequence[PlannedItem], now: float) -> list[str]:
    """Untie profiles of another type than their item asks for now, or whose item is gone.

    Raises conflict where one was asked for at the provider, or may have been by whoever held this order meanwhile.
    """
    wanted, loose = {item.id: item.profile_type for item in items}, []
    for row in profiles.of_order(db, context.order_id):
        if row.order_item_id is None:  # a kill came in between
            loose.append(row.iccid)
            continue
        kind = wanted.get(row.order_item_id)
        if kind == row.type or not profiles.reserved_here(db, row.iccid, context.order_id):
            continue
        asked = calls.find(db, context.order_id, "esim.downloadOrder", row.iccid) is not None
        if asked or row.state != "reserved" or "foreign_since" in context.data:
            said = f"a profile of type {row.type} was taken, the order asks for {kind or 'none there'} now"
            raise conflict("order_changed", f"{said}: cancel it with undo", system="salesforce")
        profiles.loosen(db, row.iccid, now, context.order_id)
        loose.append(row.iccid)
    return loose


def _give_back(db: sqlite3.Connection, loose: Sequence[str], order_id: str, now: float) -> None:
    for iccid in loose:
        profiles.free(db, iccid, now, order_id, usable=True)


def _fields(attempt: int, first: str | None, bundle: OrderBundle) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "Status": "Provisioning",
        "Provisioning_Status__c": "In Progress",
        "Attempt_Count__c": attempt,
        "Provisioning_Error_Code__c": None,
        "Provisioning_Error_Message__c": None,
    }
    if first is not None or (bundle.order.esim_iccid and any(item.is_esim for item in bundle.items)):
        fields["ESIM_ICCID__c"] = first
    return fields


async def _write(context: Provisioning, attempt: int, iccids: Mapping[str, str]) -> Mapping[str, Any]:
    bundle = context.bundle
    assert bundle is not None
    first = next((iccids[item.id] for item in context.plan.items if item.id in iccids), None)
    new = {
        item.id: {"ESIM_ICCID__c": iccids.get(item.id)}
        for item in bundle.items
        if item.is_esim and item.esim_iccid != iccids.get(item.id)
    }
    try:
        fresh = await context.engine.salesforce.patch_and_read(
            context.order_id, _fields(attempt, first, bundle), items=new, unmodified_since=bundle.order.last_modified_at
        )
    except CallFailed as error:
        if error.code != "changed_meanwhile":
            raise
        raise CallFailed(error.system, error.operation, ErrorClass.TRANSIENT, error.code, error.message) from error
    _confirm(context, fresh, attempt)
    return {"attempt": attempt, "modstamp": fresh.order.system_modstamp}


def _confirm(context: Provisioning, fresh: OrderBundle, attempt: int) -> None:
    """What the claim's own reading shows; every guarded call reads the order once more before it leaves (rules §9)."""
    if fresh.order.status != "Provisioning" or fresh.order.attempt_count != attempt:
        raise CallFailed(
            System.SALESFORCE, "claim", ErrorClass.OUTCOME_UNKNOWN, "claim_not_confirmed",
            f"after the claim the order reads {fresh.order.status}, attempt {fresh.order.attempt_count}",
        )  # fmt: skip
    _take(context, fresh, ErrorClass.OUTCOME_UNKNOWN)  # the claim stands all the same


def _take(context: Provisioning, fresh: OrderBundle, otherwise: ErrorClass = ErrorClass.TRANSIENT) -> None:
    """The plan holds for the items it was made from: others are planned anew, not taken over unseen (rules §9)."""
    planned = context.bundle
    if planned is not None and _planned_from(planned) != _planned_from(fresh):
        said = "the order's products or its customer changed while it was claimed"
        raise CallFailed(System.SALESFORCE, "claim", otherwise, "items_changed", said)
    context.bundle = fresh


def _planned_from(bundle: OrderBundle) -> tuple[object, ...]:
    """What of a reading the plan was made from."""
    order, account = bundle.order, bundle.account
    customer = (account.id, account.number, account.whmcs_client_id) if account else None
    return fingerprint(bundle.items), customer, order.recipient_email, order.effective_date


async def _standing(context: Provisioning, attempt: int, iccids: Mapping[str, str]) -> Mapping[str, Any] | None:
    fresh = await context.engine.salesforce.read_order(context.order_id)
    if fresh.order.status in WITHDRAWN:
        raise OrderWithdrawn(fresh.order.status)
    if fresh.order.status not in CLAIMABLE:
        raise conflict("order_changed", f"the order is {fresh.order.status} in Salesforce", system="salesforce")
    _take(context, fresh)
    if _claimed(fresh, attempt, iccids):
        return {"attempt": attempt, "modstamp": fresh.order.system_modstamp}
    return None


def _claimed(bundle: OrderBundle | None, attempt: int, iccids: Mapping[str, str]) -> bool:
    if bundle is None or bundle.order.status != "Provisioning" or bundle.order.attempt_count != attempt:
        return False
    return all(item.esim_iccid == iccids.get(item.id) for item in bundle.items if item.is_esim)
