"""Resolve: the evidence of the looks, and what the call may have made beside our order; a person says which it is."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.client.rows import row_of
from console.commands.table import BY_ID
from console.schema.detail import CallView, OrderDetail, PossibleCommand
from console.schema.mending import CandidatesView
from console.screens.acting import ActingScreen
from console.screens.desk import Desk
from console.screens.latest import Latest
from console.widgets import story
from console.widgets.cells import literal
from console.widgets.evidence import asked_lines, candidate_lines, chosen_of, match_lines
from console.widgets.hints import Hint
from console.widgets.sheet import Bar, Sheet

IS, ABSENT = "order.resolve_is", "order.resolve_absent"


class ResolveScreen(ActingScreen):
    """One order whose call nobody can tell the outcome of. It closes when the outcome is settled, by whomever."""

    MODE = "orders"
    CSS_PATH = "../../styles/resolve.tcss"
    BINDING_GROUP_TITLE = "Resolve"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.RESOLVE, *keys.of_commands()]
    AUTO_FOCUS = "#candidates"

    def __init__(self, desk: Desk, order_id: str) -> None:
        super().__init__(desk)
        self.order_id = order_id
        self._detail: OrderDetail | None = None
        self._about: int | None = None  # the call that is to be settled here
        self._found: CandidatesView | None = None
        self._trouble = self._unread = ""
        self._fetch, self._look = Latest(self, self._read), Latest(self, self._read_candidates)
        dots = desk.glyphs.ellipsis
        self._head = Bar(id="order-head", ellipsis=dots)
        self._asked = Sheet(id="asked", ellipsis=dots)
        self._candidates = Sheet(id="candidates", ellipsis=dots)
        self._match = Sheet(id="match", ellipsis=dots)

    def body(self) -> Iterable[Widget]:
        yield self._head
        with Container(id="evidence"):
            yield self._asked
            with Vertical(id="possible"):
                yield self._candidates
                yield self._match

    def on_mount(self) -> None:
        super().on_mount()
        self._fetch()
        self._look()

    def hints(self) -> Sequence[Hint]:
        chosen = chosen_of(self._found, self._candidates.chosen)
        fits = chosen is not None and not chosen.why_not
        absent = self.possible(ABSENT)
        hints = [
            Hint("esc", "Back", "back", must=True),
            Hint("enter", "It is this one", "is_it", off=not fits),
            Hint("=", "Type an id", f"act('{IS}')"),
        ]
        if absent is not None and not absent.never:
            hints.append(Hint("A", "It is not there", f"act('{ABSENT}')", off=not absent.possible))
        rest = [Hint(key, title, f"act('order.{name}')") for key, title, name in _ALSO]
        return [*hints, Hint("f", "Read again", "fetch"), *rest, Hint("?", "Help", "app.help", must=True)]

    # Live ------------------------------------------------------------------------------------------------------------

    def show_changes(self, changed: Set[str]) -> None:
        if self.order_id in changed:
            self._fetch()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if self._detail is not None:
            self._fetch()

    def tick(self) -> None:
        super().tick()
        self._show_all()
        muted = not self.desk.session.link().usable
        if not muted and self._detail is not None and self._detail.outlived(self.desk.session.now()):
            self._fetch()
        for sheet in (self._asked, self._candidates, self._match):
            sheet.set_muted(muted)

    async def _read(self) -> None:
        try:
            self._detail = await self.desk.session.api.order(self.order_id)
            self._trouble = ""
        except ApiError as error:
            self._trouble = str(error)
        self._show_all()
        self.show_keys()
        if (call := self._call()) is not None:
            self._about = call.id
        elif self._detail is not None and self.is_active:
            self._settled(self._detail)

    async def _read_candidates(self) -> None:
        """Read what is there now. It changes nothing."""
        self._unread = ""
        try:
            self._found = await self.desk.session.api.candidates(self.order_id)
        except ApiError as error:
            self._found, self._unread = None, str(error)
        self._show_all()
        self.show_keys()

    def _settled(self, detail: OrderDetail) -> None:
        """Somebody said what it is, or the engine found it: there is nothing left to resolve here."""
        call = next((call for call in detail.calls if call.id == self._about and call.state != "unknown"), None)
        said = "every outcome is known now" if call is None else _outcome(call)
        self.tell(f"{detail.order.number}: {said}")
        self.dismiss()

    def _call(self) -> CallView | None:
        """The call whose outcome a person must settle: the oldest guarded one."""
        calls = self._detail.calls if self._detail is not None else []
        named = self._found.call_id if self._found is not None else None
        unknown = [call for call in calls if call.state == "unknown" and call.effect == "guarded"]
        return next((call for call in unknown if call.id == named), unknown[0] if unknown else None)

    # Showing ---------------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        detail, session, glyphs = self._detail, self.desk.session, self.desk.glyphs
        if detail is None:
            self._head.set_lines([[(f" {literal(self._trouble or 'loading')}", "bad" if self._trouble else "muted")]])
            return
        now, zone = session.now(), session.zone
        row = session.book.get(self.order_id) or row_of(detail.order)
        name = str(detail.customer.get("name") or "")
        requested = self.desk.submissions.is_requested(self.order_id)
        self._head.set_lines([story.headline(row, name, glyphs, now, zone, requested=requested)])
        if (call := self._call()) is not None:
            self._asked.set_lines(asked_lines(call, self.possible(ABSENT), _width(self._asked), now, zone, glyphs))
        self._candidates.set_lines(*candidate_lines(self._found, self._unread, _width(self._candidates), glyphs))
        if self._candidates.chosen is None and self._found is not None and self._found.candidates:
            self._candidates.choose(f"candidate:{self._found.candidates[0].identifier}")
        self._show_match()

    def _show_match(self) -> None:
        """Beside one another only once the order itself is read: ⏎ is possible from then on."""
        chosen = chosen_of(self._found, self._candidates.chosen)
        number = self._detail.order.number if self._detail is not None else ""
        self._match.set_lines(match_lines(chosen, number, _width(self._match), self.desk.glyphs))

    @on(Sheet.Chosen, "#candidates")
    def _looked_at(self) -> None:
        self._show_match()
        self.show_keys()

    # Acts ------------------------------------------------------------------------------------------------------------

    @on(Sheet.Activated, "#candidates")
    def _activated(self) -> None:
        self.action_is_it()

    def action_is_it(self) -> None:
        """The chosen one is what the call made: the daemon reads and compares it once more for the plan."""
        chosen = chosen_of(self._found, self._candidates.chosen)
        if self._detail is None or (self._found is None and not self._unread):
            self.notify("It is still being read: nothing is chosen yet.", severity="warning", markup=False)
        elif chosen is None:
            self.notify("Nothing is chosen: type an id with =.", severity="warning", markup=False)
        elif chosen.why_not:
            self.notify(f"It is not this one: {chosen.why_not}", severity="warning", markup=False)
        else:
            self.begin(BY_ID[IS], {"identifier": chosen.identifier})

    def targets(self) -> Mapping[str, str]:
        return {self._detail.order.order_id: self._detail.order.number} if self._detail is not None else {}

    def known_commands(self) -> Sequence[PossibleCommand]:
        return self._detail.commands if self._detail is not None else ()

    def action_fetch(self) -> None:
        self._fetch()
        self._look()

    def action_back(self) -> None:
        self.dismiss()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_all)


_ALSO = (("p", "Park", "park"), ("m", "Note", "note"), ("u", "Take", "take"))


def _width(sheet: Sheet) -> int:
    return max(24, sheet.room or 40)


def _outcome(call: CallView) -> str:
    """What the call is known to have made, and who said so."""
    found = {"done": "it is there", "absent": "it is not there"}.get(call.state, call.state.replace("_", " "))
    kind, _, name = (call.settled_by or "").partition(": ")
    by = f"{name} said so" if kind == "resolve" and name else "the daemon found out"
    return f"the outcome of {call.operation} is known now: {found}, {by}"
