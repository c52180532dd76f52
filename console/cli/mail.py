"""``portal mail``: what was sent to customers."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.acts import Act, perform
from console.cli.exits import Exit
from console.cli.help import Group
from console.cli.output import Column, clock
from console.cli.verbs import Desk, verb

app = typer.Typer(help="Look at the mails to customers, and send one again.", no_args_is_help=True, cls=Group)
COLUMNS = (
    Column("id", "Mail", right=True), Column("number", "Order"), Column("kind", "Kind"), Column("language", "Language"),
    Column("state", "State"), Column("recipient", "To"), Column("resend", "Resent", right=True), Column("tries", "Try", right=True),
    Column("queued", "Queued"), Column("sent", "Sent"), Column("queued_by", "By"), Column("error", "Error", cut=True),
)  # fmt: skip


@verb(app, "list")
async def list_(
    desk: Desk,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only queued, sending, sent, maybe_sent, failed or held ones.")
    ] = None,
    order: Annotated[str | None, typer.Option(metavar="ORDER", help="Only those of this order.")] = None,
    limit: options.Limit = 100,
) -> int:
    """List mails, the newest first. Recipients are masked. Exit code 1: there is none."""
    found = await desk.client.mails(state=state, order=order, limit=limit)
    data = [one.model_dump() for one in found.mails]
    rows = [{**row, "queued": clock(row["queued_at"]), "sent": clock(row["sent_at"])} for row in data]
    desk.output.rows(COLUMNS, rows, data)
    return Exit.OK if data else Exit.FAILED


@verb(app, "resend", csv=False)
async def resend(
    desk: Desk,
    act: Act,
    kind: Annotated[
        str, typer.Option(help="order_provisioned or esim_activation; not needed where there is one mail.")
    ] = "",
) -> int:
    """Send a mail of an order again, to the address on file. A reason is needed."""
    return await perform(desk, "order.mail_resend", act, kind=kind)
