"""How the product stands: read from its journal, which can be read while the daemon is dead, too."""

import sqlite3
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from integrations.esim.inventory import parse_inventory
from storage import desk, inbox, mail, meta, outbox, profiles, runs
from storage.journal import Journal, connect
from storage.runs import Run

NEAR = 120.0  # seconds; what waits for a later moment is at rest
BY_ITSELF = ("up", "resumed", "lifted", "after")


@dataclass(frozen=True)
class Shown:
    """One order as the product shows it."""

    state: str
    why: str


class Inside:
    """The journal in ``folder``, opened for each question anew."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"

    def import_first_stock(self, data: bytes, now: float) -> int:
        """Before any daemon runs. Returns how many profiles are new."""
        rows = [(row.iccid, row.profile_type) for row in parse_inventory(data).rows]
        Journal.open(self.path, "portal demo").close()
        connection = connect(self.path)
        try:
            new, _ = profiles.add(connection, rows, "first stock", now)
        finally:
            connection.close()
        return new

    def has_polled(self) -> bool:
        """First contact is over: from now on many orders at once are no surprise to it (rules §4.3)."""
        with self._open() as db:
            return meta.get(db, "first_poll_at") is not None

    def pauses(self) -> list[str]:
        with self._open() as db:
            return list(desk.pauses(db))

    def shown(self, order_ids: list[str]) -> dict[str, Shown]:
        """Order id → how it stands; an order without a run is missing."""
        with self._open() as db:
            found = {order_id: runs.latest_of_order(db, order_id) for order_id in order_ids}
        return {order_id: Shown(run.state, _why(run)) for order_id, run in found.items() if run is not None}

    def maybe_sent(self) -> int:
        """Order mails of which nobody can say whether they arrived (rules §6 email)."""
        with self._open() as db:
            return len(mail.in_state(db, "maybe_sent"))

    def busy(self) -> bool:
        """Is a run under way right now?"""
        with self._open() as db:
            return bool(runs.in_state(db, "running"))

    def at_rest(self, order_ids: list[str], now: float, *, mended: Set[str], delivered: Set[str]) -> bool:
        """Every order has a run, and nothing more happens by itself, mails and status writes included.

        What waits for something that has come goes on when the daemon looks for it next: ``mended`` are orders whose
        customer has paid up, ``delivered`` profile types that are in stock again.
        """
        with self._open() as db:
            if inbox.waiting(db, 1) or outbox.next_due(db) is not None:
                return False
            if runs.in_state(db, "queued", "running", "retrying"):
                return False
            parked = runs.parked_on_condition(db)
            if any(_goes_on(run, now, delivered) or run.order_id in mended for run in parked):
                return False
            return all(runs.latest_of_order(db, order_id) is not None for order_id in order_ids)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = connect(self.path, read_only=True)
        try:
            yield connection
        finally:
            connection.close()


def _goes_on(run: Run, now: float, delivered: Set[str]) -> bool:
    condition = run.condition or {}
    if condition.get("kind") == "stock":
        return condition["argument"] in delivered
    if condition.get("kind") == "after":
        return float(condition["argument"]) < now + NEAR
    return condition.get("kind") in BY_ITSELF


def _why(run: Run) -> str:
    if run.state == "done":
        return ""
    step = run.error_step or run.step
    return f"{run.error_code or 'waits'}{f' at {step}' if step else ''}: {run.error_message or run.wait_reason or ''}"
