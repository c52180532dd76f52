"""No screen or widget of ours keeps a value under a name that Textual keeps one of its own under.

A dialog that kept ``_closed`` for itself was never closed by Textual, which waited for that for ever: no key was heard again.
"""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from functools import cache

import pytest
from textual.message_pump import MessagePump
from textual.screen import ModalScreen

import console.app
import console.screens
import console.widgets

MEANT = {"_exception", "_return_code"}  # of the application, for a crash: as Textual itself does, without its traceback


def classes() -> Iterator[type]:
    """Every class of the console that Textual runs."""
    rooms = (console.screens, console.widgets)
    names = [f"{room.__name__}.{found.name}" for room in rooms for found in pkgutil.iter_modules(room.__path__)]
    for module in (console.app, *map(importlib.import_module, names)):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, MessagePump) and value.__module__ == module.__name__:
                yield value


@cache
def kept(owner: type) -> frozenset[str]:
    """Private names under which this class keeps a value in its instances."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    targets = [
        target
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        for part in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for target in ast.walk(part)
    ]
    return frozenset(
        target.attr
        for target in targets
        if isinstance(target, ast.Attribute)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
        and target.attr.startswith("_")
    )


def taken(owner: type) -> frozenset[str]:
    theirs = [base for base in owner.__mro__ if base.__module__.startswith("textual.")]
    return kept(owner) & frozenset().union(*map(kept, theirs))


@pytest.mark.parametrize("owner", [*classes()], ids=lambda owner: owner.__name__)
def test_no_value_is_kept_where_textual_keeps_its_own(owner: type) -> None:
    assert not taken(owner) - MEANT


def test_the_control_is_seen() -> None:
    class Kept(ModalScreen[None]):
        def on_mount(self) -> None:
            self._closed, self._other = True, False

    assert taken(Kept) == {"_closed"}
