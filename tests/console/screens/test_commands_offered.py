"""Each command that a screen offers has its proof: a new command, or a screen that offers more, wants one."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import console.screens
from console.api.failures import ACTS
from console.commands.table import for_orders
from console.screens.acting import ActingScreen
from console.screens.approvals import ApprovalsScreen
from console.screens.base import LiveScreen
from console.screens.board import BoardScreen
from console.screens.failures import FailuresScreen
from console.screens.find import FindScreen
from console.screens.needs import NeedsScreen
from console.screens.order import OrderScreen
from console.screens.resolve import ResolveScreen
from tests.console.screens import test_commands_board as board
from tests.console.screens import test_commands_failures as failures
from tests.console.screens import test_commands_find as find
from tests.console.screens.proving import BULK, Case, offered_on

ALL = {command.id for command in for_orders()}
PROVED = {OrderScreen, ApprovalsScreen, BoardScreen, FailuresScreen, NeedsScreen, ResolveScreen}


def screens(base: type[LiveScreen] = LiveScreen) -> Iterator[type[LiveScreen]]:
    for screen in base.__subclasses__():
        yield screen
        yield from screens(screen)


def commands(cases: list[Case]) -> set[str]:
    return {case.command for case in cases}


def test_no_other_screen_gives_commands_about_orders() -> None:
    for module in pkgutil.iter_modules(console.screens.__path__):
        importlib.import_module(f"console.screens.{module.name}")
    own = {screen for screen in screens() if screen.__module__.startswith("console.")}
    assert {screen for screen in own if offered_on(screen)} == PROVED


def test_every_command_of_the_board_is_proved() -> None:
    assert commands(board.CASES) == offered_on(BoardScreen)
    assert commands(board.MARKED) == offered_on(BoardScreen) & BULK


def test_every_command_of_failures_is_proved() -> None:
    never = {"order.start"}  # proved to be refused: no order that is held before its start has a cause
    assert commands(failures.CASES) | never == offered_on(FailuresScreen)
    assert commands(failures.MARKED) | never == offered_on(FailuresScreen) & BULK
    assert commands(failures.OF_A_CAUSE) == set(ACTS)


def test_find_gives_no_command_and_each_is_proved_on_what_it_finds() -> None:
    assert not issubclass(FindScreen, ActingScreen) and not offered_on(FindScreen)
    assert commands(find.CASES) == ALL


def test_a_command_without_a_proof_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(board, "CASES", [case for case in board.CASES if case.command != "order.note"])
    with pytest.raises(AssertionError):
        test_every_command_of_the_board_is_proved()
