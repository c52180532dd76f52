"""``:`` go to an order, a section, a filter, something to find; what leads nowhere is answered in words."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label

from console.client.errors import ApiError
from console.screens.places import Kind, NoPlace, Place, completions, place_of
from console.widgets.attended import Attended
from console.widgets.cells import literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs


class GoTo(Attended, ModalScreen[Place | None]):
    """Dismissed with the place, an order by its id. ``find`` gives the id of an order, or raises ApiError."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, glyphs: Glyphs, find: Callable[[str], Awaitable[str]], text: str = "") -> None:
        super().__init__()
        self._glyphs, self._find, self._text = glyphs, find, text

    def compose(self) -> ComposeResult:
        suggester = SuggestFromList(completions(), case_sensitive=False)
        with Vertical(id="goto"):
            yield Label("Go to: 10480, find 田中, state:failed, approvals ...", markup=False)
            yield Input(self._text, id="goto-input", compact=True, placeholder="10480", suggester=suggester)
            yield Label("", id="goto-error", markup=False)

    def on_mount(self) -> None:
        suit(self, self._glyphs)
        self.query_one(Input).focus()

    def action_cancel(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self.dismiss(None)
            return
        try:
            place = place_of(event.value)
        except NoPlace as error:
            self._complain(str(error))
            return
        if place.kind is Kind.ORDER:
            self._look(place.text)
        else:
            self.dismiss(place)

    @work(exclusive=True, exit_on_error=False)
    async def _look(self, text: str) -> None:
        try:
            self.dismiss(Place(Kind.ORDER, await self._find(text)))
        except ApiError as error:
            self._complain(str(error))

    def _complain(self, said: str) -> None:
        self.query_one("#goto-error", Label).update(self._glyphs.plain(literal(said)))
