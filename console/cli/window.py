"""``portal console``: the screens, put together with a way to a daemon or a daemon of their own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import options
from console.cli.filters import joined
from console.cli.state import State, state_of
from console.cli.verbs import address_of

if TYPE_CHECKING:
    from console.client.api import ApiClient
    from console.client.owndaemon import OwnDaemon


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
    code = open_window(
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


def open_window(
    state: State,
    *,
    server: str | None = None,
    embedded: bool = False,
    config: Path | None = None,
    token_file: Path | None = None,
    glyphs: str = "unicode",
    theme: str = "portal-dark",
    read_only: bool = False,
    filter_text: str = "",
    order: str = "",
) -> int:
    """Run the console, attached to the daemon at ``server`` or at the settings' socket, or to one in this window.

    Returns its exit code. Raises Failure.
    """
    from platformdirs import user_state_path

    from console import __version__
    from console.app import ConsoleOptions, run_console
    from console.observe.crash import CrashReports

    daemon: OwnDaemon | None = None
    if embedded:
        from console.embedded import EmbeddedDaemon

        own = EmbeddedDaemon(state.settings(config, complete=True).settings, state.redactor)
        daemon, address = own, own.address
    else:
        address = address_of(state, config=config, server=server, token_file=token_file)

    def connect() -> "ApiClient":
        from console.client.api import ApiClient

        return ApiClient(address)

    crash = CrashReports(user_state_path("portal") / "crashes", state.redactor, __version__)
    return run_console(
        ConsoleOptions(
            connect=connect, crash=crash, embedded=daemon, glyphs=glyphs, theme=theme, read_only=read_only, filter=filter_text,
            order=order,
        )
    )  # fmt: skip
