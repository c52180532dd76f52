"""The dialog in front of every command: what is asked for, the daemon's plan, and one deliberate ⏎.

It belongs to order ids and run versions, never to a row. Keys of its first half second are ignored, no command is
confirmed by its own key, and when an order changes meanwhile the plan is void and made anew.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from console.commands.words import Risk
from console.schema.commands import Plan
from console.widgets.attended import Attended
from console.widgets.bulkrow import BulkRow
from console.widgets.cells import literal
from console.widgets.fields import LineInput, field_for, read_value
from console.widgets.frames import suit
from console.widgets.glyphs import Glyphs
from console.widgets.grace import Grace
from console.widgets.pieces import Line, flowed
from console.widgets.planlines import plan_lines
from console.widgets.planning import Agreed, Asked, Planning
from console.widgets.sheet import Sheet

LONGEST_REASON = 500


class PlanDialog(Attended, ModalScreen[Agreed | None]):
    """Its form stays beside the plan: another value of an argument drops the plan, and it is made anew."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("enter", "go_on", "Go on"),
        Binding("tab", "app.focus_next", "Next field", show=False),
        Binding("shift+tab", "app.focus_previous", "Field before", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, asked: Asked, glyphs: Glyphs, planning: Planning) -> None:
        super().__init__()
        self._asked, self._glyphs, self._planning = asked, glyphs, planning
        self._trouble = self._unusable = ""
        self._busy = False
        self.stands = False
        self._at_once = False  # what was typed for a command without risk needs no second ⏎
        self._grace = Grace(asked.command.keys)
        self._words = Sheet(id="dialog-words", ellipsis=glyphs.ellipsis)
        self._form = Vertical(id="dialog-fields")
        self._fields = {
            argument.name: field_for(
                argument, asked.choices.get(argument.name, ()), asked.prefilled.get(argument.name, "")
            )
            for argument in asked.command.arguments
        }
        self._reason_row = Horizontal(classes="field", id="dialog-reason-row")
        self._reason_label = Label("reason", id="dialog-reason-label", markup=False)
        self._reason = LineInput(value=asked.reason, id="dialog-reason")
        self._count_row = Horizontal(classes="field", id="dialog-count-row")
        self._count_label = Label("", id="dialog-count-label", markup=False)
        self._count = Input(id="dialog-count")
        self._bulk = BulkRow()
        self._cancel = Button("Leave it  esc", id="dialog-cancel", compact=True)
        self._go = Button("", id="dialog-go", compact=True)

    # What is shown ---------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        command = self._asked.command
        with Vertical(id="dialog"):
            with Horizontal(id="dialog-title"):
                yield Label(f" {command.title} ", id="dialog-act", markup=False)
                badge = Label(f" {literal(self._asked.environment).upper()} ", id="dialog-badge", markup=False)
                badge.set_class(self._asked.production, "-production")
                yield badge
            yield self._words
            with self._form:
                for argument in command.arguments:
                    with Horizontal(classes="field"):
                        needed = "" if argument.required else " (optional)"
                        yield Label(f"{argument.name.replace('_', ' ')}{needed}", markup=False)
                        yield self._fields[argument.name]
            with self._reason_row:
                yield self._reason_label
                yield self._reason
            with self._count_row:
                yield self._count_label
                yield self._count
            yield self._bulk
            with Horizontal(id="dialog-buttons"):
                yield self._cancel
                yield self._go

    def on_mount(self) -> None:
        self.stands = True
        suit(self, self._glyphs)
        self._grace.start()
        if any(argument.required for argument in self._asked.command.arguments) and not self._all_given():
            one = len(self._asked.targets) <= 1 and not self._asked.filter
            self._at_once = one and self._asked.command.risk is Risk.NONE
            self._show()
            self._focus_first_field()
        else:
            self._make_plan()

    @property
    def plan(self) -> Plan | None:
        return self._planning.plan

    def ignores_input(self, key: str = "") -> bool:
        """Are keys and clicks still ignored? A held-down key of the command itself stays ignored while it repeats."""
        return self._grace.ignores(key)

    def _all_given(self) -> bool:
        given = self._asked.prefilled
        return all(given.get(argument.name) for argument in self._asked.command.arguments if argument.required)

    def _focus_first_field(self) -> None:
        fields = list(self._fields.values())
        empty = [field for field in fields if not field.value]
        if fields:
            (empty or fields)[0].focus()

    def _focus_wrong_field(self) -> None:
        """The field that the daemon names first, as in ``until: 'foo' is not a condition``."""
        left_out = [order.why_not for order in self.plan.orders] if self.plan is not None else []
        said = [self._trouble, *left_out]
        wrong = (field for name, field in self._fields.items() if any(one.startswith(f"{name}: ") for one in said))
        if (field := next(wrong, None)) is not None:
            field.focus()
        else:
            self._focus_first_field()

    def _show(self) -> None:
        """Words, which fields are to be seen, and what the button says."""
        words = self._words
        lines = self._lines(max(30, words.room or 72))
        words.set_lines(lines)
        words.styles.height = max(1, min(len(lines), max(3, self.size.height - 12)))
        planned, possible = self.plan is not None, self._planning.possible
        self._form.display = bool(self._asked.command.arguments)
        self._reason_row.display = possible
        self._reason_label.update("reason (needed)" if self._planning.needs_reason else "reason (optional)")
        count = self._planning.count_to_type(self._asked)
        self._count_row.display = possible and bool(count)
        self._count_label.update(f"type {count}")
        self._bulk.display = possible and self.plan is not None and self.plan.bulk
        self._go.label = self._go_label()
        self._go.refresh(layout=True)  # Textual keeps a button as wide as its first label
        self._go.disabled = self._busy or (planned and not possible)

    def _go_label(self) -> str:
        enter = self._glyphs.enter
        if self._planning.void:
            return f"Plan again  {enter}"
        if self.plan is None and not self._at_once:
            return f"Show the plan  {enter}"
        return f"{self._asked.command.title}  {enter}"

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = []
        if self._asked.notice:
            lines += [*flowed(self._glyphs.plain(literal(self._asked.notice)), "warn", width), []]
        if self.plan is None:
            lines += self._who()
            lines += flowed(self._asked.command.description, "muted", width)
            for argument in self._asked.command.arguments:
                lines += flowed(f"{argument.name.replace('_', ' ')}: {argument.help}", "muted", width, indent="  ")
        else:
            lines += plan_lines(self.plan, self._planning.name, width, self._glyphs)
        if self._busy:
            lines.append([("the daemon is asked for the plan", "accent")])
        if self._planning.void:
            lines += flowed("An order changed meanwhile: this plan is void. Nothing was sent.", "bad", width)
            lines += (
                flowed(self._glyphs.plain(literal(self._planning.change)), "bad", width)
                if self._planning.change
                else []
            )
        self._unusable = self._planning.usable()
        if self._unusable:
            lines += flowed(self._unusable, "bad", width)
        if self._trouble:
            lines += flowed(self._glyphs.plain(literal(self._trouble)), "bad", width)
        return lines

    def _who(self) -> list[Line]:
        if len(self._asked.targets) > 1:
            return [[(f"{len(self._asked.targets)} orders", "strong")]]
        return [
            [(literal(number), "strong"), (f"  {literal(self._planning.name(order_id) or '')}", "strong")]
            for order_id, number in self._asked.targets.items()
        ]

    # Going on --------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """The book changed: is the plan still about what it was made for? And can anything be submitted?"""
        if self._planning.untold:
            self.run_worker(self._ask_change(), group="change", exclusive=True, exit_on_error=False)
        if self.plan is not None or self._planning.usable() != self._unusable:
            self._show()

    async def _ask_change(self) -> None:
        await self._planning.ask_change()
        self._show()

    def action_cancel(self) -> None:
        self.dismiss(None)

    def action_go_on(self) -> None:
        """One step: ask for the plan, or agree to the one that is shown."""
        if self._busy:
            return
        if self.plan is None or self._planning.void:
            self._make_plan()
        elif not self._planning.possible:
            self.dismiss(None)
        else:
            self._agree()

    def _agree(self) -> None:
        assert self.plan is not None
        if self._planning.usable():
            self._show()
            return
        reason = self._reason.value.strip()
        trouble = self._unfit_reason(reason)
        field: Input = self._reason
        if (
            not trouble
            and (count := self._planning.count_to_type(self._asked))
            and not _is_number(self._count.value, count)
        ):
            trouble, field = f"Type the number of orders, {count}, to go on.", self._count
        if not trouble and self.plan.bulk and (unread := self._bulk.trouble()):
            trouble, field = unread
        self._trouble = trouble
        if trouble:
            self._show()
            field.focus()
            return
        pace = self._bulk.values() if self.plan.bulk else ()
        self.dismiss(Agreed(self.plan, dict(self._planning.arguments), reason, *pace))

    def _unfit_reason(self, reason: str) -> str:
        if self._planning.needs_reason and not reason:
            return "This command needs a reason."
        if len(reason) > LONGEST_REASON:
            return f"A reason has at most {LONGEST_REASON} characters, this one has {len(reason):,}."
        return ""

    def _given(self) -> tuple[dict[str, Any], list[str]]:
        """The values in the fields, and the names of those that are missing."""
        arguments: dict[str, Any] = {}
        missing: list[str] = []
        for argument in self._asked.command.arguments:
            value = read_value(argument, self._fields[argument.name].value)
            if value is not None:
                arguments[argument.name] = value
            elif argument.required:
                missing.append(argument.name.replace("_", " "))
        return arguments, missing

    def _make_plan(self) -> None:
        arguments, missing = self._given()
        if missing:
            self._trouble = f"{', '.join(missing)}: must be given."
            self._show()
            return
        self._trouble, self._busy = "", True
        self._show()
        self.run_worker(self._fetch_plan(arguments), group="plan", exclusive=True, exit_on_error=False)

    async def _fetch_plan(self, arguments: Mapping[str, Any]) -> None:
        self._trouble = await self._planning.make(arguments)
        self._busy = False
        if self.plan is not None:
            self._grace.start()
        self._show()
        if self._at_once and self._planning.possible and not self._planning.needs_reason:
            self._agree()
        else:
            self._choose_focus()

    def _choose_focus(self) -> None:
        """Where something is to be typed next; else nowhere, so that ⏎ agrees."""
        if not self._planning.possible and self._fields:
            self._focus_wrong_field()
        elif self.plan is not None and not self._planning.possible:
            self._cancel.focus()
        elif self._planning.needs_reason:
            self._reason.focus()
        elif self._planning.count_to_type(self._asked):
            self._count.focus()
        else:
            self.set_focus(None)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        """Another value of an argument is another act; what was wrong in a field is judged anew when it is given."""
        if self._trouble and self.plan is not None:
            self._trouble = ""
            self._show()
        if (
            event.input in self._fields.values()
            and self.plan is not None
            and self._given()[0] != self._planning.arguments
        ):
            self._planning.drop()
            self._show()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_go_on()

    @on(Button.Pressed, "#dialog-cancel")
    def _cancelled(self) -> None:
        self.action_cancel()

    @on(Button.Pressed, "#dialog-go")
    def _gone_on(self) -> None:
        self.action_go_on()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)


def _is_number(text: str, wanted: int) -> bool:
    """Read after NFKC: ``１２`` is 12."""
    return unicodedata.normalize("NFKC", text).strip().replace(",", "") == str(wanted)
