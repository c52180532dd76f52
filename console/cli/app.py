"""The tree of verbs. Importing their modules costs nothing but typer: each loads what it needs when it runs."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import typer

from console import __version__
from console.cli import (
    backup,
    daemon,
    demo,
    desk,
    doctor,
    esim,
    events,
    integrations,
    mail,
    orders,
    sandbox,
    settings,
    tokens,
    window,
)
from console.cli.exits import EXIT_CODES
from console.cli.help import Group

HELP = f"""Operations console of a telecom portal: every approved order provisioned exactly once.

Try it without any account: portal demo. Each verb explains itself: portal orders retry --help.

{EXIT_CODES}"""

GROUPS = {
    "orders": orders.app, "mail": mail.app, "esim": esim.app, "events": events.app, "integrations": integrations.app,
    "brake": integrations.brake, "recovery": integrations.recovery, "batches": desk.batches, "settings": settings.app,
    "tokens": tokens.app,
}  # fmt: skip


class Root(Group):
    """``portal`` itself."""

    sections: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "Run": ("demo", "console", "daemon", "sandbox"),
        "Look and act (these talk to the daemon)": (
            "orders", "mail", "esim", "events", "integrations", "brake", "recovery", "batches", "audit", "health",
        ),
        "Set up": ("settings", "doctor", "tokens", "backup", "restore"),
    }  # fmt: skip


def make_app() -> typer.Typer:
    """All verbs."""
    app = typer.Typer(
        name="portal",
        cls=Root,
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help comes in half the time
    )
    app.callback()(_root)
    app.command("demo")(demo.demo)
    app.command("console")(window.console)
    app.command("daemon")(daemon.daemon)
    app.command("sandbox")(sandbox.sandbox)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    desk.register(app)
    app.command("doctor")(doctor.doctor)
    app.command("backup")(backup.backup)
    app.command("restore")(backup.restore)
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
