"""Confirming a harmless act for one order on a line at the foot of the screen: order, customer, act; ⏎ or esc."""

from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from console.widgets.attended import Attended
from console.widgets.cells import literal
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, Piece, flowed
from console.widgets.planning import Agreed, Asked, Planning
from console.widgets.sheet import Sheet

MOST_LINES = 4
Answer = Agreed | Literal["dialog"] | None


class InlineConfirm(Attended, ModalScreen[Answer]):
    """Belongs to one order id and its run version. ``"dialog"``: the plan holds more than fits on a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Leave it"),
        Binding("enter", "go_on", "Go on"),
        Binding("tab", "app.focus_next", "Next", show=False),
        Binding("shift+tab", "app.focus_previous", "Before", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, asked: Asked, glyphs: Glyphs, planning: Planning) -> None:
        super().__init__()
        self._asked, self._glyphs, self._planning = asked, glyphs, planning
        self._trouble = ""
        self._busy = False
        self.stands = False
        self._words = Sheet(id="inline-words", ellipsis=glyphs.ellipsis)
        self._go = Button("", id="inline-go", compact=True)
        self._leave = Button("Leave it  esc", id="inline-leave", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(id="inline"):
            yield self._words
            with Horizontal(id="inline-buttons"):
                yield self._go
                yield self._leave

    def on_mount(self) -> None:
        self.stands = True
        self._words.can_focus = False
        suit(self, self._glyphs)
        self._make_plan()

    @property
    def ready(self) -> bool:
        """Would ⏎ submit now?"""
        return self._planning.possible and not (self._busy or self._planning.void or self._planning.usable())

    def flush(self) -> None:
        """The book changed: is the plan still about what it was made for?"""
        if self._planning.untold:
            self.run_worker(self._ask_change(), group="change", exclusive=True, exit_on_error=False)
        if self._planning.plan is not None:
            self._show()

    async def _ask_change(self) -> None:
        await self._planning.ask_change()
        self._show()

    def _make_plan(self) -> None:
        self._trouble, self._busy = "", True
        self._show()
        self.run_worker(self._fetch_plan(), group="plan", exclusive=True, exit_on_error=False)

    async def _fetch_plan(self) -> None:
        self._trouble = await self._planning.make({})
        if self._planning.plan is not None and not self._planning.fits_one_line():
            self.dismiss("dialog")  # still busy: ⏎ must not agree here to what only the dialog shows
            return
        self._busy = False
        self._show()

    # What is shown ---------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        lines = self._lines(max(30, self.size.width - 4))[:MOST_LINES]
        self._words.set_lines(lines)
        self._words.styles.height = len(lines)
        title = self._asked.command.title
        again = self._planning.void or bool(self._trouble)
        self._go.label = f"{'Plan again' if again else title}  {self._glyphs.enter}"
        self._go.disabled = self._busy

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = [self._question()]
        plan = self._planning.plan
        if plan is not None and plan.orders:
            order = plan.orders[0]
            said = "; ".join([*plan.lines, *order.lines])
            lines += flowed(self._glyphs.plain(literal(said)), "muted", width, indent="  ")[:2]
            if order.owner:
                lines += flowed(f"{self._glyphs.warn} taken by {literal(order.owner)}", "warn", width)
        if self._busy:
            lines.append([("the daemon is asked what it would do", "accent")])
        if self._planning.void:
            said = self._planning.change or "The order changed meanwhile"
            lines = [
                lines[0],
                *flowed(self._glyphs.plain(literal(f"{said}: this is void. Nothing was sent.")), "bad", width),
            ]
        elif trouble := self._trouble or self._planning.usable():
            lines = [lines[0], *flowed(self._glyphs.plain(literal(trouble)), "bad", width)]
        return lines

    def _question(self) -> list[Piece]:
        ((order_id, number),) = self._asked.targets.items()
        customer = literal(self._planning.name(order_id) or "")
        amount = self._planning.plan.orders[0].amount if self._planning.plan and self._planning.plan.orders else None
        badge = "badge_production" if self._asked.production else "badge_sandbox"
        return [
            (f" {literal(self._asked.environment).upper() or '?'} ", badge),
            (f" {self._asked.command.title} ", "accent"),
            (f"{literal(number)} {customer}", "strong"),
            (f"  {self._glyphs.yen}{amount:,}" if amount is not None else "", "muted"),
            ("?", "strong"),
        ]

    # Going on --------------------------------------------------------------------------------------------------------

    def action_go_on(self) -> None:
        planning = self._planning
        if self._busy:
            return
        if planning.void or self._trouble:
            self._make_plan()
        elif planning.usable():
            self._show()
        elif planning.plan is not None and planning.possible:
            self.dismiss(Agreed(planning.plan, {}, ""))

    def action_cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#inline-go")
    def _gone_on(self) -> None:
        self.action_go_on()

    @on(Button.Pressed, "#inline-leave")
    def _left(self) -> None:
        self.action_cancel()

    def on_click(self, event: events.Click) -> None:
        """A click beside it leaves it."""
        if event.widget is self:
            self.action_cancel()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)
