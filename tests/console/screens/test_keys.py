"""Keys over all screens: none is taken twice, none is one that terminals take, and every hint leads somewhere."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from textual.actions import parse
from textual.binding import Binding
from textual.widget import Widget

import console.screens
from console import keys
from console.app import ConsoleApp
from console.commands import table
from console.commands.command import Command
from console.commands.table import for_orders
from console.screens.acting import ActingScreen
from console.screens.base import LiveScreen
from console.screens.sections import SECTIONS
from console.widgets.jsonview import JsonView
from console.widgets.ordertable import OrderTable
from console.widgets.sheet import Sheet
from tests.console.screens.conftest import Opened, until
from tests.console.screens.looking import board

PANES: tuple[type[Widget], ...] = (Sheet, JsonView)


def bindings(owner: type) -> list[Binding]:
    return [binding for binding in vars(owner).get("BINDINGS", []) if isinstance(binding, Binding)]


def screens() -> list[type[LiveScreen]]:
    """Every screen there is, whoever wrote it."""
    for module in pkgutil.iter_modules(console.screens.__path__, "console.screens."):
        importlib.import_module(module.name)
    found: list[type[LiveScreen]] = []
    waiting: list[type[LiveScreen]] = [LiveScreen]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if bindings(kind) and kind.__module__.startswith("console."):
            found.append(kind)
    return found


def context(kind: type[LiveScreen]) -> list[Binding]:
    """All that a screen and the application bind; a pane with rows has its own keys besides."""
    own = [binding for base in kind.__mro__ if base.__module__.startswith("console.") for binding in bindings(base)]
    return [*own, *bindings(ConsoleApp)]


def test_there_are_screens_to_be_looked_at() -> None:
    assert {kind.__name__ for kind in screens()} >= {"BoardScreen", "ApprovalsScreen", "OrderScreen"}


@pytest.mark.parametrize("kind", screens(), ids=lambda kind: kind.__name__)
def test_no_two_bindings_of_one_screen_share_a_key(kind: type[LiveScreen]) -> None:
    assert keys.clashes([context(kind)]) == []
    assert len({binding.id for binding in context(kind) if binding.id}) == len([b for b in context(kind) if b.id])


def test_one_word_for_one_thing() -> None:
    """``f`` reads again wherever it reads; only an order that was taken is let go."""
    every = {binding.id: binding for kind in screens() for binding in context(kind)} | {
        b.id: b for b in bindings(OrderTable)
    }
    reads = {
        binding.description for binding in every.values() if binding.key == "f" and binding.action in ("fetch", "look")
    }
    assert reads == {"Read again"}
    assert [binding.id for binding in every.values() if binding.description == "Let go"] == ["order.untake"]


def test_the_table_of_orders_takes_no_key_of_a_command_or_of_the_console() -> None:
    assert keys.clashes([[*keys.of_commands(), *bindings(OrderTable), *bindings(ConsoleApp)]]) == []


def test_panes_take_no_key_of_a_command() -> None:
    taken = {binding.key for binding in keys.of_commands()}
    for pane in PANES:
        own = {key for binding in bindings(pane) for key in binding.key.split(",")}
        assert not own & taken


def test_a_clash_would_be_found() -> None:
    assert keys.clashes([[Binding("a,b", "one", id="one"), Binding("b", "two", id="two")]]) == [("b", "one", "two")]


def test_every_command_about_orders_has_a_key_and_words() -> None:
    known = {binding.id: binding for binding in keys.of_commands()}
    for command in for_orders():
        binding = known[command.id]
        assert binding.key and binding.tooltip == command.description
        assert keys.key_of(command.id) == command.keys


@pytest.mark.parametrize("kind", screens(), ids=lambda kind: kind.__name__)
def test_no_key_needs_what_terminals_or_editors_take(kind: type[LiveScreen]) -> None:
    banned = {"backslash", "ctrl+backslash", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+s", "ctrl+q"}
    functions = {f"f{n}" for n in range(1, 25)}
    for binding in context(kind):
        assert binding.id, binding
        for key in binding.key.split(","):
            last = key.split("+")[-1]
            assert key not in banned and not key.startswith("alt+") and last not in functions, binding


@pytest.mark.parametrize("command", table.COMMANDS, ids=lambda command: command.id)
def test_every_key_is_one_that_is_on_every_keyboard(command: Command) -> None:
    assert len(command.keys) == 1 and command.keys.isascii() and command.keys != "\\"


async def test_every_hint_of_every_section_leads_somewhere(opened: Opened) -> None:
    async with opened(size=(200, 50)) as pilot:
        app: Any = pilot.app
        for section in SECTIONS:
            app.action_section(section.mode)
            await until(pilot, lambda mode=section.mode: app.current_mode == mode and app.screen.stands)  # type: ignore[misc]
            screen = app.screen
            screen.tick()
            shown = [*screen.hints(), *screen._sections._hints]
            assert shown
            for hint in shown:
                namespace, name, _ = parse(hint.action)
                target = app if namespace == "app" else screen
                assert hasattr(target, f"action_{name}"), f"{section.mode}: {hint.key} {hint.title} → {hint.action}"


async def test_commands_of_the_system_are_reached_from_every_section_that_acts(opened: Opened) -> None:
    async with opened() as pilot:
        app: Any = pilot.app
        acting = [s for s in SECTIONS if isinstance(s.screen(app.desk), ActingScreen)]
        assert {"orders", "approvals"} <= {section.mode for section in acting}
        assert board(pilot).possible("system.pause") is not None


def test_the_readme_names_every_section_with_its_digit() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert [s.title for s in SECTIONS if f"| `{s.digit}` | {s.title} |" not in readme] == []
