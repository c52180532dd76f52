"""Each act's command line is one that the command line takes, and means the same command."""

import shlex
from typing import Any

import click
import pytest
import typer

from console.cli.app import make_app
from console.commands import table
from console.commands.cliline import cli_line, usage
from console.commands.command import Command
from console.commands.words import Kind, Scope

SAMPLES: dict[Kind, Any] = {
    Kind.TEXT: "it's 田中's", Kind.FLAG: True, Kind.STEP: "esim", Kind.FIELD: "eid", Kind.ITEM: "0001", Kind.IDENTIFIER: "8981",
    Kind.CONDITION: "stock(TRAVEL-5G)", Kind.PERIOD: "24h", Kind.SUBJECT: "whmcs", Kind.MAIL: "esim_activation",
}  # fmt: skip


def parsed(line: str) -> tuple[click.Context, list[str]]:
    """The context of the verb at the end, with its parameters read. Raises click.UsageError."""
    program, *words = shlex.split(line)
    assert program == "portal"
    command: Any = typer.main.get_command(make_app())
    context = click.Context(command, info_name="portal")
    path = []
    while hasattr(command, "commands"):
        name, found, words = command.resolve_command(context, words)
        assert found is not None, line
        path.append(name)
        command = found
        context = click.Context(command, parent=context) if hasattr(command, "commands") else context
    return command.make_context(path[-1], words, parent=context), path


@pytest.mark.parametrize("command", table.COMMANDS, ids=lambda command: command.id)
def test_the_line_is_taken_by_the_command_line(command: Command) -> None:
    flags = [argument for argument in command.arguments if argument.kind is Kind.FLAG]
    given = {a.name: SAMPLES[a.kind] for a in command.arguments if a not in flags[1:]}
    orders = ["00010480"] if Scope.ORDER in command.scope else []
    context, path = parsed(cli_line(command, orders, given, "住所 'x'"))
    assert path == [word for word in (command.cli or f"orders {command.verb}").split() if not word.startswith("-")]
    values = context.params.values()
    assert context.params["reason"] == "住所 'x'"
    assert all(value in values for value in given.values())
    assert not orders or list(context.params["orders"]) == orders


def test_a_filter_stands_in_for_orders() -> None:
    line = cli_line(table.BY_ID["order.retry"], ["1", "2"], filter_text='state:failed cause:"no profile"')
    assert line == """portal orders retry --filter 'state:failed cause:"no profile"'"""


def test_usage_names_what_is_to_be_given() -> None:
    assert usage(table.BY_ID["order.retry_step"]) == "portal orders retry ORDER --from STEP"
    assert usage(table.BY_ID["system.pause"]) == "portal integrations pause SUBJECT --reason WHY"
    assert usage(table.BY_ID["order.cancel"]) == "portal orders cancel ORDER [--undo] [--leave-as-is] --reason WHY"
