"""``portal demo``: sandbox, daemon and console in one."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Without a screen: place orders, wait, compare.")
    ] = False,
    orders: Annotated[int, typer.Option(min=1, max=100_000, help="How many orders (with --headless).")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object at the end (with --headless).")] = False,
    calm: Annotated[bool, typer.Option("--calm", help="Without faults and kills.")] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Keep everything there.", show_default="a temporary folder"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Number that makes the world and the troubles.")] = None,
) -> None:
    """Show the whole product on this machine, with no account anywhere: real processes, sockets and protocols.

    With --headless it places the orders, approves them, uses every fault kind once, kills the daemon at least three
    times, waits, and compares what stands in each system with what should: exit code 0 only if nothing is lost or double
    and every order is in the state expected.
    """
    from console.demo import run_demo

    raise typer.Exit(run_demo(headless=headless, orders=orders, json=json, calm=calm, directory=directory, seed=seed))
