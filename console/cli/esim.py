"""``portal esim``: the stock of profiles."""

from pathlib import Path
from typing import Annotated

import typer

from console.cli.exits import Exit, Failure
from console.cli.help import Group
from console.cli.output import Column, Form, clock
from console.cli.verbs import Desk, verb

app = typer.Typer(help="Import eSIM profiles and look at the stock.", no_args_is_help=True, cls=Group)
STOCK = (
    Column("type", "Type"), Column("free", "Free", right=True), Column("low_water", "Low water", right=True),
    Column("others", "Others"), Column("warning", ""),
)  # fmt: skip
PROFILES = (
    Column("iccid", "ICCID"), Column("type", "Type"), Column("state", "State"), Column("shown_state", "On the phone"),
    Column("order_id", "Order"), Column("eid", "EID"), Column("updated", "Changed"),
)  # fmt: skip
LARGEST = 32 * 1024 * 1024


@verb(app, "import", csv=False)
async def import_(
    desk: Desk,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with the columns iccid, type and, if wanted, batch.")
    ],
    batch: Annotated[str, typer.Option(help="Name of the delivery.", show_default="the file's name")] = "",
) -> None:
    """Put profiles of the provider into stock. With any mistake in FILE nothing of it is imported; each is named.

    Profiles that are known already are left as they are. Exit codes: 2 FILE holds mistakes; 6 there is no FILE.
    """
    if not file.is_file():
        raise Failure(f"there is no file {file}", Exit.NOT_FOUND)
    if (size := file.stat().st_size) > LARGEST:
        raise Failure(f"{file} has {size:,} bytes: split it into files of at most {LARGEST:,}", Exit.USAGE)
    done = await desk.client.import_profiles(file.read_bytes(), batch=batch or file.name[:80])
    for note in done.warnings:
        desk.output.note(f"line {note.line}, {note.field}: {note.problem}; {note.remedy}")
    if desk.output.form is Form.JSON:
        desk.output.one(done.model_dump())
        return
    types = ", ".join(f"{kind} {count:,}" for kind, count in sorted(done.counts.items()))
    desk.output.say(
        f"{done.added:,} new profiles, {done.known:,} known already{f'; free now: {types}' if types else ''}"
    )


@verb(app, "stock")
async def stock(
    desk: Desk,
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only this profile type.")] = None,
    state: Annotated[str | None, typer.Option(help="Only profiles in this state.")] = None,
    profiles: Annotated[
        int, typer.Option(min=0, max=10_000, metavar="N", help="List up to N profiles one by one.")
    ] = 0,
) -> int:
    """Show how many profiles of each type are free, reserved and used. Exit code 1: a type is below its low-water mark."""
    found = await desk.client.profiles(type_=type_, state=state, limit=profiles)
    if profiles:
        data = [one.model_dump() for one in found.profiles]
        desk.output.rows(PROFILES, [{**row, "updated": clock(row["updated_at"])} for row in data], data)
        return Exit.FAILED if found.low else Exit.OK
    rows = [
        {
            "type": kind, "free": states.get("free", 0), "low_water": found.low_water.get(kind),
            "others": ", ".join(f"{count} {name}" for name, count in sorted(states.items()) if name != "free"),
            "warning": "low" if kind in found.low else None,
        }
        for kind, states in sorted(found.counts.items())
    ]  # fmt: skip
    missing = [
        {"type": kind, "free": 0, "low_water": found.low_water.get(kind), "warning": "low"} for kind in found.low
    ]
    rows += [row for row in missing if row["type"] not in found.counts]
    desk.output.rows(STOCK, rows, whole=found.model_dump(exclude={"profiles"}))
    if not rows:
        desk.output.note("there are no profiles: import some with portal esim import FILE")
    return Exit.FAILED if found.low else Exit.OK
