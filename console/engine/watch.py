"""The alarms that are found by looking at how things stand, every few seconds (rules §13).

Others are raised where they happen: a failed or parked run, a gap, a jump of the clock, a lost org. Here they are
cleared once what they told of is over. Nothing is remembered but since when a system has been silent, so a restart finds
the same alarms again.
"""

import sqlite3
from collections.abc import Callable

from console.engine.certificates import Certificate, read_certificates
from console.engine.ownership import Ownership
from console.engine.poll import Poll
from console.engine.services import Engine
from storage import desk, inbox, outbox, profiles, queue, runs

SILENT_FOR = 600.0  # a system that is down longer than this is worth a person's look
WRITTEN_WITHIN = 900.0
CLOCK_OVER_AFTER = 3600.0
CERTIFICATES_EVERY = 3600.0
INTAKE = "intake"

_HELD = {
    "before_start": "approved before our start (intake.start_at): start or cancel them",
    "four_eyes": "approved by the person who placed them: somebody else must start them",
    "approved_again": "approved again although their provisioning is done: close or clear them up",
}


class Watch:
    """``unreached`` says why the org could not be identified yet, None when it was."""

    def __init__(self, engine: Engine, poll: Poll, ownership: Ownership, unreached: Callable[[], str | None]) -> None:
        self._engine = engine
        self._poll = poll
        self._ownership = ownership
        self._unreached = unreached
        self._silent_since: dict[str, float] = {}
        self._certificates_at: float | None = None
        self.certificates: tuple[Certificate, ...] = ()

    async def once(self) -> None:
        """One look at everything; cheap, and nothing outside is asked."""
        await self._people()
        await self._oldest_approved()
        await self._oldest_write()
        await self._events()
        await self._pauses()
        await self._systems()
        await self._stock()
        await self._certificates()
        await self._clock()
        await self._org()
        await self._engine.alarms.watch("quota", self._engine.quota.problem)

    async def _people(self) -> None:
        """Runs that failed or wait for a person: raised by the runner, over when no order stands so any more."""
        alarms, journal = self._engine.alarms, self._engine.journal
        standing = await journal.read(runs.causes_needing_person)
        for prefix in ("failed:", "parked:"):
            await alarms.clear_family(prefix, keep=standing)
        if not await journal.read(outbox.stuck):
            await alarms.clear_family("writeback:")
        held = journal.peek(runs.held_by_reason)
        told = {
            f"held:{why}": f"{held[why]} order(s) are held, {words}" for why, words in _HELD.items() if held.get(why)
        }
        await alarms.watch_family("held:", told)

    async def _oldest_approved(self) -> None:
        """Approved orders that nothing began with: queued here, known by an event only, or only Salesforce shows them."""
        now, peek = self._engine.clock.now(), self._engine.journal.peek
        begun = [peek(queue.oldest_queued), peek(inbox.oldest_unserved), *self._poll.unbegun.values()]
        oldest = min((at for at in begun if at is not None), default=now)
        problem = None
        if now - oldest > self._engine.settings.alerts.oldest_approved:
            problem = f"an approved order has waited for {_minutes(now - oldest)} and nothing began with it"
        await self._engine.alarms.watch("oldest_approved", problem, severity="critical")

    async def _oldest_write(self) -> None:
        """Status writes that nobody refuses and that do not arrive all the same: people in Salesforce see old states."""
        oldest, now, problem = self._engine.journal.peek(outbox.oldest), self._engine.clock.now(), None
        if oldest is not None and now - oldest[0] > WRITTEN_WITHIN:
            problem = (
                f"a status write to Salesforce has not arrived for {_minutes(now - oldest[0])} (order {oldest[1]})"
            )
        await self._engine.alarms.watch("writeback_late", problem)

    async def _events(self) -> None:
        """A gap is over when a poll that began later has read everything; without events nothing is deaf."""
        if not self._engine.settings.salesforce.events_enabled:
            await self._engine.alarms.clear("deaf")
        if not self._engine.journal.peek(lambda db: inbox.gaps(db, open_only=True)):
            await self._engine.alarms.clear("gap")
        spoilt = self._engine.journal.peek(inbox.poison_count)
        problem = f"{spoilt} event(s) led to no order: `portal events poison` says why" if spoilt else None
        await self._engine.alarms.watch("poison", problem)

    async def _pauses(self) -> None:
        """The brake and paused integrations and products, whoever paused them and when."""
        paused = dict(self._engine.journal.peek(desk.pauses))
        brake = paused.pop(INTAKE, None)
        words = f"intake is paused by {brake.actor}: {brake.reason}" if brake else None
        await self._engine.alarms.watch("brake", words, severity="critical")
        told = {f"paused:{name}": f"{name} is paused by {p.actor}: {p.reason}" for name, p in paused.items()}
        await self._engine.alarms.watch_family("paused:", told, severity="critical")

    async def _systems(self) -> None:
        """Integrations whose breaker has been open for long, and an org that could not be reached since the start."""
        steady, told = self._engine.clock.monotonic(), {}
        silent = {gate.system: gate.last_error or "no answer" for gate in self._engine.gates if gate.state == "broken"}
        if (why := self._unreached()) is not None:
            silent.setdefault("salesforce", why)
        self._silent_since = {name: self._silent_since.get(name, steady) for name in silent}
        for name, since in self._silent_since.items():
            if steady - since > SILENT_FOR:
                told[f"down:{name}"] = f"{name} has not worked for more than {_minutes(SILENT_FOR)}: {silent[name]}"
        await self._engine.alarms.watch_family("down:", told, severity="critical")

    async def _stock(self) -> None:
        """Fewer free profiles of a type than esim.low_water names."""
        told = {}
        for kind, least in self._engine.settings.esim.low_water.items():
            free = self._engine.journal.peek(_free(kind))
            if free < least:
                told[f"stock:{kind}"] = f"{free} free profiles of type {kind} (low water is {least})"
        await self._engine.alarms.watch_family("stock:", told)

    async def _certificates(self) -> None:
        """Read once an hour; judged each time."""
        steady, settings = self._engine.clock.monotonic(), self._engine.settings
        if self._certificates_at is None or steady - self._certificates_at >= CERTIFICATES_EVERY:
            self._certificates_at, self.certificates = steady, read_certificates(settings)
        now, told = self._engine.clock.now(), {}
        for certificate in self.certificates:
            if (warning := certificate.warning(now, settings.alerts.certificate_before)) is not None:
                told[f"certificate:{certificate.setting}"] = warning
        await self._engine.alarms.watch_family("certificate:", told, severity="critical")

    async def _clock(self) -> None:
        """A jump is over after a quiet hour; a difference when its hold was lifted (a restart forgets both)."""
        jump = self._engine.alarms.opened("clock")
        if jump is not None and not 0 <= self._engine.clock.now() - jump.last_at <= CLOCK_OVER_AFTER:
            await self._engine.alarms.clear("clock")
        await self._engine.alarms.clear_family("clock_skew:", keep=set(self._engine.holds.reasons()))

    async def _org(self) -> None:
        """An org that was lost (whoever noticed it) until it is ours again, and a recovery until it was ended."""
        lost_to = self._ownership.lost_to
        if lost_to is not None or self._ownership.owned is not None:
            await self._engine.alarms.watch("ownership", lost_to, severity="critical")
        if not self._engine.recovery:
            await self._engine.alarms.clear("recovery")


def _free(kind: str) -> Callable[[sqlite3.Connection], int]:
    return lambda db: profiles.free_count(db, kind)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes"
