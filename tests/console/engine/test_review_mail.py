"""Mails that must not leave by themselves, or must not be stuck; and what the feed is told (rules §5.3, §6 email, §12)."""

import random
import sqlite3

from console.engine import recovery
from console.engine.failures import MakingSure
from console.engine.outcome import Situation, decide
from console.settings.engine import EngineSettings
from integrations.errors import CallFailed, ErrorClass, System
from storage import mail, runs
from tests.console.engine.hands import ORDER, Bench


def queued(db: sqlite3.Connection) -> int:
    mail_id = mail.queue(db, ORDER, "order_provisioned", "ja", "<a@b>", 1.0)
    assert mail_id is not None
    return mail_id


async def test_a_mail_that_waited_when_the_backup_was_made_is_held_in_recovery(bench: Bench) -> None:
    """It may have been sent since: a person decides."""
    mail_id = await bench.journal.write(queued)
    await bench.journal.write(lambda db: recovery.begin(db, "restored", 0, 2.0))
    row = bench.journal.peek(lambda db: mail.get(db, mail_id))
    assert row is not None
    assert row.state == "held"


async def situation(bench: Bench, tries: int, *, unknown: bool) -> Situation:
    now = bench.clock.now()

    def write(db: sqlite3.Connection) -> runs.Run:
        run_id = runs.insert(
            db, ("load",), now, workflow="provision_order", subject=ORDER, order_id=ORDER, state="queued",
            source="event", tries=tries,
        )  # fmt: skip
        run = runs.get(db, run_id)
        assert run is not None
        return run

    run = await bench.journal.write(write)
    return Situation(run, "load", now, EngineSettings(), random.Random(1), unknown)


async def test_what_a_system_said_does_not_reach_the_feed_when_tries_are_over(bench: Bench) -> None:
    said = "550 <hanako@customer.example> unknown"
    for error_class, unknown in ((ErrorClass.OUTCOME_UNKNOWN, False), (ErrorClass.TRANSIENT, True)):
        at = await situation(bench, 7, unknown=unknown)
        decision = decide(CallFailed(System.MAIL, "message", error_class, "timeout", said), at)
        assert decision.values["state"] == "parked"
        assert "hanako" not in decision.values["wait_reason"]
        assert "hanako" in decision.values["error_message"]
        await bench.journal.write(lambda db: db.execute("DELETE FROM runs").rowcount)


async def test_a_look_that_came_through_ends_the_count_of_passing_troubles(bench: Bench) -> None:
    at = await situation(bench, 6, unknown=True)
    assert decide(MakingSure("whmcs.AddOrder", "not there yet", at.now + 5, at.now + 900), at).values["tries"] == 0
