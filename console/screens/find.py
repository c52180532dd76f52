"""Find: by whatever a customer can name, asked of the daemon over all orders, with what to say about each."""

from collections.abc import Iterable, Sequence, Set
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label
from textual.widgets.input import Selection

from console import keys
from console.client.errors import ApiError
from console.client.rows import BookRow, row_of
from console.schema.orders import FindAnswer, FoundOrder, OrderLine
from console.schema.said import Say
from console.screens.base import LiveScreen
from console.screens.copying import copy_out
from console.screens.desk import Desk
from console.widgets import foundrow
from console.widgets.cells import literal
from console.widgets.fields import LineInput
from console.widgets.hints import Hint
from console.widgets.pieces import Line, flowed
from console.widgets.saylines import LANGUAGES, say_lines
from console.widgets.sheet import Sheet
from console.widgets.wording import clock

LONGEST = 200
HINT = "order or customer number, name, phone, ICCID, WHMCS id, e-mail"


class FindInput(LineInput):
    """Down goes on to what was found."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down", "screen.to_found", "To the result", show=False)]


class FindScreen(LiveScreen):
    """``text`` is looked for at once. What was found stays live; the sentences follow the orders' states."""

    MODE = "orders"
    CSS_PATH = "../../styles/find.tcss"
    BINDING_GROUP_TITLE = "Find"
    AUTO_FOCUS = "#find-input"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.FIND, *keys.SAY]

    def __init__(self, desk: Desk, text: str = "") -> None:
        super().__init__(desk)
        dots = desk.glyphs.ellipsis
        self._given = text
        self._line = FindInput(text[:LONGEST], id="find-input", compact=True, placeholder=HINT, select_on_focus=False)
        self._summary = Label("", id="find-summary", markup=False)
        self.found = Sheet(id="found", ellipsis=dots)
        self.said = Sheet(id="said", ellipsis=dots)
        self.answer: FindAnswer | None = None
        self._asking = self._asked = self._trouble = ""
        self._fresh: dict[str, Say] = {}

    # Parts -----------------------------------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="find-bar"):
            yield Label(" Find ", id="find-sign", markup=False)
            yield self._line
            yield self._summary
        with Container(id="find"):
            yield self.found
            yield self.said

    def on_mount(self) -> None:
        self.MODE = self.app.current_mode
        super().on_mount()
        self.look_for(self._given)

    def hints(self) -> Sequence[Hint]:
        if self._line.has_focus:
            last = [Hint("esc", "Back", "back", must=True), Hint("enter", "Find", "look", must=True)]
            return [*last, Hint("tab", "To the result", "to_found")] if self.answer else last
        chosen = [Hint("enter", "Open", "open", must=True)] if self.found.chosen else []
        says = [Hint("J", "copy Japanese", "say('ja')", must=True), Hint("K", "copy English", "say('en')", must=True)]
        again = [Hint("/", "Find another", "edit", must=True), Hint("f", "Read again", "look")]
        return [
            *chosen,
            *(says if self._say() else []),
            *again,
            Hint("esc", "Back", "back", must=True),
            Hint("?", "Help", "app.help"),
        ]

    # Asking ----------------------------------------------------------------------------------------------------------

    def look_for(self, text: str) -> None:
        """Ask the daemon; an older question is dropped."""
        text = text.strip()
        if text and text != self._asked:  # what was found for another text is no answer to this one
            self.answer, self._asked = None, text
        if len(text) > LONGEST:
            self.workers.cancel_group(self, "find")
            self._line.value, self._asking = text[:LONGEST], ""
            self._trouble = (
                f"That is {len(text):,} characters long and was not looked for; of a mail or a log, take the number, the name"
                f" or the address: {LONGEST} are enough to find anything."
            )
        elif text:
            self._line.value, self._asking, self._trouble = text, text, ""
            self._ask(text)
        self._show()

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _ask(self, text: str) -> None:
        try:
            answer = await self.desk.session.api.find(text)
        except ApiError as error:
            self._asking, self._trouble = "", f"The daemon could not look for it: {error}"
            self._show()
            return
        self.answer, self._asking, self._fresh = answer, "", {}
        names = {hit.order.order_id: hit.order.customer for hit in answer.orders if hit.order.customer}
        self.desk.session.learn_names(names)
        self._show()
        order = self._order_ids()
        self.found.choose(order[0] if order else None)
        if self._line.value == text:
            self.found.focus()
        self._show()

    @on(Input.Submitted, "#find-input")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.look_for(event.value)

    def _order_ids(self) -> list[str]:
        answer = self.answer
        if answer is None:
            return []
        return [*(hit.order.order_id for hit in answer.orders), *(order.order_id for order in answer.elsewhere)]

    # Live ------------------------------------------------------------------------------------------------------------

    def show_changes(self, changed: Set[str]) -> None:
        if self.answer is None or changed.isdisjoint(self._order_ids()):
            return
        for order_id in changed & set(self._order_ids()):
            self._fresh.pop(order_id, None)
            self._say_again(order_id)
        self._show()

    @work(group="say", exit_on_error=False)
    async def _say_again(self, order_id: str) -> None:
        """Its state is another one now: what was to be said may be wrong."""
        try:
            self._fresh[order_id] = (await self.desk.session.api.order(order_id)).say
        except ApiError as error:
            self._trouble = f"What to say about {order_id} could not be read again: {error}"
        self._show()

    def tick(self) -> None:
        super().tick()
        muted = not self.desk.session.link().usable
        self.found.set_muted(muted)
        self.said.set_muted(muted)

    # Showing ---------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.is_mounted:
            return
        glyphs = self.desk.glyphs
        self._summary.update(glyphs.plain(f" {self._summarised()} "))
        self._summary.set_class(self.answer is not None and not self.answer.complete, "-partial")
        lines, names = self._found_lines()
        marked = [
            foundrow.in_hand(line, glyphs) if name and name == self.found.chosen else line
            for line, name in zip(lines, names, strict=True)
        ]
        self.found.set_lines(marked, names)
        self._show_said()
        self.show_keys()

    def _show_said(self) -> None:
        self.said.set_lines([*self._say_lines(), [], *self._looked_lines()])

    def _summarised(self) -> str:
        if self._asking:
            return "asking the daemon ..."
        answer = self.answer
        if answer is None:
            return ""
        count, partial = len(self._order_ids()), "" if answer.complete else ", not everything could be asked"
        at_least = "at least " * (count > 0 and not answer.complete)
        count_said = f"more than {count}" if answer.more else f"{at_least}{count}"
        customers = f", {len(answer.accounts)} customer{'s' * (len(answer.accounts) != 1)}" if answer.accounts else ""
        return f"{count_said} order{'s' * (count != 1)}{customers}{partial}, {clock(answer.at, self.desk.session.zone)}"

    def _found_lines(self) -> tuple[list[Line], list[str | None]]:
        answer, glyphs, session = self.answer, self.desk.glyphs, self.desk.session
        if answer is None or not (answer.orders or answer.elsewhere or answer.accounts):
            empty = self._empty_lines()
            return empty, [None] * len(empty)
        columns = foundrow.placed(max(30, self.found.room or 60))
        lines: list[Line] = [*(self._empty_lines() if self._trouble else ()), foundrow.heading(columns)]
        names: list[str | None] = [None] * len(lines)
        for hit in answer.orders:
            name = hit.order.customer or ""
            lines.append(
                foundrow.order_line(
                    self._row(hit.order), name, hit.matched, columns, session.now(), session.zone, glyphs
                )
            )
            names.append(hit.order.order_id)
        for order in answer.elsewhere:
            lines.append(foundrow.outside_line(order, columns, glyphs))
            names.append(order.order_id)
        if not self._order_ids():
            lines += [[("   no order", "muted")]]
        if answer.more:
            said = "There are more than are listed here: give a number, the telephone, or more of the name."
            lines += flowed(f"   {said}", "warn", max(30, self.found.room or 60), indent="   ")
        if answer.accounts:
            width = max(30, self.found.room or 60)
            lines += [
                [],
                [("   CUSTOMERS", "strong")],
                *(foundrow.account_line(one, width, glyphs) for one in answer.accounts),
            ]
        return lines, [*names, *[None] * (len(lines) - len(names))]

    def _row(self, line: OrderLine) -> BookRow:
        """As the book has it now, else as it was found."""
        row = self.desk.session.book.get(line.order_id)
        return row if row is not None else row_of(line)

    def _empty_lines(self) -> list[Line]:
        answer, width = self.answer, max(20, self.found.room or 60)
        if self._trouble:
            return flowed(f" {self.desk.glyphs.plain(literal(self._trouble))}", "bad", width, indent=" ")
        if self._asking or answer is None:
            hint = "Asking ..." if self._asking else f"Type {HINT}; in any script or spelling. Or paste it."
            return flowed(f" {hint}", "muted", width, indent=" ")
        if answer.complete:
            said = f" Nothing was found as {', '.join(answer.read_as)}."
            if answer.not_known:
                return flowed(
                    f"{said} It may be there all the same: see what cannot be known.", "warn", width, indent=" "
                )
            return flowed(said, "plain", width, indent=" ")
        said = " Nothing was found where it could be asked, but not everything could be asked: it may be there all the same."
        return flowed(said, "warn", width, indent=" ")

    def _say_lines(self) -> list[Line]:
        say, width = self._say(), max(20, self.said.room or 40)
        if say is None:
            return []
        lines = say_lines(say, width, self.desk.glyphs)
        hit = self._hit()
        if (
            hit is not None
            and (self._row(hit.order).version != hit.order.version)
            and hit.order.order_id not in self._fresh
        ):
            lines += flowed("Its state has just changed; this is read again.", "warn", width)
        return lines

    def _hit(self) -> FoundOrder | None:
        chosen = self.found.chosen
        return next((hit for hit in self.answer.orders if hit.order.order_id == chosen), None) if self.answer else None

    def _say(self) -> Say | None:
        """About the chosen order; about the result as a whole when none is."""
        answer, chosen = self.answer, self.found.chosen
        if answer is None:
            return None
        if chosen is None:
            return answer.say
        if chosen in self._fresh:
            return self._fresh[chosen]
        if (hit := self._hit()) is not None:
            return hit.say
        return next((order.say for order in answer.elsewhere if order.order_id == chosen), answer.say)

    def _looked_lines(self) -> list[Line]:
        """Where was looked and where could not be; what the text was read as."""
        answer, glyphs, width = self.answer, self.desk.glyphs, max(20, self.said.room or 40)
        if answer is None:
            return []
        lines: list[Line] = [[("LOOKED IN", "strong"), (f"  as {', '.join(answer.read_as)}", "muted")]]
        for place in answer.looked:
            if not place.ok:
                said = f"{glyphs.bad} {place.place} could not be asked: {glyphs.plain(literal(place.note))}"
                lines += flowed(said, "bad", width, indent="  ")
        asked = [
            f"{glyphs.ok} {place.place}: {'more than ' * place.more}{place.found}"
            for place in answer.looked
            if place.ok
        ]
        lines += flowed("   ".join(asked), "muted", width)
        if not any(place.place.startswith("WHMCS") for place in answer.looked):
            lines += flowed(
                "- WHMCS has no search by this; its clients are found by way of Salesforce", "muted", width, indent="  "
            )
        if answer.not_known:
            lines += flowed(f"{glyphs.warn} {glyphs.plain(literal(answer.not_known))}", "warn", width, indent="  ")
        return lines

    # Acts ------------------------------------------------------------------------------------------------------------

    @on(Sheet.Chosen, "#found")
    def _chosen(self) -> None:
        self._show()

    @on(Sheet.Activated, "#found")
    def _activated(self, event: Sheet.Activated) -> None:
        self.open_order(event.name)

    def action_open(self) -> None:
        self.found.action_activate()

    def action_say(self, language: str) -> None:
        """Copy what to say about the order in hand."""
        say = self._say()
        if say is None:
            self.notify("There is nothing to say yet.", severity="warning", markup=False)
        else:
            copy_out(self.app, say.ja if language == "ja" else say.en, f"{LANGUAGES[language]} sentence")

    def action_look(self) -> None:
        self.look_for(self._line.value)

    def action_edit(self) -> None:
        self._line.focus()
        self._line.selection = Selection(0, len(self._line.value))

    def action_to_found(self) -> None:
        self.found.focus()

    def action_back(self) -> None:
        self.app.pop_screen()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    @on(Sheet.Widened)
    def _part_widened(self) -> None:
        """Under a dialog, and right after one, the parts get their size later than the screen."""
        self._show()

    def on_descendant_focus(self) -> None:
        self._show_said()
        self.show_keys()
