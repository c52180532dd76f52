"""One order: its steps and calls, what went out and came back, the records of both systems, history, what can be done."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.commands.command import Command
from console.commands.table import BY_ID
from console.schema.detail import OrderDetail, PossibleCommand
from console.schema.records import Records
from console.screens.acting import ActingScreen
from console.screens.desk import Desk
from console.widgets import story
from console.widgets.cells import literal
from console.widgets.hints import Hint
from console.widgets.jsonview import JsonView
from console.widgets.pieces import Line
from console.widgets.records import comparison
from console.widgets.sheet import Bar, Sheet
from console.widgets.timeline import timeline

PANES = ("steps", "io", "records", "history", "meaning", "events", "acts")
ONE_AT_A_TIME = ("io", "records", "history", "meaning", "acts")  # beside the steps on a narrow terminal


class OrderScreen(ActingScreen):
    """``order`` is an id or a number; what is shown follows the feed."""

    MODE = "orders"
    CSS_PATH = "../../styles/order.tcss"
    BINDING_GROUP_TITLE = "Order"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.ORDER, *keys.of_commands()]
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
        super().on_mount()
        self._show_pane("io", focus=False)
        self._fetch()
        self._fetch_records()

    def _sheet(self, name: str) -> Sheet:
        return self._panes[name]

    def hints(self) -> Sequence[Hint]:
        acts = [Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')") for c in self.known_commands() if c.possible]
        looks = [Hint("tab", "Pane", "pane(1)", must=True), Hint("esc", "Back", "back", must=True)]
        more = [Hint("d", "Records", "records"), Hint("i", "Input", "input"), Hint("f", "Fetch", "fetch")]
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
        self._show_head()
        self._show_records()
        muted = not self.desk.session.link().usable
        for name in PANES:
            self._sheet(name).set_muted(muted)

    @work(group="detail", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        session = self.desk.session
        try:
            self._detail = await session.api.order(self.order)
            self._trouble = ""
        except ApiError as error:
            self._trouble = str(error)
        self._show_all()
        if session.nameless([self.order_id]) and self._detail is not None:
            try:
                await session.ask_names([self.order_id])
            except ApiError as error:
                self.log(f"names: {error}")
            self._show_head()

    @work(group="records", exclusive=True, exit_on_error=False)
    async def _fetch_records(self) -> None:
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
        self._sheet("history").set_lines(story.history_lines(detail, self._width("history"), now, zone, glyphs))
        self._sheet("meaning").set_lines(story.meaning_lines(detail, self._width("meaning"), glyphs))
        self._sheet("events").set_lines(story.event_lines(detail, zone, glyphs))
        self._sheet("acts").set_lines(*story.act_lines(detail.commands, self._width("acts"), glyphs))
        self.show_keys()

    def _width(self, name: str) -> int:
        return max(24, self._sheet(name).room or 40)

    def _show_head(self) -> None:
        session, glyphs = self.desk.session, self.desk.glyphs
        head = self._head
        row = session.book.get(self.order_id)
        if row is None:
            said = self._trouble or ("loading" if self._detail is None else "not in the book")
            head.set_lines(
                [[(f" {literal(self.order)}  ", "strong"), (literal(said), "bad" if self._trouble else "muted")]]
            )
            return
        requested = self.desk.submissions.is_requested(row.order_id)
        name = session.name(row.order_id) or ""
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

    # Commands --------------------------------------------------------------------------------------------------------

    def targets(self) -> Mapping[str, str]:
        return {self._detail.order.order_id: self._detail.order.number} if self._detail is not None else {}

    def known_commands(self) -> Sequence[PossibleCommand]:
        return self._detail.commands if self._detail is not None else ()

    def prefilled(self, command: Command) -> Mapping[str, str]:
        """Retry from the step that is chosen in the timeline."""
        chosen = self._sheet("steps").chosen or ""
        kind, _, name = chosen.partition(":")
        if kind == "step" and any(argument.name == "step" for argument in command.arguments):
            return {"step": name}
        return {}


def _where_it_stands(detail: OrderDetail, names: Sequence[str | None]) -> str | None:
    """The line a person most likely wants to see: the call that failed, else the step the run is at."""
    run = detail.run
    if run is None:
        return None
    step = run.error_step or run.step or (run.steps[-1].name if run.steps else None)
    troubled = [call for call in detail.calls if call.step == step and call.state in ("unknown", "refused", "intended")]
    wanted = [f"call:{troubled[-1].id}"] if troubled else []
    return next((name for name in [*wanted, f"step:{step}"] if name in names), None)
