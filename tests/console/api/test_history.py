"""The history of an order, as support staff read it."""

import asyncio
import time

import pytest

from console.api.history import history
from storage import feed
from tests.console.api.floor import Floor

PATIENCE = 60.0


async def test_only_the_orders_own_run_says_that_the_order_is_done(floor: Floor) -> None:
    """Each mail has a run of its own; and which run an event started means nothing to anybody."""
    order_id = await floor.done("vpn")
    end = time.monotonic() + PATIENCE
    told: list[str] = []
    while "mail done" not in told:
        assert time.monotonic() < end, told
        await asyncio.sleep(0.05)
        told = [item.what for item in (await floor.desk.client("operator").order(order_id)).history]
    assert told.count("done") == 1
    assert "running at email" in told and "mail running at deliver" in told
    assert "running at deliver" not in told


async def test_an_event_that_started_a_run_names_no_run(floor: Floor) -> None:
    order_id = await floor.done("vpn")
    await floor.desk.journal.write(
        lambda db: db.execute(
            "INSERT INTO inbox (org, transport, channel, replay_id, event_uuid, payload, received_at, order_id, state, reason)"
            " VALUES ('o', 't', '/e', '1', 'u', '{}', 1.0, ?, 'started', 'run 7 (event)')",
            (order_id,),
        )
    )
    (came, *_) = floor.desk.journal.peek(lambda db: history(db, order_id))
    assert (came.what, came.outcome, came.reason) == ("platform event", "started", None)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("client_inactive", "failed at load: client inactive"),
        ("UNABLE_TO_LOCK_ROW", "failed at load: UNABLE_TO_LOCK_ROW"),
    ],
)
async def test_an_order_s_event_tells_its_cause_in_words_where_the_name_is_ours(
    floor: Floor, code: str, said: str
) -> None:
    order_id = await floor.done("vpn")
    body = {"state": "failed", "error_step": "load", "code": code}
    await floor.desk.journal.write(lambda db: feed.append(db, time.time(), "run", body, order_id=order_id))
    events = floor.desk.journal.peek(lambda db: history(db, order_id))
    assert [item.detail for item in events if item.what == said] == [body]
