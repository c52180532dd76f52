"""The whole table, every combination, against the law written down a second time (rules §8)."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from console.commands import table
from console.commands.command import Command
from console.commands.facts import Facts
from console.commands.mending import editable
from console.commands.words import SKIPPABLE, STEPS, Role, Scope
from console.engine import states

ROLES = tuple(Role)
STATUSES = ("Draft", "Pending Review", "Approved", "Provisioning", "Failed", "Rejected", "Cancelled", "Activated")
# run state × kind of wait, as they occur
POSITIONS: tuple[tuple[str | None, str | None], ...] = (
    (None, None), ("queued", None), ("queued", "lock"), ("running", None), ("retrying", "retry"),
    ("retrying", "making_sure"), ("parked", "condition"), ("parked", "person"), ("held", "person"), ("failed", None),
    ("done", None), ("cancelled", None),
)  # fmt: skip
UNKNOWN = (None, "whmcs.AddOrder", "whmcs.ModuleCreate")
LATE = 1_900_000_000.0
ORDER_COMMANDS = tuple(table.for_orders())
MOVES = {"order.retry", "order.retry_step", "order.skip", "order.park", "order.unpark", "order.module_create"}

# Who, and in which run states; the law's sentences on top of it are in ``law``.
WHO = {
    "order.approve": Role.OPERATOR, "order.reject": Role.OPERATOR, "order.start": Role.OPERATOR,
    "order.retry": Role.OPERATOR, "order.retry_step": Role.OPERATOR, "order.skip": Role.SUPERVISOR,
    "order.park": Role.OPERATOR, "order.unpark": Role.OPERATOR, "order.cancel": Role.OPERATOR,
    "order.resolve_is": Role.OPERATOR, "order.resolve_absent": Role.SUPERVISOR, "order.edit": Role.OPERATOR,
    "order.module_create": Role.OPERATOR, "order.take": Role.OPERATOR, "order.untake": Role.OPERATOR,
    "order.note": Role.OPERATOR, "order.mail_resend": Role.OPERATOR,
}  # fmt: skip
ANY = {None, "queued", "running", "retrying", "parked", "held", "failed", "done", "cancelled"}
WHERE: dict[str, set[str | None]] = {
    "order.approve": {None, "failed", "done", "cancelled"}, "order.reject": {None, "failed", "done", "cancelled"},
    "order.start": {"held"}, "order.retry": {"retrying", "parked", "failed"}, "order.retry_step": {"failed"},
    "order.skip": {"parked", "failed"}, "order.park": {"queued", "retrying", "parked", "failed"},
    "order.unpark": {"parked"}, "order.cancel": ANY - {"done", "cancelled"}, "order.resolve_is": {"parked", "failed"},
    "order.resolve_absent": {"parked", "failed"}, "order.edit": {"parked", "held", "failed"},
    "order.module_create": {"failed"}, "order.take": ANY, "order.untake": ANY, "order.note": ANY,
    "order.mail_resend": ANY,
}  # fmt: skip
BULK = {
    "approve",
    "reject",
    "start",
    "retry",
    "retry_step",
    "skip",
    "park",
    "unpark",
    "cancel",
    "take",
    "untake",
    "note",
}
WHILE_PARKED_UNKNOWN = {"resolve_is", "resolve_absent", "note", "park", "unpark", "take", "untake"}


def law(command: str, role: Role, facts: Facts) -> bool:
    """May this be done? Written from the rules, not from the code."""
    name = command.removeprefix("order.")
    if ROLES.index(role) < ROLES.index(WHO[command]) or facts.run not in WHERE[command]:
        return False
    if facts.bulk and (name not in BULK or facts.unknown):
        return False
    if facts.run == "parked" and facts.unknown and name not in WHILE_PARKED_UNKNOWN:
        return False
    if name in ("approve", "reject"):
        return facts.status == "Pending Review"
    if name == "start":
        return facts.status in ("Approved", "Provisioning")
    if name == "cancel":
        return facts.run is not None or facts.status in ("Draft", "Pending Review", "Approved")
    if name == "resolve_is":
        return facts.unknown is not None
    if name == "resolve_absent":
        return facts.unknown is not None and facts.late_until is None
    if name == "edit" or name == "skip":
        if facts.unknown or (name == "skip" and facts.step not in ("payment", "email")):
            return False
        return name == "edit" or facts.status in ("Approved", "Provisioning", "Failed", "Activated")
    if name == "module_create" and (not facts.services or facts.unknown == "whmcs.AddOrder"):
        return False
    if name == "untake":
        return facts.taken == "me" or (facts.taken == "another" and role in (Role.SUPERVISOR, Role.ADMIN))
    if name == "mail_resend":
        return bool(facts.mails)
    return command not in MOVES or facts.status in ("Approved", "Provisioning", "Failed", "Activated")


def every_situation() -> Iterator[Facts]:
    steps = (*STEPS, None)
    rest = product(POSITIONS, steps, UNKNOWN, STATUSES, (False, True), (None, LATE))
    for (run, wait), step, unknown, status, bulk, late in rest:
        if late is not None and unknown is None:
            continue
        services = ("7",) if step == "accept" else ()
        mails = frozenset({"sent"}) if run == "done" else frozenset()
        taken = "another" if step == "crm" else "me" if step == "email" else "nobody"
        yield Facts(
            status=status, run=run, wait=wait, step=step, unknown=unknown, late_until=late, bulk=bulk,  # type: ignore[arg-type]
            services=services, mails=mails, taken=taken,  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.mark.parametrize("command", ORDER_COMMANDS, ids=lambda command: command.id)
def test_every_combination_is_answered_as_the_rules_say(command: Command) -> None:
    allowed = 0
    for facts in every_situation():
        for role in ROLES:
            answer = table.possible(command, role, facts)
            assert answer.ok == law(command.id, role, facts), (role, facts, answer.reason)
            assert bool(answer.reason) != answer.ok, "a refusal has its reason, a permission none"
            allowed += answer.ok
    assert allowed, "a command that is never possible is a mistake"


def test_control_a_table_without_the_rule_of_unknown_outcomes_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_while_unknown", lambda command, facts: None)
    retry = table.BY_ID["order.retry"]
    wrong = [f for f in every_situation() if table.possible(retry, Role.ADMIN, f).ok != law(retry.id, Role.ADMIN, f)]
    assert wrong
    assert all(facts.run == "parked" and facts.unknown for facts in wrong)


def test_the_words_are_the_engines_own() -> None:
    runs = {run for run, _ in POSITIONS if run}
    assert runs == {str(state) for state in states.RunState}
    assert {wait for _, wait in POSITIONS if wait} == {str(wait) for wait in states.Wait}
    assert set(SKIPPABLE) == {"payment", "email"}


# What the product leaves out: facts that decide on their own ---------------------------------------------------------

REVIEW = Facts(status="Pending Review", amount=2480)


def reason(name: str, facts: Facts, role: Role = Role.ADMIN) -> str:
    return table.possible(table.BY_ID[name], role, facts).reason


def changed(facts: Facts, **values: object) -> Facts:
    return replace(facts, **values)  # type: ignore[arg-type]


def test_four_eyes_and_limit_decide_about_approval() -> None:
    assert not reason("order.approve", changed(REVIEW, limit=2480))
    assert "over your limit of ¥2,479" in reason("order.approve", changed(REVIEW, limit=2479))
    assert "not known" in reason("order.approve", changed(REVIEW, limit=2479, amount=None))
    assert "somebody else" in reason("order.approve", changed(REVIEW, placed_by_me=True))
    assert not reason("order.reject", changed(REVIEW, placed_by_me=True, limit=1))
    assert "stand" in reason("order.approve", changed(REVIEW, run="done", effects=("WHMCS order",)))


def test_a_held_order_starts_by_its_kind() -> None:
    held = Facts(status="Approved", run="held", wait="person", code="before_start", amount=900)
    assert not reason("order.start", held)
    assert "provisioned before" in reason("order.start", changed(held, code="approved_again"))
    eyes = changed(held, code="four_eyes")
    assert not reason("order.start", eyes)
    assert "somebody else" in reason("order.start", changed(eyes, placed_by_me=True))
    assert "somebody else" in reason("order.start", changed(eyes, approved_by_me=True))
    assert "over your limit" in reason("order.start", changed(eyes, limit=899))
    assert not reason("order.start", changed(held, placed_by_me=True))


def test_an_order_of_another_day_or_closed_as_it_stands_is_not_moved() -> None:
    parked = Facts(status="Approved", run="parked", wait="condition")
    failed = Facts(status="Failed", run="failed", step="payment", code="left_as_is")
    for name in ("order.retry", "order.unpark", "order.park"):
        assert "2030-01-01" in reason(name, changed(parked, future="2030-01-01"))
    for name in ("order.retry", "order.retry_step", "order.skip", "order.park", "order.edit"):
        assert "closed" in reason(name, failed)


@pytest.mark.parametrize(("mode", "word"), [("observing", "observes"), ("disowned", "another journal")])
def test_a_daemon_that_may_not_write_outside_refuses_all_that_would(mode: str, word: str) -> None:
    situations = [changed(facts, mode=mode) for facts in every_situation() if not facts.bulk]
    inside = {"order.note", "order.take", "order.untake", "order.park"}
    seen = set()
    for command in ORDER_COMMANDS:
        for facts in situations[::7]:
            answer = table.possible(command, Role.ADMIN, facts)
            if answer.ok:
                seen.add(command.id)
    assert seen == inside
    assert word in reason("order.approve", changed(REVIEW, mode=mode))


def test_what_may_be_edited_follows_from_what_was_done() -> None:
    failed = Facts(status="Failed", run="failed", esim="open")
    assert editable(failed, Role.SUPERVISOR) == ("eid", "profile_type", "option", "language")
    assert editable(failed, Role.OPERATOR) == ("profile_type", "language")
    assert editable(changed(failed, esim="ordered"), Role.ADMIN) == ("option", "language")
    assert editable(changed(failed, esim="ordered", billed=True), Role.ADMIN) == ("language",)
    assert editable(changed(failed, esim="none"), Role.ADMIN) == ("option", "language")


def test_the_systems_commands() -> None:
    nothing = Facts()
    assert reason("system.resume", nothing) == "nothing is paused"
    assert reason("system.release_brake", nothing) == "the brake is not on"
    assert "not in recovery" in reason("system.end_recovery", nothing)
    assert "not listed yet" in reason("system.end_recovery", Facts(recovery=True))
    for name, facts in (
        ("system.pause", nothing), ("system.resume", Facts(paused=frozenset({"whmcs"}))),
        ("system.release_brake", Facts(brake=True)), ("system.end_recovery", Facts(recovery=True, listed=True)),
    ):  # fmt: skip
        assert table.possible(table.BY_ID[name], Role.SUPERVISOR, facts).ok
        assert table.possible(table.BY_ID[name], Role.VIEWER, facts).never
    assert table.possible(table.BY_ID["system.release_brake"], Role.OPERATOR, Facts(brake=True)).never


def test_every_resend_needs_a_mail_that_has_left_or_failed() -> None:
    assert reason("order.mail_resend", Facts(run="done")) == "no mail was made for this order yet"
    assert reason("order.mail_resend", Facts(run="done", mails=frozenset({"queued"}))) == "the mail is on its way"
    for state in ("sent", "maybe_sent", "failed", "held"):
        assert not reason("order.mail_resend", Facts(run="done", mails=frozenset({state, "queued"})))


def test_scopes_do_not_overlap() -> None:
    assert {c.id for c in table.for_orders()} | {c.id for c in table.for_system()} == set(table.BY_ID)
    assert not {c.id for c in table.for_orders()} & {c.id for c in table.for_system()}
    assert all(Scope.ORDER in c.scope for c in table.COMMANDS if Scope.BULK in c.scope)
