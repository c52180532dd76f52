"""``portal console``: the screens."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.state import state_of


def console(
    context: typer.Context,
    server: options.Server = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Start a daemon inside this process.")] = False,
    config: options.Config = None,
    token_file: options.TokenFile = None,
) -> None:
    """Open the screens, attached to a running daemon (or, with --embedded, to one of their own)."""
    from console.app import run

    raise typer.Exit(run(state_of(context), server=server, embedded=embedded, config=config, token_file=token_file))
