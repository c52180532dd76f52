"""``portal console``: the screens."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.filters import joined
from console.cli.state import state_of


def console(
    context: typer.Context,
    words: options.Words = None,
    server: options.Server = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Start a daemon inside this process.")] = False,
    order: Annotated[str, typer.Option(metavar="ORDER", help="Open this order first.")] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="Look only: nothing can be done from here.")] = False,
    light: Annotated[bool, typer.Option("--light", help="Light colours.")] = False,
    plain: Annotated[bool, typer.Option("--ascii", help="Signs of ASCII alone.")] = False,
    config: options.Config = None,
    token_file: options.TokenFile = None,
) -> None:
    """Open the screens, attached to a running daemon (or, with --embedded, to one of their own)."""
    from console.app import run

    code = run(
        state_of(context),
        server=server,
        embedded=embedded,
        config=config,
        token_file=token_file,
        glyphs="ascii" if plain else "unicode",
        theme="portal-light" if light else "portal-dark",
        read_only=read_only,
        filter_text=joined(words),
        order=order,
    )
    raise typer.Exit(code)
