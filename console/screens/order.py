"""One order: its steps and calls, what went out and came back, the records of both systems, history, what can be done."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.client.rows import row_of
from console.commands.command import Command
from console.commands.table import BY_ID
from console.schema.detail import OrderDetail, PossibleCommand
from console.schema.records import Records
from console.screens.acting import ActingScreen
from console.screens.copying import ExportTo, browser_here, copies_of, copy_out, links_of
from console.screens.desk import Desk
from console.screens.latest import Latest
from console.screens.reveal import RevealScreen
from console.widgets import story
from console.widgets.cells import literal
from console.widgets.hints import Hint
from console.widgets.jsonview import JsonView
from console.widgets.menu import Menu
from console.widgets.pieces import Line
from console.widgets.records import comparison
from console.widgets.saylines import LANGUAGES
from console.widgets.sheet import Bar, Sheet
from console.widgets.timeline import timeline
from console.written import write_private

PANES = ("steps", "io", "records", "history", "meaning", "events", "acts")
AGAIN = 5  # seconds until an order that could not be read is asked for again
ONE_AT_A_TIME = ("io", "records", "history", "meaning", "events", "acts")  # beside the steps on a narrow terminal


class OrderScreen(ActingScreen):
    """``order`` is an id or a number; what is shown follows the feed."""

    MODE = "orders"
    CSS_PATH = "../../styles/order.tcss"
    BINDING_GROUP_TITLE = "Order"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.ORDER, *keys.SAY, *keys.of_commands()]
    AUTO_FOCUS = "#steps"

    def __init__(self, desk: Desk, order: str) -> None:
        super().__init__(desk)
        self.order = order
        self._detail: OrderDetail | None = None
        self._records: Records | None = None
        self._records_note = "being read"
        self._trouble = ""
        self._everything = False
        self._shown = "io"
        self._heard, self._waited = False, 0
        self._fetch, self._fetch_records = Latest(self, self._read), Latest(self, self._read_records)
        dots = desk.glyphs.ellipsis
        self._head = Bar(id="order-head", ellipsis=dots)
        self._io = JsonView(desk.glyphs, id="io")
        self._panes = {name: self._io if name == "io" else Sheet(id=name, ellipsis=dots) for name in PANES}

    # Parts -----------------------------------------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        yield self._head
        with Container(id="panes"):
            yield from self._panes.values()

    def on_mount(self) -> None:
        self._heard = self.desk.session.link().usable
        super().on_mount()
        self._show_pane("io", focus=False)
        if self._heard:
            self.action_fetch()

    def _sheet(self, name: str) -> Sheet:
        return self._panes[name]

    def hints(self) -> Sequence[Hint]:
        acts = [Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')") for c in self.known_commands() if c.possible]
        looks = [Hint("tab", "Pane", "pane(1)", must=True), Hint("esc", "Back", "back", must=True)]
        more = [
            Hint("d", "Records", "records"), Hint("i", "Input", "input"), Hint("H", "History", "history"),
            Hint("f", "Read again", "fetch"), Hint("y", "Copy", "copy"), Hint("o", "Open", "open_link"), Hint("w", "Reveal", "reveal"),
        ]  # fmt: skip
        return [*looks, *acts, *more, Hint("?", "Help", "app.help", must=True)]

    # Live ------------------------------------------------------------------------------------------------------------

    @property
    def order_id(self) -> str:
        return self._detail.order.order_id if self._detail is not None else self.order

    def show_changes(self, changed: Set[str]) -> None:
        if self.order_id in changed:
            self._fetch()
            self._show_head()

    def tick(self) -> None:
        super().tick()
        heard = self.desk.session.link().usable
        self._waited = self._waited + 1 if self._trouble and self._detail is None else 0
        if heard and (not self._heard or self._waited >= AGAIN):  # heard for the first time or again, or not read yet
            self._waited = 0
            self.action_fetch()
        elif heard and self._detail is not None and self._detail.outlived(self.desk.session.now()):
            self._fetch()
        self._heard = heard
        self._show_head()
        self._show_records()
        for name in PANES:
            self._sheet(name).set_muted(not heard)

    async def _read(self) -> None:
        session = self.desk.session
        try:
            self._detail = await session.api.order(self.order)
            self._trouble = ""
        except ApiError as error:
            self._trouble = str(error)
        self._show_all()
        if self._detail is not None and self._detail.customer.get("name"):
            session.learn_names({self.order_id: self._detail.customer["name"]})

    async def _read_records(self) -> None:
        self._records_note = "being read"
        self._show_records()
        try:
            self._records = await self.desk.session.api.records(self.order)
        except ApiError as error:
            self._records, self._records_note = None, str(error)
        self._show_records()

    # Showing ---------------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        self._show_head()
        detail, session, glyphs = self._detail, self.desk.session, self.desk.glyphs
        if detail is None:
            self._sheet("steps").set_lines(
                [[(literal(self._trouble), "bad")]] if self._trouble else [[("loading", "muted")]]
            )
            return
        now, zone = session.now(), session.zone
        steps = self._sheet("steps")
        shown = timeline(detail, zone, glyphs, now, everything=self._everything)
        steps.set_lines(shown.lines, shown.names)
        if steps.chosen is None:
            steps.choose(_where_it_stands(detail, shown.names))
        self._show_io(keep_place=True)
        self._sheet("history").set_lines(*story.history_lines(detail, self._width("history"), now, zone, glyphs))
        self._sheet("meaning").set_lines(story.meaning_lines(detail, self._width("meaning"), glyphs))
        self._sheet("events").set_lines(story.event_lines(detail, zone, glyphs))
        self._sheet("acts").set_lines(*story.act_lines(detail.commands, self._width("acts"), glyphs))
        self._show_records()
        self.show_keys()

    def _width(self, name: str) -> int:
        return max(24, self._sheet(name).room or 40)

    def _show_head(self) -> None:
        session, glyphs = self.desk.session, self.desk.glyphs
        head = self._head
        row = session.book.get(self.order_id)
        if row is None and self._detail is not None:
            row = row_of(self._detail.order)
        if row is None:
            said = self._trouble or "loading"
            head.set_lines(
                [[(f" {literal(self.order)}  ", "strong"), (literal(said), "bad" if self._trouble else "muted")]]
            )
            return
        requested = self.desk.submissions.is_requested(row.order_id)
        known = self._detail.customer.get("name") if self._detail is not None else None
        name = session.name(row.order_id) or str(known or "")
        line: Line = story.headline(row, name, glyphs, session.now(), session.zone, requested=requested)
        trouble: Line = [(f" {glyphs.sep} {literal(self._trouble)}", "bad")] if self._trouble else []
        head.set_lines([[*line, *trouble]])

    def _show_io(self, *, keep_place: bool) -> None:
        if self._detail is not None:
            parts = story.parts_of(self._detail, self._sheet("steps").chosen, self.desk.session.zone, self.desk.glyphs)
            self._io.show(parts, keep_place=keep_place)

    def _show_records(self) -> None:
        lines = comparison(
            self._records, self._records_note, self._width("records"), self.desk.session.now(), self.desk.glyphs
        )
        self._sheet("records").set_lines(lines)

    @on(Sheet.Chosen, "#steps")
    def _step_chosen(self) -> None:
        self._show_io(keep_place=False)

    @on(Sheet.Activated, "#steps")
    def _step_opened(self) -> None:
        self._show_pane("io")

    @on(Sheet.Activated, "#history")
    def _mail_chosen(self) -> None:
        self.action_act("order.mail_resend")

    @on(Sheet.Activated, "#acts")
    def _act_chosen(self, event: Sheet.Activated) -> None:
        self.action_act(event.name.removeprefix("act:"))

    # Panes -----------------------------------------------------------------------------------------------------------

    def _show_pane(self, name: str, *, focus: bool = True) -> None:
        """On a narrow terminal one pane stands beside the steps; on a wide one all do and this one gets the focus."""
        if name in ONE_AT_A_TIME:
            self._shown = name
            for other in ONE_AT_A_TIME:
                self.set_class(other == name, f"-show-{other}")
        if focus:
            self.call_after_refresh(self._sheet(name).focus)
        self.call_after_refresh(self._show_all)

    def action_pane(self, by: int) -> None:
        narrow = self.has_class("-narrow") or self.has_class("-short")
        order = ("steps", *ONE_AT_A_TIME) if narrow else PANES
        focused = self.focused.id if self.focused is not None else "steps"
        at = order.index(focused) + by if focused in order else 0
        self._show_pane(order[at % len(order)])

    def action_records(self) -> None:
        self._show_pane("io" if self._shown == "records" and self.has_class("-narrow") else "records")

    def action_input(self) -> None:
        self._show_pane("io")

    def action_history(self) -> None:
        self._show_pane("history")

    def action_events(self) -> None:
        self._show_pane("events")

    def action_fetch(self) -> None:
        self._fetch()
        self._fetch_records()

    def action_everything(self) -> None:
        self._everything = not self._everything
        self._show_all()

    def action_back(self) -> None:
        self.app.pop_screen()

    def action_show_state(self, state: str) -> None:
        """A click on a count of the section bar."""
        self.app.call_later(self.app.run_action, f"orders_with('{state}')")

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_all)

    @on(Sheet.Widened)
    def _pane_widened(self) -> None:
        """Under a dialog, and right after one, the panes get their size later than the screen."""
        self._show_all()

    # What leaves the screen ------------------------------------------------------------------------------------------

    @work(group="menu", exclusive=True, exit_on_error=False)
    async def action_copy(self) -> None:
        """A menu of what can be copied; the JSON is asked for anew, masked as a viewer sees it."""
        detail = self._detail
        if detail is None:
            return
        possible = next((BY_ID[c.id] for c in detail.commands if c.possible and c.id in BY_ID), None)
        copies = copies_of(detail, possible)
        key = await self.app.push_screen_wait(Menu("Copy", [choice for choice, _ in copies], self.desk.glyphs))
        for choice, what in copies:
            if choice.key == key:
                text = await self._masked_json() if key == "j" else choice.shown
                copy_out(self.app, text, what)

    def action_say(self, language: str) -> None:
        """Copy what to say to the customer."""
        if self._detail is not None:
            say = self._detail.say
            copy_out(self.app, say.ja if language == "ja" else say.en, f"{LANGUAGES[language]} sentence")

    @work(group="menu", exclusive=True, exit_on_error=False)
    async def action_open_link(self) -> None:
        """Open the order where it lives; without a browser here the address is copied."""
        links = links_of(self._detail) if self._detail is not None else []
        if not links:
            self.notify("No address is known: settings name the org and WHMCS's admin area.", markup=False)
            return
        key = await self.app.push_screen_wait(Menu("Open in a browser", [one for one, _ in links], self.desk.glyphs))
        address = next((address for choice, address in links if choice.key == key), None)
        if address is None:
            return
        if browser_here(os.environ, sys.platform):
            self.app.open_url(address)
            self.tell(f"Opened {address}")
        else:
            copy_out(self.app, address, "address (no browser can be opened from here)")

    @work(group="menu", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write the order into a new file, masked as a viewer sees it."""
        if self._detail is None:
            return
        proposed = Path.home() / f"portal-order-{self._detail.order.number}.json"
        file = await self.app.push_screen_wait(ExportTo(self.desk.glyphs, proposed))
        if file is None:
            return
        try:
            write_private(file, await self._masked_json() + "\n")
        except ApiError as error:
            self.tell(f"Nothing was exported: {error}", "error")
        except OSError as error:
            self.tell(f"{file} could not be written: {error.strerror or error}", "error")
        else:
            self.tell(f"Written to {file}, personal data masked")

    async def _masked_json(self) -> str:
        detail = await self.desk.session.api.order(self.order_id, masked=True)
        return json.dumps(detail.model_dump(by_alias=True, mode="json"), ensure_ascii=False, indent=2)

    def action_reveal(self) -> None:
        """Whole values, for half a minute; the daemon writes it down first."""
        detail, session = self._detail, self.desk.session
        refusal = self.desk.unheard() or ("" if session.may("operator") else f"this needs the role operator; yours is {session.role}")  # fmt: skip
        if refusal:
            self.notify(f"Reveal: {refusal}", severity="warning", markup=False)
        elif detail is not None:
            self.app.push_screen(RevealScreen(self.desk, detail.order.order_id, detail.order.number))

    # Commands --------------------------------------------------------------------------------------------------------

    def targets(self) -> Mapping[str, str]:
        return {self._detail.order.order_id: self._detail.order.number} if self._detail is not None else {}

    def known_commands(self) -> Sequence[PossibleCommand]:
        return self._detail.commands if self._detail is not None else ()

    def prefilled(self, command: Command) -> Mapping[str, str]:
        """Retry from the step that is chosen in the timeline, the mail that is chosen in the history."""
        chosen = self._sheet("steps").chosen or ""
        kind, _, name = chosen.partition(":")
        if kind == "step" and command.id == "order.retry_step":
            return {"step": name}
        if command.id == "order.mail_resend" and (mail := self._chosen_mail()):
            return {"kind": mail}
        return {}

    def _chosen_mail(self) -> str:
        """The kind of the mail under the cursor; the only kind there is, where there is one."""
        mails = self._detail.mails if self._detail is not None else []
        chosen = (self._sheet("history").chosen or "").partition(":")[2]
        kinds = {mail.kind for mail in mails if str(mail.id) == chosen} or {mail.kind for mail in mails}
        return kinds.pop() if len(kinds) == 1 else ""


def _where_it_stands(detail: OrderDetail, names: Sequence[str | None]) -> str | None:
    """The line a person most likely wants to see: the call that failed, else the step the run is at."""
    run = detail.run
    if run is None:
        return None
    step = run.error_step or run.step or (run.steps[-1].name if run.steps else None)
    troubled = [call for call in detail.calls if call.step == step and call.state in ("unknown", "refused", "intended")]
    wanted = [f"call:{troubled[-1].id}"] if troubled else []
    return next((name for name in [*wanted, f"step:{step}"] if name in names), None)
