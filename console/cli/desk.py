"""``portal health``, ``portal audit``, ``portal batches``: the daemon itself, who did what, and acts on many orders."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.acts import Act, follow_batch, perform_on_system, tell_batch
from console.cli.exits import Exit
from console.cli.filters import joined
from console.cli.help import Group
from console.cli.output import Column, Form, clock
from console.cli.verbs import Desk, verb

batches = typer.Typer(help="Acts on many orders: progress and results.", no_args_is_help=True, cls=Group)
PARTS = (Column("mark", ""), Column("name", "Part"), Column("state", "State"), Column("detail", "Detail", cut=True))
AUDIT = (
    Column("id", "No.", right=True), Column("when", "At"), Column("ended", "Ended"), Column("actor", "Who"), Column("role", "Role"),
    Column("title", "What"), Column("about", "About", cut=True), Column("outcome", "Outcome"), Column("reason", "Why", cut=True),
)  # fmt: skip
Log = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILTER", help="Such as: who:mira command:retry order:10474 since:12h outcome:failed"),
]
BATCHES = (
    Column("id", "Batch"), Column("command", "Command"), Column("actor", "Who"), Column("state", "State"), Column("began", "Began"),
    Column("ended", "Ended"), Column("counts", "Orders", cut=True), Column("reason", "Reason", cut=True),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """The two verbs that are no group."""

    @verb(app, "health")
    async def health(
        desk: Desk,
        quick: Annotated[bool, typer.Option("--quick", help="Only whether process and journal work.")] = False,
    ) -> int:
        """Show how daemon, journal and outside systems are, and the alerts that are open. Exit code 1: something is bad."""
        if quick:
            brief = await desk.client.health()
            row = {"mark": "✓" if brief.ok else "✗", "name": "daemon", "state": "ok" if brief.ok else "bad"}
            detail = f"{brief.version}, up {brief.uptime:.0f} s, journal {brief.journal}, feed {brief.seq} {brief.note}".rstrip()
            desk.output.rows(PARTS, [{**row, "detail": detail}], whole=brief.model_dump())
            return Exit.OK if brief.ok else Exit.FAILED
        deep = await desk.client.health_deep()
        marks = {"ok": "✓", "warn": "!", "bad": "✗"}
        rows = [{**part.model_dump(), "mark": marks[part.state]} for part in deep.parts]
        desk.output.rows(PARTS, rows, whole=deep.model_dump())
        for alert in deep.alerts:
            desk.output.say(f"{alert.severity}: {alert.message} (since {clock(alert.first_at)}, {alert.count} times)")
        return Exit.FAILED if deep.state == "bad" else Exit.OK

    @verb(app, "audit")
    async def audit(
        desk: Desk,
        words: Log = None,
        limit: options.Limit = 100,
        before: Annotated[int | None, typer.Option(metavar="NO", help="Only acts before this number.")] = None,
        masked: Annotated[bool, typer.Option("--masked", help="Hide personal data, as for a viewer.")] = False,
    ) -> int:
        """List who did what and why, the newest first: each act with the time of its intent and of its outcome.

        Exit code 1: nothing matches.
        """
        found = await desk.client.audit_acts(limit=limit, before=before, filter_=joined(words), masked=masked)
        data = [act.model_dump() for act in found.acts]
        rows = [
            {
                **row,
                "when": clock(row["at"]),
                "ended": clock(row["ended_at"]),
                "about": row["numbers"] or row["subjects"],
            }
            for row in data
        ]
        desk.output.rows(AUDIT, rows, data)
        if found.total > len(data) and before is None:
            desk.output.note(
                f"{len(data):,} of {found.total:,} acts; more with --limit, older ones with --before {data[-1]['id']}"
            )
        return Exit.OK if data else Exit.FAILED


@verb(batches, "list")
async def list_(desk: Desk) -> None:
    """List acts on many orders, the newest first."""
    found = await desk.client.batches()
    data = [batch.model_dump(exclude={"items"}) for batch in found.batches]
    desk.output.rows(
        BATCHES, [{**row, "began": clock(row["created_at"]), "ended": clock(row["ended_at"])} for row in data], data
    )


@verb(batches, "show")
async def show(
    desk: Desk,
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="Its id.")],
    follow: Annotated[bool, typer.Option("--follow", help="Wait until it ends.")] = False,
) -> int:
    """Show one with the result of each order. Exit codes: 1 something failed or it is not done; 6 no such batch."""
    if follow:
        return await follow_batch(desk, batch)
    view = await desk.client.batch(batch)
    if desk.output.form is Form.CSV:
        columns = [Column(key, key) for key in ("position", "number", "order_id", "state", "message", "at")]
        desk.output.csv(columns, [item.model_dump() for item in view.items])
        return Exit.OK
    return tell_batch(desk, view)


@verb(batches, "stop", csv=False, system=True)
async def stop(desk: Desk, act: Act, batch: Annotated[str, typer.Argument(metavar="BATCH", help="Its id.")]) -> int:
    """Stop one: nothing more of it is begun, what was begun is followed to its end."""
    return await perform_on_system(desk, "system.stop_batch", act, batch=batch)
