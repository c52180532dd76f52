"""``portal settings``: what is set, by whom, and what is wrong with it."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.help import Group
from console.cli.output import Column, standard
from console.cli.state import state_of
from console.cli.verbs import form_of

app = typer.Typer(help="Show, check and document the settings.", no_args_is_help=True, cls=Group)

COLUMNS = (Column("key", "Key"), Column("value", "Value"), Column("source", "From"))


@app.command()
def show(
    context: typer.Context,
    config: options.Config = None,
    json: options.Json = False,
    csv: options.Csv = False,
    key: Annotated[str, typer.Argument(help="Only keys that begin so, such as whmcs or engine.retry.")] = "",
) -> None:
    """Print every value with where it came from; secrets are masked. Exit code 1: no key begins so."""
    from console.settings import render_settings

    found = [row for row in render_settings(state_of(context).settings(config)) if row.key.startswith(key)]
    output = standard(form_of(json, csv))
    output.rows(COLUMNS, [{"key": row.key, "value": row.value, "source": row.source} for row in found])
    if not found:
        output.note(f"no setting begins with {key}")
        raise typer.Exit(1)


@app.command()
def example() -> None:
    """Print a settings file that documents every key with its default."""
    from console.settings import example_toml

    typer.echo(example_toml(), nl=False)


@app.command()
def check(context: typer.Context, config: options.Config = None) -> None:
    """Say whether a daemon could start with these settings; else every problem with file, line, key and remedy.

    Exit code 2: there are problems.
    """
    loaded = state_of(context).settings(config, complete=True)
    typer.echo(f"{loaded.file or 'environment and defaults'}: 0 problems")
