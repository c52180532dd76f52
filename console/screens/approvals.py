"""Approvals: the orders that are Pending Review in Salesforce now, why each waits, and the decision."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.commands.table import BY_ID
from console.schema.desk import Approval
from console.schema.detail import PossibleCommand
from console.screens.acting import ActingScreen
from console.screens.desk import Desk
from console.screens.order import OrderScreen
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.pieces import Line, flowed, joined, told
from console.widgets.sheet import Bar, Sheet

COLUMNS = (
    Column("number", "Order", 8),
    Column("customer", "Customer", 14, grow=1, most=26),
    Column("why", "Why", 22, priority=1, grow=3),
    Column("amount", "Amount", 9, right=True),
    Column("waited", "Wait", 4, right=True),
    Column("placed", "Placed by", 18, priority=3, grow=1, most=26),
    Column("owner", "Taken by", 8, priority=2),
)
AGAIN = 15  # seconds between two readings while the screen is looked at


class ApprovalsScreen(ActingScreen):
    """Read from Salesforce when the screen comes up, every few seconds, and after each decision."""

    MODE = "approvals"
    CSS_PATH = "../../styles/approvals.tcss"
    BINDING_GROUP_TITLE = "Approvals"
    AUTO_FOCUS = "#waiting"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.APPROVALS, *keys.of_commands()]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.table = OrderTable(COLUMNS, self._cells, desk.glyphs, id="waiting")
        self._summary = Bar(id="approvals-summary", ellipsis=desk.glyphs.ellipsis)
        self._facts = Sheet(id="facts", ellipsis=desk.glyphs.ellipsis)
        self._known: dict[str, Approval] = {}
        self._read_at: float | None = None
        self._trouble = ""
        self._age = 0

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self.table
        yield self._facts

    def hints(self) -> Sequence[Hint]:
        acts = [Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')", off=not c.possible) for c in self.known_commands()]
        new = [Hint(".", f"{self.table.waiting:,} new", "newest", tone="accent")] if self.table.waiting else []
        rest = [
            Hint("space", "Mark", "mark"),
            Hint("f", "Read again", "fetch"),
            Hint("?", "Help", "app.help", must=True),
        ]
        return [*new, *acts, *rest]

    def _cells(self, order_id: str) -> Cells:
        known = self._known.get(order_id)
        requested = self.desk.submissions.is_requested(order_id)
        if known is None:
            return {"number": [(order_id, "muted")], "why": [("decided meanwhile", "muted")]}
        why = self.desk.glyphs.plain(literal("; ".join(known.why)))
        return {
            "number": [(literal(known.number), "plain")],
            "customer": [(literal(known.customer or known.account or ""), "plain")],
            "why": [(self.desk.glyphs.state("requested"), "requested")]
            if requested
            else [(why, "plain" if known.may else "warn")],
            "amount": [(wording.amount(known.amount, self.desk.glyphs), "plain")],
            "waited": [(wording.age(self._waited(known)), "muted")],
            "placed": [(literal(known.placed_by or ""), "muted")],
            "owner": [(literal(known.owner or ""), "accent")],
        }

    def _waited(self, known: Approval) -> float:
        return known.waited + (self.desk.session.now() - self._read_at if self._read_at is not None else 0.0)

    # Live ------------------------------------------------------------------------------------------------------------

    def show_changes(self, changed: Set[str]) -> None:
        if changed & self._known.keys():
            self._fetch()
        if changed:
            self.table.refresh_keys(changed)

    def tick(self) -> None:
        super().tick()
        self.table.grey = not self.desk.session.link().usable
        self._age += 1
        if self._age >= AGAIN:
            self._fetch()
        self.table.refresh_keys(set(self.table.visible_keys()))
        self._show()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._fetch()

    @work(group="approvals", exclusive=True, exit_on_error=False)
    async def _fetch(self) -> None:
        self._age = 0
        if not self.desk.session.link().usable:
            return
        try:
            answer = await self.desk.session.api.approvals()
        except ApiError as error:
            self._trouble = str(error)
            self._show()
            return
        self._trouble, self._read_at = "", answer.at
        self._known = {one.order_id: one for one in answer.approvals}
        self.desk.waiting["approvals"] = answer.count
        self.desk.session.learn_names({one.order_id: one.customer or "" for one in answer.approvals})
        self.table.offer(list(self._known))
        self.table.refresh()
        self._show_sections()
        self._show()
        self.show_keys()

    def _show(self) -> None:
        self._summary.set_lines([self._summed_up()])
        known = self._known.get(self.table.in_hand or "")
        self._facts.set_lines(
            self._about(known) if known is not None else [[("an arrow key takes an order in hand", "muted")]]
        )

    def _summed_up(self) -> Line:
        glyphs, session = self.desk.glyphs, self.desk.session
        if self._trouble:
            return [(f" {glyphs.plain(literal(self._trouble))}", "bad")]
        if self._read_at is None:
            return [(" being read from Salesforce", "muted")]
        waiting = list(self._known.values())
        marked = [self._known[key] for key in self.table.marks if key in self._known]
        parts: list[Line] = [[(f" {len(waiting):,} waiting", "strong")]]
        if waiting:
            parts.append([(f"oldest {wording.age(max(self._waited(one) for one in waiting))}", "plain")])
            parts.append([(f"sum {wording.amount(sum(one.amount or 0 for one in waiting), glyphs)}", "plain")])
        if marked:
            total = wording.amount(sum(one.amount or 0 for one in marked), glyphs)
            parts.append([(f"{len(marked)} marked, {total}", "accent")])
        parts.append([(f"read from Salesforce {wording.clock(self._read_at, session.zone)}", "muted")])
        return joined(parts, (f" {glyphs.sep} ", "muted"))

    def _about(self, known: Approval) -> list[Line]:
        glyphs, width = self.desk.glyphs, max(30, self._facts.room)
        lines: list[Line] = [
            [
                (literal(known.number), "strong"),
                (f"  {literal(known.customer or '')}", "strong"),
                (f"  {literal(known.account or '')}", "muted"),
                (f"  {wording.amount(known.amount, glyphs)}", "strong"),
            ]
        ]
        for why in known.why:
            lines += told(
                [("Why       ", "muted")], glyphs.plain(literal(why)), "plain" if known.may else "warn", width
            )
        lines.append([("Placed by ", "muted"), (literal(known.placed_by or "unknown"), "plain")])
        if known.effective_date:
            lines.append([("Begins on ", "muted"), (literal(known.effective_date), "plain")])
        if not known.may:
            lines += flowed(f"You may not approve it: {glyphs.plain(literal(known.why_not))}", "warn", width)
        return lines

    # Deciding --------------------------------------------------------------------------------------------------------

    def targets(self) -> Mapping[str, str]:
        in_hand = [] if self.table.marks else [self.table.ensure_in_hand()]
        return {key: self._known[key].number for key in (*self.table.marks, *in_hand) if key in self._known}

    def known_commands(self) -> Sequence[PossibleCommand]:
        known = self._known.get(self.table.in_hand or "")
        if known is None or self.table.marks:
            return ()
        decide = self.desk.session.may("operator")
        reason = "" if decide else f"this needs the role operator; yours is {self.desk.session.role}"
        return (
            PossibleCommand(id="order.approve", title="Approve", possible=known.may, reason=known.why_not),
            PossibleCommand(id="order.reject", title="Reject", possible=decide, reason=reason),
            PossibleCommand(id="order.take", title="Take", possible=decide, reason=reason),
            PossibleCommand(id="order.note", title="Note", possible=decide, reason=reason),
        )

    @on(OrderTable.Highlighted)
    @on(OrderTable.MarksChanged)
    def _looked_at(self) -> None:
        self._show()
        self.show_keys()

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        if event.order_id in self.desk.session.book:
            self.app.push_screen(OrderScreen(self.desk, event.order_id))
        else:
            self.notify("Nothing was done for this order yet: what is known of it stands below.", markup=False)

    def action_fetch(self) -> None:
        self._fetch()

    def action_newest(self) -> None:
        self.table.newest()

    def action_mark(self) -> None:
        self.table.action_mark()

    def action_show_state(self, state: str) -> None:
        """A click on a count of the section bar."""
        self.app.call_later(self.app.run_action, f"orders_with('{state}')")
