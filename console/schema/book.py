"""The book: compact rows of all orders, kept up to date by the feed. No personal data.

``GET /snapshot`` answers NDJSON: a line with ``SnapshotHead``, lines that are arrays of rows (each row an array in the
order of ``COLUMNS``), and a last line with ``SnapshotEnd``; without it the answer was cut. ``GET /feed`` streams
server-sent events: ``id:`` is the sequence number, ``data:`` a ``FeedEvent``; ``event: reset`` (data: ``Reset``) says
that the book must be fetched again; a comment comes every 5 s.
"""

from typing import Any

from pydantic import Field

from console.schema.base import Answer

COLUMNS = (
    "order_id", "number", "account", "kind", "plan", "amount", "sf", "read_at",
    "run_id", "version", "state", "wait", "wait_reason", "until", "next_at", "waits_for", "step", "strip", "tries", "attempt",
    "class", "system", "code", "cause", "error_step", "message", "unknown", "parked", "created", "updated", "mail", "owner", "owner_until",
)  # fmt: skip
HEARTBEAT = 5.0
NO_RUN = "none"  # the state of an order that has no run here

# One letter a step in ``strip``: not reached, running, waiting, done, failed, skipped, not needed.
STRIP_LETTERS = ".>~vxs-"
STEPS = ("load", "payment", "esim", "billing", "accept", "crm", "email")


class SnapshotHead(Answer):
    """``seq``: the feed row the book is at; ask the feed for what comes after it. ``at``: the daemon's clock."""

    seq: int
    epoch: int
    at: float
    total: int
    columns: list[str]


class SnapshotEnd(Answer):
    end: bool
    rows: int


class FeedEvent(Answer):
    """One row of the feed. ``prev`` is the number of the row before it: another one than the last seen is a gap.

    ``body`` says what happened (``kind`` run: the run's columns at that moment, empty ones left out; mail, alarm, taken,
    note, …: their own words; audit: a person's act, once as it begins and once with its ``outcome``). ``row`` is the
    order's present row in the order of ``COLUMNS``: putting it into the book is all that applying an event takes. It is
    None for rows without an order, and where a later event of the same delivery brings it.
    """

    seq: int
    prev: int
    epoch: int
    at: float
    kind: str
    order_id: str | None = None
    run_id: int | None = None
    body: dict[str, Any] = Field(default_factory=dict)
    row: list[Any] | None = None


class Reset(Answer):
    """Inside a stream: the rows asked for are gone; fetch ``see`` again."""

    reason: str
    see: str
