"""Carrying a run through its steps: resumption, changed code, defects, waits that go on, and a cancel in between."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from console.engine.calls import CallMaker
from console.engine.failures import Condition, OrderWithdrawn, Parked, data_error
from console.engine.ledger import Ledger
from console.engine.runner import Runner
from console.engine.services import Engine
from console.engine.states import StepState
from console.engine.workflow import RunContext, StepDefinition, StepResult, Workflow
from integrations.errors import CallFailed, ErrorClass, System
from storage import calls, feed, outbox, queue, runs
from storage.runs import Run, Step
from tests.console.engine.hands import ORDER, TERMINAL, Bench, rows

StepFunction = Callable[[RunContext], Awaitable[StepResult]]


class Story:
    """A workflow of scripted steps over a bench, and what was run in which order."""

    def __init__(self, bench: Bench, names: str, again: str = "") -> None:
        self.bench = bench
        self.names = tuple(names.split())
        self.again = again.split()
        self.ran: list[str] = []
        self.acts: dict[str, Callable[[RunContext], Awaitable[Any]]] = {}
        self.values: dict[str, Any] = {}

    def workflow(self) -> Workflow[RunContext]:
        def step(name: str) -> StepFunction:
            async def run(context: RunContext) -> StepResult:
                self.ran.append(name)
                found = await self.acts[name](context) if name in self.acts else None
                return found if isinstance(found, StepResult) else StepResult({"by": name})

            return run

        steps = tuple(StepDefinition(name, step(name), again=name in self.again) for name in self.names)
        return Workflow("provision_order", steps, _context, **self.values)

    async def begin(self, **values: Any) -> int:
        now = self.bench.clock.now()
        given = {"state": "queued", "source": "event", "lock_key": "1001"} | values
        return await self.bench.journal.write(
            lambda db: runs.insert(
                db, self.names, now, workflow="provision_order", subject=ORDER, order_id=ORDER, order_number="101", **given
            )
        )  # fmt: skip

    async def turn(self) -> Run:
        now = self.bench.clock.now()
        for run in await self.bench.journal.write(lambda db: queue.claim_due(db, now, 5)):
            await Runner(self.bench.engine, {"provision_order": self.workflow()}).advance(run)
        return self.bench.run

    async def go(self, most: int = 40) -> Run:
        for _ in range(most):
            run = await self.turn()
            if run.state in (*TERMINAL, "parked", "held"):
                return run
            self.bench.clock.pass_(max(0.0, run.next_at - self.bench.clock.now()) + 0.001)
        raise AssertionError(f"it never ends: {run}")

    def steps(self) -> dict[str, Step]:
        return {step.name: step for step in self.bench.journal.peek(lambda db: runs.steps(db, self.bench.run.id))}

    def fail(self, name: str, *errors: Exception) -> None:
        """The step raises these, one a time, then goes through."""
        waiting = list(errors)

        async def act(context: RunContext) -> None:
            if waiting:
                raise waiting.pop(0)

        self.acts[name] = act


def _context(engine: Engine, run: Run, ledger: Ledger, calls: CallMaker) -> RunContext:
    return RunContext(engine, run, ledger, calls, data=dict(run.state_data))


def passing(code: str = "http_503") -> CallFailed:
    return CallFailed(System.WHMCS, "GetOrders", ErrorClass.TRANSIENT, code, "not now")


async def test_steps_run_in_order_once_and_keep_what_they_said(bench: Bench) -> None:
    story = Story(bench, "load bill mail")
    await story.begin()
    run = await story.go()
    assert (run.state, story.ran) == ("done", ["load", "bill", "mail"])
    assert run.step is None and run.ended_at == bench.clock.now() and not run.lock_held
    assert {s.name: (s.state, s.tries, s.output) for s in story.steps().values()} == {
        name: ("done", 1, {"by": name}) for name in ("load", "bill", "mail")
    }


async def test_a_finished_step_is_not_run_again_but_its_output_is_there(bench: Bench) -> None:
    story, seen = Story(bench, "load bill mail"), []
    story.fail("bill", passing())

    async def mail(context: RunContext) -> None:
        seen.append(dict(context.outputs))

    story.acts["mail"] = mail
    await story.begin()
    await story.go()
    assert story.ran == ["load", "bill", "bill", "mail"]
    assert seen == [{"load": {"by": "load"}, "bill": {"by": "bill"}}]


async def test_what_a_run_keeps_survives_the_turns(bench: Bench) -> None:
    story = Story(bench, "load bill")

    async def load(context: RunContext) -> None:
        context.data["attempt"] = 7

    story.acts["load"] = load
    story.fail("bill", passing())
    await story.begin(state_data={"sf_modified": 5.0})
    run = await story.go()
    assert run.state_data == {"sf_modified": 5.0, "attempt": 7}


# Tries and waits over a repeated load ----------------------------------------------------------------------------------


async def test_tries_are_counted_over_a_step_that_is_done_again(bench: Bench) -> None:
    """load runs at every resumption; its success says nothing about the step that keeps failing (rules §7)."""
    story = Story(bench, "load bill", again="load")
    story.fail("bill", *[passing() for _ in range(50)])
    await story.begin()
    run = await story.go()
    assert (run.state, run.tries, run.error_class) == ("failed", 8, "transient")
    assert story.ran.count("bill") == 8


async def test_progress_gives_new_tries(bench: Bench) -> None:
    story = Story(bench, "load bill mail", again="load")
    story.fail("bill", *[passing() for _ in range(6)])
    story.fail("mail", *[passing() for _ in range(6)])
    await story.begin()
    run = await story.go()
    assert (run.state, run.tries, run.error_class, run.fingerprint) == ("done", 0, None, None)


async def test_a_condition_waits_no_longer_than_its_limit_in_all(bench: Bench) -> None:
    story = Story(bench, "load pay", again="load")

    async def pay(context: RunContext) -> None:
        raise Parked(Condition("paymethod", "1001"), ErrorClass.CUSTOMER, "whmcs", "no_pay_method", "none", 1000.0)

    story.acts["pay"] = pay
    await story.begin()
    began = bench.clock.now()
    for _ in range(10):
        run = await story.turn()
        if run.state == "failed":
            break
        assert run.state == "parked" and run.wait_until == began + 1000.0
        bench.clock.pass_(200)
        now = bench.clock.now()
        await bench.journal.write(
            lambda db, now=now: runs.change(db, 1, now, state="queued", next_at=now, wait=None, wait_reason=None)  # type: ignore[misc]
        )
    assert (run.state, run.error_code) == ("failed", "no_pay_method")
    assert bench.clock.now() - began == pytest.approx(1000.0)


# Changed code ------------------------------------------------------------------------------------------------------------


async def test_a_step_that_was_inserted_is_run(bench: Bench) -> None:
    story = Story(bench, "load bill mail")
    story.fail("mail", passing())
    await story.begin()
    await story.turn()
    story.names, story.ran = ("load", "check", "bill", "audit", "mail"), []
    run = await story.go()
    assert (run.state, story.ran) == ("done", ["check", "audit", "mail"])
    assert run.workflow_steps == "load check bill audit mail"


async def test_a_step_that_was_not_begun_may_go(bench: Bench) -> None:
    story = Story(bench, "load bill mail")
    story.fail("bill", passing())
    await story.begin()
    await story.turn()
    story.names = ("load", "bill")
    assert (await story.go()).state == "done"


@pytest.mark.parametrize("names", ["load billing mail", "load mail"])
async def test_a_begun_step_that_was_renamed_stops_the_run_with_the_cause(bench: Bench, names: str) -> None:
    story = Story(bench, "load bill mail")
    story.fail("mail", passing())
    await story.begin()
    await story.turn()
    story.names, story.ran = tuple(names.split()), []
    run = await story.go()
    assert (run.state, run.error_code, story.ran) == ("failed", "workflow_changed", [])
    assert "bill" in str(run.error_message) and "old version" in str(run.error_message)


async def test_a_workflow_that_is_gone_stops_the_run_with_the_cause(bench: Bench) -> None:
    story = Story(bench, "load")
    await story.begin()
    now = bench.clock.now()
    for run in await bench.journal.write(lambda db: queue.claim_due(db, now, 5)):
        await Runner(bench.engine, {}).advance(run)
    assert (bench.run.state, bench.run.error_code) == ("failed", "workflow_changed")
    assert "provision_order" in str(bench.run.error_message)


# Defects and stops --------------------------------------------------------------------------------------------------------


async def test_a_defect_of_ours_fails_the_run_in_words(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    story = Story(bench, "load bill")
    story.fail("bill", KeyError("iccids"))
    await story.begin()
    run = await story.go()
    assert (run.state, run.error_class, run.error_code, run.error_step) == ("failed", "data", "internal_error", "bill")
    assert "KeyError" in str(run.error_message) and "log" in str(run.error_message)
    assert "KeyError" in caplog.text, "the traceback is in the log"
    assert story.steps()["bill"].state == "failed"


async def test_a_failure_tells_salesforce_the_feed_and_whoever_watches(bench: Bench) -> None:
    story = Story(bench, "load bill")
    story.fail("bill", data_error("no_items", "the order has no products"))
    await story.begin()
    await story.go()
    row = bench.journal.peek(lambda db: outbox.get(db, ORDER))
    assert row is not None and row.fields["Status"] == "Failed"
    assert row.fields["Provisioning_Error_Code__c"] == "no_items"
    assert row.fields["Provisioning_Error_Message__c"] == "the order has no products"
    last = bench.journal.peek(lambda db: feed.of_order(db, ORDER))
    states = [r.body.get("state") for r in last if r.kind == "run"]
    assert states[-1] == "failed" and "running" in states
    alerts = bench.journal.peek(lambda db: rows(db, "SELECT cause FROM alerts"))
    assert [cause for (cause,) in alerts if cause.startswith("failed:")]


async def test_every_change_of_a_run_has_its_feed_row_in_the_same_transaction(bench: Bench) -> None:
    story = Story(bench, "load bill mail")
    story.fail("bill", passing(), passing())
    await story.begin()
    await story.go()
    told = bench.journal.peek(lambda db: [r.body for r in feed.after(db, 0) if r.kind == "run"])
    assert told[-1]["version"] == bench.run.version
    assert [b["version"] for b in told] == sorted(b["version"] for b in told)
    assert told[-1]["strip"] == "vvv"


async def test_observing_tells_salesforce_nothing(bench: Bench) -> None:
    story = Story(bench, "load")
    bench.engine.observe = True
    story.fail("load", data_error("no_items", "none"))
    await story.begin()
    await story.go()
    assert bench.journal.peek(lambda db: outbox.get(db, ORDER)) is None


async def test_missing_permission_pauses_its_system(bench: Bench) -> None:
    story = Story(bench, "load")
    story.fail("load", CallFailed(System.WHMCS, "AddOrder", ErrorClass.CONFIG, "role_denied", "AddOrder"))
    await story.begin()
    run = await story.go()
    assert run.state == "failed"
    assert bench.engine.gates["whmcs"].state == "paused"
    assert bench.journal.peek(lambda db: rows(db, "SELECT subject, automatic FROM pauses")) == [("whmcs", 1)]


# Cancel and withdrawal ------------------------------------------------------------------------------------------------------


async def test_a_cancel_asked_meanwhile_is_taken_up_between_steps(bench: Bench) -> None:
    story, undone = Story(bench, "load bill mail"), []

    async def load(context: RunContext) -> None:
        await context.calls.keyed(System.WHMCS, "whmcs.one", bench.far.send)
        await bench.journal.write(lambda db: db.execute("UPDATE runs SET cancel_asked = 1"))

    async def bill(context: RunContext) -> None:
        await context.calls.keyed(System.WHMCS, "whmcs.two", bench.far.send)

    async def cancel(context: RunContext) -> None:
        undone.append(calls_of(context))
        now = bench.clock.now()
        await context.ledger.commit(lambda db: runs.change(db, 1, now, state="cancelled", lock_held=False))

    story.acts, story.values = {"load": load, "bill": bill}, {"cancel": cancel}
    await story.begin()
    run = await story.go()
    assert (run.state, "mail" in story.ran) == ("cancelled", False)
    assert undone == [{"whmcs.one": "done", "whmcs.two": "done"}], "what was done is settled before it is undone"


def calls_of(context: RunContext) -> dict[str, str]:
    made = context.engine.journal.peek(lambda db: calls.effects(db, ORDER))
    return {call.operation: call.state for call in made}


async def test_withdrawn_with_nothing_standing_ends_by_the_cancel(bench: Bench) -> None:
    story = Story(bench, "load")
    story.fail("load", OrderWithdrawn("Cancelled"))
    await story.begin()
    run = await story.turn()
    assert (run.state, run.cancel_asked) == ("queued", True)


async def test_withdrawn_over_standing_effects_is_a_persons(bench: Bench) -> None:
    story = Story(bench, "load bill")

    async def load(context: RunContext) -> None:
        await context.calls.guarded(System.WHMCS, "whmcs.AddOrder", bench.far.send, bench.far.look, marker="p1:m")

    story.acts["load"] = load
    story.fail("bill", OrderWithdrawn("Cancelled"))
    await story.begin()
    run = await story.go()
    assert (run.state, run.error_class, run.error_code) == ("failed", "conflict", "cancelled_meanwhile")
    assert "WHMCS order" in str(run.error_message)
    row = bench.journal.peek(lambda db: outbox.get(db, ORDER))
    assert row is not None and "Status" not in row.fields, "the person's Cancelled stands"


async def test_an_outcome_and_its_step_are_written_together(bench: Bench) -> None:
    """The answer waits for the next durable write; a death before it leaves an unknown outcome, never half of it."""
    story = Story(bench, "load bill")

    async def load(context: RunContext) -> None:
        await context.calls.keyed(System.WHMCS, "whmcs.one", bench.far.send)

    seen: list[Any] = []

    async def bill(context: RunContext) -> None:
        other = sqlite3.connect(bench.journal.path)
        seen.append(other.execute("SELECT c.state, s.state FROM calls c, steps s WHERE s.name = 'load'").fetchone())
        await context.ledger.flush()
        seen.append(other.execute("SELECT c.state, s.state FROM calls c, steps s WHERE s.name = 'load'").fetchone())
        other.close()

    story.acts = {"load": load, "bill": bill}
    await story.begin()
    await story.go()
    assert seen == [("intended", StepState.RUNNING), ("done", StepState.DONE)]
