"""Commands over many orders: run in the daemon, at a pace, with a result for each order; they outlive windows and restarts."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from console.commands import table
from console.commands.command import Command
from console.engine.commanding.commander import Commander
from console.engine.commanding.errors import Changed, CommandError, NotPossible
from console.engine.commanding.plans import Applied
from console.engine.services import Engine
from console.engine.states import RunState
from storage import audit, batches, feed, runs
from storage.audit import Actor
from storage.batches import Batch, Item
from storage.errors import StorageError

log = logging.getLogger(__name__)
T = TypeVar("T")
IDLE = 5.0
LOOK_EVERY = 0.2
FOLLOWED_FOR = 120.0  # how long a run is watched for what the engine makes of it
GOING = (RunState.QUEUED, RunState.RUNNING, RunState.RETRYING)
WELL = (RunState.DONE, RunState.CANCELLED)


class BatchRunner:
    """``run`` works on every running batch, for ever. Interrupted ones are taken up where they stood."""

    def __init__(self, engine: Engine, commander: Commander) -> None:
        self._engine = engine
        self._commander = commander

    async def run(self) -> None:
        """Raises nothing but cancellation; a defect in a batch ends this part and so the daemon."""
        async with asyncio.TaskGroup() as group:
            working: dict[str, asyncio.Task[None]] = {}
            while True:
                working = {key: task for key, task in working.items() if not task.done()}
                for batch in self._engine.journal.peek(batches.running):
                    if batch.id not in working:
                        working[batch.id] = group.create_task(self._safely(batch), name=f"batch-{batch.id}")
                await self._commander.wait_for_batches(IDLE)

    async def _safely(self, batch: Batch) -> None:
        try:
            await self.work(batch)
        except StorageError as error:
            log.error("batch %s waits for the journal: %s", batch.id, error)

    async def work(self, batch: Batch) -> None:
        """One batch to its end: every order done, failed or left out; stopped by a person; or broken off after too many
        failures in a row."""
        command = table.BY_ID.get(batch.command)
        await self._take_up(batch, command)
        if command is None:
            log.error("batch %s: this version has no command %s", batch.id, batch.command)
        while command is not None:
            await self._follow(batch)
            item = self._peek(lambda db: batches.next_waiting(db, batch.id))
            if item is None or self._stops(batch):
                break
            await self._one(batch, command, item)
            await self._keep_pace(batch)
        await self._follow_to_the_end(batch)
        await self._end(batch)

    def _peek(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self._engine.journal.peek(work)

    def _stops(self, batch: Batch) -> bool:
        """A person asked for it, or too many failed one after the other."""
        if self._peek(lambda db: batches.state(db, batch.id)) == "stopping":
            return True
        rest = self._peek(lambda db: batches.newest_results(db, batch.id, batch.stop_after))
        return failures_in_a_row(rest) >= batch.stop_after

    async def _keep_pace(self, batch: Batch) -> None:
        """The rest between two orders; cut short when somebody stops the batch or nothing is left to begin."""
        steady = self._engine.clock.monotonic
        until = steady() + 1.0 / batch.pace
        while (left := until - steady()) > 0:
            if self._peek(lambda db: batches.next_waiting(db, batch.id)) is None:
                return
            if self._peek(lambda db: batches.state(db, batch.id)) == "stopping":
                return
            await asyncio.sleep(min(left, LOOK_EVERY))

    async def _take_up(self, batch: Batch, command: Command | None) -> None:
        """After a restart: an order that was being worked on may have been done or not.

        Its plan tells: one that is still as it was planned was not touched and is done now; one that has moved is
        followed (``_not_as_planned``). A command whose plan cannot tell is not given again.
        """
        for item in self._peek(lambda db: batches.working(db, batch.id)):
            if (item.result or {}).get("run"):
                continue
            if command is not None and command.repeatable:
                since = (item.result or {}).get("interrupted", item.at)
                await self._set(batch, item, "waiting", {"interrupted": since})
            else:
                await self._set(batch, item, "failed", {"reason": "interrupted by a restart: look at the order"})

    async def _one(self, batch: Batch, command: Command, item: Item) -> None:
        await self._set(batch, item, "working", item.result or {})
        actor = Actor(batch.actor, batch.role)
        given: Mapping[str, Any] = batch.arguments["arguments"]
        planned = str(batch.arguments["planned"].get(item.order_id))
        try:
            applied = await self._commander.apply_item(command, actor, item.order_id, given, batch.reason, planned)
        except (Changed, NotPossible) as error:
            await self._not_as_planned(batch, command, item, error)
            return
        except CommandError as error:
            await self._set(batch, item, "failed", {"reason": str(error)})
            return
        except StorageError:
            raise
        except Exception as error:
            log.exception("batch %s: order %s ended in a defect of ours", batch.id, item.order_id)
            await self._set(batch, item, "failed", {"reason": f"a defect of ours: {type(error).__name__}"})
            return
        await self._applied(batch, command, item, applied)

    async def _not_as_planned(self, batch: Batch, command: Command, item: Item, error: CommandError) -> None:
        """Left out; but one that a restart interrupted has most likely been done by us: its run is followed."""
        since = (item.result or {}).get("interrupted")
        if since is None:
            await self._set(batch, item, "excluded", {"reason": str(error)})
            return
        run = self._peek(lambda db: runs.latest_of_order(db, item.order_id))
        if run is not None and run.updated_at >= since and self._commander.follows(command):
            message = "interrupted by a restart, its run went on"
            await self._set(batch, item, "working", {"message": message, "run": run.id, "interrupted": since})
            return
        await self._set(batch, item, "failed", {"reason": f"interrupted by a restart, look at the order: {error}"})

    async def _applied(self, batch: Batch, command: Command, item: Item, applied: Applied) -> None:
        result = {"message": applied.message, **applied.detail}
        if applied.outcome == "unknown":
            await self._set(batch, item, "failed", {"reason": applied.message})
        elif applied.outcome == "requested" and applied.run_id is not None and self._commander.follows(command):
            await self._set(batch, item, "working", {**result, "run": applied.run_id})
        else:
            await self._set(batch, item, "done", result)

    # What the engine makes of the runs ------------------------------------------------------------------------------

    async def _follow(self, batch: Batch) -> bool:
        """Settle orders whose runs have come to rest; True while some have not."""
        going = False
        now = self._engine.clock.now()
        for item in self._peek(lambda db: batches.working(db, batch.id)):
            if not item.result or "run" not in item.result:
                continue
            run = self._engine.journal.peek(lambda db, run_id=item.result["run"]: runs.get(db, run_id))  # type: ignore[misc]  # mypy infers no lambda with a default
            late = item.at is not None and now - item.at > FOLLOWED_FOR
            if run is not None and run.state in GOING and not late:
                going = True
                continue
            state = run.state if run is not None else "gone"
            well = state in WELL or (late and state in GOING)
            why = (run.error_message or run.wait_reason or "") if run is not None else ""
            before = f"{item.result['message']}: " if "interrupted" in item.result else ""
            said = f"{before}still {state}" if state in GOING else f"{before}{state}"
            came = {"message": said} if well else {"reason": f"{state}: {why}"}
            result = {**item.result, "state": state, **came}
            await self._set(batch, item, "done" if well else "failed", result)
        return going

    async def _follow_to_the_end(self, batch: Batch) -> None:
        going = await self._follow(batch)
        while going:
            await asyncio.sleep(LOOK_EVERY)
            going = await self._follow(batch)

    async def _set(self, batch: Batch, item: Item, state: str, result: Mapping[str, Any]) -> None:
        now = self._engine.clock.now()

        def write(db: sqlite3.Connection) -> None:
            batches.set_item(db, batch.id, item.position, state, now, result)
            body = {"batch": batch.id, "position": item.position, "state": state}
            feed.append(db, now, "batch", body, order_id=item.order_id)

        await self._engine.journal.write(write)

    async def _end(self, batch: Batch) -> None:
        """Done; or, when some were not begun, stopped (by a person) or broken off (after failures)."""
        now, found = self._engine.clock.now(), self._peek(lambda db: batches.counts(db, [batch.id]))[batch.id]
        counts = {name: found.get(name, 0) for name in ("done", "failed", "excluded", "waiting")}
        short = counts["waiting"] > 0
        outcome = "done" if not counts["failed"] and not short else "partly" if counts["done"] else "failed"

        def write(db: sqlite3.Connection) -> None:
            asked = batches.state(db, batch.id) == "stopping"
            state = ("stopped" if asked else "broken_off") if short else "done"
            batches.end(db, batch.id, state, now)
            audit.outcome(db, batch.audit_id, now, outcome, {"batch": batch.id, **counts})
            feed.append(db, now, "batch", {"batch": batch.id, "state": state, **counts})

        await self._engine.journal.write(write)


def failures_in_a_row(items: Sequence[Item]) -> int:
    """How many of the orders that came to rest last failed, one after the other."""
    rest = sorted((i for i in items if i.state in ("done", "failed") and i.at is not None), key=lambda i: i.at or 0.0)
    count = 0
    for item in reversed(rest):
        if item.state != "failed":
            break
        count += 1
    return count
