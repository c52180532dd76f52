"""Go to an order by its number or id; a wrong one is answered in words."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from console.client.errors import ApiError
from console.widgets.cells import literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs

LONGEST = 40


class GoTo(ModalScreen[str | None]):
    """Dismissed with the order's id. ``find`` gives the id of an order, or raises ApiError."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, glyphs: Glyphs, find: Callable[[str], Awaitable[str]], text: str = "") -> None:
        super().__init__()
        self._glyphs, self._find, self._text = glyphs, find, text

    def compose(self) -> ComposeResult:
        with Vertical(id="goto"):
            yield Label("Go to order (number with or without zeros, or Salesforce id)", markup=False)
            yield Input(self._text, id="goto-input", compact=True, placeholder="10480")
            yield Label("", id="goto-error", markup=False)

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self.query_one(Input).focus()

    def action_cancel(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            self.dismiss(None)
        elif len(text) > LONGEST:
            self._complain(f"An order number has at most {LONGEST} characters, this text has {len(text):,}.")
        else:
            self._look(text)

    @work(exclusive=True, exit_on_error=False)
    async def _look(self, text: str) -> None:
        try:
            self.dismiss(await self._find(text))
        except ApiError as error:
            self._complain(str(error))

    def _complain(self, said: str) -> None:
        self.query_one("#goto-error", Label).update(self._glyphs.plain(literal(said)))
