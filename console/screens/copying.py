"""What leaves the screen of an order: copies, links, a file. Personal data in it is masked whoever asks."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol, cast

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from console.commands.cliline import cli_line
from console.commands.command import Command
from console.schema.detail import OrderDetail
from console.widgets.cells import literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.menu import Choice

LINK_NAMES = {"salesforce": "Salesforce", "whmcs": "WHMCS: the order", "client": "WHMCS: the client"}
_NO_BROWSER = ("SSH_CONNECTION", "SSH_TTY")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


class Copier(Protocol):
    """The application, as far as copying goes."""

    def copy_out(self, text: str, what: str = ...) -> None: ...


def copy_out(app: App[object], text: str, what: str) -> None:
    cast("Copier", app).copy_out(text, what)


def copies_of(detail: OrderDetail, act: Command | None) -> list[tuple[Choice, str]]:
    """What can be copied of an order with its name in words; the JSON is asked for when it is chosen. ``act``: the
    command whose line is offered besides."""
    number = detail.order.number
    line = f"portal orders show {number}"
    copies = [
        (Choice("n", "order number", number), "order number"),
        (Choice("i", "Salesforce id", detail.order.order_id), "Salesforce id"),
        (Choice("l", "deep link", f"portal console --order {number}"), "deep link"),
        (Choice("c", "command line", line), "command line"),
        (Choice("j", "JSON", "everything of it, personal data masked"), "JSON"),
    ]
    if act is not None:
        does = cli_line(act, [number])
        copies.append((Choice("a", f"line of {act.title}", does), "command line"))
    if salesforce := detail.links.get("salesforce"):
        copies.append((Choice("s", "Salesforce address", salesforce), "address"))
    said = ((Choice("t", "to say, Japanese", detail.say.ja), "sentence"), (Choice("e", "to say, English", detail.say.en), "sentence"))  # fmt: skip
    return [*copies, *said]


def links_of(detail: OrderDetail) -> list[tuple[Choice, str]]:
    """Where the order can be opened, with the address."""
    keys = {"salesforce": "s", "whmcs": "w", "client": "c"}
    return [
        (Choice(keys[name], LINK_NAMES[name], address), address)
        for name, address in detail.links.items()
        if name in keys
    ]


def browser_here(environ: Mapping[str, str], platform: str) -> bool:
    """Is there a browser that a person would see? Over ssh a text browser would take this terminal over."""
    if any(environ.get(name) for name in _NO_BROWSER):
        return False
    return platform in ("darwin", "win32") or any(environ.get(name) for name in _DISPLAYS)


class ExportTo(ModalScreen[Path | None]):
    """Asks for a file that does not exist yet. Dismissed with it. ``what``: what will stand in it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, glyphs: Glyphs, proposed: Path, what: str = "Everything of this order as JSON") -> None:
        super().__init__()
        self._glyphs, self._proposed, self._what = glyphs, proposed, what

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(" Export to a file ", id="dialog-act", markup=False)
                yield Label("esc", id="menu-close", markup=False)
            yield Label(f"{self._glyphs.plain(self._what)}; personal data is masked.", markup=False)
            yield Input(value=str(self._proposed), id="export-file", compact=True)
            yield Label("", id="export-error", markup=False)

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self.query_one(Input).focus()

    def action_cancel(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            self._complain("Give the name of a file.")
            return
        try:
            file = Path(event.value.strip()).expanduser()
            if file.exists():
                self._complain(f"{file} exists already: nothing is written over.")
            elif not file.parent.is_dir():
                self._complain(f"There is no folder {file.parent}.")
            else:
                self.dismiss(file)
        except (OSError, RuntimeError, ValueError) as error:  # no such user, a name too long, a folder that is closed
            self._complain(f"This cannot be the name of a file: {getattr(error, 'strerror', None) or error}")

    def _complain(self, said: str) -> None:
        self.query_one("#export-error", Label).update(self._glyphs.plain(literal(said)))
