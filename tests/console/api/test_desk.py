"""Lists of the desk from a real journal: failures, what needs a person, stock, mails, audit, backups, keys."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from console.api.idempotency import Keys
from console.client.api import new_key
from console.client.errors import Conflict, InFlight, Invalid, NotFound
from console.schema.commands import PlanRequest, SubmitRequest
from console.schema.desk import PersonItem
from console.schema.service import Part
from integrations.esim.checkdigits import luhn_digit
from storage import alerts, audit, feed, inbox, mail, meta, profiles, tokens
from storage import desk as desk_rows
from storage.backup import check
from storage.inbox import Incoming
from tests.console.api.rig import Desk
from tests.console.client.journal_rows import order_id_of, put_order

STOCK_EMPTY = {
    "error_class": "capacity", "error_system": "esim", "error_code": "stock_empty", "fingerprint": "aaaabbbbcccc",
    "error_message": "no free profile of type TRAVEL-5G for 090-1234-5678", "error_step": "esim", "step": "esim",
}  # fmt: skip
DATA = {
    "error_class": "data", "error_system": "salesforce", "error_code": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "fingerprint": "ddddeeeeffff", "error_message": "wrong", "error_step": "crm",
}  # fmt: skip


def _fill(db: sqlite3.Connection) -> None:
    now = time.time()
    condition = {"kind": "stock", "argument": "TRAVEL-5G", "since": now, "limit": 86400}
    for n in (1, 2, 3):
        waiting = {"state": "parked", "wait": "condition", "condition": condition, "wait_until": now + 7200}
        put_order(
            db, n, {"kind": "eSIM"}, {**STOCK_EMPTY, **waiting, "created_at": now - 600, "updated_at": now - n * 60}
        )
    put_order(db, 4, {}, {**DATA, "state": "failed", "created_at": now - 900, "updated_at": now - 800})
    put_order(db, 5, {}, {"state": "held", "wait": "person", "wait_reason": "four eyes", "error_code": "four_eyes"})
    unknown = {"state": "parked", "wait": "person", "unknown_open": 1, "wait_reason": "the look could not tell"}
    put_order(db, 6, {}, {**unknown, "error_class": "outcome_unknown", "step": "billing", "updated_at": now - 5})
    put_order(db, 7, {}, {"state": "done"})
    mail_id = mail.queue(db, order_id_of(7), "order_provisioned", "ja", "<m@x>", now - 50)
    assert mail_id is not None
    mail.change(db, mail_id, state="maybe_sent", recipient="hanako@example.jp")
    desk_rows.pause(db, "whmcs", "mira", "deploying", now - 40)
    inbox.append(
        db, "org", "cometd", [Incoming("/event/X", "1", "u-1", None, None, {"a": 1}, now - 30, problem="no order")]
    )
    inbox.gap(db, "org", "cometd", "/event/X", "replay id expired", now - 20)
    alerts.raise_(db, "deaf", "critical", "events do not come", now - 10)
    meta.put(db, "org_is_sandbox", "1")


async def test_failures_are_grouped_by_cause(desk: Desk) -> None:
    await desk.journal.write(_fill)
    found = await desk.client("viewer").failures()
    stock, data = found.groups[0], found.groups[1]
    assert (stock.cause, stock.count, stock.error_class) == ("aaaabbbbcccc", 3, "capacity")
    assert (stock.step, stock.system, stock.states) == ("esim", "esim", {"parked": 3})
    possible = {act.id: act.possible for act in (await desk.client("operator").failures()).groups[0].acts}
    assert (possible["order.retry"], possible["order.cancel"]) == (3, 3)
    assert all(act.possible == 0 and "needs the role operator" in act.why_not for act in stock.acts)
    assert stock.sum_yen == 3 * 2178
    assert "by itself" in stock.automatic
    assert "Import new stock" in stock.advice
    assert sum(stock.last_hour) == 3
    assert "090" not in stock.title
    assert stock.newest > stock.oldest
    assert (data.count, data.automatic) == (1, "off")
    only = await desk.client("viewer").failures("class:data")
    assert [group.cause for group in only.groups] == ["ddddeeeeffff"]


async def test_how_the_same_cause_ended_before_is_computed(desk: Desk) -> None:
    def fill(db: sqlite3.Connection) -> None:
        put_order(db, 1, {}, {**DATA, "state": "failed"})
        put_order(db, 2, {}, {**DATA, "state": "failed"})
        put_order(db, 2, {}, {"state": "done"})  # tried again: a new run

        put_order(db, 3, {}, {**DATA, "state": "failed"})
        put_order(db, 3, {}, {**DATA, "state": "failed"})  # tried again, and stands there still: it has not ended

    await desk.journal.write(fill)
    (group,) = (await desk.client("viewer").failures()).groups
    assert (group.count, group.before) == (2, {"done": 1})
    assert group.before_at is not None


async def test_everything_that_needs_a_person_and_nothing_else(desk: Desk) -> None:
    await desk.journal.write(_fill)
    found = await desk.client("operator").needs_person()
    kinds = [item.kind for item in found.items]
    assert sorted(kinds) == sorted(
        ["park_ending"] * 3
        + ["failed", "held", "unknown_outcome", "mail_maybe_sent", "paused", "poison", "gap", "deaf"]
    )
    assert [item.since for item in found.items] == sorted(item.since for item in found.items)
    by_kind: dict[str, PersonItem] = {item.kind: item for item in found.items}
    assert (by_kind["paused"].next_acts, by_kind["paused"].subject) == (["system.resume"], "whmcs")
    assert by_kind["held"].what.startswith("four eyes")
    assert by_kind["held"].next_acts == ["order.start", "order.cancel"]
    assert by_kind["failed"].next_acts == ["order.retry", "order.edit"]
    assert all(item.number for item in found.items if item.order_id)
    assert len({item.key for item in found.items}) == len(found.items)
    counted = await desk.client("viewer").needs_person(limit=0)
    assert (counted.count, counted.items, counted.oldest) == (len(found.items), [], found.items[0].since)
    seen = await desk.client("viewer").needs_person()
    assert all(item.next_acts == [] for item in seen.items)
    assert "needs the role operator; yours is viewer" in next(i for i in seen.items if i.kind == "failed").why_not


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("client_inactive", "Failed at load: client inactive"),
        ("UNABLE_TO_LOCK_ROW", "Failed at load: UNABLE_TO_LOCK_ROW"),
    ],
)
async def test_a_failure_is_named_in_words_where_the_name_is_ours(desk: Desk, code: str, title: str) -> None:
    failed = {**DATA, "state": "failed", "step": "load", "error_step": "load", "error_code": code}
    await desk.journal.write(lambda db: put_order(db, 1, {}, failed))
    (item,) = (await desk.client("operator").needs_person()).items
    assert (item.title, item.code) == (title, code)


async def test_an_alarm_that_has_a_row_of_its_own_is_not_told_twice(desk: Desk) -> None:
    def fill(db: sqlite3.Connection) -> None:
        now = time.time()
        desk_rows.pause(db, "whmcs", "engine", "role_denied", now, automatic=True)
        for cause in ("paused:whmcs", "held:four_eyes", "gap", "brake", "recovery", "failed:aa", "parked:bb"):
            alerts.raise_(db, cause, "critical", "told elsewhere", now)
        alerts.raise_(db, "stock:TRAVEL-5G", "warning", "low", now)
        alerts.raise_(db, "disk", "critical", "2 % of the disk is free", now)
        alerts.raise_(db, "writeback:X", "warning", "Salesforce refuses our status write", now)

    await desk.journal.write(fill)
    found = await desk.client("operator").needs_person()
    assert sorted(item.key for item in found.items) == ["alarm:disk", "alarm:writeback:X", "pause:whmcs"]


async def test_what_was_seen_or_settled_waits_no_more(desk: Desk) -> None:
    await desk.journal.write(_fill)
    operator = desk.client("operator")
    rows = [item.subject for item in (await operator.needs_person()).items if item.kind in ("gap", "poison")]
    assert sorted(filter(None, rows)) == ["gap:1", "poison:1"]
    for row in ("gap:1", "poison:1", "mail:1"):
        plan = await operator.plan("system.seen", PlanRequest(arguments={"row": row}))
        request = SubmitRequest(arguments={"row": row}, plan_hash=plan.hash)
        assert (await operator.submit("system.seen", request, key=new_key())).outcome == "done"
    kinds = {item.kind for item in (await operator.needs_person()).items}
    assert not kinds & {"gap", "poison", "mail_maybe_sent"}
    again = await operator.plan("system.seen", PlanRequest(arguments={"row": "poison:1"}))
    assert again.refusal == "operator of the test has seen it"
    with pytest.raises(Invalid, match="there is no gap 7"):
        await operator.plan("system.seen", PlanRequest(arguments={"row": "gap:7"}))


async def test_a_mail_that_was_sent_again_waits_no_more(desk: Desk) -> None:
    await desk.journal.write(_fill)

    def again(db: sqlite3.Connection) -> None:
        mail.queue(db, order_id_of(7), "order_provisioned", "ja", "<n@x>", time.time(), resend=1)

    await desk.journal.write(again)
    assert "mail_maybe_sent" not in {item.kind for item in (await desk.client("viewer").needs_person()).items}


async def test_mails_show_no_address(desk: Desk) -> None:
    await desk.journal.write(_fill)
    for role in ("viewer", "admin"):
        (row,) = (await desk.client(role).mails(state="maybe_sent")).mails
        assert row.recipient == "h••@exa…"
    assert (await desk.client("viewer").mails(order="7")).mails[0].number == "00000007"
    with pytest.raises(Invalid, match="there is no such state"):
        await desk.client("viewer").mails(state="lost")


async def test_events_gaps_poison_and_deep_health(desk: Desk) -> None:
    async def parts() -> list[Part]:
        return [Part(name="journal", state="ok"), Part(name="mail", state="bad", detail="hanako@example.jp bounced")]

    desk.api.services.parts = parts
    await desk.journal.write(_fill)
    viewer = desk.client("viewer")
    assert [(e.state, e.reason) for e in (await viewer.events()).events] == [("poison", "no order")]
    assert [gap.reason for gap in (await viewer.gaps()).gaps] == ["replay id expired"]
    assert [row.reason for row in (await viewer.poison()).poison] == ["no order"]
    deep = await viewer.health_deep()
    assert [alert.cause for alert in deep.alerts] == ["deaf"]
    assert (deep.state, deep.parts[1].detail) == ("bad", "h••@exa… bounced")
    desk.parts.engine.gates["whmcs"].last_error = "bad_number: 090-1234-5678 is taken"
    shown = await viewer.integrations()
    (said,) = [one.last_error for one in shown.integrations if one.system == "whmcs"]
    # of the whole answer, a time may hold these digits
    assert said is not None and "taken" in said and "5678" not in said
    assert [(pause.subject, pause.actor) for pause in shown.pauses] == [("whmcs", "mira")]
    assert {one.system for one in shown.integrations} == {"salesforce", "whmcs", "esim", "mail"}
    assert "portal_feed_seq" in await viewer.metrics()


# Stock ----------------------------------------------------------------------------------------------------------------


def _iccid(n: int) -> str:
    body = f"898110000000{n:06d}"
    return body + str(luhn_digit(body))


async def test_profiles_are_imported_all_or_none(desk: Desk) -> None:
    operator, woken = desk.client("operator"), []
    desk.api.services.recheck = lambda: woken.append(1)
    good = "iccid,type\n" + "".join(f"{_iccid(n)},TRAVEL-5G\n" for n in range(5))
    done = await operator.import_profiles(good.encode(), batch="出荷 7")
    assert (done.added, done.known, done.counts) == (5, 0, {"TRAVEL-5G": 5})
    assert woken
    again = await operator.import_profiles(good.encode(), batch="出荷 7")
    assert (again.added, again.known) == (0, 5)
    bad = f"iccid,type\n{_iccid(8)},SIM-20\nnonsense,SIM-20\n"
    with pytest.raises(Invalid) as caught:
        await operator.import_profiles(bad.encode(), batch="x")
    assert [error.field for error in caught.value.problem.errors] == ["line 3"]
    clash = f"iccid,type\n{_iccid(9)},SIM-20\n{_iccid(1)},SIM-20\n"
    with pytest.raises(Invalid, match="nothing was imported"):
        await operator.import_profiles(clash.encode(), batch="x")
    stock = await operator.profiles(limit=10)
    assert stock.counts == {"TRAVEL-5G": {"free": 5}}
    assert len(stock.profiles) == 5
    rows = desk.journal.peek(lambda db: audit.newest(db, 20, command="profiles.import"))
    assert [row.outcome for row in rows if row.phase == "outcome"] == ["failed", "done", "done"]
    for nothing in (b"", b"\x00\x01\x02"):
        with pytest.raises(Invalid):
            await operator.import_profiles(nothing, batch="")
    viewer = await desk.client("viewer").profiles(state="free", limit=1)
    assert "••••" in viewer.profiles[0].iccid


async def test_a_recovering_store_keeps_quarantined_profiles_apart(desk: Desk) -> None:
    await desk.journal.write(lambda db: profiles.add(db, [(_iccid(1), "A")], "b", 1.0))
    await desk.journal.write(lambda db: profiles.quarantine_free(db, 2.0))
    assert (await desk.client("viewer").profiles()).counts == {"A": {"quarantined": 1}}


# Backups --------------------------------------------------------------------------------------------------------------


async def test_a_backup_is_made_while_the_daemon_works(desk: Desk, tmp_path: Path) -> None:
    await desk.journal.write(_fill)
    target = tmp_path / "copy.db"
    done = await desk.socket.backup(str(target))
    assert done.bytes == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    check(target)
    with pytest.raises(Conflict, match="exists already"):
        await desk.socket.backup(str(target))
    for file, words in (("copy.db", "absolute"), (str(tmp_path / "none" / "x.db"), "does not exist"), ("/x\0y", "NUL")):
        with pytest.raises(Invalid, match=words):
            await desk.socket.backup(file)


# Idempotency ----------------------------------------------------------------------------------------------------------


async def test_a_key_that_is_worked_on_says_so_and_its_answer_is_kept_when_the_asker_leaves(desk: Desk) -> None:
    keys = Keys(desk.journal, "token:1", desk.parts.engine.clock, set())
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> SubmitRequest:
        begun.set()
        await go_on.wait()
        return SubmitRequest(plan_hash="done")

    first = asyncio.create_task(keys.once("key-12345", "body", work))
    await begun.wait()
    with pytest.raises(Exception, match="being worked on"):
        await keys.once("key-12345", "body", work)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    go_on.set()
    end = time.monotonic() + 60
    while (await desk.journal.read(lambda db: tokens.answer(db, "token:1", "key-12345"))).state != "done":  # type: ignore[union-attr]
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    answer = await keys.once("key-12345", "body", work)
    assert b'"plan_hash":"done"' in bytes(answer.body)


async def test_after_a_crash_a_key_never_starts_a_second_effect(desk: Desk) -> None:
    await desk.journal.write(lambda db: put_order(db, 1, {}, {"state": "failed"}))
    operator, key = desk.client("operator"), new_key()
    me = await operator.me()
    owner, body = f"token:{me.token_id}", SubmitRequest(orders=["1"], arguments={"text": "x"}, plan_hash="h")
    await desk.journal.write(lambda db: tokens.begin(db, owner, key, "other", time.time()))
    desk.api.under_way.add((owner, key))
    with pytest.raises(InFlight):
        await operator.result(key)
    desk.api.under_way.clear()  # as after a restart
    with pytest.raises(Conflict, match="the daemon stopped while this was done"):
        await operator.result(key)
    with pytest.raises(Invalid, match="another request"):
        await operator.submit("order.note", body, key=key)


async def test_nothing_done_leaves_the_key_free(desk: Desk) -> None:
    """Salesforce is away: 503, and the same key works when it is back."""
    operator, key = desk.client("operator"), new_key()
    request = SubmitRequest(orders=[order_id_of(77)], arguments={"text": "x"}, plan_hash="h")
    answers = [
        (await desk.ask("POST", "/commands/order.note/submit", role="operator", content=request.model_dump_json(),
                        headers={"Idempotency-Key": key, "Content-Type": "application/json"})).status_code
        for _ in range(2)
    ]  # fmt: skip
    assert answers == [503, 503]
    with pytest.raises(NotFound):
        await operator.result(key)


async def test_a_note_by_number_with_every_spelling_of_the_command(desk: Desk) -> None:
    await desk.journal.write(lambda db: put_order(db, 42, {}, {"state": "failed"}))
    operator = desk.client("operator")
    for command in ("order.note", "note"):
        asked: dict[str, Any] = {"orders": ["42"], "arguments": {"text": "called back\u202e"}}
        plan = await operator.plan(command, PlanRequest(**asked))
        done = await operator.submit(command, SubmitRequest(**asked, plan_hash=plan.hash), key=new_key())
        assert (done.outcome, done.command) == ("done", "order.note")
    shown = await operator.order("00000042")
    assert [item.what for item in shown.history if item.kind == "note"] == ["called back", "called back"]
    kinds = [row.kind for row in desk.journal.peek(lambda db: feed.of_order(db, order_id_of(42)))]
    assert kinds.count("note") == 2


async def test_the_systems_commands_say_why_not(desk: Desk) -> None:
    offers = {offer.id: offer for offer in await desk.client("supervisor").possible_for_system()}
    assert offers["system.pause"].possible
    assert offers["system.release_brake"].reason == "the brake is not on"
    assert all(offer.never for offer in await desk.client("viewer").possible_for_system())


async def test_an_order_that_is_not_possible_says_why(desk: Desk) -> None:
    await desk.journal.write(lambda db: put_order(db, 1, {"sf_status": "Activated"}, {"state": "done"}))
    offers = {offer.id: offer for offer in await desk.client("viewer").possible("1")}
    assert offers["order.retry"].never
    assert "needs the role operator" in offers["order.retry"].reason
    offers = {offer.id: offer for offer in await desk.client("operator").possible("1")}
    assert (offers["order.retry"].possible, offers["order.retry"].reason) == (False, "the order is done")
    assert offers["order.note"].possible
