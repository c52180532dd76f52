"""The audit log as acts, filtered events, the doctor and the settings over the API."""

import time

import pytest

from console.client.errors import Invalid
from integrations.errors import CallFailed, ErrorClass, System
from storage import audit, inbox
from storage.audit import Actor
from tests.console.api.rig import Desk
from tests.console.client.journal_rows import put_order

MIRA, SATO = Actor("mira", "operator", peer="uid 1000"), Actor("sato", "supervisor", token_id=3)


async def act(desk: Desk, actor: Actor, command: str, subject: str, outcome: str | None, *, ago: float = 0.0) -> int:
    """An act as the commander writes it; its intent's id."""

    def write(db: object) -> int:
        at = time.time() - ago
        row = audit.intent(db, at, actor, command, [subject], plan_hash="h" * 8, reason="because 09012345635 called")  # type: ignore[arg-type]
        if outcome is not None:
            audit.outcome(db, row, at + 0.5, outcome, {"run": 7})  # type: ignore[arg-type]
        return row

    return await desk.journal.write(write)


async def test_an_act_is_its_intent_with_its_outcome_and_every_field_filters(desk: Desk) -> None:
    await desk.journal.write(lambda db: put_order(db, 7, {}, {"state": "failed"}))
    known = desk.journal.peek(lambda db: db.execute("SELECT order_id, number FROM orders").fetchone())
    first = await act(desk, MIRA, "order.retry", known[0], "done", ago=7200)
    second = await act(desk, SATO, "order.cancel", "801000000000099AAA", None)
    operator = desk.client("operator")
    everything = await operator.audit_acts()
    assert [one.id for one in everything.acts] == [second, first] and everything.total == 2
    newest, oldest = everything.acts
    assert (newest.outcome, newest.ended_at) == ("under_way", None)
    assert (oldest.outcome, oldest.title, oldest.numbers, oldest.result) == ("done", "Retry", [known[1]], {"run": 7})
    assert oldest.ended_at == pytest.approx(oldest.at + 0.5)
    wanted = {
        "who:mira": [first], "-who:MIRA": [second], "command:cancel": [second], f"order:{int(known[1])}": [first],
        f"order:{known[0]}": [first], "since:1h": [second], "until:1h": [first], "outcome:under-way,failed": [second],
        "role:supervisor": [second], "reason:because": [second, first], "retry": [first], "since:2020-01-01": [second, first],
    }  # fmt: skip
    for text, ids in wanted.items():
        found = await operator.audit_acts(filter_=text)
        assert ([one.id for one in found.acts], found.total) == (ids, len(ids)), text
    page = await operator.audit_acts(limit=1, before=second)
    assert [one.id for one in page.acts] == [first]
    with pytest.raises(Invalid, match="did you mean outcome"):
        await operator.audit_acts(filter_="outcom:done")


async def test_what_leaves_the_screen_is_masked_whatever_the_role(desk: Desk) -> None:
    await act(desk, MIRA, "order.retry", "801000000000099AAA", "done")
    admin = desk.client("admin")
    assert "09012345635" in ((await admin.audit_acts()).acts[0].reason or "")
    assert "09012345635" not in ((await admin.audit_acts(masked=True)).acts[0].reason or "")
    assert "09012345635" not in ((await desk.client("viewer").audit_acts()).acts[0].reason or "")


async def test_events_are_filtered_by_what_became_of_them(desk: Desk) -> None:
    def write(db: object) -> None:
        rows = [
            inbox.Incoming(
                channel="/event/X__e", replay_id=str(n), event_uuid=f"uuid-{n}", order_id=f"80100000000000{n}AAA", idem_key=None, payload={},
                received_at=time.time() - n * 3600, problem="no OrderId__c" if n == 2 else None,
            )
            for n in range(3)
        ]  # fmt: skip
        inbox.append(db, "00D", "cometd", rows)  # type: ignore[arg-type]

    await desk.journal.write(write)
    viewer = desk.client("viewer")
    wanted = {
        "state:poison": ["uuid-2"],
        "since:90m": ["uuid-1", "uuid-0"],
        "event:uuid-1": ["uuid-1"],
        "-channel:x__e": [],
    }
    for text, uuids in wanted.items():
        assert [one.event_uuid for one in (await viewer.events(filter_=text)).events] == uuids, text


async def test_the_doctor_says_of_each_check_what_hangs_on_it_and_no_secret(desk: Desk) -> None:
    found = {one.name: one for one in (await desk.client("viewer").checks()).checks}
    assert set(found) == {"settings", "files", "disk", "journal", "backups", "certificates"}
    assert found["journal"].state == "ok" and all(one.means for one in found.values())
    assert found["backups"].state == "warn" and found["backups"].remedy
    shown = await desk.client("viewer").settings()
    values = {one.key: one for one in shown.settings}
    assert values["salesforce.client_secret"].value == "••••••••"
    assert "secret-of" not in shown.model_dump_json()
    assert values["whmcs.url"].help


async def test_figures_are_of_real_calls_with_their_window(desk: Desk) -> None:
    gate = desk.parts.engine.gates["whmcs"]
    for kind in (None, ErrorClass.TRANSIENT, ErrorClass.DATA):
        try:
            async with gate.slot(), gate.asked():
                if kind is not None:
                    raise CallFailed(System.WHMCS, "GetOrders", kind, "http_503", "no")
        except CallFailed:
            continue
    systems = {one.system: one for one in (await desk.client("viewer").integrations()).integrations}
    recent, breaker = systems["whmcs"].recent, systems["whmcs"].breaker
    assert recent is not None and breaker is not None
    assert (recent.calls, recent.failed, recent.refused) == (3, 1, 1)
    assert 0 < recent.window <= 300 and len(recent.latency) == 20 and set(recent.latency) > {None}
    assert breaker.state == "closed" and systems["whmcs"].concurrency > 0
    assert systems["mail"].recent is not None and systems["mail"].recent.p95 is None
