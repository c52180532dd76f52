"""Moving a run: the state row and its feed row are always one transaction."""

import sqlite3
from typing import Any

from storage import feed, runs


def announce(db: sqlite3.Connection, now: float, run_id: int, kind: str = "run", **extra: Any) -> int:
    """Append the run's present state to the feed: ids, states, causes; no personal data."""
    return _append(db, now, run_id, kind, runs.shown(db, run_id) | extra)


def move(
    db: sqlite3.Connection, now: float, run_id: int, *, expect_version: int | None = None, **values: Any
) -> dict[str, Any]:
    """Change a run, announce it and return what was announced (with ``version``).

    Raises Stale when the run is not at ``expect_version``.
    """
    shown = runs.change(db, run_id, now, expect_version=expect_version, **values)
    _append(db, now, run_id, "run", shown)
    return shown


def _append(db: sqlite3.Connection, now: float, run_id: int, kind: str, body: dict[str, Any]) -> int:
    order_id = body.pop("order_id", None)
    return feed.append(db, now, kind, body, order_id=order_id, run_id=run_id)
