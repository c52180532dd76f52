"""One process: journal, engine, intake and API, started in an order that survives every outside system being down."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.daemon.alarming import make_alerting, make_dead_man, not_well
from console.daemon.assembly import Parts, assemble
from console.daemon.first_stock import take_first_stock
from console.daemon.later import LaterClients
from console.daemon.organisation import Refused, check_first_contact, identify
from console.engine import recovery, transitions
from console.engine.clock import Clock, SystemClock
from console.engine.heartbeat import Heartbeat
from console.engine.housekeeping import DAMAGED, Housekeeping
from console.engine.ownership import NotOwner
from console.engine.watch import Watch
from console.observe.alerting import Alerting
from console.observe.redact import Redactor
from console.settings.model import Settings
from integrations.errors import ErrorClass, IntegrationError
from storage import backup, meta, runs
from storage.errors import StorageError
from storage.journal import Journal

if TYPE_CHECKING:
    from console.daemon.clients import Clients
    from console.observe.deadman import DeadMan
    from integrations.salesforce.events_supervisor import Supervisor

log = logging.getLogger(__name__)
ESTABLISH_AGAIN = 3.0
CLOSING = 0.5
HOLD_STARTING = "starting"
HOLD_CHECK = "quick_check"


class Daemon:
    """``start`` opens the journal and gets everything going; ``stop`` drains. Raises Refused and StorageError on start."""

    def __init__(
        self,
        settings: Settings,
        *,
        observe: bool = False,
        take_over: bool = False,
        clock: Clock | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.settings = settings
        self._observe = observe
        self._take_over = take_over
        self._clock = clock or SystemClock()
        self._redactor = redactor or Redactor()
        self.began_at = self._clock.monotonic()
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._fatal: asyncio.Future[None] | None = None
        self._clients = LaterClients(self._make_clients)
        self.established = False
        self.establishing_error: str | None = None
        self.started = False
        self.supervisor: Supervisor | None = None
        self.parts: Parts
        self.journal: Journal
        self.housekeeping: Housekeeping
        self.heartbeat: Heartbeat
        self.alerting: Alerting
        self.dead_man: DeadMan | None = None

    async def start(self) -> None:
        """Open the journal and everything that needs no outside; then ``work``."""
        self._fatal = asyncio.get_running_loop().create_future()
        self.journal = Journal.open(self.settings.daemon.data_dir / "journal.db")
        try:
            journal_id = await self.journal.write(meta.identity)
            self.parts = assemble(
                self.settings, self.journal, self._clock, self._clients, journal_id, observe=self._observe
            )
            self.parts.engine.gates.mask_with(self._redactor.text)
            check_first_contact(self.parts.engine)
            await take_first_stock(self.journal, self.settings.esim.first_stock, self._clock.now())
            unclean = await self.journal.write(_mark_running)
        except BaseException:
            self.journal.close()
            raise
        self.started = True
        self.parts.engine.holds.set(HOLD_STARTING, "the org is not identified yet")
        self._make_watchers()
        interrupted = await self.parts.commander.finish_interrupted()
        if interrupted:
            log.warning("%d commands were under way when the last process ended", interrupted)
        resumed = await self.parts.dispatcher.resume()
        if resumed:
            log.info("%d runs were under way when the last process ended", resumed)
        if unclean or self.parts.engine.alarms.opened("journal_damaged") is not None:
            self._spawn("quick_check", self._quick_check())
        self._spawn("clock", self.parts.clockwatch.run())
        self._spawn("housekeeping", self.housekeeping.run())
        self._spawn("alerting", self.alerting.run())
        if self.dead_man is not None:
            self._spawn("dead_man", self.dead_man.run())

    def work(self) -> None:
        """Turn to the outside, for as long as it may take. Apart from ``start``, for what is loaded now slows what is not
        answering yet.
        """
        self._spawn("establish", self._establish())

    @property
    def tasks(self) -> list[str]:
        """Names of the parts that are at work."""
        return sorted(name for name, task in self._tasks.items() if not task.done())

    async def wait(self) -> None:
        """Until something makes going on impossible; raises what it was (Refused, NotOwner)."""
        assert self._fatal is not None
        await asyncio.shield(self._fatal)

    async def stop(self) -> int:
        """Drain, then close. Returns how many runs were cut off."""
        left = await self.drain()
        await self.close()
        return left

    async def drain(self) -> int:
        """Start nothing new and let calls and commands under way end. Returns how many runs were cut off."""
        await asyncio.gather(*(self._cancel(name) for name in [*self._tasks] if name != "dispatch"))
        left, _ = await asyncio.gather(
            self.parts.dispatcher.drain(self.settings.daemon.drain), self.parts.commander.close()
        )
        await self._cancel("dispatch")
        return left

    async def close(self) -> None:
        """After ``drain`` and whoever else reads or writes the journal."""
        with contextlib.suppress(TimeoutError):  # a request that still hangs must not hold the journal
            await asyncio.wait_for(self.parts.clients.close(), CLOSING)
        with contextlib.suppress(StorageError):
            await self.journal.write(lambda db: meta.put(db, "running", "0"))
        self.journal.close()
        self.started = False

    def _make_clients(self) -> "Clients":
        from console.daemon.clients import make_clients

        return make_clients(self.settings, lambda: datetime.now(UTC), self._server_date)

    def _server_date(self, system: str, date: datetime) -> None:
        self.parts.clockwatch.server_date(system, date)

    def _make_watchers(self) -> None:
        engine, parts = self.parts.engine, self.parts
        watch = Watch(engine, parts.poll, parts.ownership, lambda: self.establishing_error)
        self.housekeeping = Housekeeping(engine, parts.blocked, watch)
        listening = self.settings.salesforce.events_enabled and not self._observe
        self.heartbeat = Heartbeat(engine, self.settings.intake.heartbeat_every if listening else 0.0)
        self.alerting = make_alerting(engine, self._redactor)
        self.dead_man = make_dead_man(engine, lambda: not_well(engine, parts.ownership, HOLD_CHECK))

    # Getting the org -------------------------------------------------------------------------------------------------

    async def _establish(self) -> None:
        """Load the clients, identify the org and own it, for as long as Salesforce is down; then let the work begin."""
        try:
            await asyncio.to_thread(self._clients.load)
        except IntegrationError as error:
            self._die(error)
            return
        while not self.established:
            try:
                await identify(self.parts.engine)
                await self._own()
            except (Refused, NotOwner) as refusal:
                self._die(refusal)
                return
            except IntegrationError as error:
                self.establishing_error = str(error)
                if error.code == "wrong_org":
                    self._die(Refused(error.message))
                    return
                level = logging.ERROR if error.error_class is ErrorClass.CONFIG else logging.WARNING
                log.log(level, "Salesforce cannot be reached yet: %s", error)
                await asyncio.sleep(ESTABLISH_AGAIN)
        self.parts.engine.holds.lift(HOLD_STARTING)
        if not self._observe:
            await self.journal.write(lambda db: _start_observed(db, self._clock.now()))
        self._begin()

    async def _own(self) -> None:
        if self._observe:
            self.established = True
            return
        owned = await self.parts.ownership.take(take_over=self._take_over)
        engine = self.parts.engine
        if owned.behind or engine.recovery:
            now = self._clock.now()
            reason = "Salesforce has seen more of this org's history than this journal holds"
            await self.journal.write(lambda db: recovery.begin(db, reason, owned.highest_seen, now))
            engine.recovery = True
            await engine.alarms.raise_("recovery", f"recovery: {reason}", severity="critical")
            self._spawn("recovery", self._list_changed())
        self.established, self.establishing_error = True, None

    async def _list_changed(self) -> None:
        while True:
            try:
                changed = await recovery.list_changed(self.parts.engine)
            except IntegrationError as error:
                log.warning("recovery: the changed orders cannot be listed yet: %s", error)
                await asyncio.sleep(ESTABLISH_AGAIN)
                continue
            log.warning("recovery: %d orders changed since this journal's last row", len(changed))
            return

    def _begin(self) -> None:
        parts = self.parts
        self._spawn("dispatch", parts.dispatcher.run())
        self._spawn("intake", parts.intake.run())
        self._spawn("poll", parts.poll.run())
        self._spawn("conditions", parts.conditions.run())
        self._spawn("batches", parts.batches.run())
        if not self._observe:
            self._spawn("writeback", parts.writeback.run())
            self._spawn("ownership", parts.ownership.renew_for_ever())
        if self.settings.salesforce.events_enabled:
            from console.daemon.subscriber import make_supervisor  # loads its library after the start

            self.supervisor = make_supervisor(self.settings, parts)
            self._spawn("events", self.supervisor.run())
        self._spawn("heartbeat", self.heartbeat.run())
        if self.settings.esim.receiver.enabled:
            from console.daemon.receiver import receive

            self._spawn("receiver", receive(self.settings, parts.engine))

    # Tasks -----------------------------------------------------------------------------------------------------------

    async def _quick_check(self) -> None:
        """After an unclean stop guarded calls wait until the file is known to be sound (rules §13)."""
        self.parts.engine.holds.set(HOLD_CHECK, "the journal is being checked after an unclean stop")
        try:
            await asyncio.to_thread(backup.check, self.journal.path, quick=True)
        except StorageError as error:
            self.parts.engine.holds.set(DAMAGED, f"the journal is damaged: {error}")
            self.parts.engine.holds.lift(HOLD_CHECK)
            await self.parts.engine.alarms.raise_("journal_damaged", str(error), severity="critical")
            return
        self.parts.engine.holds.lift(HOLD_CHECK)
        await self.parts.engine.alarms.clear("journal_damaged")
        self.parts.engine.wake()

    def _spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks[name] = task
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """A part that ends by an error is a defect of ours; the daemon goes down and its supervisor restarts it."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("the part %s ended in a defect", task.get_name(), exc_info=error)
        self._die(error)

    def _die(self, error: BaseException) -> None:
        if self._fatal is not None and not self._fatal.done():
            self._fatal.set_exception(error)

    async def _cancel(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is None or task.done():
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task

    def on_fatal(self, callback: Callable[[], None]) -> None:
        """Call back when the daemon cannot go on."""
        assert self._fatal is not None
        self._fatal.add_done_callback(lambda _: callback())


def _start_observed(db: sqlite3.Connection, now: float) -> None:
    """What was only observed by an earlier ``--observe`` is worked on now."""
    for run in runs.in_state(db, "held"):
        if run.error_code == "observing":
            transitions.move(
                db,
                now,
                run.id,
                state="queued",
                wait=None,
                wait_reason=None,
                error_code=None,
                error_message=None,
                next_at=now,
            )


def _mark_running(db: sqlite3.Connection) -> bool:
    """Was the last stop unclean?"""
    unclean = meta.get(db, "running") == "1"
    meta.put(db, "running", "1")
    return unclean
