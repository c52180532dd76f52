"""Acting: the plan is shown, a person (or --yes) agrees, it is submitted once, and what came of it is told."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cli.asking import agreed, typed_count
from console.cli.exits import Exit, Failure
from console.cli.order_reading import order_named
from console.cli.output import Column, Form, yen

if TYPE_CHECKING:
    from console.cli.verbs import Desk
    from console.schema.commands import BatchView, Plan, SubmitRequest, Submitted

CONFIRM_SECONDS = 60.0  # how long an answer that was lost is asked for
BATCH_EVERY = 0.5
MOST_SHOWN = 20
COUNT_FROM = 5  # more orders than this on a production org: the count is typed

Orders = Annotated[list[str] | None, typer.Argument(metavar="ORDER", help="Order numbers or Salesforce ids.")]
Filter = Annotated[
    str | None, typer.Option("--filter", "-f", metavar="FILTER", help="All orders that match, instead of naming them.")
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it stands in the audit log.")]
PlanOnly = Annotated[bool, typer.Option("--plan", help="Only show what would happen.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Pace = Annotated[float, typer.Option(min=0.01, max=50, metavar="N", help="Orders a second, of many.")]
StopAfter = Annotated[
    int, typer.Option("--stop-after", min=1, max=1000, metavar="N", help="Stop after so many failures in a row.")
]

ITEMS = (
    Column("number", "Order"), Column("state", "Result"), Column("message", "What happened", cut=True),
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """The options that every act has. ``orders`` and ``filter`` are empty for acts on the system."""

    orders: tuple[str, ...] = ()
    filter: str | None = None
    reason: str = ""
    plan: bool = False
    yes: bool = False
    pace: float = 2.0
    stop_after: int = 3


ACT_OPTIONS: Mapping[str, tuple[Any, Any]] = {
    "reason": (Reason, ""), "plan": (PlanOnly, False), "yes": (Yes, False),
}  # fmt: skip
BULK_OPTIONS: Mapping[str, tuple[Any, Any]] = {
    "filter": (Filter, None), "pace": (Pace, 2.0), "stop_after": (StopAfter, 3),
}  # fmt: skip


async def perform(desk: "Desk", command: str, act: Act, **arguments: Any) -> int:
    """Plan ``command`` for the act's orders, show, ask, submit. Raises Failure and ApiError."""
    if bool(act.orders) == bool(act.filter):
        raise Failure("name orders, or choose them with --filter, one of both", Exit.USAGE)
    return await _perform(desk, command, act, arguments)


async def perform_on_system(desk: "Desk", command: str, act: Act, **arguments: Any) -> int:
    """The same for a command of the system as a whole."""
    return await _perform(desk, command, act, arguments)


async def _perform(desk: "Desk", command: str, act: Act, arguments: Mapping[str, Any]) -> int:
    from console.schema.commands import PlanRequest, SubmitRequest

    given = {name: value for name, value in arguments.items() if value not in (None, False, "")}
    request = PlanRequest(orders=[order_named(order) for order in act.orders], filter=act.filter, arguments=given)
    plan = await desk.client.plan(command, request)
    if act.plan:
        return _only_planned(desk, plan)
    if act.filter and not plan.orders:
        raise Failure("no order matches", Exit.FAILED)
    if plan.refusal or not plan.count:
        raise Failure("\n".join(_why_not(plan)) or "there is nothing to do", Exit.REFUSED)
    reason = await _agreed(desk, plan, act)
    submit = SubmitRequest(
        **request.model_dump(), plan_hash=plan.hash, reason=reason, pace=act.pace, stop_after=act.stop_after
    )
    submitted = await _submit(desk, command, submit)
    if submitted.batch_id is not None:
        return await follow_batch(desk, submitted.batch_id)
    return _told(desk, submitted)


def _only_planned(desk: "Desk", plan: "Plan") -> int:
    if desk.output.form is Form.JSON:
        desk.output.one(plan.model_dump())
    else:
        for line in _described(plan):
            desk.output.say(line)
    return Exit.OK if plan.count and not plan.refusal else Exit.REFUSED


def _described(plan: "Plan") -> list[str]:
    """The plan in lines: what happens to how many, what not and why, money, warnings."""
    lines = list(plan.lines) if plan.bulk and plan.lines else [plan.title, *plan.lines]
    if plan.sum_yen:
        lines.append(
            f"{yen(plan.sum_yen)} in all" + (f", the largest {yen(plan.largest_yen)}" if plan.count > 1 else "")
        )
    chosen = [order for order in plan.orders if order.included]
    for order in chosen[:MOST_SHOWN]:
        what = "; ".join(order.lines)
        taken = f" (taken by {order.owner})" if order.owner else ""
        who = f"{order.number or order.order_id} {yen(order.amount)} {order.state or order.status or ''}{taken}: "
        lines.append(f"  {who if order.order_id else ''}{what}")  # of the system: the words name the subject
        lines += [f"    ! {warning}" for warning in order.warnings]
        lines += [f"    stands: {e.what}; {e.undo or f'cannot be undone: {e.why}'}" for e in order.effects]
        lines += [f"    {'=' if c.same else '≠'} {c.field}: here {c.ours}, there {c.theirs}" for c in order.compared]
    if len(chosen) > MOST_SHOWN:
        lines.append(f"  … {len(chosen) - MOST_SHOWN} more")
    return lines + _why_not(plan)


def _why_not(plan: "Plan") -> list[str]:
    left = [order for order in plan.orders if not order.included]
    said = plan.refusal if plan.refusal not in [order.why_not for order in left] else None
    lines = [said] if said else []
    lines += [f"not {order.number or order.order_id}: {order.why_not}" for order in left[:MOST_SHOWN]]
    if len(left) > MOST_SHOWN:
        lines.append(f"… {len(left) - MOST_SHOWN} more are left out (--plan --json has all)")
    return lines


async def _agreed(desk: "Desk", plan: "Plan", act: Act) -> str:
    """The reason, once a person or --yes agreed. Raises Failure."""
    tty = sys.stdin.isatty()
    harmless = plan.risk == "none" and not plan.bulk
    if not (act.yes or harmless):
        for line in _described(plan):
            desk.output.note(line)
    reason = act.reason.strip()
    if plan.needs_reason and not reason:
        if act.yes or not tty:
            raise Failure(f"{plan.title} needs a reason: say --reason", Exit.USAGE)
        reason = await asyncio.to_thread(_asked_reason)
    if act.yes or harmless:
        return reason
    if not tty:
        raise Failure(
            f"{plan.title}: say --yes to go ahead, for nobody can be asked here (--plan only shows it)", Exit.USAGE
        )
    many = plan.count > COUNT_FROM and (await desk.client.me()).production
    if plan.bulk and (many or plan.risk == "destructive"):
        await asyncio.to_thread(typed_count, plan.title, plan.count)
    else:
        await asyncio.to_thread(agreed, f"{plan.title}?")
    return reason


def _asked_reason() -> str:
    sys.stderr.write("Reason: ")
    sys.stderr.flush()
    reason = sys.stdin.readline().strip()
    if not reason:
        raise Failure("no reason was given: nothing was done")
    return reason


async def _submit(desk: "Desk", command: str, request: "SubmitRequest") -> "Submitted":
    """Submit once, whatever gets lost on the way: repeats carry the same key. Raises Failure after a minute of silence."""
    from console.client.api import new_key
    from console.client.errors import InFlight, NotConfirmed, Unreachable

    key, deadline, sent = new_key(), time.monotonic() + CONFIRM_SECONDS, False
    while True:
        try:
            return await desk.client.submit(command, request, key=key)
        except (NotConfirmed, InFlight):
            sent = True
        except Unreachable:
            if not sent:
                raise
        if time.monotonic() > deadline:
            said = f"sent, not confirmed within {CONFIRM_SECONDS:.0f} s: look at it with `portal audit` before you repeat it"
            raise Failure(said, Exit.UNREACHABLE)
        await asyncio.sleep(1.0)


def _told(desk: "Desk", submitted: "Submitted") -> int:
    if desk.output.form is Form.JSON:
        desk.output.one(submitted.model_dump())
    elif submitted.outcome == "unknown":
        desk.output.note(submitted.message)
    else:
        desk.output.say(submitted.message or submitted.outcome)
    return Exit.OK if submitted.outcome in ("done", "requested") else Exit.FAILED


async def follow_batch(desk: "Desk", batch_id: str) -> int:
    """Show progress until the batch ends, then its results. It goes on in the daemon when this is interrupted."""
    tty = sys.stderr.isatty() and desk.output.form is Form.TABLE
    try:
        while (batch := await desk.client.batch(batch_id)).ended_at is None:
            if tty:
                sys.stderr.write(f"\r{_progress(batch)} ")
                sys.stderr.flush()
            await asyncio.sleep(BATCH_EVERY)
    except asyncio.CancelledError:
        desk.output.note(f"\nthe batch goes on in the daemon: portal batches show {batch_id}")
        raise
    if tty:
        sys.stderr.write("\r\033[K")
    return tell_batch(desk, batch)


def _progress(batch: "BatchView") -> str:
    counts = batch.counts
    over = counts.get("done", 0) + counts.get("failed", 0)
    return f"{over}/{over + counts.get('waiting', 0) + counts.get('working', 0)}, {counts.get('failed', 0)} failed"


def tell_batch(desk: "Desk", batch: "BatchView") -> int:
    """A batch's results; 0 when it is done and nothing failed."""
    data = [item.model_dump() for item in batch.items]
    if desk.output.form is Form.JSON:
        desk.output.one(batch.model_dump())
    else:
        desk.output.rows(ITEMS, [{**row, "number": row["number"] or row["order_id"]} for row in data])
        counts = ", ".join(f"{count} {state}" for state, count in sorted(batch.counts.items()))
        desk.output.say(f"batch {batch.id} {batch.command}: {batch.state}; {counts}")
    return Exit.OK if batch.state == "done" and not batch.counts.get("failed") else Exit.FAILED
