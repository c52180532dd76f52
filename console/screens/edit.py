"""Edit: a form with the fields that may be changed at this step by this role; each change is planned and confirmed."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Label

from console import keys
from console.client.errors import ApiError
from console.client.rows import row_of
from console.commands.table import BY_ID
from console.schema.detail import OrderDetail, PossibleCommand
from console.schema.mending import EditableField, EditForm
from console.screens.acting import ActingScreen
from console.screens.desk import Desk
from console.screens.latest import Latest
from console.widgets import story
from console.widgets.cells import literal
from console.widgets.fields import ChoiceInput
from console.widgets.hints import Hint
from console.widgets.pieces import flowed, told
from console.widgets.sheet import Bar, Sheet

EDIT = "order.edit"
AGAIN = 5  # seconds until a form that could not be read is asked for again


class EditScreen(ActingScreen):
    """One order's inputs. ⏎ in a field asks the daemon to check the new value and shows what it would lead to."""

    MODE = "orders"
    CSS_PATH = "../../styles/edit.tcss"
    BINDING_GROUP_TITLE = "Edit"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.EDIT]
    AUTO_FOCUS = ""

    def __init__(self, desk: Desk, order_id: str) -> None:
        super().__init__(desk)
        self.order_id = order_id
        self._detail: OrderDetail | None = None
        self._form: EditForm | None = None
        self._trouble = ""
        self._waited = 0  # seconds since a reading that failed
        self._fetch = Latest(self, self._read)
        dots = desk.glyphs.ellipsis
        self._head = Bar(id="order-head", ellipsis=dots)
        self._fields = VerticalScroll(id="edit-fields", can_focus=False)
        self._rest = Sheet(id="edit-rest", ellipsis=dots)
        self._inputs: dict[str, tuple[EditableField, ChoiceInput]] = {}

    def body(self) -> Iterable[Widget]:
        yield self._head
        yield self._fields
        yield self._rest

    def on_mount(self) -> None:
        super().on_mount()
        self._show_rest()
        self._fetch()

    def hints(self) -> Sequence[Hint]:
        return [
            Hint("esc", "Back", "back", must=True),
            Hint("enter", "Check and plan", "plan", must=True),
            Hint("tab", "Next field", "app.focus_next"),
            Hint("", "arrow keys go through the choices", "app.focus_next"),
        ]

    # Live ------------------------------------------------------------------------------------------------------------

    def show_changes(self, changed: Set[str]) -> None:
        if self.order_id in changed:
            self._fetch()

    def tick(self) -> None:
        super().tick()
        self._show_head()
        self._waited = self._waited + 1 if self._trouble else 0
        if self._waited >= AGAIN and self.desk.session.link().usable:
            self._waited = 0
            self._fetch()

    async def _read(self) -> None:
        """The form as it is now; what was typed and not sent yet stays, also where it cannot be read again."""
        api = self.desk.session.api
        try:
            self._detail = await api.order(self.order_id)
            form = await api.editable(self.order_id)
        except ApiError as error:
            self._trouble = str(error)
        else:
            self._form, self._trouble = form, ""
            await self._show_fields([one for one in form.fields if not one.why_not and not one.way])
        self._show_rest()
        self._show_head()

    async def _show_fields(self, open_fields: Sequence[EditableField]) -> None:
        if [one for one, _ in self._inputs.values()] == list(open_fields):
            return
        typed = {key: field.value for key, (_, field) in self._inputs.items()}
        focused = next((key for key, (_, field) in self._inputs.items() if field.has_focus), None)
        self._inputs = {_key(one): (one, self._input(one, typed.get(_key(one), ""))) for one in open_fields}
        await self._fields.remove_children()
        await self._fields.mount_all(self._row(one, field) for one, field in self._inputs.values())
        wanted = focused if focused in self._inputs else next(iter(self._inputs), None)
        if wanted is not None and self.is_active:
            self._inputs[wanted][1].focus()

    def _input(self, one: EditableField, typed: str) -> ChoiceInput:
        hint = one.hint or " / ".join(one.choices)
        return ChoiceInput(one.choices, value=literal(typed), placeholder=self.desk.glyphs.plain(literal(hint)))

    def _row(self, one: EditableField, field: ChoiceInput) -> Widget:
        glyphs = self.desk.glyphs
        named = f"{one.label}  {one.name}" if one.name else one.label
        return Horizontal(
            Label(glyphs.plain(literal(named)), classes="edit-name", markup=False),
            Label(glyphs.plain(literal(one.value or "none")), classes="edit-old", markup=False),
            Label(glyphs.plain("→"), classes="edit-into", markup=False),
            field,
            classes="edit-row",
        )

    def _show_rest(self) -> None:
        """What may not be edited here: why not now, or the way that is."""
        glyphs, width = self.desk.glyphs, max(30, self._rest.room or 76)
        lines = flowed(glyphs.plain(literal(self._trouble)), "bad", width) if self._trouble else []
        if self._form is None:
            self._rest.set_lines(lines or [[("the daemon is asked what may be edited", "muted")]])
            return
        lines.append([("NOT EDITED HERE", "strong")])
        for one in self._form.fields:
            if said := one.why_not or one.way:
                name = f"{one.label}{f' of {one.name}' if one.name else ''}: "
                lines += told([(glyphs.plain(literal(name)), "plain")], glyphs.plain(literal(said)), "muted", width)
        self._rest.set_lines(lines)

    def _show_head(self) -> None:
        session = self.desk.session
        if self._detail is None:
            return
        row = session.book.get(self.order_id) or row_of(self._detail.order)
        requested = self.desk.submissions.is_requested(self.order_id)
        name = str(self._detail.customer.get("name") or "")
        line = story.headline(row, name, self.desk.glyphs, session.now(), session.zone, requested=requested)
        self._head.set_lines([line])

    # Acts ------------------------------------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_plan()

    def action_plan(self) -> None:
        """Plan the change in the field that has the focus, else the first that was typed."""
        chosen = sorted(self._inputs.values(), key=lambda pair: not pair[1].has_focus)
        typed = next(((one, field) for one, field in chosen if field.value.strip()), None)
        if typed is None:
            self.notify("Nothing was typed yet: no value would change.", severity="warning", markup=False)
            return
        one, field = typed
        self.begin(BY_ID[EDIT], {"field": one.field, "item": one.item, "value": field.value.strip()})

    def targets(self) -> Mapping[str, str]:
        return {self._detail.order.order_id: self._detail.order.number} if self._detail is not None else {}

    def known_commands(self) -> Sequence[PossibleCommand]:
        return self._detail.commands if self._detail is not None else ()

    def action_back(self) -> None:
        self.dismiss()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_rest)


def _key(one: EditableField) -> str:
    return f"{one.item}/{one.field}"
