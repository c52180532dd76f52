from textual.binding import Binding

from console import keys
from console.app import ConsoleApp
from console.commands.table import for_orders
from console.screens.approvals import ApprovalsScreen
from console.screens.board import BoardScreen
from console.screens.order import OrderScreen
from console.widgets.jsonview import JsonView
from console.widgets.ordertable import OrderTable
from console.widgets.sheet import Sheet


def bindings(owner: type) -> list[Binding]:
    return [binding for binding in vars(owner).get("BINDINGS", []) if isinstance(binding, Binding)]


CONTEXTS = {
    "board": [*bindings(BoardScreen), *bindings(OrderTable), *bindings(ConsoleApp)],
    "approvals": [*bindings(ApprovalsScreen), *bindings(OrderTable), *bindings(ConsoleApp)],
    "order": [*bindings(OrderScreen), *bindings(ConsoleApp)],
}


def test_no_two_bindings_of_one_context_share_a_key() -> None:
    for name, known in CONTEXTS.items():
        assert keys.clashes([known]) == [], name


def test_panes_take_no_key_of_a_command() -> None:
    taken = {binding.key for binding in keys.of_commands()}
    for pane in (Sheet, JsonView):
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


def test_no_key_needs_what_terminals_or_editors_take() -> None:
    banned = {"backslash", "ctrl+backslash", "ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+s", "ctrl+q"}
    for known in CONTEXTS.values():
        for binding in known:
            for key in binding.key.split(","):
                assert key not in banned and not key.startswith(("alt+", "f1", "f2")), binding
