"""GET /needs-person: everything that waits for a human, and nothing else; oldest first."""

import sqlite3
from collections.abc import Iterable

from fastapi import APIRouter

from console.api.access import Api, Services
from console.api.identity import Viewer
from console.api.mask import Masker
from console.engine import recovery
from console.engine.brake import SUBJECT
from console.engine.fallout import advice
from console.engine.runner import standing_effects
from console.schema.desk import NeedsPerson, PersonItem
from storage import alerts, desk, feed, inbox, mail, meta, orders, waiting
from storage.waiting import Waiting

router = APIRouter(tags=["desk"])
SOON = 12 * 3600.0  # a park that ends within this time is shown
OURS = ("failed:", "parked:", "gap", "brake", "ownership", "recovery", "deaf")  # alarms that stand in rows of their own
CRITICAL = {
    "deaf": "Events do not come",
    "ownership": "Another journal owns this org",
}
HELD_ACTS = ["order.start", "order.cancel"]


@router.get("/needs-person")
async def needs_person(caller: Viewer, api: Services) -> NeedsPerson:
    """Unknown outcomes, conflicts, failures, held orders, mails maybe sent, parks about to run out, poison, gaps, pauses,
    brake, recovery, ownership, deafness."""
    mask, now = api.masker(caller), api.now()

    def read(db: sqlite3.Connection) -> NeedsPerson:
        _, seq, _ = feed.bounds(db)
        items = [*_orders(db, mask, now), *_mails(db, mask), *_intake(db, mask), *_system(api, db, mask, now)]
        items.sort(key=lambda item: item.since)
        return NeedsPerson(seq=seq, count=len(items), items=items)

    return await api.read(read)


def _orders(db: sqlite3.Connection, mask: Masker, now: float) -> Iterable[PersonItem]:
    takes = desk.all_taken(db, now)
    for row in waiting.runs_for_a_person(db, now + SOON):
        if row.code == "left_as_is":
            continue
        kind, title, acts = _kind(row)
        text = mask.text(row.reason or row.message) or ""
        hint = advice(row.code, row.error_class)
        take = takes.get(row.order_id)
        yield PersonItem(
            kind=kind, since=row.since, title=title, what=f"{text} {hint}".strip(),
            stands=standing_effects(db, row.order_id), order_id=row.order_id, number=row.number,
            owner=take.actor if take else None, next_acts=acts, until=row.until,
        )  # fmt: skip


def _kind(row: Waiting) -> tuple[str, str, list[str]]:
    where = f" at {row.step}" if row.step else ""
    if row.unknown and row.state != "held":
        return "unknown_outcome", f"Outcome not known{where}", ["order.resolve_is", "order.resolve_absent"]
    if row.state == "held":
        return "held", f"Held: {row.code or 'for a person'}", HELD_ACTS
    if row.code == "cancelled_meanwhile":
        return "effects_stand", "Cancelled in Salesforce, effects stand", ["order.cancel"]
    if row.error_class == "conflict":
        return "conflict", f"Conflict{where}", ["order.retry", "order.cancel"]
    if row.state == "parked" and row.wait == "condition":
        return "park_ending", f"Park runs out{where}", ["order.park", "order.retry"]
    if row.state == "parked":
        return "unknown_outcome", f"Waits for a person{where}", ["order.resolve_is", "order.unpark"]
    return "failed", f"Failed{where}", ["order.retry", "order.cancel"]


def _mails(db: sqlite3.Connection, mask: Masker) -> Iterable[PersonItem]:
    rows = mail.in_state(db, "maybe_sent", "failed", "held")
    known = orders.get_many(db, list({row.order_id for row in rows}))
    titles = {"maybe_sent": "Mail maybe sent", "failed": "Mail failed", "held": "Mail held"}
    for row in rows:
        order = known.get(row.order_id)
        yield PersonItem(
            kind=f"mail_{row.state}", since=row.queued_at, title=titles[row.state],
            what=f"{row.kind}: {mask.text(row.error) or 'the mail server did not say whether it took it'}",
            order_id=row.order_id, number=order.number if order else None, next_acts=["order.mail_resend"],
        )  # fmt: skip


def _intake(db: sqlite3.Connection, mask: Masker) -> Iterable[PersonItem]:
    for gap in inbox.gaps(db, open_only=True):
        what = f"{mask.text(gap.reason)}; the poll finds what was missed"
        yield PersonItem(kind="gap", since=gap.at, title="Events may have been missed", what=what)
    for row in inbox.poison(db):
        if row["seen_by"] is None:
            yield PersonItem(
                kind="poison",
                since=row["at"],
                title="An event that cannot be read",
                what=mask.text(row["reason"]) or "",
            )


def _system(api: Api, db: sqlite3.Connection, mask: Masker, now: float) -> Iterable[PersonItem]:
    for pause in desk.pauses(db).values():
        brake = pause.subject == SUBJECT
        yield PersonItem(
            kind="brake" if brake else "paused", since=pause.at,
            title="The brake is on: no new order comes in" if brake else f"{pause.subject} is paused",
            what=f"{pause.actor}: {mask.text(pause.reason)}",
            next_acts=["system.release_brake" if brake else "system.resume"],
        )  # fmt: skip
    present = recovery.present(db)
    if present is not None:
        listed = f"{len(present.changed)} orders changed meanwhile" if present.changed is not None else "being listed"
        since = float(meta.get(db, "recovery_begun") or now)
        what = f"{mask.text(present.reason)}; {listed}"
        yield PersonItem(kind="recovery", since=since, title="Recovery", what=what, next_acts=["system.end_recovery"])
    for alert in alerts.open_alerts(db):
        if alert.cause in CRITICAL:
            yield PersonItem(
                kind=alert.cause, since=alert.first_at, title=CRITICAL[alert.cause], what=mask.text(alert.message) or ""
            )
        elif not alert.cause.startswith(OURS) and alert.severity == "critical":
            yield PersonItem(
                kind="alarm", since=alert.first_at, title=f"Alarm: {alert.cause}", what=mask.text(alert.message) or "",
                order_id=alert.order_id,
            )  # fmt: skip
