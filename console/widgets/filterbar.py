"""The filter line: one grammar with the command line, completed while one types; a mistake is shown at its place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label

from console.client.query import Completion, QueryError, complete, parse
from console.widgets.cells import literal
from console.widgets.fields import LineInput

SPARE, SPARE_WHERE_WIDE, WIDE = 3, 16, 110  # cells that the summary may keep too many, where the bar has how many


@dataclass(frozen=True)
class Grammar:
    """``read`` raises QueryError where the text cannot be read; ``complete`` as ``query.complete``; ``nothing`` stands in
    an empty line."""

    read: Callable[[str], object]
    complete: Callable[[str, int], Sequence[Completion]]
    nothing: str


MOST_CHOICES = 12
ORDERS = Grammar(parse, complete, "all orders")


class _Completer(Suggester):
    """The first completion at the end of the text."""

    def __init__(self, grammar: Grammar) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._grammar = grammar

    async def get_suggestion(self, value: str) -> str | None:
        for completion in self._grammar.complete(value, len(value)):
            whole = value[: completion.start] + completion.insert
            if whole.casefold().startswith(value.casefold()) and whole != value:
                return value + whole[len(value) :]
        return None


class FilterInput(LineInput):
    """Tab takes a completion, once more the next one; ⏎ and esc go back to the table, esc with the filter as it was."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", show=False),
        Binding("escape", "give_up", "Give up", show=False),
        Binding("down", "leave", "Table", show=False),
    ]

    class GivenUp(Message):
        """Esc was pressed."""

    class Left(Message):
        """The person goes on to the table."""

    class Asked(Message):
        """Another completion is wanted."""

    def action_complete(self) -> None:
        self.post_message(self.Asked())

    def action_give_up(self) -> None:
        self.post_message(self.GivenUp())

    def action_leave(self) -> None:
        self.post_message(self.Left())


class FilterBar(Vertical):
    """``text`` is the filter in force. Changes are told by ``Changed`` when the fingers rest a little. What may
    stand at the cursor is listed below the line while one types."""

    DELAY = 0.03  # seconds without a key; what is found is to stand there 150 ms after the last one

    class Changed(Message):
        """The filter reads so now."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, FilterBar.Changed)

    class Done(Message):
        """The person is through with the filter."""

    def __init__(self, text: str = "", *, id: str | None = None, grammar: Grammar = ORDERS) -> None:
        super().__init__(id=id)
        self.text = text
        self._grammar = grammar
        self._before = text
        self._line = FilterInput(
            value=text, placeholder=grammar.nothing, id="filter-input", suggester=_Completer(grammar), compact=True, select_on_focus=False
        )  # fmt: skip
        self._error = Label("", id="filter-error", markup=False)
        self._summary = Label("", id="filter-summary", markup=False)
        self._choices = Label("", id="filter-choices", markup=False)
        self._said = ""  # in the summary
        self._complaint = ""
        self._cycle: tuple[str, list[str]] = ("", [])  # the text a completion gave, and what the next ones give

    def compose(self) -> ComposeResult:
        with Horizontal(id="filter-row"):
            yield Label(" / ", id="filter-sign", markup=False)
            yield self._line
            yield self._error
            yield self._summary
        yield self._choices

    def edit(self) -> None:
        """Put the cursor into the line."""
        self._before = self.text
        self.call_after_refresh(self._show_choices)
        self.screen.set_focus(self._line)  # now: what is typed next belongs here already

    def put(self, text: str) -> None:
        """Set another filter from outside."""
        with self.prevent(Input.Changed):
            self._line.value = text
        self._line.cursor_position = len(text)
        self._use(text)

    def summarise(self, said: str) -> None:
        """What the filter found, at the right edge. A count that loses digits keeps its room: nothing is laid out anew."""
        cells, room = cell_len(said), cell_len(self._said)
        spare = SPARE_WHERE_WIDE if self.size.width >= WIDE else SPARE
        same_room = room - spare <= cells <= room
        said = " " * (room - cells) + said if same_room else said
        if said != self._said:
            self._summary.update(said, layout=not same_room)
            self._said = said

    def complain(self, said: str) -> None:
        """What is wrong with the filter; "" when nothing is."""
        if said != self._complaint:  # every update lays the whole screen out anew
            self._complaint = said
            self._error.update(literal(said))
            self.set_class(bool(said), "-wrong")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        value = event.value
        self._show_choices()
        self.set_timer(self.DELAY, lambda: self._settled(value))

    @on(FilterInput.Asked)
    def _complete(self, event: FilterInput.Asked) -> None:
        """The first completion at the cursor; once more: the next one in its place."""
        event.stop()
        line = self._line
        given, following = self._cycle
        if line.value != given or not following:
            found = self._grammar.complete(line.value, line.cursor_position)
            following = [
                line.value[: one.start] + one.insert + line.value[one.end :]
                for one in found
                if line.value[one.start : one.end] != one.insert
            ]
        if not following:
            line.action_end()
            return
        line.value = following[0]
        line.cursor_position = len(line.value)
        self._cycle = (following[0], [*following[1:], following[0]])

    def _show_choices(self) -> None:
        """The words that may stand here, and what the first one means; nothing when there is nothing to choose."""
        line = self._line
        found = self._grammar.complete(line.value, line.cursor_position) if line.has_focus else []
        words = list(dict.fromkeys(one.insert for one in found))
        self._choices.display = bool(words)
        if words:
            help_ = f"  ({found[0].help})" if len({one.help for one in found}) == 1 else ""
            self._choices.update(literal(f"   tab {'  '.join(words[:MOST_CHOICES])}{help_}"), layout=False)

    def on_descendant_blur(self) -> None:
        self._choices.display = False

    def _settled(self, value: str) -> None:
        if value == self._line.value and value != self.text:
            self._use(value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value != self.text:
            self._use(event.value)
        if not self.has_class("-wrong"):
            self.post_message(self.Done())

    @on(FilterInput.Left)
    def _left(self) -> None:
        self.post_message(self.Done())

    @on(FilterInput.GivenUp)
    def _given_up(self) -> None:
        self.put(self._before)
        self.post_message(self.Done())

    def _use(self, text: str) -> None:
        try:
            self._grammar.read(text)
        except QueryError as error:
            self.complain(str(error))
            return
        self.complain("")
        self.text = text
        self.post_message(self.Changed(text))

    def on_click(self, event: events.Click) -> None:
        if not self._line.has_focus:
            self.edit()
