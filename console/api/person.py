"""GET /needs-person: everything that waits for a human, and nothing else; oldest first."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from console.api.access import Api, Services
from console.api.identity import Caller, Viewer
from console.api.mask import Masker
from console.commands import table
from console.commands.words import Role, Scope
from console.engine import recovery
from console.engine.brake import SUBJECT
from console.engine.commanding.sheet import facts_of, gather, system_facts
from console.engine.fallout import advice
from console.engine.runner import standing_effects
from console.schema.desk import NeedsPerson, PersonItem
from console.written import code_words
from storage import alerts, desk, feed, inbox, mail, meta, orders, waiting
from storage.waiting import Waiting

router = APIRouter(tags=["desk"])
SOON = 12 * 3600.0  # a park that ends within a shift is shown
MOST = 500
NEXT = 2  # acts that a row names
# Alarms that stand in rows of their own.
OURS = ("failed:", "parked:", "held:", "paused:", "gap", "brake", "recovery")
WRITEBACK = "writeback:"  # Salesforce does not have what happened: nobody but a person can mend that
WORDS = {
    "deaf": ("Events do not come", "The poll goes on and finds every order later; look at the Flow and the event channel."),
    "ownership": ("Another journal owns this org", "This daemon takes nothing in any more: work where the other one runs."),
}  # fmt: skip
HELD = {
    "before_start": "approved before our start",
    "four_eyes": "placed and approved by the same person",
    "approved_again": "approved again although it was provisioned",
    "observing": "this daemon only observes",
}


@dataclass(frozen=True)
class Found:
    """A row before it is dressed. ``acts``: what helps, the best first; those that are not possible are left out later."""

    item: PersonItem
    acts: Sequence[str] = ()


@router.get("/needs-person")
async def needs_person(
    caller: Viewer, api: Services, limit: Annotated[int, Query(ge=0, le=MOST)] = MOST
) -> NeedsPerson:
    """Unknown outcomes, conflicts, failures, held orders, effects that stand, mails maybe sent, parks about to run out,
    poison, gaps, pauses, brake, recovery, ownership, deafness. ``limit`` 0 counts only.
    """
    mask, now = api.masker(caller), api.now()

    def read(db: sqlite3.Connection) -> NeedsPerson:
        _, seq, _ = feed.bounds(db)
        found = [*_orders(db, mask, now), *_mails(db, mask), *_intake(db, mask), *_system(db, mask, now)]
        found.sort(key=lambda one: one.item.since)
        items = _Dressing(api, caller, db, now).dressed(found[:limit]) if limit else []
        return NeedsPerson(
            seq=seq, at=now, count=len(found), oldest=found[0].item.since if found else None, items=items
        )

    return await api.read(read)


# What waits ---------------------------------------------------------------------------------------------------------


def _orders(db: sqlite3.Connection, mask: Masker, now: float) -> Iterable[Found]:
    for row in waiting.runs_for_a_person(db, now + SOON):
        if row.code == "left_as_is":
            continue
        kind, title, acts = _kind(row)
        text = mask.text(row.message if row.state == "failed" else row.reason or row.message) or ""
        hint = advice(row.code, row.error_class)
        item = PersonItem(
            key=f"order:{row.order_id}", kind=kind, since=row.since, title=title, what=text or title, advice=hint,
            order_id=row.order_id, number=row.number, until=row.until, step=row.step, code=row.code,
        )  # fmt: skip
        yield Found(item, acts)


def _kind(row: Waiting) -> tuple[str, str, list[str]]:
    where = f" at {row.step}" if row.step else ""
    code = f": {code_words(row.code)}" if row.code else ""
    resolve = ["order.resolve_is", "order.resolve_absent", "order.unpark", "order.note"]
    if row.state == "held":
        return "held", f"Held: {HELD.get(row.code or '', row.code or 'for a person')}", ["order.start", "order.cancel"]
    if row.unknown:
        return "unknown_outcome", f"Outcome not known{where}", resolve
    if row.code == "cancelled_meanwhile":
        return "effects_stand", "Cancelled in Salesforce, effects stand", ["order.cancel", "order.note"]
    if row.error_class == "conflict":
        return "conflict", f"Conflict{where}{code}", ["order.module_create", "order.retry", "order.cancel"]
    if row.state == "parked" and row.wait == "condition":
        return "park_ending", f"Park runs out{where}", ["order.park", "order.retry"]
    if row.state == "parked":
        return "unknown_outcome", f"Waits for a person{where}", resolve
    return "failed", f"Failed{where}{code}", ["order.retry", "order.edit", "order.cancel"]


def _mails(db: sqlite3.Connection, mask: Masker) -> Iterable[Found]:
    rows = mail.unsettled(db)
    known = orders.get_many(db, list({row.order_id for row in rows}))
    titles = {"maybe_sent": "Mail maybe sent", "failed": "Mail failed", "held": "Mail held"}
    why = {
        "maybe_sent": "the mail server did not say whether it took it", "failed": "it was not sent",
        "held": "it waits since the journal was restored: it may have been sent before",
    }  # fmt: skip
    for row in rows:
        order = known.get(row.order_id)
        item = PersonItem(
            key=f"mail:{row.id}", kind=f"mail_{row.state}", since=row.queued_at, title=titles[row.state],
            what=f"{row.kind}: {mask.text(row.error) or why[row.state]}", order_id=row.order_id,
            number=order.number if order else None, subject=f"mail:{row.id}", mail=row.kind,
        )  # fmt: skip
        yield Found(item, ["order.mail_resend", "system.seen"])


def _intake(db: sqlite3.Connection, mask: Masker) -> Iterable[Found]:
    for gap in inbox.unseen_gaps(db):
        closed = "a poll has read everything since" if gap.reconciled_at else "the poll finds what was missed"
        item = PersonItem(
            key=f"gap:{gap.id}", kind="gap", since=gap.at, title="Events may have been missed",
            what=f"{mask.text(gap.reason)}; {closed}", subject=f"gap:{gap.id}",
        )  # fmt: skip
        yield Found(item, ["system.seen"])
    for number, at, reason, channel, replay_id in inbox.unseen_poison(db):
        item = PersonItem(
            key=f"poison:{number}", kind="poison", since=at, title="An event that cannot be read",
            what=f"{mask.text(reason)} ({channel}, replay id {replay_id})", subject=f"poison:{number}",
            advice="Its order, if there is one, is found by the poll. Look at who publishes on the channel.",
        )  # fmt: skip
        yield Found(item, ["system.seen"])


def _system(db: sqlite3.Connection, mask: Masker, now: float) -> Iterable[Found]:
    for pause in desk.pauses(db).values():
        brake = pause.subject == SUBJECT
        by = "by itself" if pause.automatic else f"by {pause.actor}"
        item = PersonItem(
            key=f"pause:{pause.subject}", kind="brake" if brake else "paused", since=pause.at,
            title="The brake is on: nothing comes in" if brake else f"{pause.subject} is paused",
            what=f"{by}: {mask.text(pause.reason)}", subject=pause.subject, owner=None if pause.automatic else pause.actor,
        )  # fmt: skip
        yield Found(item, ["system.release_brake" if brake else "system.resume"])
    present = recovery.present(db)
    if present is not None:
        listed = f"{len(present.changed)} orders changed meanwhile" if present.changed is not None else "being listed"
        since = float(meta.get(db, "recovery_begun") or now)
        what = f"{mask.text(present.reason)}; {listed}"
        yield Found(
            PersonItem(key="recovery", kind="recovery", since=since, title="Recovery", what=what),
            ["system.end_recovery"],
        )
    yield from _alarms(db, mask)


def _alarms(db: sqlite3.Connection, mask: Masker) -> Iterable[Found]:
    for alert in alerts.open_alerts(db):
        if alert.cause.startswith(OURS):
            continue
        if alert.severity != "critical" and not alert.cause.startswith(WRITEBACK):
            continue
        title, hint = WORDS.get(alert.cause, (f"Alarm: {alert.cause}", ""))
        kind = alert.cause if alert.cause in WORDS else "alarm"
        yield Found(
            PersonItem(
                key=f"alarm:{alert.cause}", kind=kind, since=alert.first_at, title=title, what=mask.text(alert.message) or "",
                advice=hint, order_id=alert.order_id,
            )
        )  # fmt: skip


# What can be done about it --------------------------------------------------------------------------------------------


class _Dressing:
    """What stands outside, who has it, and which acts this person may do now, from the one table of commands."""

    def __init__(self, api: Api, caller: Caller, db: sqlite3.Connection, now: float) -> None:
        self._api = api
        self._caller = caller
        self._role = Role(caller.role)
        self._db = db
        self._now = now
        self._takes = desk.all_taken(db, now)
        self._system = system_facts(api.engine, db)

    def dressed(self, found: Sequence[Found]) -> list[PersonItem]:
        known = orders.get_many(self._db, list({one.item.order_id for one in found if one.item.order_id}))
        return [self._dress(one, known) for one in found]

    def _dress(self, found: Found, known: dict[str, orders.OrderRow]) -> PersonItem:
        item = found.item
        changes: dict[str, object] = {}
        if item.order_id is not None:
            take = self._takes.get(item.order_id)
            order = known.get(item.order_id)
            changes = {
                "owner": take.actor if take else None,
                "number": item.number or (order.number if order else None),
                "stands": standing_effects(self._db, item.order_id),
            }
        acts, why_not = self._possible(item, found.acts)
        return item.model_copy(update={**changes, "next_acts": acts, "why_not": why_not})

    def _possible(self, item: PersonItem, acts: Sequence[str]) -> tuple[list[str], str]:
        """The acts that are possible now; and why the first is not, when none is."""
        facts = None
        ids, reasons = [], []
        for command in (table.BY_ID[act] for act in acts):
            if Scope.SYSTEM in command.scope:
                answer = table.possible(command, self._role, self._system)
            else:
                assert item.order_id is not None
                facts = facts or facts_of(
                    self._api.engine, gather(self._db, item.order_id, self._now), self._caller.actor
                )
                answer = table.possible(command, self._role, facts)
            if answer.ok:
                ids.append(command.id)
            else:
                reasons.append(f"{command.title}: {answer.reason}")
        return ids[:NEXT], "" if ids else next(iter(reasons), "")
