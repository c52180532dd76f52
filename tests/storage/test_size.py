"""What is asked all the time must cost the same with a million old runs as with none: every such query has its index."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from storage import alerts, calls, feed, inbox, outbox, queue, runs
from storage.journal import Journal

NOW = 1_800_000_000.0

ALWAYS: dict[str, Callable[[sqlite3.Connection], Any]] = {
    "dispatch: due": lambda db: queue.any_due(db, NOW),
    "dispatch: next": lambda db: queue.next_due(db, NOW),
    "dispatch: holders": lambda db: queue.name_holders(db, NOW),
    "dispatch: claim": lambda db: queue.claim_due(db, NOW, 10),
    "conditions": runs.parked_on_condition,
    "poll: open orders": runs.open_orders,
    "watch: oldest queued": queue.oldest_queued,
    "health: counts": runs.counts,
    "start: running": lambda db: runs.in_state(db, "running"),
    "withdrawals: parked": lambda db: runs.in_state(db, "parked", "held"),
    "door: latest": lambda db: runs.latest_of_order(db, "o"),
    "brake": lambda db: runs.started_since(db, NOW),
    "calls of an order": lambda db: calls.of_order(db, "o"),
    "a call": lambda db: calls.find(db, "o", "whmcs.AddOrder"),
    "its outcomes": lambda db: calls.outcomes(db, 1),
    "start: calls under way": lambda db: calls.interrupt(db, NOW),
    "a clock jump": lambda db: calls.restart_waits(db, NOW),
    "unknown flag": lambda db: runs.refresh_unknown(db, 1, "o"),
    "trim": lambda db: calls.trim(db, NOW),
    "feed: after": lambda db: feed.after(db, 5),
    "feed: of order": lambda db: feed.of_order(db, "o"),
    "inbox: waiting": inbox.waiting,
    "inbox: seen": lambda db: inbox.seen_for(db, "o", NOW),
    "outbox: due": lambda db: outbox.due(db, NOW),
    "outbox: next": outbox.next_due,
    "alerts": alerts.open_alerts,
}
PARTIAL = {
    "runs_due",
    "runs_open",
    "runs_one_open",
    "runs_lock",
    "runs_untrimmed",
    "calls_open",
    "inbox_new",
    "outbox_due",
}
GROWING = ("runs", "calls", "sends", "steps", "feed", "inbox", "outbox", "orders", "mail", "audit")


class Watched(sqlite3.Connection):
    """Notes the statements that are executed."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.asked: list[tuple[str, Any]] = []

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self.asked.append((sql, parameters))
        return super().execute(sql, parameters)


@pytest.mark.parametrize("name", ALWAYS)
def test_nothing_that_is_always_asked_reads_a_whole_table(journal: Journal, name: str) -> None:
    db = sqlite3.connect(journal.path, factory=Watched)
    try:
        db.execute("BEGIN")
        run_id = runs.insert(
            db,
            ("a",),
            NOW,
            workflow="w",
            subject="o",
            order_id="o",
            state="done",
            source="x",
            ended_at=1.0,
            state_data={"a": 1},
        )
        assert run_id
        db.asked.clear()
        ALWAYS[name](db)
        asked, whole = list(db.asked), []
        for sql, parameters in asked:
            plan = db.execute("EXPLAIN QUERY PLAN " + sql, parameters).fetchall()
            whole += [
                f"{row[3]}: {sql}" for row in plan
                if row[3].startswith("SCAN") and row[3].split()[1] in GROWING and not PARTIAL & set(row[3].split())
            ]  # fmt: skip
        assert whole == []
    finally:
        db.rollback()
        db.close()


async def test_old_done_orders_are_cut_to_effects_and_ids(journal: Journal) -> None:
    def order(db: sqlite3.Connection, number: int, state: str, ended: float | None) -> int:
        subject = f"o{number}"
        run_id = runs.insert(
            db, ("load",), 1.0, workflow="provision_order", subject=subject, order_id=subject, state=state, source="event",
            ended_at=ended, state_data={"recipient": "taro@example.jp"},
        )  # fmt: skip
        for effect, operation in (("read", "whmcs.GetClientsDetails"), ("guarded", "whmcs.AddOrder")):
            call_id, send_id = calls.intend(
                db, run_id=run_id, order_id=subject, step="load", operation=operation, item="", system="whmcs",
                effect=effect, marker="m", request={"mail": "taro@example.jp"}, now=1.0, deadline=2.0, correlation="c",
            )  # fmt: skip
            calls.end_send(db, send_id, 2.0, "ok")
            calls.settle(db, call_id, "done", 2.0, output={"order_id": "55"})
        runs.set_step(db, run_id, "load", "done", ended_at=2.0, output={"mail": "taro@example.jp"})
        return run_id

    await journal.write(
        lambda db: [order(db, 1, "done", 10.0), order(db, 2, "done", 100.0), order(db, 3, "failed", 10.0)]
    )
    assert await journal.write(lambda db: calls.trim(db, 50.0)) == 1
    assert await journal.write(lambda db: calls.trim(db, 50.0)) == 0
    cut, kept = (journal.peek(lambda db, o=o: calls.of_order(db, o)) for o in ("o1", "o2"))  # type: ignore[misc]
    assert [(c.operation, c.input, c.output, c.marker) for c in cut] == [
        ("whmcs.AddOrder", {}, {"order_id": "55"}, "m")
    ]
    assert [c.operation for c in kept] == ["whmcs.GetClientsDetails", "whmcs.AddOrder"]
    data = {run.subject: run.state_data for run in journal.peek(lambda db: runs.in_state(db, "done", "failed"))}
    assert data["o1"] == {} and data["o2"] and data["o3"]
    assert journal.peek(lambda db: runs.steps(db, 1))[0].output is None
    assert len(journal.peek(lambda db: calls.sends(db, cut[0].id))) == 1
