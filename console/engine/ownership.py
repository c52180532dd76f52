"""Who owns the org: one journal, proved in Salesforce by the unique key of Portal_Journal__c (rules §5.2)."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from console.engine.clock import as_datetime
from console.engine.recovery import PENDING
from console.engine.services import Engine
from integrations.errors import IntegrationError, System
from integrations.salesforce.models import JournalRow
from storage import feed, meta

log = logging.getLogger(__name__)
RENEW_EVERY = 60.0
RENEW_SLOWLY = 150.0
LIVING = timedelta(seconds=180)
HOLD = "ownership"


class NotOwner(Exception):
    """Another journal owns this org and lives; ``row`` says which and since when it was last seen."""

    def __init__(self, row: JournalRow) -> None:
        self.row = row
        super().__init__(
            f"journal {row.journal_id[:8]}… (generation {row.generation}) owns this org and was seen at"
            f" {row.seen_at.isoformat(timespec='seconds')}: stop that daemon, or take over with --take-over"
        )


@dataclass(frozen=True)
class Owned:
    """``behind``: Salesforce has seen higher feed numbers than this journal has: it is older than the world."""

    generation: int
    behind: bool
    highest_seen: int


class Ownership:
    """Takes the org by inserting the next generation, renews it, and notices when a higher one appears."""

    def __init__(self, engine: Engine, journal_id: str) -> None:
        self._engine = engine
        self._journal_id = journal_id
        self._record_id: str | None = None
        self.owned: Owned | None = None

    @property
    def lost_to(self) -> str | None:
        """Who took the org over, as soon as anything noticed it: the renewal, or the reading before a guarded call."""
        return self._engine.holds.reasons().get(HOLD)

    async def take(self, *, take_over: bool = False) -> Owned:
        """Become the owner. Raises NotOwner while another journal lives, IntegrationError when it cannot be told.

        A take-over that leads into recovery is noted here before it stands in Salesforce: killed in between, the next
        start goes on with it, neither refused by its own row nor trusting what it holds.
        """
        rows = sorted(await self._rows(), key=lambda row: row.generation)
        top = rows[-1] if rows else None
        highest = self._engine.journal.peek(feed.highest)
        foreign = top is not None and (top.journal_id != self._journal_id or top.highest_feed > highest)
        pending = self._engine.journal.peek(lambda db: meta.get(db, PENDING))
        begun = top is not None and top.journal_id == self._journal_id and pending == str(top.generation)
        if top is not None and foreign and self._alive(top) and not (take_over or begun):
            raise NotOwner(top)
        generation, behind = (top.generation + 1 if top is not None else 1), foreign or pending is not None
        if behind:
            await self._engine.journal.write(lambda db: meta.put(db, PENDING, str(generation)))
        seen = max((row.highest_feed for row in rows), default=0)
        self._record_id = await self._insert(generation, max(highest, seen))
        self.owned = Owned(generation, behind, seen)
        self._engine.generation = generation
        await self._engine.journal.write(lambda db: meta.put(db, "generation", str(generation)))
        await self._delete_old(rows)
        self._engine.holds.lift(HOLD)
        return self.owned

    def _alive(self, row: JournalRow) -> bool:
        return as_datetime(self._engine.clock.now()) - row.seen_at < LIVING

    async def _rows(self) -> list[JournalRow]:
        gate = self._engine.gates[System.SALESFORCE]
        async with gate.enter():
            return await self._engine.salesforce.journal_rows()

    async def _insert(self, generation: int, highest: int) -> str:
        """The unique key makes it a compare-and-swap: DUPLICATE_VALUE means that somebody was faster."""
        gate, now = self._engine.gates[System.SALESFORCE], as_datetime(self._engine.clock.now())
        try:
            async with gate.enter():
                return await self._engine.salesforce.insert_journal(generation, self._journal_id, highest, now)
        except IntegrationError as error:
            rows = await self._rows()
            ours = [r for r in rows if r.generation == generation and r.journal_id == self._journal_id]
            if ours and not error.refused:  # the answer was lost, the row stands
                return ours[0].record_id
            if error.code == "DUPLICATE_VALUE":
                raise NotOwner(max(rows, key=lambda row: row.generation)) from error
            raise

    async def _delete_old(self, rows: list[JournalRow]) -> None:
        for row in rows:
            try:
                await self._engine.salesforce.delete_journal(row.record_id)
            except IntegrationError as error:
                log.warning("an old journal row could not be deleted (harmless): %s", error)

    async def renew_for_ever(self) -> None:
        """Renew every minute; a higher generation stops intake and guarded calls at once.

        With little of the daily allowance left only as often as keeps the row living: without it nobody may claim.
        """
        while True:
            await asyncio.sleep(RENEW_EVERY)
            if self._engine.quota.low:
                await asyncio.sleep(RENEW_SLOWLY - RENEW_EVERY)
            try:
                await self.renew()
            except IntegrationError as error:
                log.warning("ownership could not be renewed: %s", error)

    async def renew(self) -> None:
        assert self.owned is not None and self._record_id is not None
        rows = await self._rows()
        higher = [row for row in rows if row.generation > self.owned.generation]
        if higher:
            await self.lose(max(higher, key=lambda row: row.generation))
            return
        highest, now = self._engine.journal.peek(feed.highest), as_datetime(self._engine.clock.now())
        if not any(row.generation == self.owned.generation for row in rows):  # somebody deleted it: the org looks free
            try:
                self._record_id = await self._insert(self.owned.generation, highest)
            except NotOwner as faster:
                await self.lose(faster.row)
            return
        gate = self._engine.gates[System.SALESFORCE]
        async with gate.enter():
            await self._engine.salesforce.touch_journal(self._record_id, highest, now)

    async def lose(self, row: JournalRow) -> None:
        """Another journal took over: no intake and no guarded call from here on."""
        reason = f"journal {row.journal_id[:8]}… (generation {row.generation}) took this org over"
        self._engine.holds.set(HOLD, reason)
        await self._engine.alarms.raise_("ownership", reason, severity="critical")
