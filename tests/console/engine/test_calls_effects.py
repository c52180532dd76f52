"""The effect table of rules §2 × a death before, inside and after the call: the effect stands exactly once.

Every rule has its control: the same story with the rule's eyes shut makes the effect twice.
"""

import sqlite3

import pytest

from integrations.errors import CallFailed, ErrorClass, System
from storage import calls, queue
from tests.console.engine.hands import (
    ORDER,
    Act,
    Bench,
    always_absent,
    cannot_tell,
    fails,
    guarded,
    keyed,
    keyed_blind,
    refusable,
)

TROUBLE = ("dies_before", "dies_inside", "dies_after", "unknown_before", "unknown_after", "refused")
LATE_AFTER, APART = 900.0, 60.0


@pytest.mark.parametrize("act", [guarded, keyed, refusable])
@pytest.mark.parametrize("word", TROUBLE)
async def test_the_effect_stands_exactly_once(bench: Bench, act: Act, word: str) -> None:
    bench.act, bench.far.plan = act, [word]
    await bench.insert()
    run = await bench.go()
    assert (run.state, bench.far.ever) == ("done", 1)
    assert bench.deaths == int(word.startswith("dies"))


PAIRS = [(guarded, one, two) for one in TROUBLE for two in TROUBLE] + [
    (act, one, two) for act in (keyed, refusable) for one, two in (TROUBLE[:2], TROUBLE[2:4], TROUBLE[1:5:3])
]


@pytest.mark.parametrize(("act", "first", "second"), PAIRS)
async def test_also_when_the_second_try_meets_trouble(bench: Bench, act: Act, first: str, second: str) -> None:
    bench.act, bench.far.plan = act, [first, second]
    await bench.insert()
    run = await bench.go()
    assert (run.state, bench.far.ever) == ("done", 1)


@pytest.mark.parametrize("word", ["dies_inside", "dies_after", "unknown_after"])
async def test_control_a_look_that_sees_nothing_makes_it_twice(bench: Bench, word: str) -> None:
    bench.far.plan, bench.far.see = [word], always_absent
    await bench.insert()
    await bench.go()
    assert bench.far.ever == 2, "the story above could not fail"


@pytest.mark.parametrize("word", ["dies_inside", "dies_after", "unknown_after"])
async def test_control_a_keyed_call_without_its_key_makes_it_twice(bench: Bench, word: str) -> None:
    bench.act, bench.far.plan = keyed_blind, [word]
    await bench.insert()
    await bench.go()
    assert bench.far.ever == 2


async def test_a_first_start_is_sent_at_once_and_without_a_look(bench: Bench) -> None:
    await bench.insert()
    run = await bench.go()
    assert run.state == "done"
    assert (len(bench.far.requests), len(bench.far.looks)) == (1, 0)
    assert [(s.kind, s.outcome) for s in bench.sends()] == [("send", "ok")]


async def test_the_intent_is_on_disk_before_the_request_leaves(bench: Bench) -> None:
    seen: list[tuple[str, float, str, str]] = []
    honest = bench.far.send

    async def send() -> object:
        other = sqlite3.connect(bench.journal.path)
        seen.extend(
            other.execute("SELECT state, deadline, marker, input FROM calls WHERE effect = 'guarded'").fetchall()
        )
        other.close()
        return await honest()

    bench.far.send = send  # type: ignore[method-assign, assignment]
    await bench.insert()
    await bench.go()
    assert seen == [("intended", bench.far.requests[0] + 65.0, "p1:m", '{"a":1}')]


async def test_a_run_that_was_told_to_look_looks_first(bench: Bench) -> None:
    bench.far.landings.append(bench.clock.now())  # somebody made it before
    await bench.insert(look_first=True)
    run = await bench.go()
    assert (run.state, bench.far.ever, len(bench.far.requests)) == ("done", 1, 0)
    assert bench.call().settled_by == "look"


async def test_in_recovery_nothing_is_sent_without_a_look(bench: Bench) -> None:
    bench.far.landings.append(bench.clock.now())
    bench.engine.recovery = True
    await bench.insert()
    assert (await bench.go()).state == "done"
    assert bench.far.requests == []


async def test_control_without_look_first_the_same_order_is_made_twice(bench: Bench) -> None:
    bench.far.landings.append(bench.clock.now())
    await bench.insert()
    await bench.go()
    assert bench.far.ever == 2


async def test_a_new_run_of_the_order_finds_what_an_earlier_one_made(bench: Bench) -> None:
    """Guarded effects belong to the order, whichever run asks (rules §1.1)."""
    await bench.insert()
    await bench.go()
    await bench.insert(look_first=True)
    run = await bench.go()
    assert (run.id, run.state, len(bench.far.requests), len(bench.far.looks)) == (2, "done", 1, 0)


# Refusable ------------------------------------------------------------------------------------------------------------


async def test_the_first_call_refused_as_taken_is_a_conflict(bench: Bench) -> None:
    """Rules §2: the refusal proves the first call only where there was one."""
    bench.act = refusable
    bench.far.landings.append(bench.clock.now())
    await bench.insert()
    run = await bench.go()
    assert (run.state, run.error_class, run.error_code) == ("failed", "conflict", "taken_by_another")


async def test_a_refused_conflict_stays_one_when_a_person_retries(bench: Bench) -> None:
    bench.act = refusable
    bench.far.landings.append(bench.clock.now())
    await bench.insert()
    await bench.go()
    await bench.insert(look_first=True)
    run = await bench.go()
    assert (run.id, run.state, run.error_code) == (2, "failed", "taken_by_another")


async def test_the_repeat_refused_as_taken_is_done(bench: Bench) -> None:
    bench.act, bench.far.plan = refusable, ["unknown_after"]
    await bench.insert()
    assert (await bench.go()).state == "done"
    assert bench.call("esim.downloadOrder", "8981").settled_by == "refusal of the repeat"


async def test_an_undone_call_begins_a_new_life(bench: Bench) -> None:
    """What was sent before the undo proves nothing: somebody else may have the profile now."""
    bench.act = refusable
    await bench.insert()
    await bench.go()
    call, now = bench.call("esim.downloadOrder", "8981"), bench.clock.now()
    await bench.journal.write(lambda db: calls.undone(db, call, 1, now, "cancel"))
    for _ in range(2):  # also not at the second attempt, after the first one's refusal
        await bench.insert(look_first=True)
        run = await bench.go()
        assert (run.state, run.error_code) == ("failed", "taken_by_another")


# Keyed ----------------------------------------------------------------------------------------------------------------


async def test_a_keyed_call_is_read_before_it_is_repeated_and_only_then(bench: Bench) -> None:
    bench.act, bench.far.plan = keyed, ["unknown_after"]
    await bench.insert()
    await bench.go()
    assert (len(bench.far.requests), len(bench.far.looks)) == (1, 1)


async def test_a_keyed_call_whose_values_are_new_is_sent_again(bench: Bench) -> None:
    async def fresh(context: object, far: object) -> dict[str, object]:
        for _ in range(2):
            await context.calls.keyed(System.SALESFORCE, "salesforce.claim", bench.far.send, fresh=True)  # type: ignore[attr-defined]
        return {}

    bench.act = fresh
    await bench.insert()
    await bench.go()
    assert bench.far.ever == 2


# Looks ----------------------------------------------------------------------------------------------------------------


async def test_absence_waits_for_late_landing_and_wants_two_looks(bench: Bench) -> None:
    bench.far.plan = ["unknown_before"]
    await bench.insert()
    await bench.go()
    first, second = bench.far.requests
    assert second >= first + LATE_AFTER + APART
    late_looks = [at for at in bench.far.looks if at >= first + LATE_AFTER]
    assert late_looks[-1] - late_looks[0] >= APART
    assert len(bench.far.looks) > 2, "it looks in between too: found may be said at any time"


@pytest.mark.parametrize("late_by", [1.0, 400.0, 899.0, 930.0])
async def test_an_effect_that_lands_late_is_found(bench: Bench, late_by: float) -> None:
    bench.far.plan, bench.far.late_by = ["late"], late_by
    await bench.insert()
    run = await bench.go()
    assert (run.state, bench.far.ever, len(bench.far.requests)) == ("done", 1, 1)


async def test_control_without_the_wait_a_late_effect_is_made_twice(bench: Bench) -> None:
    bench.set(whmcs={"late_after": 0}, engine={"look_apart": 0})
    bench.far.plan, bench.far.late_by = ["late"], 400.0
    await bench.insert()
    await bench.go()
    assert bench.far.ever == 2


async def test_control_one_look_alone_misses_what_lands_between_two(bench: Bench) -> None:
    bench.set(engine={"look_apart": 0, "retry": {"base": 50}})
    bench.far.plan, bench.far.late_by = ["late"], 930.0
    await bench.insert()
    await bench.go()
    assert bench.far.ever == 2


async def test_while_it_makes_sure_it_says_until_when(bench: Bench) -> None:
    bench.far.plan = ["unknown_before"]
    await bench.insert()
    await bench.turn()
    bench.clock.pass_(30)
    run = await bench.turn()
    assert (run.state, run.wait, run.unknown_open, run.lock_held) == ("retrying", "making_sure", True, True)
    assert run.wait_until == pytest.approx(bench.far.requests[0] + LATE_AFTER + APART)


async def test_no_hurry_of_a_person_shortens_the_wait(bench: Bench) -> None:
    """A retry, however often, only makes it look again."""
    bench.far.plan = ["unknown_before"]
    await bench.insert()
    await bench.turn()
    for _ in range(20):
        bench.clock.pass_(10)
        now = bench.clock.now()
        await bench.journal.write(lambda db, now=now: _wake(db, now))  # type: ignore[misc]
        await bench.turn()
    assert len(bench.far.requests) == 1


def _wake(db: sqlite3.Connection, now: float) -> None:
    db.execute("UPDATE runs SET state = 'queued', next_at = ?", (now,))


async def test_looks_that_cannot_tell_end_with_a_person(bench: Bench) -> None:
    bench.far.plan, bench.far.see = ["unknown_before"], cannot_tell
    await bench.insert()
    run = await bench.go()
    assert (run.state, run.wait, run.error_class) == ("parked", "person", "outcome_unknown")
    assert len(bench.far.requests) == 1
    assert run.lock_held, "the customer stays locked while the outcome is unknown"
    assert bench.clock.now() >= bench.far.requests[0] + LATE_AFTER, "a person is not asked before it may be told"


async def test_a_look_that_fails_is_no_answer(bench: Bench) -> None:
    bench.far.plan, bench.far.see = ["unknown_before"], fails
    await bench.insert()
    run = await bench.go()
    assert (run.state, run.wait, len(bench.far.requests)) == ("parked", "person", 1)
    assert {s.outcome for s in bench.sends() if s.kind == "look"} == {"unknown"}


async def test_a_look_that_recovers_is_believed(bench: Bench) -> None:
    bench.far.plan, bench.far.see = ["unknown_after"], fails
    await bench.insert()
    await bench.turn()
    bench.clock.pass_(30)
    await bench.turn()
    bench.far.see = None
    run = await bench.go()
    assert (run.state, bench.far.ever) == ("done", 1)


async def test_what_was_resolved_as_absent_is_sent_exactly_once(bench: Bench) -> None:
    bench.far.plan, bench.far.see = ["unknown_before"], cannot_tell
    await bench.insert()
    await bench.go()
    await _resolve_absent(bench)
    run = await bench.go()
    assert (run.state, len(bench.far.requests), bench.far.ever) == ("done", 2, 1)
    await bench.insert(look_first=True)
    await bench.go()
    assert len(bench.far.requests) == 2


async def test_an_answer_lost_after_that_is_looked_for_again(bench: Bench) -> None:
    bench.far.plan, bench.far.see = ["unknown_before", "unknown_after"], cannot_tell
    await bench.insert()
    await bench.go()
    await _resolve_absent(bench)
    bench.far.see = None
    run = await bench.go()
    assert (run.state, len(bench.far.requests), bench.far.ever) == ("done", 2, 1)


async def test_absent_from_before_a_restored_backup_is_looked_for(bench: Bench) -> None:
    """The old daemon may have sent it after the backup was made (rules §5.3)."""
    bench.far.plan, bench.far.see = ["unknown_before"], cannot_tell
    await bench.insert()
    await bench.go()
    await _resolve_absent(bench)
    bench.far.see = None
    bench.clock.pass_(600)
    bench.far.landings.append(bench.clock.now())
    now = bench.clock.now()
    await bench.journal.write(
        lambda db: db.execute(
            "UPDATE runs SET look_first = 1, state_data = json_set('{}', '$.foreign_since', ?)", (now,)
        )
    )
    bench.engine.recovery = True
    run = await bench.go()
    assert (run.state, len(bench.far.requests), bench.far.ever) == ("done", 1, 1)


async def _resolve_absent(bench: Bench) -> None:
    call, now = bench.call(), bench.clock.now()

    def write(db: sqlite3.Connection) -> None:
        calls.settle(db, call.id, "resolved_absent", now, by="resolve: sue")
        _wake(db, now)

    await bench.journal.write(write)


async def test_three_sends_without_an_effect_are_a_persons(bench: Bench) -> None:
    bench.far.plan = ["unknown_before"] * 10
    await bench.insert()
    run = await bench.go()
    assert (run.state, run.wait, len(bench.far.requests)) == ("parked", "person", 3)


async def test_refusals_do_not_count_as_sends_without_an_effect(bench: Bench) -> None:
    """A refused send made no effect by law: mended records may be sent a fourth time."""
    bench.far.refusal = CallFailed(System.WHMCS, "AddOrder", ErrorClass.DATA, "bad_gateway", "Invalid payment method")
    bench.far.plan = ["refused"] * 4
    for _ in range(5):
        await bench.insert(look_first=True)
        run = await bench.go()
    assert (run.state, len(bench.far.requests), bench.far.ever) == ("done", 5, 1)


async def test_adopted_orders_wait_for_what_another_may_have_sent(bench: Bench) -> None:
    """An order that somebody else was provisioning: their call may still land (rules §4.1 adopt)."""
    since = bench.clock.now()
    bench.far.landings.append(since + 500)
    await bench.insert(look_first=True, state_data={"foreign_since": since})
    run = await bench.go()
    assert (run.state, bench.far.ever, bench.far.requests) == ("done", 1, [])


async def test_a_call_of_ours_that_nobody_settled_is_waited_for(bench: Bench) -> None:
    """An intent without an outcome means that it may have left, also where nothing was interrupted."""
    await bench.insert()
    bench.far.plan = ["dies_inside"]
    now = bench.clock.now()
    claimed = await bench.journal.write(lambda db: runs_claim(db, now))
    assert claimed
    await bench.journal.write(
        lambda db: calls.intend(
            db, run_id=1, order_id=ORDER, step="act", operation="whmcs.AddOrder", item="", system="whmcs",
            effect="guarded", marker="p1:m", request={}, now=now, deadline=now + 65, correlation="1-a",
        )
    )  # fmt: skip
    bench.far.plan = []
    await bench.journal.write(lambda db: _wake(db, now))
    run = await bench.go()
    assert run.state == "done"
    assert bench.far.requests[0] >= now + LATE_AFTER + APART


def runs_claim(db: sqlite3.Connection, now: float) -> bool:

    return bool(queue.claim_due(db, now, 1))
