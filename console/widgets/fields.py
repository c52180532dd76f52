"""Input fields of dialogs: free text, and text out of a short list that the arrow keys go through."""

import unicodedata
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.suggester import SuggestFromList
from textual.widgets import Input

from console.commands.words import Argument, Kind
from console.widgets.cells import literal


class LineInput(Input):
    """One line that takes a paste whole: Textual keeps its first line and drops the others without a word."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.replace(" ".join(literal(event.text).split()), *self.selection)


class ChoiceInput(LineInput):
    """An input that knows what may stand in it: up and down go through the choices, typing completes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "cycle(1)", "Next choice", show=False),
        Binding("up", "cycle(-1)", "Choice before", show=False),
    ]

    def __init__(
        self,
        choices: Sequence[str],
        *,
        value: str = "",
        placeholder: str = "",
        id: str | None = None,
    ) -> None:
        suggester = SuggestFromList(choices, case_sensitive=False) if choices else None
        super().__init__(value=value, placeholder=placeholder, id=id, suggester=suggester)
        self.choices = choices

    def action_cycle(self, by: int) -> None:
        if not self.choices:
            return
        at = self.choices.index(self.value) + by if self.value in self.choices else 0
        self.value = self.choices[at % len(self.choices)]
        self.cursor_position = len(self.value)


def field_for(argument: Argument, choices: Sequence[str], value: str) -> ChoiceInput:
    """The input for one argument of a command."""
    known = list(choices) or list(argument.choices)
    if argument.kind is Kind.FLAG:
        known = ["no", "yes"]
        value = value or "no"
    hint = " / ".join(known) if known else argument.help
    return ChoiceInput(known, value=value, placeholder=hint, id=f"argument-{argument.name}")


def read_value(argument: Argument, text: str) -> Any:
    """What is sent for the text in the field; None: leave the argument out. Only free text is taken as typed: numbers,
    ids and words may come out of a Japanese input method in full width.
    """
    if argument.kind is not Kind.TEXT:
        text = unicodedata.normalize("NFKC", text)
    if argument.kind is Kind.FLAG:
        return True if text.strip().casefold() in ("yes", "y", "true", "1") else None
    return text.strip() or None
