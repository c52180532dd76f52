"""The door: events and the poll enter here alike, and the order itself decides what happens (rules §4)."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from console.engine import transitions
from console.engine.brake import Brake
from console.engine.fallout import cause_of
from console.engine.services import Engine
from console.engine.states import CallState, RunState, Wait
from console.engine.steps.context import is_first_start
from console.engine.workflows.provision_order import PROVISION_ORDER
from integrations.errors import CallFailed, ErrorClass, System
from integrations.salesforce.models import OrderBundle
from storage import calls, inbox, orders, outbox, runs
from storage.errors import StorageError
from storage.orders import OrderRow
from storage.runs import Run

log = logging.getLogger(__name__)


class Act(StrEnum):
    """What the door did; also the state of the inbox rows that led to it."""

    STARTED = "started"
    ATTACHED = "attached"
    CLOSED = "closed"
    HELD = "held"
    WAITING = "new"


@dataclass(frozen=True)
class Admission:
    act: Act
    reason: str
    run_id: int | None = None


@dataclass
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class Door:
    """One order at a time; the same order twice in a row is harmless."""

    def __init__(self, engine: Engine, brake: Brake) -> None:
        self._engine = engine
        self._brake = brake
        self._turns: dict[str, _Turn] = {}
        self._seen: dict[str, float] = {}

    def decided(self, order_id: str, modified: float) -> bool:
        """Has the door decided about this order as it stands? (The poll asks before it re-reads.)"""
        return self._seen.get(order_id) == modified

    def keep(self, order_ids: Collection[str]) -> None:
        """What was decided about any other order is forgotten: the poll, who asks, does not find it any more."""
        self._seen = {order_id: modified for order_id, modified in self._seen.items() if order_id in order_ids}

    @asynccontextmanager
    async def _turn(self, order_id: str) -> AsyncIterator[None]:
        """One at a time for an order; nothing is kept of it once nobody waits."""
        turn = self._turns.setdefault(order_id, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[order_id]

    async def admit(self, order_id: str, *, source: str, seqs: Sequence[int] = ()) -> Admission:
        """Read the order and act by the table. Raises IntegrationError or NotNow when it cannot be read now."""
        async with self._turn(order_id):
            gate = self._engine.gates[System.SALESFORCE]
            gate.check()
            began = self._engine.clock.monotonic()
            async with gate.enter():
                bundle = await self._engine.salesforce.read_order(order_id)
            try:
                admission = await self._engine.journal.write(lambda db: self._decide(db, bundle, source, seqs))
            except StorageError:
                raise
            except Exception as error:
                raise await self._defect(order_id, error) from error
        await self.tell_brake()
        if admission.act is not Act.WAITING:
            self._seen[order_id] = bundle.order.last_modified_at.timestamp()
        if admission.act is Act.STARTED:
            self._engine.handover.give(bundle, began)
        if admission.run_id is not None:
            self._engine.wake()
        return admission

    async def _defect(self, order_id: str, error: Exception) -> CallFailed:
        """One order that we cannot take in must not keep the others out."""
        log.error("order %s cannot be taken in: a defect of ours", order_id, exc_info=error)
        said = f"{type(error).__name__}: the log has the details"
        await self._engine.alarms.raise_("door", f"order {order_id} cannot be taken in: {said}", severity="critical")
        return CallFailed(System.SALESFORCE, "door", ErrorClass.DATA, "internal_error", said)

    async def tell_brake(self) -> None:
        """The brake was pulled by this order or by the poll: a person is asked (once)."""
        if self._brake.pulled_now:
            self._brake.pulled_now = False
            pause = self._engine.journal.peek(self._brake.on)
            if pause is not None:
                await self._engine.alarms.raise_("brake", f"intake is paused: {pause.reason}", severity="critical")

    def _decide(self, db: sqlite3.Connection, bundle: OrderBundle, source: str, seqs: Sequence[int]) -> Admission:
        now, order = self._engine.clock.now(), bundle.order
        latest = runs.latest_of_order(db, order.id)
        known = orders.get(db, order.id)
        orders.put(db, order_row(bundle, now, known))
        admission = self._act(db, bundle, latest, source, now)
        if admission.act is not Act.WAITING:
            inbox.handled(db, seqs, admission.act, now, reason=admission.reason, run_id=admission.run_id)
        return admission

    def _act(
        self, db: sqlite3.Connection, bundle: OrderBundle, latest: Run | None, source: str, now: float
    ) -> Admission:
        status, modified = bundle.order.status, bundle.order.last_modified_at.timestamp()
        if latest is not None and latest.open and status in ("Approved", "Provisioning"):
            return Admission(Act.ATTACHED, f"run {latest.id} is {latest.state}", latest.id)
        if status == "Approved":
            return self._approved(db, bundle, latest, source, now, modified)
        if status == "Provisioning" and latest is None:
            if self._before_start(bundle):
                return self._hold(db, bundle, source, now, "before_start", "was being provisioned before our start")
            return self._start(db, bundle, source, now, look_first=True, foreign=True)
        return Admission(
            Act.CLOSED, f"the order is {status}" + (f", run {latest.id} is {latest.state}" if latest else "")
        )

    def _approved(
        self, db: sqlite3.Connection, bundle: OrderBundle, latest: Run | None, source: str, now: float, modified: float
    ) -> Admission:
        if latest is None:
            if self._before_start(bundle):
                return self._hold(db, bundle, source, now, "before_start", "approved before our start")
            if self._same_person(bundle):
                return self._hold(
                    db, bundle, source, now, "four_eyes", "approved in Salesforce by the person who placed it"
                )
            return self._start(db, bundle, source, now, look_first=self._engine.recovery, foreign=self._engine.recovery)
        if latest.state == RunState.DONE and modified <= float(latest.state_data.get("sf_modified", 0.0)):
            return Admission(Act.CLOSED, f"run {latest.id} served this approval while it was read")
        if latest.state == RunState.FAILED and latest.error_code != "left_as_is":
            if modified <= float(latest.state_data.get("sf_modified", 0.0)) or self._writing(db, bundle.order.id):
                return Admission(Act.CLOSED, f"this approval failed in run {latest.id}: retry that run", None)
            return self._start(db, bundle, source, now, look_first=True, retry_of=latest.id)
        if latest.state == RunState.CANCELLED and not _standing(db, bundle.order.id):
            if modified <= float(latest.state_data.get("sf_modified", 0.0)) or self._writing(db, bundle.order.id):
                return Admission(Act.CLOSED, f"this approval was cancelled in run {latest.id}")
            return self._start(db, bundle, source, now, look_first=True, retry_of=latest.id)
        return self._hold(
            db, bundle, source, now, "approved_again", f"approved again, but run {latest.id} made effects that stand"
        )

    def _writing(self, db: sqlite3.Connection, order_id: str) -> bool:
        """Is our own status write still on its way? Then what we read is not the last word."""
        row = outbox.get(db, order_id)
        return row is not None and row.state in ("waiting", "in_flight")

    def _before_start(self, bundle: OrderBundle) -> bool:
        start_at = self._engine.settings.intake.start_at
        return start_at is not None and bundle.order.approved_since < start_at

    def _same_person(self, bundle: OrderBundle) -> bool:
        """Approved in Salesforce by whoever placed it (rules §8). Our own integration user is nobody's eyes.

        Without the Flow's stamp it is whoever edited the order last, unless the order names its approver.
        """
        order = bundle.order
        if not self._engine.settings.approve.four_eyes or (order.approved_by and not order.approved_by_user):
            return False
        approver = order.approved_by_user or order.last_modified_by_id
        if approver is None or approver == self._engine.integration_user:
            return False
        return approver in (order.created_by_id, order.placed_by)

    def _start(
        self, db: sqlite3.Connection, bundle: OrderBundle, source: str, now: float, *, look_first: bool,
        foreign: bool = False, retry_of: int | None = None,
    ) -> Admission:  # fmt: skip
        if not self._brake.admits(db, now):
            return Admission(Act.WAITING, "the brake is on: too many new orders")
        first_start = is_first_start(bundle)
        data: dict[str, object] = {"sf_modified": bundle.order.last_modified_at.timestamp()}
        if foreign or not first_start:
            data["foreign_since"] = now if (foreign or retry_of is None) else 0.0
        values = self._values(bundle, source) | {"look_first": look_first or not first_start, "retry_of": retry_of}
        values |= {"state": RunState.QUEUED, "state_data": data}
        if (day := self._future_day(bundle)) is not None:
            condition = {"kind": "after", "argument": str(day), "since": now, "limit": None}
            values |= {"state": RunState.PARKED, "wait": Wait.CONDITION, "condition": condition}
            values |= {"wait_reason": f"starts on {bundle.order.effective_date}"}
        run_id = runs.insert(db, PROVISION_ORDER.names, now, **values)
        transitions.announce(db, now, run_id)
        return Admission(Act.STARTED, f"run {run_id} ({source})", run_id)

    def _hold(
        self, db: sqlite3.Connection, bundle: OrderBundle, source: str, now: float, code: str, why: str
    ) -> Admission:
        """A run that a person must start (or, for ``approved_again``, close)."""
        data = {"sf_modified": bundle.order.last_modified_at.timestamp()}
        values = self._values(bundle, source) | {"state": RunState.HELD, "wait": Wait.PERSON, "wait_reason": why}
        look_first = self._engine.recovery or not is_first_start(bundle) or code == "approved_again"
        if look_first and code != "approved_again":  # somebody else may have begun with it
            data["foreign_since"] = now
        values |= {"error_code": code, "error_message": why, "state_data": data, "look_first": look_first}
        if code == "approved_again":
            values |= {
                "error_class": ErrorClass.CONFLICT,
                "fingerprint": cause_of("door", "salesforce", code, why).fingerprint,
            }
        run_id = runs.insert(db, PROVISION_ORDER.names, now, **values)
        transitions.announce(db, now, run_id)
        return Admission(Act.HELD, why, run_id)

    def _values(self, bundle: OrderBundle, source: str) -> dict[str, object]:
        account = bundle.account
        client = account.whmcs_client_id if account else None
        return {
            "workflow": PROVISION_ORDER.name, "subject": bundle.order.id, "order_id": bundle.order.id,
            "order_number": bundle.order.number, "source": source, "lock_key": client or f"sf:{bundle.order.account_id}",
        }  # fmt: skip

    def _future_day(self, bundle: OrderBundle) -> float | None:
        """The first moment of EffectiveDate in the install's zone, when that is still to come (rules §4.4)."""
        day = bundle.order.effective_date
        if day is None:
            return None
        begins = datetime.combine(day, time.min, ZoneInfo(self._engine.settings.whmcs.time_zone)).timestamp()
        return begins if begins > self._engine.clock.now() else None


def _standing(db: sqlite3.Connection, order_id: str) -> bool:
    return any(
        call.state in (CallState.DONE, CallState.INTENDED) or (call.state == CallState.UNKNOWN and call.wait_from)
        for call in calls.effects(db, order_id)
        if call.operation in ("whmcs.AddOrder", "esim.downloadOrder")
    )


def order_row(bundle: OrderBundle, now: float, known: OrderRow | None = None) -> OrderRow:
    """The read model's row of an order as just read; what only WHMCS knows is kept from before."""
    order, account = bundle.order, bundle.account
    kinds = sorted({("eSIM" if i.is_esim else i.category or "Other") for i in bundle.items})
    plans = [i.product_name for i in bundle.items if (i.item_class or "Service") == "Service"] or [
        i.product_name for i in bundle.items
    ]
    return OrderRow(
        order_id=order.id, number=order.number, account_id=order.account_id,
        customer_number=account.number if account else None, customer_name=account.name if account else None,
        client_id=account.whmcs_client_id if account else None, phone=account.phone if account else None,
        email=known.email if known else None, kind="+".join(kinds), plan=", ".join(plans),
        amount=int(order.total_amount) if order.total_amount is not None else None, sf_status=order.status,
        placed_by=order.placed_by or order.created_by_id, approved_by=order.approved_by or order.approved_by_user,
        effective_date=order.effective_date.isoformat() if order.effective_date else None,
        sf_modified_at=order.last_modified_at.timestamp(), read_at=now,
    )  # fmt: skip
