"""The acts of ``portal orders``. What is possible, the daemon says for each order; here they only get their words."""

from typing import Annotated

import typer

from console.cli.acts import Act, perform
from console.cli.exits import Exit, Failure
from console.cli.verbs import Desk, verb
from console.commands.running import CONDITIONS

ROLE = (
    "Exit codes: 1 something failed; 4 not possible for this role or in this state; 5 changed meanwhile: plan it again."
)


async def approve(desk: Desk, act: Act) -> int:
    """Approve orders in Pending Review: they are provisioned and billed."""
    return await perform(desk, "order.approve", act)


async def reject(desk: Desk, act: Act) -> int:
    """Reject orders in Pending Review. This cannot be undone; a reason is needed."""
    return await perform(desk, "order.reject", act)


async def start(desk: Desk, act: Act) -> int:
    """Start held orders (approved before intake.start_at, or by who placed them). A reason is needed."""
    return await perform(desk, "order.start", act)


async def retry(
    desk: Desk,
    act: Act,
    step: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="STEP",
            help="Run again from this step: load, payment, esim, billing, accept, crm or email.",
        ),
    ] = "",
) -> int:
    """Try failed, parked or waiting orders again now. What was done is only re-read, never sent again."""
    if step:
        return await perform(desk, "order.retry_step", act, step=step)
    return await perform(desk, "order.retry", act)


async def skip(desk: Desk, act: Act) -> int:
    """Go on without the step an order stands at; only payment and email (supervisor). A reason is needed."""
    return await perform(desk, "order.skip", act)


async def park(
    desk: Desk,
    act: Act,
    until: Annotated[str, typer.Option(metavar="CONDITION", help=f"What to wait for: {CONDITIONS}.")],
    limit: Annotated[
        str, typer.Option(metavar="PERIOD", help="How long at most, such as 24h; it is tried again then.")
    ] = "",
) -> int:
    """Set orders aside until a condition comes true, which the daemon checks again and again."""
    return await perform(desk, "order.park", act, until=until, limit=limit)


async def unpark(desk: Desk, act: Act) -> int:
    """Let parked orders go on now; one with an unknown outcome is looked for again."""
    return await perform(desk, "order.unpark", act)


async def cancel(
    desk: Desk,
    act: Act,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the effects that stand.")] = False,
    leave: Annotated[
        bool, typer.Option("--leave-as-is", help="Close the order and leave what stands as it is.")
    ] = False,
) -> int:
    """Stop orders for good. The plan lists each effect that stands, its undo, or why it cannot be undone."""
    if undo and leave:
        raise Failure("--undo and --leave-as-is exclude each other: choose one", Exit.USAGE)
    return await perform(desk, "order.cancel", act, undo=undo, leave_as_is=leave)


async def resolve(
    desk: Desk,
    act: Act,
    identifier: Annotated[
        str,
        typer.Option(
            "--is",
            metavar="ID",
            help="The call made this: a WHMCS order or service id, or an ICCID. It is read and compared first.",
        ),
    ] = "",
    absent: Annotated[
        bool, typer.Option("--absent", help="The call made nothing; it is sent once more (supervisor).")
    ] = False,
) -> int:
    """Settle an outcome that the engine cannot tell: say what the call made, or that it made nothing."""
    if bool(identifier) == absent:
        raise Failure("say --is ID, or --absent, one of both", Exit.USAGE)
    if identifier:
        return await perform(desk, "order.resolve_is", act, identifier=identifier)
    return await perform(desk, "order.resolve_absent", act)


async def edit(
    desk: Desk,
    act: Act,
    field: Annotated[str, typer.Option(help="eid, profile_type, option:ID or language.")],
    value: Annotated[str, typer.Option(help="The new value.")],
    item: Annotated[str, typer.Option(help="The order product: its id or item number; not for language.")] = "",
) -> int:
    """Correct an input of a failed, parked or held order. What bills or changes the recipient needs a supervisor."""
    return await perform(desk, "order.edit", act, field=field, item=item, value=value)


async def module_create(
    desk: Desk, act: Act, service: Annotated[str, typer.Option(metavar="ID", help="The WHMCS service id.")]
) -> int:
    """Run the module of a service that stayed Pending in WHMCS, then retry the order."""
    return await perform(desk, "order.module_create", act, service=service)


async def take(
    desk: Desk, act: Act, let_go: Annotated[bool, typer.Option("--let-go", help="Let go of them instead.")] = False
) -> int:
    """Say that you look after these orders, for 12 hours. A claim, not a lock."""
    return await perform(desk, "order.untake" if let_go else "order.take", act)


async def note(desk: Desk, act: Act, text: Annotated[str, typer.Option("--text", "-t", help="What to write.")]) -> int:
    """Write a note at orders."""
    return await perform(desk, "order.note", act, text=text)


def register(app: typer.Typer) -> None:
    """Add all of them. Each is planned first: --plan shows it and leaves, --yes does not ask."""
    for act in (approve, reject, start, retry, park, unpark, skip, cancel, resolve, edit, take, note):
        verb(app, act.__name__, csv=False, epilog=ROLE)(act)
    verb(app, "module-create", csv=False, epilog=ROLE)(module_create)
