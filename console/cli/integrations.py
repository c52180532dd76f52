"""``portal integrations``, ``portal brake``, ``portal recovery``: the daemon's ways to the outside."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from console.cli.acts import Act, perform_on_system
from console.cli.exits import Exit
from console.cli.help import Group
from console.cli.output import Column, Form, ago, clock
from console.cli.verbs import Desk, verb

app = typer.Typer(help="The outside systems: state, pause, resume.", no_args_is_help=True, cls=Group)
brake = typer.Typer(help="The brake on new orders.", no_args_is_help=True, cls=Group)
recovery = typer.Typer(help="Recovery after a restored backup.", no_args_is_help=True, cls=Group)
COLUMNS = (
    Column("system", "System"), Column("state", "State"), Column("calls", "Calls", right=True), Column("errors", "Errors", right=True),
    Column("in_flight", "In flight", right=True), Column("waiting_runs", "Runs waiting", right=True), Column("ok", "Last good", right=True),
    Column("quota", "Quota"), Column("why", "Why", cut=True),
)  # fmt: skip
Subject = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="salesforce, whmcs, esim, mail, intake, or product:<WHMCS product id>.")
]


def _events(stream: Mapping[str, Any]) -> str:
    """``events: listening since 06:09:26; 6 events, 0 gaps; last error 06:01:02 …``."""
    since = f" since {clock(stream['listening_since'])}" if stream.get("listening_since") else ""
    counts = f"; {stream['events']} events, {stream['gaps']} gaps" if "events" in stream else ""
    failed = (
        f"; last error {clock(stream.get('last_error_at'))}: {stream['last_error']}" if stream.get("last_error") else ""
    )
    return f"events: {stream.get('phase', 'unknown')}{since}{counts}{failed}"


@verb(app, "list")
async def list_(desk: Desk) -> int:
    """Show each outside system, the event stream, and what is paused. Exit code 1: something is paused or broken."""
    found = await desk.client.integrations()
    rows = []
    for one in found.integrations:
        paused = f"paused by {one.paused_by}: {one.pause_reason}" if one.paused_by else one.last_error
        quota = f"{one.quota_used:,} of {one.quota_total:,}" if one.quota_total and one.quota_used is not None else None
        last = ago(time.time() - one.last_ok_at) if one.last_ok_at else None
        rows.append({**one.model_dump(), "ok": last, "quota": quota, "why": paused})
    desk.output.rows(COLUMNS, rows, whole=found.model_dump())
    systems = {one.system for one in found.integrations}
    for pause in found.pauses:
        if pause.subject not in systems:
            desk.output.say(f"{pause.subject} is paused by {pause.actor} since {clock(pause.at)}: {pause.reason}")
    for what, why in found.holds.items():
        desk.output.say(f"no guarded call leaves ({what}): {why}")
    for title, said in (("the brake is on", found.brake), ("recovery", found.recovery)):
        if said:
            desk.output.say(f"{title}: {said}")
    if found.observe:
        desk.output.say("this daemon only observes and writes nothing outside")
    desk.output.say(_events(found.events))
    good = all(one.state == "up" for one in found.integrations) and not (found.pauses or found.holds or found.brake)
    return Exit.OK if good else Exit.FAILED


@verb(app, "pause", csv=False, system=True)
async def pause(desk: Desk, act: Act, subject: Subject) -> int:
    """Pause a system or a product: runs that need it park and burn no tries. A reason is needed."""
    return await perform_on_system(desk, "system.pause", act, subject=subject)


@verb(app, "resume", csv=False, system=True)
async def resume(desk: Desk, act: Act, subject: Subject) -> int:
    """Resume what was paused; the runs that wait for it go on."""
    return await perform_on_system(desk, "system.resume", act, subject=subject)


@verb(brake, "release", csv=False, system=True)
async def release(desk: Desk, act: Act) -> int:
    """Let new orders in again after the brake stopped them (supervisor). A reason is needed."""
    return await perform_on_system(desk, "system.release_brake", act)


@verb(recovery, "status", csv=False)
async def status(desk: Desk) -> int:
    """Say whether the journal recovers from being older than the world. Exit code 1: it does."""
    found = await desk.client.integrations()
    if desk.output.form is Form.JSON:
        desk.output.one({"recovery": found.recovery})
    desk.output.say(f"in recovery: {found.recovery}" if found.recovery else "not in recovery")
    return Exit.FAILED if found.recovery else Exit.OK


@verb(recovery, "end", csv=False, system=True)
async def end(desk: Desk, act: Act) -> int:
    """End recovery once the orders that changed meanwhile are listed (supervisor). A reason is needed."""
    return await perform_on_system(desk, "system.end_recovery", act)
