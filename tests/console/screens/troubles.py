"""What waits for a person, what fails, and a batch, as the daemon would tell of the orders in ``world``."""

from collections import Counter
from typing import Any

from console.schema.commands import BatchItem, BatchView
from console.schema.desk import FailureGroup, Failures, GroupAct, NeedsPerson, PersonItem
from tests.console.screens.world import NOW, ORDERS, order_id

DATA = "Something in the records is wrong. Correct it where it is kept, then retry."


def _order(number: str, **values: Any) -> PersonItem:
    return PersonItem(key=f"order:{order_id(number)}", order_id=order_id(number), number=number, **values)


def needs() -> NeedsPerson:
    """One of each kind that this desk has, the oldest first."""
    items = [
        PersonItem(
            key="recovery", kind="recovery", since=NOW - 14_000, title="Recovery", what="a backup was restored; 3 orders changed meanwhile",
            why_not="End recovery: this needs the role supervisor; yours is operator",
        ),
        _order(
            "00010466", kind="failed", since=NOW - 10_802, title="Failed at crm", what="FIELD_CUSTOM_VALIDATION_EXCEPTION: number missing",
            advice=DATA, stands=["WHMCS order"], next_acts=["order.retry", "order.cancel"],
        ),
        _order(
            "00010476", kind="conflict", since=NOW - 10_800, title="Conflict at accept", what="service 812 is Pending",
            advice="WHMCS accepted the order but a service is not active. Look at the service's module log in WHMCS, run its module, then retry.",
            stands=["WHMCS order"], owner="sato", next_acts=["order.module_create", "order.retry"],
        ),
        _order(
            "00010470", kind="unknown_outcome", since=NOW - 3720, title="Outcome not known at billing",
            what="the outcome of whmcs.AddOrder is not known: AddOrder timed out after sending",
            advice="The far side may have done it. Compare the records there, then resolve: it is there, or it is not. It is never sent again blindly.",
            stands=["WHMCS order (outcome unknown)"], next_acts=["order.resolve_is", "order.unpark"],
        ),
        PersonItem(
            key="mail:17", kind="mail_maybe_sent", since=NOW - 1800, title="Mail maybe sent", order_id=order_id("00010465"), number="00010465",
            what="order_provisioned: the mail server did not say whether it took it", subject="mail:17", mail="order_provisioned",
            next_acts=["order.mail_resend", "system.seen"],
        ),
        PersonItem(
            key="poison:2", kind="poison", since=NOW - 1200, title="An event that cannot be read", subject="poison:2",
            what="it names no order (/event/OrderProvisionRequested__e, replay id 88120031)", next_acts=["system.seen"],
        ),
        PersonItem(
            key="pause:esim", kind="paused", since=NOW - 900, title="esim is paused", what="by itself: role_denied: the key is refused",
            subject="esim", next_acts=["system.resume"],
        ),
        _order(
            "00010471", kind="held", since=NOW - 845, title="Held: placed and approved by the same person",
            what="approved in Salesforce by the one who placed it", next_acts=["order.start", "order.cancel"],
        ),
        _order(
            "00010480", kind="park_ending", since=NOW - 367, title="Park runs out at load", what="no free profile of type TRAVEL-5G in stock",
            advice="No free profile of this type. Import new stock (portal esim import); the run goes on by itself.",
            until=NOW + 3600, next_acts=["order.park", "order.retry"],
        ),
    ]  # fmt: skip
    return NeedsPerson(seq=100, at=NOW, count=len(items), oldest=items[0].since, items=items)


def failures() -> Failures:
    """The failing orders of the desk by cause."""
    groups: dict[str, list[Any]] = {}
    for entry in ORDERS:
        more = entry[8]
        if entry[4] in ("failed", "parked", "retrying") and "class" in more:
            groups.setdefault(more.get("code") or more["class"], []).append(entry)
    made = [_group(cause, entries) for cause, entries in groups.items()]
    made.sort(key=lambda group: (-group.count, -group.newest))
    return Failures(
        seq=100, at=NOW, filter="state:failed,retrying,parked,held", orders=sum(g.count for g in made), groups=made
    )


def _group(cause: str, entries: list[Any]) -> FailureGroup:
    first = entries[0]
    more, ages = first[8], [entry[6] for entry in entries]
    unknown = sum(bool(entry[8].get("unknown")) for entry in entries)
    able = 0 if unknown == len(entries) else len(entries) - unknown
    why = "the outcome of a call is not known: such an order is never part of a bulk act" if unknown else ""
    automatic = "tried again by itself" if first[4] == "retrying" else "goes on by itself when its condition comes true"
    return FailureGroup(
        cause=cause, title=more.get("message") or more["class"], step=more.get("step"), system=more.get("system"), code=more.get("code"),
        error_class=more["class"], advice=DATA if more["class"] == "data" else "Retrying cannot help yet. The run goes on by itself when there is capacity.",
        count=len(entries), oldest=NOW - max(ages), newest=NOW - min(ages), first=NOW - max(ages) - 90_000,
        states=dict(Counter(entry[4] for entry in entries)), last_hour=[0, 0, 1, 0, 2, 1, 0, 3, 5, 4, 6, len(entries)],
        automatic="off" if first[4] == "failed" else automatic, unknown=unknown, sum_yen=sum(entry[5] for entry in entries),
        before={"done": 37, "cancelled": 1} if more["class"] == "capacity" else {}, before_at=NOW - 800_000,
        acts=[
            GroupAct(id="order.retry", possible=able, why_not=why), GroupAct(id="order.park", possible=able, why_not=why),
            GroupAct(id="order.unpark", possible=0, why_not="the run has failed"),
            GroupAct(id="order.cancel", possible=able, why_not=why), GroupAct(id="order.take", possible=len(entries)),
            GroupAct(id="order.note", possible=len(entries)),
        ],
        order_ids=[order_id(entry[0]) for entry in entries], numbers=[entry[0] for entry in entries],
    )  # fmt: skip


def batch(state: str = "running") -> BatchView:
    """A retry of some orders, in the midst of it."""
    states = ("done", "failed", "done", "working", "waiting", "waiting", "excluded")
    said = {
        "done": "is tried again", "failed": "failed: service 812 is Pending", "working": "is tried again",
        "excluded": "the outcome of whmcs.AddOrder is not known: such an order is never part of a bulk act",
    }  # fmt: skip
    items = [
        BatchItem(
            position=i, order_id=order_id(ORDERS[i + 5][0]), number=ORDERS[i + 5][0], state=one, message=said.get(one, ""),
            at=NOW - 60 + i if one != "waiting" else None,
        )
        for i, one in enumerate(states)
    ]  # fmt: skip
    return BatchView(
        id="b7f3c0a1d2e4f586", command="order.retry", title="Retry", actor="mira", reason="the stock is refilled", state=state, pace=2.0,
        stop_after=3, at=NOW, created_at=NOW - 62, ended_at=None if state == "running" else NOW, counts=dict(Counter(states)), items=items,
    )  # fmt: skip
