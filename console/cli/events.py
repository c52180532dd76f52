"""``portal events``: the platform events that came in, and what was missed."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.acts import Act, perform_on_system
from console.cli.exits import Exit
from console.cli.filters import joined
from console.cli.help import Group
from console.cli.output import Column, clock
from console.cli.verbs import Desk, verb

app = typer.Typer(
    help="Platform events: what came in, gaps, and what could not be read.", no_args_is_help=True, cls=Group
)
EVENTS = (
    Column("seq", "No.", right=True), Column("at", "Received"), Column("number", "Order"), Column("state", "State"),
    Column("reason", "Why", cut=True), Column("replay_id", "Replay id", right=True), Column("event_uuid", "Event"),
)  # fmt: skip
GAPS = (
    Column("id", "No.", right=True), Column("when", "Found"), Column("channel", "Channel"), Column("reason", "Reason", cut=True),
    Column("lost_cursor", "Lost cursor"), Column("reconciled", "Reconciled"),
)  # fmt: skip
POISON = (
    Column("id", "No.", right=True), Column("when", "Received"), Column("channel", "Channel"), Column("reason", "What is wrong", cut=True),
    Column("event_uuid", "Event"), Column("seen_by", "Seen by"),
)  # fmt: skip
Before = Annotated[int | None, typer.Option(metavar="NO", help="Only rows before this number.")]

Log = Annotated[list[str] | None, typer.Argument(metavar="FILTER", help="Such as: state:poison order:10474 since:2h")]


@verb(app, "list")
async def list_(desk: Desk, words: Log = None, limit: options.Limit = 100, before: Before = None) -> int:
    """List events as they were journaled, the newest first. Exit code 1: there is none."""
    found = await desk.client.events(limit=limit, before=before, filter_=joined(words))
    data = [one.model_dump() for one in found.events]
    desk.output.rows(EVENTS, [{**row, "at": clock(row["received_at"])} for row in data], data)
    for cursor in found.cursors:
        desk.output.note(f"{cursor.channel} ({cursor.transport}): cursor {cursor.replay_id}, {clock(cursor.at)}")
    return Exit.OK if data else Exit.FAILED


@verb(app, "gaps")
async def gaps(desk: Desk) -> int:
    """List gaps in the stream; the poll finds what was missed. Exit code 1: one is not reconciled yet."""
    found = await desk.client.gaps()
    data = [one.model_dump() for one in found.gaps]
    rows = [{**row, "when": clock(row["at"]), "reconciled": clock(row["reconciled_at"]) or "not yet"} for row in data]
    desk.output.rows(GAPS, rows, data)
    return Exit.FAILED if any(one.reconciled_at is None for one in found.gaps) else Exit.OK


@verb(app, "poison")
async def poison(desk: Desk) -> int:
    """List events that could not be read. Exit code 1: there are some that nobody has seen."""
    found = await desk.client.poison()
    data = [one.model_dump() for one in found.poison]
    desk.output.rows(POISON, [{**row, "when": clock(row["at"])} for row in data], data)
    return Exit.FAILED if any(one.seen_by is None for one in found.poison) else Exit.OK


@verb(app, "seen", csv=False, system=True)
async def seen(
    desk: Desk, act: Act, row: Annotated[str, typer.Argument(metavar="ROW", help="gap:NO, poison:NO or mail:NO.")]
) -> int:
    """Put aside a gap, an unreadable event or a mail that somebody has looked at and that needs nothing more."""
    return await perform_on_system(desk, "system.seen", act, row=row)
