"""``portal sandbox``: servers on loopback that speak the real protocols of all outside systems."""

from pathlib import Path
from typing import Annotated

import typer

from console import collector
from console.cli.exits import Failure

Port = Annotated[int | None, typer.Option(min=1, max=65535, metavar="PORT", show_default="a free one")]


def sandbox(
    directory: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Folder of its state; made if missing.")],
    seed: Annotated[int | None, typer.Option(help="Number that makes the world; the same makes the same.")] = None,
    customers: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="How many customers a new world has.")
    ] = None,
    orders_per_minute: Annotated[
        float, typer.Option("--orders-per-minute", min=0, help="Place and approve so many orders all the time.")
    ] = 0.0,
    port_salesforce: Port = None,
    port_whmcs: Port = None,
    port_esim: Port = None,
    port_mail: Port = None,
    port_control: Port = None,
    port_receiver: Port = None,
) -> None:
    """Run Salesforce, WHMCS, an SM-DP+ and a mail server on loopback, until SIGTERM or ctrl+c.

    When all listen, DIR/sandbox.json (every address, credential and certificate) and DIR/portal.toml (complete settings
    for daemon and console) are written, and "sandbox ready DIR/portal.toml" is printed. Its state outlives the process.
    Exit code 1: it cannot start.
    """
    import asyncio

    from console.eventloop import loop_factory
    from integrations.sandbox.server import SandboxError, run_sandbox

    ports = {
        "salesforce": port_salesforce, "whmcs": port_whmcs, "esim": port_esim, "mail": port_mail,
        "control": port_control, "receiver": port_receiver,
    }  # fmt: skip
    given = {name: port for name, port in ports.items() if port is not None}
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(
                run_sandbox(
                    directory,
                    seed=seed,
                    customers=customers,
                    orders_per_minute=orders_per_minute,
                    ports=given,
                    tell=_ready,
                )
            )
    except SandboxError as error:
        raise Failure(str(error)) from error


def _ready(sentence: str) -> None:
    collector.calm()
    print(sentence, flush=True)  # noqa: T201 - whoever started it waits for this line
