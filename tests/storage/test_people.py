"""What people leave: an audit that nothing changes, tokens, idempotency keys, notes, takes, pauses."""

import sqlite3
from functools import partial

import pytest

from storage import audit, desk, feed, tokens
from storage.audit import Actor
from storage.journal import Journal

OTTO = Actor("otto", "operator", peer="uid 1000", token_id=7)


async def test_an_act_has_an_intent_and_an_outcome(journal: Journal) -> None:
    first = await journal.write(
        lambda db: audit.intent(db, 10.0, OTTO, "order.retry", ["801A", "801B"], plan_hash="h", reason="mended")
    )
    assert [row.id for row in journal.peek(audit.unfinished)] == [first]
    await journal.write(lambda db: audit.outcome(db, first, 11.0, "partly", {"801B": "failed"}))
    assert journal.peek(audit.unfinished) == []
    after, before = journal.peek(lambda db: audit.newest(db))
    assert (before.phase, after.phase, after.intent_id, after.outcome) == ("intent", "outcome", first, "partly")
    assert (after.actor, after.subjects, after.reason, after.plan_hash) == ("otto", ["801A", "801B"], "mended", "h")
    assert (before.peer, before.token_id, before.role) == ("uid 1000", 7, "operator")


async def test_both_rows_of_an_act_are_told_on_the_feed_with_the_one_order_and_no_other_subject(
    journal: Journal,
) -> None:
    one, other = "8015h0000000001AAA", "8015h0000000002AAA"

    def act(db: sqlite3.Connection, subjects: list[str]) -> int:
        intent = audit.intent(db, 10.0, OTTO, "order.note", subjects, reason="she rang")
        audit.outcome(db, intent, 11.0, "done", {"text": "she rang"})
        return intent

    for subjects in ([one], [one, other], ["Hanako Tanaka"], []):
        number = await journal.write(partial(act, subjects=subjects))
        begun, ended = journal.peek(lambda db: feed.after(db, 0))[-2:]
        assert (begun.kind, begun.at, ended.kind, ended.at) == ("audit", 10.0, "audit", 11.0)
        assert begun.order_id == ended.order_id == (one if subjects == [one] else None)
        assert begun.body == {"audit": number, "command": "order.note"}
        assert ended.body == {**begun.body, "outcome": "done"}


async def test_rows_are_never_changed_or_deleted(journal: Journal) -> None:
    await journal.write(lambda db: audit.intent(db, 10.0, OTTO, "order.retry", ["801A"]))
    for statement in (
        "UPDATE audit SET actor = 'somebody else'", "DELETE FROM audit", "UPDATE audit SET reason = NULL WHERE id = 1",
        "INSERT INTO audit (id, at, phase, actor, command, subjects) VALUES (1, 0, 'intent', 'x', 'y', '[]')"
        " ON CONFLICT(id) DO UPDATE SET actor = 'x'",
    ):  # fmt: skip
        with pytest.raises(sqlite3.IntegrityError, match="audit rows are never"):
            await journal.write(lambda db, statement=statement: db.execute(statement))  # type: ignore[misc]
    assert [row.actor for row in journal.peek(lambda db: audit.newest(db))] == ["otto"]


async def test_the_audit_is_searched(journal: Journal) -> None:
    async def act(n: int) -> None:
        await journal.write(lambda db: audit.intent(db, float(n), Actor(f"p{n % 2}", "operator"), f"c{n}", [f"801{n}"]))

    for n in range(5):
        await act(n)
    assert [r.command for r in journal.peek(lambda db: audit.newest(db, actor="p1"))] == ["c3", "c1"]
    assert [r.command for r in journal.peek(lambda db: audit.newest(db, subject="8012"))] == ["c2"]
    assert [r.command for r in journal.peek(lambda db: audit.newest(db, command="c4"))] == ["c4"]
    assert [r.command for r in journal.peek(lambda db: audit.newest(db, 2, before=4))] == ["c2", "c1"]


async def test_a_key_is_answered_as_it_stands(journal: Journal) -> None:
    async def begin(body: str, owner: str = "token:1") -> tokens.Answer | None:
        return await journal.write(lambda db: tokens.begin(db, owner, "key", body, 10.0))

    assert await begin("body") is None
    flying = await begin("body")
    assert flying is not None and (flying.state, flying.body_hash) == ("in_flight", "body")
    await journal.write(lambda db: tokens.finish(db, "token:1", "key", 202, "{}"))
    done = await begin("other")
    assert done is not None and (done.state, done.status, done.response, done.body_hash) == ("done", 202, "{}", "body")
    assert await begin("body", "token:2") is None, "keys are each token's own"
    await journal.write(lambda db: tokens.forget(db, "token:1", "key"))
    assert await begin("other") is None
    assert await journal.write(lambda db: tokens.expire(db, 11.0)) == 2


async def test_tokens_are_found_by_prefix_and_revoked(journal: Journal) -> None:
    one = await journal.write(lambda db: tokens.add(db, "otto", "operator", "pc_1", "hash", 1.0, 90.0, "admin"))
    await journal.write(lambda db: tokens.add(db, "sue", "supervisor", "pc_2", "hash", 1.0, 90.0, "admin"))
    with pytest.raises(sqlite3.IntegrityError):
        await journal.write(lambda db: tokens.add(db, "eve", "admin", "pc_1", "hash", 1.0, 90.0, "admin"))
    assert await journal.write(lambda db: tokens.revoke(db, one, 5.0))
    assert not await journal.write(lambda db: tokens.revoke(db, one, 6.0))
    found = journal.peek(lambda db: tokens.by_prefix(db, "pc_1"))
    assert found is not None and (found.name, found.revoked_at) == ("otto", 5.0)
    assert journal.peek(lambda db: tokens.by_prefix(db, "pc_3")) is None
    assert await journal.write(lambda db: tokens.revoke_all(db, 7.0)) == 1


async def test_a_take_is_a_claim_that_expires(journal: Journal) -> None:
    await journal.write(lambda db: desk.take(db, "801A", "otto", 0.0, 100.0))
    await journal.write(lambda db: desk.take(db, "801A", "sue", 5.0, 105.0))
    taken = journal.peek(lambda db: desk.taken(db, "801A", 50.0))
    assert taken is not None and taken.actor == "sue"
    assert journal.peek(lambda db: desk.taken(db, "801A", 105.0)) is None
    assert set(journal.peek(lambda db: desk.all_taken(db, 50.0))) == {"801A"}


async def test_the_first_pause_of_a_thing_stands_until_it_is_lifted(journal: Journal) -> None:
    await journal.write(lambda db: desk.pause(db, "whmcs", "engine", "role denied", 1.0, automatic=True))
    await journal.write(lambda db: desk.pause(db, "whmcs", "otto", "maintenance", 2.0))
    assert journal.peek(desk.pauses)["whmcs"].reason == "role denied"
    assert await journal.write(lambda db: desk.resume(db, "whmcs"))
    assert not await journal.write(lambda db: desk.resume(db, "whmcs"))
