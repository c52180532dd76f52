"""Audit: who did what, why, and what came of it; filtered, in full, and written into a file exactly as filtered."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from textual import work
from textual.binding import BindingType

from console import keys
from console.client.log_query import AUDIT_FIELDS, clauses
from console.client.query import complete
from console.schema.desk import AuditAct
from console.screens.desk import Desk
from console.screens.exporting import export
from console.screens.loglist import PAGE, LogScreen
from console.widgets import auditrow
from console.widgets.filterbar import Grammar
from console.widgets.hints import Hint
from console.widgets.ordertable import Cells
from console.widgets.pieces import Line
from console.written import as_json, csv_cell

GRAMMAR = Grammar(
    partial(clauses, fields=AUDIT_FIELDS), partial(complete, fields=AUDIT_FIELDS), "everything; try who:@me since:12h"
)
AT_ONCE = 1000  # rows asked for at a time for an export
CSV_COLUMNS = (
    "id", "at", "ended_at", "actor", "role", "peer", "token_id", "command", "title", "subjects", "numbers", "reason",
    "outcome", "plan_hash", "detail", "result",
)  # fmt: skip


class AuditScreen(LogScreen):
    """An act is shown as one row: its intent, and what came of it."""

    MODE = "audit"
    NAME = "audit"
    COLUMNS = auditrow.COLUMNS
    CSS_PATH = "../../styles/audit.tcss"
    BINDING_GROUP_TITLE = "Audit"
    AUTO_FOCUS = "#audit"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.AUDIT]
    LEAST = 3  # for acts under way

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, GRAMMAR)
        self._total = 0

    def more_hints(self) -> Sequence[Hint]:
        return [Hint("X", "Export", "export", off=not self.rows)]

    async def page(self, before: int | None) -> dict[int, AuditAct]:
        answer = await self.desk.session.api.audit_acts(limit=PAGE, before=before, filter_=self.filter_text)
        self._total = answer.total
        return {act.id: act for act in answer.acts}

    def order_keys(self) -> list[str]:
        return [str(number) for number in sorted(self.rows, reverse=True)]

    # Shown -----------------------------------------------------------------------------------------------------------

    def cells(self, key: str) -> Cells:
        act, session = self.rows.get(int(key)), self.desk.session
        if act is None:
            return {"at": [(key, "muted")]}
        return auditrow.cells(act, session.now(), session.zone, self.desk.glyphs)

    def summary(self) -> str:
        return f"{self._total:,} act{'s' if self._total != 1 else ''}" + (
            "" if self.whole else f", {len(self.rows):,} read"
        )

    def about(self, key: str, width: int) -> list[Line]:
        return self._lines(key, width, whole=False)

    def everything(self, key: str, width: int) -> tuple[str, list[Line]]:
        return f"Audit {key}", self._lines(key, width, whole=True)

    def _lines(self, key: str, width: int, *, whole: bool) -> list[Line]:
        act, session = self.rows.get(int(key)), self.desk.session
        if act is None:
            return [[("this row is not there any more", "muted")]]
        return auditrow.lines(act, session.now(), session.zone, self.desk.glyphs, width, whole=whole)

    def order_of(self, key: str) -> str | None:
        act = self.rows.get(int(key))
        return act.subjects[0] if act is not None and len(act.subjects) == 1 else None

    async def copied(self, key: str) -> str:
        """As a viewer sees it, whatever the role."""
        answer = await self.desk.session.api.audit_acts(limit=1, before=int(key) + 1, masked=True)
        return json.dumps(_values(answer.acts[0], self._moment), ensure_ascii=False, indent=2)

    # Export ----------------------------------------------------------------------------------------------------------

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        filter_text = self.filter_text

        async def made(json_form: bool) -> tuple[str, str]:
            acts = await self._all(filter_text)
            return as_text(acts, json_form=json_form, moment=self._moment), f"{len(acts):,} acts"

        of = f" of {filter_text}" if filter_text else ""
        await export(self, "audit", f"{self._total:,} acts{of} as CSV, or JSON in a file named .json", made)

    async def _all(self, filter_text: str) -> list[AuditAct]:
        """Every act that matches, newest first, masked."""
        acts: list[AuditAct] = []
        while True:
            before = acts[-1].id if acts else None
            answer = await self.desk.session.api.audit_acts(
                limit=AT_ONCE, before=before, filter_=filter_text, masked=True
            )
            acts += answer.acts
            if len(answer.acts) < AT_ONCE:
                return acts

    def _moment(self, at: float) -> str:
        return datetime.fromtimestamp(at, self.desk.session.zone).isoformat(timespec="milliseconds")


def as_text(acts: Sequence[AuditAct], *, json_form: bool, moment: Any) -> str:
    """JSON, or CSV in which no cell is a formula. ``moment`` writes a time."""
    rows = [_values(act, moment) for act in acts]
    if json_form:
        return as_json(rows, indent=2)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in rows:
        writer.writerow([csv_cell(_flat(row[name])) for name in CSV_COLUMNS])
    return written.getvalue().rstrip("\n")


def _values(act: AuditAct, moment: Any) -> dict[str, Any]:
    values = act.model_dump()
    return {**values, "at": moment(act.at), "ended_at": moment(act.ended_at) if act.ended_at is not None else None}


def _flat(value: Any) -> Any:
    return as_json(value) if isinstance(value, dict) else value
