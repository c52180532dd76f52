"""Commands over many orders: run in the daemon, at a pace, with a result for each order; they outlive windows and restarts."""

import asyncio
import logging
import sqlite3
from collections.abc import Mapping
from typing import Any

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
        """One batch to its end: every order done, failed or left out; or stopped after too many failures in a row."""
        command = table.BY_ID.get(batch.command)
        await self._take_up(batch)
        if command is None:
            log.error("batch %s: this version has no command %s", batch.id, batch.command)
            await self._end(batch, stopped=True)
            return
        stopped = False
        while not stopped:
            await self._follow(batch)
            items = self._items(batch)
            stopped = failures_in_a_row(items) >= batch.stop_after
            waiting = [item for item in items if item.state == "waiting"]
            if stopped or not waiting:
                break
            await self._one(batch, command, waiting[0])
            if len(waiting) > 1:
                await asyncio.sleep(1.0 / batch.pace)
        await self._follow_to_the_end(batch)
        await self._end(batch, stopped=stopped)

    def _items(self, batch: Batch) -> list[Item]:
        return self._engine.journal.peek(lambda db: batches.items(db, batch.id))

    async def _take_up(self, batch: Batch) -> None:
        """After a restart: an order that was being worked on may have been done or not."""
        for item in self._items(batch):
            if item.state == "working" and not (item.result or {}).get("run"):
                await self._set(batch, item, "failed", {"reason": "interrupted: look at the order"})

    async def _one(self, batch: Batch, command: Command, item: Item) -> None:
        await self._set(batch, item, "working", {})
        actor = Actor(batch.actor, batch.role)
        given: Mapping[str, Any] = batch.arguments["arguments"]
        planned = str(batch.arguments["planned"].get(item.order_id))
        try:
            applied = await self._commander.apply_item(command, actor, item.order_id, given, batch.reason, planned)
        except (Changed, NotPossible) as error:
            await self._set(batch, item, "excluded", {"reason": str(error)})
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

    async def _applied(self, batch: Batch, command: Command, item: Item, applied: Applied) -> None:
        result = {"message": applied.message, **applied.detail}
        if applied.outcome == "unknown":
            await self._set(batch, item, "failed", {"reason": applied.message})
        elif applied.run_id is not None and self._commander.follows(command):
            await self._set(batch, item, "working", {**result, "run": applied.run_id})
        else:
            await self._set(batch, item, "done", result)

    # What the engine makes of the runs ------------------------------------------------------------------------------

    async def _follow(self, batch: Batch) -> bool:
        """Settle orders whose runs have come to rest; True while some have not."""
        going = False
        now = self._engine.clock.now()
        for item in self._items(batch):
            if item.state != "working" or not item.result or "run" not in item.result:
                continue
            run = self._engine.journal.peek(lambda db, run_id=item.result["run"]: runs.get(db, run_id))  # type: ignore[misc]
            late = item.at is not None and now - item.at > FOLLOWED_FOR
            if run is not None and run.state in GOING and not late:
                going = True
                continue
            state = run.state if run is not None else "gone"
            well = state in WELL or (late and state in GOING)
            why = (run.error_message or run.wait_reason or "") if run is not None else ""
            result = {**item.result, "state": state} | ({} if well else {"reason": f"{state}: {why}"})
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

    async def _end(self, batch: Batch, *, stopped: bool) -> None:
        now, items = self._engine.clock.now(), self._items(batch)
        counts = {name: sum(item.state == name for item in items) for name in ("done", "failed", "excluded", "waiting")}
        outcome = "done" if not counts["failed"] and not stopped else "partly" if counts["done"] else "failed"

        def write(db: sqlite3.Connection) -> None:
            batches.end(db, batch.id, "stopped" if stopped else "done", now)
            audit.outcome(db, batch.audit_id, now, outcome, {"batch": batch.id, **counts})
            feed.append(db, now, "batch", {"batch": batch.id, "state": "stopped" if stopped else "done", **counts})

        await self._engine.journal.write(write)


def failures_in_a_row(items: list[Item]) -> int:
    """How many of the orders that came to rest last failed, one after the other."""
    rest = sorted((i for i in items if i.state in ("done", "failed") and i.at is not None), key=lambda i: i.at or 0.0)
    count = 0
    for item in reversed(rest):
        if item.state != "failed":
            break
        count += 1
    return count
