"""Needs a person: everything that waits for a human and nothing else, oldest first, with what may be done right here."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.commands.command import Command
from console.commands.table import BY_ID
from console.commands.words import Scope
from console.schema.desk import NeedsPerson, PersonItem
from console.schema.detail import PossibleCommand
from console.screens.desk import Desk
from console.screens.reading import ReadingScreen
from console.widgets import needsrow, wording
from console.widgets.cells import literal
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.pieces import Line, joined
from console.widgets.sheet import Bar, Sheet

MOST = 200  # rows asked for, the oldest: what may be done is found out for each of them
SETTLES = 0.15  # seconds the cursor must rest before the daemon is asked what can be done
SYSTEM = ("system.resume", "system.release_brake", "system.end_recovery", "system.seen")


class NeedsScreen(ReadingScreen):
    """A row is an order, a mail, or something of the system; the keys are those of the commands for the row in hand."""

    MODE = "needs"
    CSS_PATH = "../../styles/needs.tcss"
    BINDING_GROUP_TITLE = "Needs a person"
    AUTO_FOCUS = "#needs"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.NEEDS, *keys.of_commands(), *keys.beside(keys.of_system(*SYSTEM))]

    LEAST = 2

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        ellipsis = desk.glyphs.ellipsis
        self.table = OrderTable(needsrow.COLUMNS, self._cells, desk.glyphs, id="needs")
        self._summary = Bar(id="needs-summary", ellipsis=ellipsis)
        self._about = Sheet(id="needs-about", ellipsis=ellipsis)
        self._items: dict[str, PersonItem] = {}
        self._settled: dict[str, PersonItem] = {}  # what rows that are still shown stood for
        self._answer: NeedsPerson | None = None
        self._possible: tuple[str, Sequence[PossibleCommand]] = ("", ())

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self.table
        yield self._about

    def hints(self) -> Sequence[Hint]:
        item = self.in_hand
        first = list(item.next_acts) if item is not None and not self.table.marks else []
        known = sorted(self.known_commands(), key=lambda c: first.index(c.id) if c.id in first else len(first))
        acts = [Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')", off=not c.possible) for c in known if c.possible][:6]
        new = [Hint(".", f"{self.table.waiting:,} new", "newest", tone="accent")] if self.table.waiting else []
        return [
            *new,
            Hint("enter", "Open", "open", must=True),
            *acts,
            Hint("space", "Mark", "mark"),
            Hint("?", "Help", "app.help", must=True),
        ]

    @property
    def in_hand(self) -> PersonItem | None:
        """What the row in hand stands for; None when it is settled or none is in hand."""
        return self._items.get(self.table.in_hand or "")

    def _cells(self, key: str) -> Cells:
        item, session = self._items.get(key), self.desk.session
        if item is None:
            return (
                needsrow.settled_cells(settled, self._customer(settled)) if (settled := self._settled.get(key)) else {}
            )
        requested = item.order_id is not None and self.desk.submissions.is_requested(item.order_id)
        return needsrow.cells(item, self._customer(item), session.now(), self.desk.glyphs, requested=requested)

    def _customer(self, item: PersonItem) -> str | None:
        return self.desk.session.name(item.order_id) if item.order_id is not None else None

    # Live ------------------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        self._answer = await self.desk.session.api.needs_person(limit=MOST)
        before, known = self.in_hand, self._settled | self._items
        self._items = {item.key: item for item in self._answer.items}
        self.desk.heard_needs(self._answer.count)
        self.table.offer(list(self._items))
        self._settled = {key: known[key] for key in self.table.keys if key in known and key not in self._items}
        self.table.refresh()
        if self.in_hand != before and self.in_hand is not None:
            self._ask_possible()
        self._ask_names()

    def show_changes(self, changed: Set[str]) -> None:
        keys_ = {item.key for item in self._items.values() if item.order_id in changed}
        if keys_:
            self.table.refresh_keys(keys_)

    def outdated(self, changed: Set[str]) -> bool:
        return super().outdated(changed) or any(item.order_id in changed for item in self._items.values())

    def show(self) -> None:
        session = self.desk.session
        self.table.grey = not session.link().usable
        self.table.refresh_keys(set(self.table.visible_keys()))
        self._summary.set_lines([self._summed_up()])
        item, settled = self.in_hand, self._settled.get(self.table.in_hand or "")
        if item is None:
            said = "an arrow key takes a row in hand" if settled is None else needsrow.settled_words(settled)
            if settled is None and self._answer is not None and not self._items:
                fresh = not (self.trouble or self.table.grey)  # else what is known may be over
                said = "nothing waits for a person" if fresh else "nothing waited for a person when it was read last"
            self._about.set_lines([[(self.desk.glyphs.plain(said), "muted")]])
            return
        name, width = self._customer(item) or "", max(30, self._about.room)
        self._about.set_lines(needsrow.about(item, name, session.now(), session.zone, self.desk.glyphs, width))

    def _summed_up(self) -> Line:
        glyphs, session = self.desk.glyphs, self.desk.session
        if self.trouble:
            return [(f" {glyphs.plain(literal(self.trouble))}", "bad")]
        if self._answer is None or self.read_at is None:
            return [(" being read", "muted")]
        count, me = self._answer.count, session.me.name if session.me is not None else ""
        parts: list[Line] = [
            [(f" {count:,} {'waits' if count == 1 else 'wait'} for a person", "strong" if count else "ok")]
        ]
        if self._answer.oldest is not None:
            parts.append([(f"oldest {wording.age(session.now() - self._answer.oldest)}", "plain")])
        if count > len(self._items):
            parts.append([(f"the oldest {len(self._items):,} are shown", "warn")])
        mine = sum(item.owner == me for item in self._items.values() if item.order_id is not None)
        if mine:
            parts.append([(f"{mine:,} yours", "accent")])
        if self.table.marks:
            parts.append([(f"{len(self.table.marks):,} marked", "accent")])
        parts.append([(f"read {wording.clock(self.read_at, session.zone)}", "muted")])
        return joined(parts, (f" {glyphs.sep} ", "muted"))

    @work(group="names", exit_on_error=False)
    async def _ask_names(self) -> None:
        session = self.desk.session
        missing = session.nameless([i.order_id for i in self._items.values() if i.order_id is not None])
        if not missing:
            return
        try:
            if await session.ask_names(missing):
                self.table.refresh()
                self.show()
        except ApiError as error:
            self.log(f"names: {error}")

    # The row in hand -------------------------------------------------------------------------------------------------

    @on(OrderTable.Highlighted)
    def _looked_at(self) -> None:
        self.show()
        self.show_keys()
        key = self.table.in_hand
        self.set_timer(SETTLES, lambda: self._ask_possible() if self.table.in_hand == key else None)

    @on(OrderTable.MarksChanged)
    def _marked(self) -> None:
        self.show()
        self.show_keys()

    @work(group="possible", exclusive=True, exit_on_error=False)
    async def _ask_possible(self) -> None:
        """What the daemon says can be done with the order in hand, and why not."""
        item = self.in_hand
        if item is None or item.order_id is None or not self.desk.session.link().usable:
            return
        try:
            answer = await self.desk.session.api.possible(item.order_id)
        except ApiError as error:
            self.log(f"possible: {error}")
            return
        self._possible = (item.order_id, answer)
        self.show_keys()

    def known_commands(self) -> Sequence[PossibleCommand]:
        item = self.in_hand
        if item is None or self.table.marks:
            return ()
        system = [
            one
            for one in self.desk.session.system_commands
            if one.id in SYSTEM and (one.id in item.next_acts or self._is_about(one.id, item))
        ]
        order_id, known = self._possible
        return [*(known if order_id == item.order_id else ()), *system]

    def _is_about(self, command_id: str, item: PersonItem) -> bool:
        """Is this command on the system one for this row, whoever may give it?"""
        wanted = {"paused": "system.resume", "brake": "system.release_brake", "recovery": "system.end_recovery"}
        looked = item.kind in ("gap", "poison") or item.kind.startswith("mail_")
        return wanted.get(item.kind) == command_id or (looked and command_id == "system.seen")

    # Acting ----------------------------------------------------------------------------------------------------------

    def targets(self) -> Mapping[str, str]:
        """The marked rows that are orders, else the order of the row in hand."""
        if not self.table.marks:
            self.table.ensure_in_hand()
        chosen = [self._items.get(key) for key in self.table.marks] if self.table.marks else [self.in_hand]
        return {item.order_id: item.number or "" for item in chosen if item is not None and item.order_id is not None}

    def prefilled(self, command: Command) -> Mapping[str, str]:
        item = self.in_hand
        if item is None:
            return {}
        if command.id == "order.mail_resend" and item.mail:
            return {"kind": item.mail}
        names = {"system.resume": "subject", "system.seen": "row"}
        return {names[command.id]: item.subject} if command.id in names and item.subject else {}

    def action_act(self, command_id: str) -> None:
        """A key that an order's and a system's command share means the one of the row in hand."""
        self.table.ensure_in_hand()
        item, system = self.in_hand, Scope.SYSTEM in BY_ID[command_id].scope
        settled = self._settled.get(self.table.in_hand or "")
        if self.table.marks and system:
            self._not_so(command_id, "this is done for one row at a time: esc clears the marks")
            return
        if settled is not None and not self.table.marks:
            self._not_so(command_id, needsrow.settled_words(settled))
            return
        if item is not None and not self.table.marks:
            command_id = self._meant(command_id, item)
            if Scope.SYSTEM in BY_ID[command_id].scope and not self._is_about(command_id, item):
                self._not_so(command_id, "not for this row.")
                return
        super().action_act(command_id)

    def _not_so(self, command_id: str, why: str) -> None:
        said = self.desk.glyphs.plain(f"{BY_ID[command_id].title}: {why}")
        self.notify(said, severity="warning", markup=False)

    def _meant(self, command_id: str, item: PersonItem) -> str:
        key = BY_ID[command_id].keys
        return next((act for act in SYSTEM if BY_ID[act].keys == key and self._is_about(act, item)), command_id)

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        """The order; what is no order shows itself in full below, and ⏎ begins its next act."""
        item = self._items.get(event.order_id)
        row = item or self._settled.get(event.order_id)
        if row is not None and row.order_id is not None:
            self.open_order(row.order_id)
        elif item is not None and item.next_acts:
            self.action_act(item.next_acts[0])
        elif item is not None:
            self.notify(item.why_not or "Nothing can be done about it here.", markup=False)

    def action_open(self) -> None:
        self.table.action_open()

    def action_mark(self) -> None:
        self.table.action_mark()

    def action_newest(self) -> None:
        self.table.newest()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)
