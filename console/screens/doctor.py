"""Doctor: settings, store, daemon and terminal, each with what was found, what hangs on it and what to do."""

import locale
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console
from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from console import keys
from console.client.errors import ApiError
from console.doctor.check import Check, perform
from console.doctor.daemon import DaemonChecks
from console.doctor.terminal import Terminal, TerminalChecks
from console.observe.redact import Redactor
from console.screens.clipboard import Reach, way_out
from console.screens.copying import copy_out
from console.screens.desk import Desk
from console.screens.reading import ReadingScreen
from console.screens.settings import SettingsScreen
from console.widgets import wording
from console.widgets.cells import literal
from console.widgets.columns import Column
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells, OrderTable
from console.widgets.pieces import Line, joined
from console.widgets.rowdialog import labelled
from console.widgets.sheet import Bar, Sheet

COLUMNS = (
    Column("check", "Check", 16),
    Column("found", "Result", 30, grow=1),
    Column("area", "Of", 8, priority=2),
    Column("took", "Took", 8, priority=1, right=True),
)
_ARRIVES = {Reach.YES: True, Reach.NO: False, Reach.UNKNOWN: None}


@dataclass(frozen=True)
class Row:
    """``ms`` None: it took no time worth telling."""

    area: str
    name: str
    state: str
    detail: str
    remedy: str
    means: str
    ms: int | None = None


class DoctorScreen(ReadingScreen):
    """The words of ``portal doctor``. The store is looked at by the daemon; nothing outside is asked."""

    MODE = "doctor"
    CSS_PATH = "../../styles/doctor.tcss"
    BINDING_GROUP_TITLE = "Doctor"
    AUTO_FOCUS = "#checks"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.DOCTOR]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.held = True  # looked once; again when asked
        self.table = OrderTable(COLUMNS, self._cells, desk.glyphs, id="checks")
        self._summary = Bar(id="doctor-summary", ellipsis=desk.glyphs.ellipsis)
        self._facts = Sheet(id="doctor-facts", ellipsis=desk.glyphs.ellipsis)
        self._rows: dict[str, Row] = {}

    def body(self) -> Iterable[Widget]:
        yield self._summary
        yield self.table
        yield self._facts

    def hints(self) -> Sequence[Hint]:
        return [
            Hint("r", "Run again", "fetch", must=True), Hint("y", "Copy report", "copy"),
            Hint("s", "Settings", "settings", must=True), Hint("?", "Help", "app.help", must=True),
        ]  # fmt: skip

    # Looking ---------------------------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        super(ReadingScreen, self).on_screen_resume()
        if self.read_at is None:
            self.fetch()
        self.show()

    def can_read(self) -> bool:
        """The terminal can be looked at without a daemon."""
        return self.desk.session.live is not None

    async def read(self) -> None:
        rows = [*await self._store(), *await self._daemon(), *await self._terminal()]
        self._rows = {f"{row.area} {row.name}": row for row in rows}
        self.table.offer(list(self._rows))
        self.table.newest()
        self.table.refresh()

    async def _store(self) -> list[Row]:
        try:
            found = await self.desk.session.api.checks()
        except ApiError as error:
            remedy = "see daemon: it looks at its store itself"
            return [
                Row("store", "store", "bad", str(error), remedy, "Where orders and what was done for them are kept.")
            ]
        return [
            Row(
                "settings" if one.name == "settings" else "store",
                one.name,
                one.state,
                one.detail,
                one.remedy,
                one.means,
                one.ms,
            )
            for one in found.checks
        ]

    async def _daemon(self) -> list[Row]:
        session = self.desk.session
        link = session.link()
        checks = DaemonChecks(session.api, lag=lambda: link.lag if link.usable else None, wall=session.wall)
        return [await _row("daemon", check) for check in checks.all()]

    async def _terminal(self) -> list[Row]:
        environ = self.desk.environ
        way = await way_out(environ)
        terminal = Terminal(
            columns=self.app.size.width, rows=self.app.size.height, name=environ.get("TERM", "unknown"),
            colours=str(Console(force_terminal=True, _environ=environ).color_system or ""), no_color="NO_COLOR" in environ,
            encoding=locale.getpreferredencoding(False), glyphs=self.desk.glyphs.name, wide=self.desk.wide,
            clipboard=(_ARRIVES[way.reach], way.words),
        )  # fmt: skip
        return [await _row("terminal", check) for check in TerminalChecks(terminal).all()]

    # Shown -----------------------------------------------------------------------------------------------------------

    def _cells(self, key: str) -> Cells:
        row, glyphs = self._rows.get(key), self.desk.glyphs
        if row is None:
            return {}
        sign, tone = {"ok": (glyphs.ok, "ok"), "warn": (glyphs.warn, "warn")}.get(row.state, (glyphs.bad, "bad"))
        said = f"{row.detail}: {row.remedy}" if row.remedy else row.detail
        return {
            "check": [(f"{sign} ", tone), (literal(row.name), "plain")],
            "found": [(glyphs.plain(literal(said)), "muted" if row.state == "ok" else tone)],
            "area": [(row.area, "muted")],
            "took": [(f"{row.ms:,} ms" if row.ms is not None else "", "muted")],
        }

    def show(self) -> None:
        self._summary.set_lines([self._summed_up()])
        row, glyphs = self._rows.get(self.table.in_hand or ""), self.desk.glyphs
        width = max(30, self._facts.room)
        if row is None:
            self._facts.set_lines([[("an arrow key takes a check in hand", "muted")]])
            return
        lines = [
            *labelled("Found", row.detail, glyphs, width, "plain" if row.state == "ok" else row.state),
            *labelled("Means", row.means, glyphs, width, "muted"),
        ]
        if row.remedy:
            lines += labelled("To do", row.remedy, glyphs, width, "strong")
        self._facts.set_lines(lines)

    def _summed_up(self) -> Line:
        glyphs, session = self.desk.glyphs, self.desk.session
        if self.read_at is None:
            return [(f" {glyphs.plain(literal(self.trouble or 'looking'))}", "bad" if self.trouble else "muted")]
        states = [row.state for row in self._rows.values()]
        parts: list[Line] = [[(f" {glyphs.ok} {states.count('ok')} are well", "ok")]]
        if warned := states.count("warn"):
            parts.append([(f"{glyphs.warn} {warned} to look at", "warn")])
        if wrong := states.count("bad"):
            parts.append([(f"{glyphs.bad} {wrong} wrong", "bad")])
        parts.append([(f"looked {wording.clock(self.read_at, session.zone)}; nothing outside was asked", "muted")])
        return joined(parts, (f" {glyphs.sep} ", "muted"))

    @on(OrderTable.Highlighted)
    def _looked_at(self) -> None:
        self.show()

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    # Acts ------------------------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        copy_out(self.app, self.report(), "report")

    def report(self) -> str:
        """A line a check; what looks like a secret or a person's data is hidden."""
        marks = {"ok": "ok  ", "warn": "LOOK", "bad": "BAD "}
        lines = [
            f"{marks.get(row.state, row.state)} {row.area}: {row.name}: {row.detail}{f': {row.remedy}' if row.remedy else ''}"
            for row in self._rows.values()
        ]
        return "\n".join(Redactor().text(line) for line in lines)

    def action_settings(self) -> None:
        self.app.push_screen(SettingsScreen(self.desk))


async def _row(area: str, check: Check) -> Row:
    done = await perform(check)
    return Row(area, check.name, done.finding.state, done.finding.detail, done.finding.remedy, check.means)
