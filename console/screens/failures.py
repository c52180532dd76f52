"""Failures: what stands in the way, by cause, with advice and acts on a whole cause at once."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.client.query_parse import Term, parse_terms
from console.client.query_words import QueryError
from console.commands.command import Command
from console.commands.table import BY_ID
from console.schema.desk import FailureGroup, Failures
from console.schema.detail import PossibleCommand
from console.screens.desk import Desk
from console.screens.exporting import export_orders
from console.screens.reading import ReadingScreen
from console.widgets import failrow, wording
from console.widgets.cells import literal
from console.widgets.filterbar import FilterBar
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.sheet import Sheet

DEFAULT = "state:failed,retrying,parked,held"
NOTHING = "nothing stands in the way"
CAUSE = "cause:"  # before the fingerprint in a row's key, and in the grammar
NUMBER = "number:"  # before the orders that are meant beside a cause


def narrowed(filter_: str, term: str) -> str:
    """Each alternative of the filter with this term too: alone at its end, it would be for the last alternative only."""
    alternatives: dict[int, list[Term]] = {}
    for one in parse_terms(filter_):
        alternatives.setdefault(one.group, []).append(one)
    return " | ".join(f"{filter_[terms[0].start : terms[-1].end]} {term}" for terms in alternatives.values())


class FailuresScreen(ReadingScreen):
    """A tree of causes and their orders, or all orders flat. A command at a cause is for all its orders."""

    MODE = "failures"
    CSS_PATH = "../../styles/failures.tcss"
    BINDING_GROUP_TITLE = "Failures"
    AUTO_FOCUS = "#failures"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.FAILURES, *keys.of_commands()]

    LEAST = 2

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        ellipsis = desk.glyphs.ellipsis
        self.table = OrderTable(failrow.TREE, self._cells, desk.glyphs, id="failures")
        self._bar = FilterBar(DEFAULT, id="filter")
        self._about = Sheet(id="failures-about", ellipsis=ellipsis)
        self._acts = Sheet(id="failures-acts", ellipsis=ellipsis)
        self._answer: Failures | None = None
        self._groups: dict[str, FailureGroup] = {}
        self._settled: dict[str, FailureGroup] = {}  # causes that are still shown and have no order here any more
        self._group_of: dict[str, str] = {}  # order → key of its cause
        self._unfolded: set[str] = set()
        self._flat = False
        self._possible: tuple[str, Sequence[PossibleCommand]] = ("", ())

    def body(self) -> Iterable[Widget]:
        yield self._bar
        yield self.table
        with Horizontal(id="failures-rest"):
            yield self._about
            yield self._acts

    def hints(self) -> Sequence[Hint]:
        group = self._groups.get(self.table.in_hand or "")
        first = "Fold" if group is not None and self.table.in_hand in self._unfolded else "Unfold"
        acts = [Hint(BY_ID[c.id].keys, c.title, f"act('{c.id}')") for c in self.known_commands() if c.possible][:6]
        new = [Hint(".", f"{self.table.waiting:,} new", "newest", tone="accent")] if self.table.waiting else []
        return [
            *new,
            Hint("enter", first if group is not None else "Open", "open", must=True),
            *acts,
            Hint("t", "Tree" if self._flat else "Flat", "tree"),
            Hint("o", "On the board", "on_board"),
            Hint("/", "Filter", "filter", must=True),
            Hint("X", "Export", "export"),
            Hint("?", "Help", "app.help", must=True),
        ]

    # What is shown ---------------------------------------------------------------------------------------------------

    def _cells(self, key: str) -> Cells:
        session, glyphs = self.desk.session, self.desk.glyphs
        group = self._groups.get(key)
        if group is not None:
            return failrow.group_cells(group, key in self._unfolded, session.now(), glyphs)
        if (settled := self._settled.get(key)) is not None:
            return {"cause": [(f"  not here any more: {glyphs.plain(literal(settled.title))}", "muted")]}
        row = session.book.get(key)
        if row is None:
            return {"cause": [("  settled meanwhile", "muted")], "number": [("settled meanwhile", "muted")]}
        mine = self._groups.get(self._group_of.get(key, ""))
        return failrow.order_cells(
            row, session.name(key), session.now(), session.zone, glyphs, requested=self.desk.submissions.is_requested(key),
            last=mine is not None and mine.order_ids[-1:] == [key],
        )  # fmt: skip

    async def read(self) -> None:
        text = self._bar.text
        try:
            self._answer = await self.desk.session.api.failures(text)
        except ApiError as error:
            if text == self._bar.text:
                self._bar.complain(str(error))
            raise
        known = self._settled | self._groups
        self._groups = {CAUSE + group.cause: group for group in self._answer.groups}
        self._group_of = {key: name for name, group in self._groups.items() for key in group.order_ids}
        self._offer()
        self._settled = {key: known[key] for key in self.table.keys if key in known and key not in self._groups}
        if self._possible[0] == self.table.in_hand:
            self._ask_possible(self._possible[0])  # time alone may have made more possible

    def _offer(self) -> None:
        if self._flat:
            found = [key for group in self._groups.values() for key in group.order_ids]
        else:
            found = []
            for name, group in self._groups.items():
                found += [name, *(group.order_ids if name in self._unfolded else ())]
        self.table.offer(found)
        self.table.refresh()
        self._ask_names()

    def show_changes(self, changed: Set[str]) -> None:
        if changed:
            self.table.refresh_keys(changed)
        if self._possible[0] in changed and self._possible[0] == self.table.in_hand:
            self._ask_possible(self._possible[0])

    def show(self) -> None:
        session = self.desk.session
        self.table.grey = not session.link().usable
        self._summarise()
        group = self._in_hand_group()
        if group is None:
            none = self._answer is not None and not self._groups
            said = self._nothing() if none else self._nobody_in_hand()
            self._about.set_lines([[(said, "ok" if none and said == NOTHING else "muted")]])
            self._acts.set_lines([])
            return
        narrow = not self._acts.display
        now, zone, glyphs = session.now(), session.zone, self.desk.glyphs
        width = max(30, self._about.room)
        lines = failrow.about(group, now, zone, glyphs, width)
        if narrow:
            lines[1:1] = failrow.act_lines(group, glyphs, width, narrow=True)
        self._about.set_lines(lines)
        self._acts.set_lines(failrow.act_lines(group, glyphs, max(30, self._acts.room), narrow=False))

    def _nobody_in_hand(self) -> str:
        """Why there is nothing to say of the row in hand, or that there is none."""
        key = self.table.in_hand
        if key is None:
            return "an arrow key takes a cause in hand"
        if key in self._settled:
            return "no order under this filter stands at this cause any more"
        return "this order stands at no cause under this filter any more"

    def _nothing(self) -> str:
        """What an empty list means: all is well only where everything was asked for, and just now."""
        if self.trouble or self.table.grey:
            return "no cause stood in the way when it was read last"
        assert self._answer is not None
        asked = self._bar.text.strip() or DEFAULT
        if self._answer.filter.strip() != asked:
            return "being read"
        return NOTHING if asked == DEFAULT else "no cause matches the filter"

    def _in_hand_group(self) -> FailureGroup | None:
        key = self.table.in_hand or ""
        return self._groups.get(key) or self._groups.get(self._group_of.get(key, ""))

    def _summarise(self) -> None:
        glyphs, session = self.desk.glyphs, self.desk.session
        if self.trouble:
            self._bar.summarise(f" {glyphs.plain(literal(self.trouble))} ")
            return
        if self._answer is None or self.read_at is None:
            self._bar.summarise(" being read ")
            return
        causes = len(self._groups)
        grouped = sum(group.count for group in self._groups.values())
        newest = f"the newest {grouped:,} of " if grouped < self._answer.orders else ""
        parts = [f"{newest}{self._answer.orders:,} orders", f"{causes:,} {'cause' if causes == 1 else 'causes'}"]
        if self.table.marks:
            parts.append(f"{len(self.table.marks):,} marked")
        parts.append("flat" if self._flat else "by cause")
        parts.append(wording.clock(self.read_at, session.zone))
        self._bar.summarise(f" {f' {glyphs.sep} '.join(parts)} ")

    @work(group="names", exit_on_error=False)
    async def _ask_names(self) -> None:
        session = self.desk.session
        missing = session.nameless([key for key in self.table.visible_keys() if key not in self._groups])
        try:
            if missing and session.link().usable and await session.ask_names(missing):
                self.table.refresh()
        except ApiError as error:
            self.log(f"names: {error}")

    def on_resize(self) -> None:
        self._acts.display = self.size.width >= 100
        self.call_after_refresh(self.show)

    @on(OrderTable.Highlighted)
    def _looked_at(self) -> None:
        self.show()
        self.show_keys()
        self._ask_names()
        key = self.table.in_hand
        if key is not None and key not in self._groups:
            self.set_timer(0.15, lambda: self._ask_possible(key) if self.table.in_hand == key else None)

    @on(OrderTable.MarksChanged)
    def _marked(self) -> None:
        self._summarise()
        self.show_keys()

    # Acting ----------------------------------------------------------------------------------------------------------

    @work(group="possible", exclusive=True, exit_on_error=False)
    async def _ask_possible(self, order_id: str) -> None:
        try:
            self._possible = (order_id, await self.desk.session.api.possible(order_id))
        except ApiError as error:
            self.log(f"possible: {error}")
            return
        self.show_keys()

    def known_commands(self) -> Sequence[PossibleCommand]:
        """At a cause: what the daemon says of the group; at an order: what it says of the order."""
        key = self.table.in_hand or ""
        if self.table.marks:
            return ()
        group = self._groups.get(key)
        if group is not None:
            return [
                PossibleCommand(id=a.id, title=BY_ID[a.id].title, possible=a.possible > 0, reason=a.why_not if not a.possible else "")
                for a in group.acts
            ]  # fmt: skip
        order_id, known = self._possible
        return known if order_id == key else ()

    def possible(self, command_id: str) -> PossibleCommand | None:
        """A command that is for one order at a time is not possible at a cause, and says so."""
        found = super().possible(command_id)
        group = self._groups.get(self.table.in_hand or "")
        if found is None and group is not None and not self.table.marks and group.count > 1:
            command = BY_ID[command_id]
            return PossibleCommand(
                id=command_id, title=command.title, possible=False, reason="this is done at an order: unfold the cause"
            )
        return found

    def targets(self) -> Mapping[str, str]:
        """The marked rows, else the row in hand; a cause stands for its orders."""
        if not self.table.marks:
            self.table.ensure_in_hand()
        chosen = list(self.table.marks) or [self.table.in_hand or ""]
        found: dict[str, str] = {}
        for key in chosen:
            group = self._groups.get(key)
            if group is not None:
                found |= dict(zip(group.order_ids, group.numbers, strict=True))
            elif (row := self.desk.session.book.get(key)) is not None:
                found[key] = row.number
        return found

    def chosen_filter(self) -> str:
        """Causes with more orders than the answer names are meant whole, as the filter here narrows them; also where they
        are marked, and with the single orders that are marked beside them."""
        chosen = list(self.table.marks) or [self.table.in_hand or ""]
        groups = [group for key in chosen if (group := self._groups.get(key)) is not None]
        if all(group.count <= len(group.order_ids) for group in groups):
            return ""
        answered = self._answer.filter if self._answer is not None else DEFAULT
        whole = narrowed(answered, CAUSE + ",".join(group.cause for group in groups))
        single = [row.number for key in chosen if key not in self._groups and (row := self.desk.session.book.get(key))]
        return f"{whole} | {NUMBER}{','.join(single)}" if single else whole

    def begin(self, command: Command, prefilled: Mapping[str, str]) -> None:
        """More marks than one filter can name are refused: a part of them is never meant without a word."""
        try:
            parse_terms(self.chosen_filter())
        except QueryError:
            said = "more is marked here than one act can name: esc clears the marks, then act on the large cause alone"
            self.notify(f"{command.title}: {said}", severity="warning", markup=False)
            return
        super().begin(command, prefilled)

    def action_act(self, command_id: str) -> None:
        """Why a group cannot take a command is said in the daemon's words, also when it has many orders."""
        self.table.ensure_in_hand()
        known = self.possible(command_id) if not self.table.marks else None
        if known is not None and not known.possible and self._groups.get(self.table.in_hand or "") is not None:
            self.notify(f"{BY_ID[command_id].title}: {known.reason}", severity="warning", markup=False)
            return
        super().action_act(command_id)

    @on(OrderTable.Opened)
    def _opened(self, event: OrderTable.Opened) -> None:
        key = event.order_id
        if key not in self._groups:
            self.open_order(key)
            return
        self._unfolded ^= {key}
        self._offer()
        self.table.newest()
        self.show_keys()

    def action_open(self) -> None:
        self.table.action_open()

    def action_newest(self) -> None:
        self.table.newest()

    def action_tree(self) -> None:
        """Causes with their orders under them, or all orders in one list."""
        self._flat, key = not self._flat, self.table.in_hand or ""
        if key in self._groups:
            self.table.take(None)
        elif key in self._group_of:
            self._unfolded.add(self._group_of[key])
        self.table.use_columns(failrow.FLAT if self._flat else failrow.TREE)
        self._offer()
        self.table.newest()
        self.show()
        self.show_keys()

    def action_filter(self) -> None:
        self._bar.edit()

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self.fetch()

    @on(FilterBar.Done)
    def _filter_done(self) -> None:
        self.table.focus()

    async def action_on_board(self) -> None:
        """The board with the orders of the cause in hand only."""
        group = self._in_hand_group()
        if group is None:
            self.notify("No cause is in hand.", severity="warning", markup=False)
            return
        await self.app.run_action(f"app.orders_by('{CAUSE}{group.cause}')")

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Every order that stands for a cause under this filter, also those that are not listed here."""
        await export_orders(
            self, self._bar.text or DEFAULT, "-updated", name="failures", shown=lambda line: line.cause is not None
        )
