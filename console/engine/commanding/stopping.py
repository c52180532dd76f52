"""Stop a batch: nothing more of it is begun; what was begun is followed to its end."""

import sqlite3

from console.commands import table
from console.engine.commanding.act import Act, Request
from console.engine.commanding.errors import BadArgument, NotPossible
from console.engine.commanding.plans import Applied, Prepared
from storage import batches, feed


class StopBatch(Act):
    id = "system.stop_batch"

    async def prepare(self, request: Request) -> Prepared:
        batch_id = str(request.arguments["batch"])
        batch = self.engine.journal.peek(lambda db: batches.get(db, batch_id))
        if batch is None:
            raise BadArgument("batch", f"there is no batch {batch_id[:40]!r}", "`portal batches list` shows them")
        counts = self.engine.journal.peek(lambda db: batches.counts(db, [batch_id]))[batch_id]
        command = table.BY_ID.get(batch.command)
        blocked = (
            None
            if batch.state == "running"
            else "it is stopping already"
            if batch.state == "stopping"
            else "it has ended"
        )
        waiting, working = counts.get("waiting", 0), counts.get("working", 0)
        words = (
            f"{command.title if command else batch.command} by {batch.actor}: {batch.reason or 'no reason given'}",
            "1 order is not begun and stays as it is"
            if waiting == 1
            else f"{waiting:,} orders are not begun and stay as they are",
            *([f"{working:,} under way: followed to the end"] if working else ()),
            "nothing that was done is taken back",
        )
        return Prepared(words, blocked=blocked, data=batch_id)

    async def apply(self, request: Request, prepared: Prepared) -> Applied:
        batch_id, now, actor = str(prepared.data), self.engine.clock.now(), request.actor.name

        def write(db: sqlite3.Connection) -> bool:
            stopped = batches.ask_to_stop(db, batch_id)
            if stopped:
                feed.append(db, now, "batch", {"batch": batch_id, "state": "stopping", "by": actor})
            return stopped

        if not await self.engine.journal.write(write):
            raise NotPossible("it has ended meanwhile")
        return Applied("done", "it begins nothing more")
