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
from console.screens.desk import Desk
from console.screens.latest import Latest
from console.screens.reading import ReadingScreen
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.pieces import Line, joined, told
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
SETTLES = 0.15  # seconds the cursor must rest before the daemon is asked what may be done
NOTHING_SPECIAL = "waits for a decision"
DECISIONS = {"order.approve": "approved", "order.reject": "rejected", "order.cancel": "cancelled"}


class ApprovalsScreen(ReadingScreen):
    """Read from Salesforce when the screen comes up, now and then, and at once when one of the orders is acted on."""

    MODE = "approvals"
    CSS_PATH = "../../styles/approvals.tcss"
    BINDING_GROUP_TITLE = "Approvals"
    AUTO_FOCUS = "#waiting"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.APPROVALS, *keys.of_commands()]
    EVERY = LEAST = 15  # each reading costs a request of the org's quota, and the engine moves none of these orders

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.table = OrderTable(COLUMNS, self._cells, desk.glyphs, id="waiting")
        self._summary = Bar(id="approvals-summary", ellipsis=desk.glyphs.ellipsis)
        self._facts = Sheet(id="facts", ellipsis=desk.glyphs.ellipsis)
        self._known: dict[str, Approval] = {}
        # order id → when it changed last as looked at, and when that was
        self._looked: dict[str, tuple[float, float]] = {}
        self._offers: tuple[str, Sequence[PossibleCommand]] = ("", ())
        self._ask_offers = Latest(self, self._read_offers)

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self.table
        yield self._facts

    def hints(self) -> Sequence[Hint]:
        acts = [
            Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')", off=not c.possible)
            for c in self.known_commands()
            if c.possible or (c.id in DECISIONS and not c.never)
        ]
        new = [Hint(".", f"{self.table.waiting:,} new", "newest", tone="accent")] if self.table.waiting else []
        rest = [
            Hint("enter", "Open", "open"),
            Hint("space", "Mark", "mark"),
            Hint("f", "Read again", "fetch"),
            Hint("?", "Help", "app.help", must=True),
        ]
        return [*new, *acts, *rest]

    def _cells(self, order_id: str) -> Cells:
        known = self._known.get(order_id)
        requested = self.desk.submissions.is_requested(order_id)
        if known is None:
            row, name = self.desk.session.book.get(order_id), self.desk.session.name(order_id)
            return {
                "number": [(literal(row.number if row is not None else order_id), "muted")],
                "customer": [(literal(name or ""), "muted")],
                "why": [("decided meanwhile", "muted")],
            }
        why = self.desk.glyphs.plain(literal("; ".join(self._why(known))))
        return {
            "number": [(literal(known.number), "plain")],
            "customer": [(literal(known.customer or known.account or ""), "plain")],
            "why": [(self.desk.glyphs.state("requested"), "requested")]
            if requested
            else [(why, "plain" if known.may else "warn")],
            "amount": [(wording.amount(known.amount, self.desk.glyphs), "plain")],
            "waited": [(wording.age(self._wait_of(known)), "muted")],
            "placed": [(literal(known.placed_by or ""), "muted")],
            "owner": [(literal(known.owner or ""), "accent")],
        }

    def _why(self, known: Approval) -> list[str]:
        """The daemon's facts, and whether the order changed since this person looked at it."""
        seen, at = self._looked.get(known.order_id, (known.modified_at, 0.0))
        if known.modified_at <= seen:
            return known.why
        since = wording.clock(at, self.desk.session.zone)
        rest = [why for why in known.why if why != NOTHING_SPECIAL]
        return [f"changed in Salesforce since you looked at {since}", *rest]

    def _wait_of(self, known: Approval) -> float:
        return known.waited + (self.desk.session.now() - self.read_at if self.read_at is not None else 0.0)

    # Live ------------------------------------------------------------------------------------------------------------

    def show_changes(self, changed: Set[str]) -> None:
        if changed & self._known.keys():
            self._offers = ("", ())
            if self.table.in_hand in changed:
                self._ask_offers()
        if changed:
            self.table.refresh_keys(changed)

    def outdated(self, changed: Set[str]) -> bool:
        return not changed.isdisjoint(self._known)

    async def read(self) -> None:
        answer = await self.desk.session.api.approvals()
        before, self._known = self._known, {one.order_id: one for one in answer.approvals}
        self._tell_decided(before)
        self.desk.waiting["approvals"] = answer.count
        self.desk.session.learn_names({one.order_id: one.customer or "" for one in answer.approvals})
        self.table.offer(list(self._known))
        self.table.refresh()
        self._show_sections()

    def show(self) -> None:
        self.table.grey = not self.desk.session.link().usable
        self.table.refresh_keys(set(self.table.visible_keys()))
        self._summary.set_lines([self._summed_up()])
        known = self._known.get(self.table.in_hand or "")
        if known is not None:
            self._facts.set_lines(self._about(known))
        else:
            self._facts.set_lines([[(self._decided() or "an arrow key takes an order in hand", "muted")]])

    def _summed_up(self) -> Line:
        glyphs, session = self.desk.glyphs, self.desk.session
        if self.trouble:
            return [(f" {glyphs.plain(literal(self.trouble))}", "bad")]
        if self.read_at is None:
            return [(" being read from Salesforce", "muted")]
        waiting = list(self._known.values())
        marked = [self._known[key] for key in self.table.marks if key in self._known]
        parts: list[Line] = [[(f" {len(waiting):,} waiting", "strong")]]
        if waiting:
            parts.append([(f"oldest {wording.age(max(self._wait_of(one) for one in waiting))}", "plain")])
            parts.append([(f"sum {wording.amount(sum(one.amount or 0 for one in waiting), glyphs)}", "plain")])
        if marked:
            total = wording.amount(sum(one.amount or 0 for one in marked), glyphs)
            largest = wording.amount(max(one.amount or 0 for one in marked), glyphs)
            parts.append([(f"{len(marked)} marked, {total}, largest {largest}", "accent")])
        parts.append([(f"read from Salesforce {wording.clock(self.read_at, session.zone)}", "muted")])
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
        for why in self._why(known):
            lines += told(
                [("Why       ", "muted")], glyphs.plain(literal(why)), "plain" if known.may else "warn", width
            )
        begins = f"   begins on {literal(known.effective_date)}" if known.effective_date else ""
        lines.append([("Placed by ", "muted"), (literal(known.placed_by or "unknown"), "plain"), (begins, "muted")])
        lines += told([("Decides   ", "muted")], glyphs.plain(literal(known.who)), "plain", width)
        if known.owner:
            until = (
                f" until {wording.clock(known.owner_until, self.desk.session.zone, seconds=False)}"
                if known.owner_until
                else ""
            )
            lines.append([("Taken by  ", "muted"), (f"{literal(known.owner)}{until}", "accent")])
        return lines

    def _decided(self) -> str:
        """That the order in hand does not wait any more; "" when it does, or when none is in hand."""
        order_id = self.table.in_hand
        if order_id is None or order_id in self._known or self.read_at is None:
            return ""
        row = self.desk.session.book.get(order_id)
        number = literal(row.number) if row is not None else "it"
        return self.desk.glyphs.plain(
            f"{number} was decided meanwhile and does not wait any more. ⏎ opens it, an arrow key takes another one."
        )

    # Deciding --------------------------------------------------------------------------------------------------------

    def targets(self) -> Mapping[str, str]:
        in_hand = [] if self.table.marks else [self.table.ensure_in_hand()]
        return {key: self._known[key].number for key in (*self.table.marks, *in_hand) if key in self._known}

    def action_act(self, command_id: str) -> None:
        """What was decided meanwhile is acted on where the whole order is seen."""
        if not self.table.marks and (decided := self._decided()):
            self.notify(f"{BY_ID[command_id].title}: {decided}", severity="warning", markup=False)
            return
        super().action_act(command_id)

    def known_commands(self) -> Sequence[PossibleCommand]:
        """The daemon's answer for the order in hand; of approving, what the list says until that has come."""
        in_hand = self.table.in_hand or ""
        known = self._known.get(in_hand)
        if known is None or self.table.marks:
            return ()
        approve = PossibleCommand(id="order.approve", title="Approve", possible=known.may, reason=known.why_not)
        if self._offers[0] != in_hand:
            return (approve,)
        return [approve if one.id == approve.id and not known.may else one for one in self._offers[1]]

    async def possible_now(self, command_id: str, order_id: str) -> PossibleCommand | None:
        """Who may approve stands in the list, which is read again when anybody acts."""
        known = self._known.get(order_id)
        if command_id == "order.approve" and known is not None and not known.may:
            return self.possible(command_id)
        return await super().possible_now(command_id, order_id)

    async def _read_offers(self) -> None:
        """What may be done with the order in hand: asked of the daemon, which reads an order it never saw."""
        order_id = self.table.in_hand
        if order_id is None:
            return
        try:
            offers = await self.desk.session.api.possible(order_id)
        except ApiError as error:
            self.log(f"commands: {error}")
            return
        if self.table.in_hand == order_id:
            self._offers = (order_id, offers)
            self.show_keys()

    # Somebody else was faster ----------------------------------------------------------------------------------------

    def _tell_decided(self, before: Mapping[str, Approval]) -> None:
        """Orders that a person had in hand or marked and that are not waiting any more: who decided, what and when."""
        table = self.table
        cared_for = {table.in_hand, *table.marks} - {None}
        for order_id in cared_for & (before.keys() - self._known.keys()):
            if order_id is not None and not self.desk.submissions.is_requested(order_id):
                self._say_who(before[order_id])
        for order_id in [key for key in table.marks if key not in self._known]:
            del table.marks[order_id]

    @work(group="decided", exit_on_error=False)
    async def _say_who(self, gone: Approval) -> None:
        session = self.desk.session
        try:
            detail = await session.api.order(gone.order_id)
        except ApiError as error:
            self.tell(f"{gone.number} does not wait any more; who decided could not be read: {error}", "warning")
            return
        decided = [item for item in detail.history if item.kind == "command" and item.what in DECISIONS]
        last = max(decided, key=lambda item: item.at, default=None)
        if last is None:
            self.tell(f"{gone.number} does not wait any more: Salesforce has it as {detail.order.sf}.", "warning")
        elif session.me is None or last.actor != session.me.name:
            at = wording.clock(last.at, session.zone)
            self.tell(f"{gone.number} was {DECISIONS[last.what]} by {last.actor} at {at}.", "warning")

    @on(OrderTable.Highlighted)
    def _looked_at(self, event: OrderTable.Highlighted) -> None:
        known = self._known.get(event.order_id or "")
        if known is not None:
            self._looked.setdefault(known.order_id, (known.modified_at, self.desk.session.now()))
            order_id = known.order_id
            self.set_timer(SETTLES, lambda: self._ask_offers() if self.table.in_hand == order_id else None)
        self.show()
        self.show_keys()

    @on(OrderTable.MarksChanged)
    def _marked(self) -> None:
        self.show()
        self.show_keys()

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        known = self._known.get(event.order_id)
        if known is not None:
            self._looked[known.order_id] = (known.modified_at, self.desk.session.now())
        self.open_order(event.order_id)

    def action_newest(self) -> None:
        self.table.newest()

    def action_open(self) -> None:
        self.table.action_open()

    def action_mark(self) -> None:
        self.table.action_mark()
