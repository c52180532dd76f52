"""``portal`` itself: what stands before a verb, and the tree with the daemon's verb alone."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import typer

from console import __version__
from console.cli.daemon import daemon
from console.cli.exits import EXIT_CODES
from console.cli.help import Group

HELP = f"""Operations console of a telecom portal: every approved order provisioned exactly once.

Try it without any account: portal demo. Each verb explains itself: portal orders retry --help.

{EXIT_CODES}"""


class Root(Group):
    """``portal`` itself."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "Run": ("demo", "console", "daemon", "sandbox"),
        "Look and act (these talk to the daemon)": (
            "orders", "mail", "esim", "events", "integrations", "brake", "recovery", "batches", "audit", "health",
        ),
        "Set up": ("settings", "doctor", "tokens", "backup", "restore"),
    }  # fmt: skip


def make_root() -> typer.Typer:
    """Without a verb."""
    app = typer.Typer(
        name="portal",
        cls=Root,
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help comes in half the time
    )
    app.callback()(_root)
    return app


def make_daemon_app() -> typer.Typer:
    """For ``portal daemon …``: all other verbs would be a twelfth of its start."""
    app = make_root()
    app.command("daemon")(daemon)
    return app


def make_console_app() -> typer.Typer:
    """For ``portal console …``: a person waits for its first frame."""
    from console.cli.window import console

    app = make_root()
    app.command("console")(console)
    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"portal {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Options before the verb."""
