"""The registry itself: one of each, nothing forgotten, nothing heavy imported."""

import subprocess
import sys
from itertools import combinations

import pytest

from console.commands import table
from console.commands.command import Command
from console.commands.words import Risk, Scope

TAKEN_BY_THE_SCREEN = set("jkhlgGnNfvV/:diLwoyXtzb+?q ")


@pytest.mark.parametrize("command", table.COMMANDS, ids=lambda command: command.id)
def test_every_command_is_whole(command: Command) -> None:
    assert command.title
    assert command.group
    assert command.description.endswith(".")
    assert len(command.keys) == 1
    assert command.keys.isascii()
    assert command.keys not in TAKEN_BY_THE_SCREEN
    assert command.scope & (Scope.ORDER | Scope.SYSTEM)
    names = [argument.name for argument in command.arguments]
    assert len(names) == len(set(names))
    assert all(argument.help for argument in command.arguments)


def test_ids_verbs_and_keys_are_distinct() -> None:
    assert len(table.BY_ID) == len(table.BY_VERB) == len(table.COMMANDS)
    for one, other in combinations(table.COMMANDS, 2):
        assert (one.context, one.keys) != (other.context, other.keys), (one.id, other.id)


def test_what_cannot_be_undone_or_costs_money_needs_a_reason() -> None:
    for command in table.COMMANDS:
        if command.risk in (Risk.DESTRUCTIVE, Risk.MONEY):
            assert command.reason, command.id
        assert command.needs_reason(bulk=True) == (command.reason or command.risk is not Risk.NONE)


def test_a_command_is_found_by_id_and_by_verb() -> None:
    assert table.find("order.retry") is table.find("retry")
    assert table.find("retyr") is None


def test_the_table_loads_neither_engine_nor_store_nor_client() -> None:
    code = (
        "import sys, console.commands.table;"
        "print([m for m in sys.modules if m.startswith(('console.engine', 'storage', 'integrations', 'textual', 'pydantic'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
