"""The tree of verbs. Importing their modules costs nothing but typer: each loads what it needs when it runs."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from console import __version__
from console.cli import backup, daemon, demo, sandbox, settings, window
from console.cli.exits import EXIT_CODES

HELP = f"""Operations console of a telecom portal: every approved order provisioned exactly once.

Try it without any account: portal demo. Each verb explains itself: portal orders retry --help.

{EXIT_CODES}"""

SECTIONS = {
    "Run": ("demo", "console", "daemon", "sandbox"),
    "Set up": ("settings", "backup", "restore"),
}


class Sections(TyperGroup):
    """The verbs under headings, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, names in SECTIONS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            with formatter.section(title):
                formatter.write_dl([(name, _said(command)) for name, command in commands.items() if command])


def _said(command: Any) -> str:
    return str(command.get_short_help_str(limit=200))


def make_app() -> typer.Typer:
    """All verbs."""
    app = typer.Typer(
        name="portal",
        cls=Sections,
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
    app.add_typer(settings.app, name="settings")
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
