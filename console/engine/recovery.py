"""A journal that is older than the world: nothing guarded without a look, until a person ends it (rules §5.3)."""

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from console.engine.clock import as_datetime
from console.engine.services import Engine
from integrations.errors import CallFailed, ErrorClass, System
from storage import feed, mail, meta, profiles, runs, tokens

log = logging.getLogger(__name__)
KEY = "recovery"
LISTED = "recovery_changed"
PENDING = "recovery_pending"  # the generation that is being taken over, until recovery has begun
MARGIN = 100_000  # feed numbers given out since the last renewal, at most
CLOCKS = 300.0  # by so much Salesforce's clock may be behind ours
STATUSES = ("Pending Review", "Approved", "Provisioning", "Failed", "Activated", "Cancelled", "Rejected")


@dataclass(frozen=True)
class Recovery:
    """Why the journal recovers, and the orders that changed since its last row (None: not listed yet)."""

    reason: str
    changed: tuple[str, ...] | None


def begin(db: sqlite3.Connection, reason: str, highest_seen: int, now: float) -> None:
    """Enter recovery once: quarantine free profiles, void tokens and keys, number the feed above everything seen."""
    meta.delete(db, PENDING)
    if meta.get(db, "recovery_begun") is not None:
        return
    meta.put(db, KEY, meta.get(db, KEY) or reason)
    meta.put(db, "recovery_begun", str(now))
    since = feed.last_at(db)
    meta.put(db, "recovery_since", str(since if since is not None else 0.0))
    meta.delete(db, LISTED)
    runs.distrust(db, now)
    profiles.quarantine_free(db, now)
    mail.hold_queued(db)
    tokens.revoke_all(db, now)
    tokens.void_keys(db)
    feed.continue_above(db, highest_seen + MARGIN)


def present(db: sqlite3.Connection) -> Recovery | None:
    """The recovery this journal is in, if any."""
    reason = meta.get(db, KEY)
    if reason is None:
        return None
    listed = meta.get(db, LISTED)
    return Recovery(reason, tuple(json.loads(listed)) if listed is not None else None)


async def list_changed(engine: Engine) -> Sequence[str]:
    """Every order that changed in Salesforce since the journal's last row; kept so that recovery may end.

    Raises IntegrationError when Salesforce cannot be read.
    """
    since = float(engine.journal.peek(lambda db: meta.get(db, "recovery_since")) or 0.0)
    gate = engine.gates[System.SALESFORCE]
    async with gate.enter():
        found = await engine.salesforce.list_orders(
            STATUSES, modified_since=as_datetime(since - CLOCKS) if since else None
        )
    ids = [ref.id for ref in found]
    await engine.journal.write(lambda db: meta.put(db, LISTED, json.dumps(ids)))
    return ids


async def end(engine: Engine) -> tuple[int, int]:
    """End recovery: compare quarantined profiles with Salesforce and WHMCS; returns (freed, set aside).

    Raises IntegrationError when they cannot be read; the caller has checked that the changed orders were listed.
    """
    used = await _used_iccids(engine)
    now = engine.clock.now()

    def write(db: sqlite3.Connection) -> tuple[int, int]:
        freed = profiles.release_quarantine(db, used, now)
        for key in (KEY, "recovery_begun", "recovery_since", LISTED):
            meta.delete(db, key)
        return freed

    counts = await engine.journal.write(write)
    engine.recovery = False
    await engine.alarms.clear("recovery")
    return counts


async def _used_iccids(engine: Engine) -> set[str]:
    """ICCIDs that Salesforce's orders name, and those on services of the customers whose orders changed."""
    gate = engine.gates[System.SALESFORCE]
    async with gate.enter():
        rows = await engine.salesforce.query("SELECT ESIM_ICCID__c FROM OrderItem WHERE ESIM_ICCID__c != null")
        orders_ = await engine.salesforce.query("SELECT ESIM_ICCID__c FROM Order WHERE ESIM_ICCID__c != null")
    used = {str(row["ESIM_ICCID__c"]) for row in (*rows, *orders_)}
    changed = engine.journal.peek(present)
    clients: set[str] = set()
    for order_id in changed.changed or () if changed else ():
        async with gate.enter():
            bundle = await engine.salesforce.read_order(order_id)
        if bundle.account is not None and bundle.account.whmcs_client_id:
            clients.add(bundle.account.whmcs_client_id)
    fields = set(engine.settings.whmcs.iccid_fields.values())
    for client in sorted(clients):
        async with engine.gates[System.WHMCS].enter():
            listing = await engine.whmcs.list_services(client)
        if not listing.complete:  # a profile that is not seen to be used would be given out again
            raise CallFailed(
                System.WHMCS, "GetClientsProducts", ErrorClass.TRANSIENT, "incomplete_list", listing.reason
            )
        used |= {s.custom_fields[f] for s in listing.rows for f in fields if s.custom_fields.get(f)}
    return used
