"""What a daemon's journal says, read from outside, also while nobody runs."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import inbox, meta, profiles
from storage.inbox import Gap
from storage.journal import Journal, connect

RUNS = (
    "SELECT id, order_id, workflow, state, step, wait, wait_reason, condition, error_class, error_code, error_message,"
    " unknown_open, attempt FROM runs ORDER BY id"
)
FINAL = frozenset({"done", "failed", "held", "cancelled"})
PASSING = frozenset({"up", "resumed", "lifted"})  # conditions that come true by themselves
SOON = 30.0


@dataclass(frozen=True)
class RunRow:
    id: int
    order_id: str | None
    workflow: str
    state: str
    step: str | None
    wait: str | None
    wait_reason: str | None
    condition: str | None
    error_class: str | None
    error_code: str | None
    error_message: str | None
    unknown_open: bool
    attempt: int

    @property
    def settled(self) -> bool:
        """Nothing more will happen to it by itself."""
        if self.state != "parked":
            return self.state in FINAL
        condition = json.loads(self.condition) if self.condition else {"kind": ""}
        if condition["kind"] == "after":
            return float(condition["argument"]) > time.time() + SOON
        return condition["kind"] not in PASSING

    def __str__(self) -> str:
        why = self.error_code or self.wait_reason or ""
        return f"{self.workflow} {self.state}{f' at {self.step}: {why}' if why else ''}"


class JournalFile:
    """The journal of one data folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        connection = connect(self.path, read_only=True)
        try:
            yield connection
        finally:
            connection.close()

    def import_stock(self, rows: list[tuple[str, str]]) -> None:
        """Fill the stock of a journal that no daemon holds."""
        journal = Journal.open(self.path, "test")
        try:
            with connect(self.path) as db:
                profiles.add(db, rows, "test", 0.0)
            db.close()
        finally:
            journal.close()

    def runs(self) -> list[RunRow]:
        if not self.path.exists():
            return []
        with self.opened() as db:
            return [RunRow(*row) for row in db.execute(RUNS)]

    def states(self) -> dict[str, str]:
        """Order id → state of its latest run, as the product shows it."""
        return {run.order_id: run.state for run in self.runs() if run.workflow == "provision_order" and run.order_id}

    def latest(self, order_id: str) -> RunRow:
        return [r for r in self.runs() if r.order_id == order_id and r.workflow == "provision_order"][-1]

    def outbox_open(self) -> int:
        return self.count("SELECT COUNT(*) FROM outbox WHERE state IN ('waiting', 'in_flight')")

    def inbox_open(self) -> int:
        return self.count("SELECT COUNT(*) FROM inbox WHERE state = 'new'")

    def mails(self, state: str) -> int:
        return self.count("SELECT COUNT(*) FROM mail WHERE state = ?", state)

    def count(self, sql: str, *values: Any) -> int:
        with self.opened() as db:
            return int(db.execute(sql, values).fetchone()[0])

    def gaps(self) -> list[Gap]:
        with self.opened() as db:
            return inbox.gaps(db)

    def meta(self, key: str) -> str | None:
        with self.opened() as db:
            return meta.get(db, key)

    def alerts(self) -> dict[str, str]:
        """Open alerts: cause → message."""
        with self.opened() as db:
            return dict(db.execute("SELECT cause, message FROM alerts WHERE cleared_at IS NULL"))

    def sends(self, operation: str) -> list[tuple[str, str | None]]:
        """(kind, outcome) of every send and look of an operation, oldest first."""
        with self.opened() as db:
            return list(
                db.execute(
                    "SELECT s.kind, s.outcome FROM sends s JOIN calls c ON c.id = s.call_id WHERE c.operation = ?"
                    " ORDER BY s.id",
                    (operation,),
                )
            )
