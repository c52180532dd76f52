"""Whole values of one order for half a minute: asked for with a reason, written to the audit log before they come."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from console.client.errors import ApiError
from console.schema.service import RevealRequest
from console.screens.desk import Desk
from console.widgets.attended import Attended
from console.widgets.cells import fit, literal
from console.widgets.fields import ChoiceInput, LineInput
from console.widgets.frames import suit
from console.widgets.pieces import Line, flowed
from console.widgets.sheet import Sheet

SHORTEST_REASON = 3
LONGEST_REASON = 500
FIELDS: Mapping[str, tuple[str, ...]] = {
    "contact": ("name", "phone", "email"),
    "esim": ("iccid", "eid"),
    "activation": ("activation",),
}
_LABELS = {"name": "Name", "phone": "Phone", "email": "E-mail", "iccid": "ICCID", "eid": "EID", "activation": "Activation code"}  # fmt: skip
_LABEL = 17


class RevealScreen(Attended, ModalScreen[None]):
    """Closes by itself after the daemon's ``hide_after``, when another screen or window comes in front, and when the
    daemon is lost. What it shows is in no other part of the console."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("tab", "app.focus_next", show=False),
        Binding("shift+tab", "app.focus_previous", show=False),
    ]
    AUTO_FOCUS = "#reveal-reason"

    def __init__(self, desk: Desk, order_id: str, number: str, *, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._desk, self._order_id, self._number, self._clock = desk, order_id, number, clock
        self._values: Mapping[str, Any] | None = None
        self._hide_at = 0.0
        self._over = self._left = False
        self._what = ChoiceInput(list(FIELDS), value="contact", id="reveal-what")
        self._reason = LineInput(id="reveal-reason", placeholder="why you need it; it is kept in the audit log")
        self._words = Sheet(id="reveal-words", ellipsis=desk.glyphs.ellipsis)

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(f" Reveal {literal(self._number)} ", id="dialog-act", markup=False)
                yield Label("esc", id="menu-close", markup=False)
            with Vertical(id="reveal-form"):
                for label, field in (("what", self._what), ("reason (needed)", self._reason)):
                    with Horizontal(classes="field"):
                        yield Label(label, markup=False)
                        yield field
            yield self._words

    def on_mount(self) -> None:
        suit(self, self._desk.glyphs)
        self.set_interval(0.25, self._tick)
        self.watch(self.app, "app_focus", self._looked_away, init=False)
        self._say("Who looked at what, when and why is written to the audit log first.", "muted")

    # Asking ----------------------------------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        reason, what = self._reason.value.strip(), unicodedata.normalize("NFKC", self._what.value).strip().casefold()
        if what not in FIELDS:
            self._say(f"{what or 'nothing'}: choose one of {', '.join(FIELDS)}.", "bad")
            self._what.focus()
        elif not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            self._say(f"A reason has {SHORTEST_REASON} to {LONGEST_REASON} characters.", "bad")
            self._reason.focus()
        else:
            self.run_worker(self._ask(FIELDS[what], reason), group="reveal", exclusive=True, exit_on_error=False)

    async def _ask(self, fields: Sequence[str], reason: str) -> None:
        if said := self._desk.unheard():
            self._say(said, "bad")
            return
        request = RevealRequest(order_id=self._order_id, fields=list(fields), reason=reason)  # type: ignore[arg-type]  # names of FIELDS
        try:
            answer = await self._desk.session.api.reveal(request)
        except ApiError as error:
            self._say(str(error), "bad")
            return
        if not (self.is_active and self.app.app_focus):  # looked away while it was asked
            self.hide()
            return
        self._values, self._hide_at = answer.values, self._clock() + answer.hide_after
        self.query_one("#reveal-form").display = False
        self.set_focus(None)
        self._tick()

    # Showing and hiding ----------------------------------------------------------------------------------------------

    def _say(self, said: str, tone: str) -> None:
        self._put(flowed(self._desk.glyphs.plain(literal(said)), tone, max(30, self._words.room or 70)))

    def _put(self, lines: Sequence[Line]) -> None:
        self._words.set_lines(lines)
        self._words.styles.height = max(1, min(len(lines), max(3, self.size.height - 8)))

    def _tick(self) -> None:
        if self._values is None:
            return
        left = self._hide_at - self._clock()
        if left <= 0 or not self._desk.session.link().usable:
            self.hide()
            return
        lines: list[Line] = []
        for field, value in self._values.items():
            lines += _shown(_LABELS.get(field, field), value)
        self._put([*lines, [], [(f"hidden again in {left:.0f} s", "muted")]])

    def hide(self) -> None:
        """Nothing revealed stays, on the screen or in memory; behind another screen it closes when that one is gone."""
        self._values = None
        self._words.set_lines([])
        self._over = True
        if self.is_active:
            self.call_later(self.action_close)

    def on_screen_suspend(self) -> None:
        """Something came in front."""
        if self._values is not None:
            self.hide()

    def on_screen_resume(self) -> None:
        if self._over:
            self.call_later(self.action_close)

    def _looked_away(self, focused: bool) -> None:
        if not focused and self._values is not None:
            self.hide()

    def action_close(self) -> None:
        self._values = None
        if self.is_active and not self._left:
            self._left = True
            self.dismiss(None)


def _shown(label: str, value: Any) -> list[Line]:
    """One line a value; an activation code with what a person types by hand."""
    values = value if isinstance(value, list) else [value]
    texts: list[str] = []
    for one in values:
        if isinstance(one, dict):
            texts += [str(one.get(key)) for key in ("code", "smdp_address", "matching_id") if one.get(key)]
        elif one:
            texts.append(str(one))
    named = [label, *[""] * len(texts)]
    return [
        [(fit(name, _LABEL), "muted"), (literal(text), "strong")]
        for name, text in zip(named, texts or ["none is known here"], strict=False)
    ]
