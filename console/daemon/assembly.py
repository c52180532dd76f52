"""The engine's parts, put together from settings, journal and clients."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.engine.alarms import Alarms
from console.engine.brake import Brake
from console.engine.catalog import Catalog
from console.engine.clock import Clock
from console.engine.clockwatch import ClockWatch
from console.engine.commanding.act import Hooks
from console.engine.commanding.batches import BatchRunner
from console.engine.commanding.commander import Commander
from console.engine.conditions import Conditions
from console.engine.dispatch import Dispatcher
from console.engine.door import Door
from console.engine.gates import Breaker, Gate, Gates
from console.engine.holds import Holds
from console.engine.intake import Intake
from console.engine.markers import Markers
from console.engine.ownership import HOLD, Ownership
from console.engine.poll import Poll
from console.engine.quota import Quota
from console.engine.runner import Runner
from console.engine.services import Engine
from console.engine.workflows.provision_order import PROVISION_ORDER
from console.engine.workflows.send_mail import SEND_MAIL
from console.engine.writeback import WriteBack
from console.settings.model import Settings
from integrations.errors import System
from storage import desk, meta
from storage.journal import Journal

if TYPE_CHECKING:
    from console.daemon.clients import Clients
    from console.daemon.later import LaterClients


@dataclass
class Parts:
    """Everything that runs inside a daemon, besides the API."""

    engine: Engine
    clients: "Clients | LaterClients"
    dispatcher: Dispatcher
    brake: Brake
    door: Door
    intake: Intake
    poll: Poll
    conditions: Conditions
    writeback: WriteBack
    clockwatch: ClockWatch
    ownership: Ownership
    blocked: dict[str, str]
    commander: Commander
    batches: BatchRunner

    def stopped(self) -> str | None:
        """Why no order may come in now, or None."""
        lost = self.ownership.lost_to or self.engine.holds.reasons().get(HOLD)
        if lost is not None:
            return lost
        pause = self.engine.journal.peek(self.brake.on)
        if pause is not None:
            return f"the brake is on: {pause.reason}"
        trouble = self.engine.journal.trouble
        return next(iter(self.blocked.values()), str(trouble) if trouble is not None else None)


def make_gates(settings: Settings, clock: Clock) -> Gates:
    """One gate a system, with the concurrency, rate and breaker of the settings."""
    chosen = settings.engine
    concurrency, rate = chosen.concurrency.model_dump(), chosen.rate.model_dump()

    def gate(system: System) -> Gate:
        breaker = Breaker(chosen.breaker.failures, chosen.breaker.window, chosen.breaker.cool_down)
        return Gate(system, clock, concurrency[system], rate[system], breaker)

    return Gates(gate(system) for system in System)


def assemble(
    settings: Settings,
    journal: Journal,
    clock: Clock,
    clients: "Clients | LaterClients",
    journal_id: str,
    *,
    observe: bool,
) -> Parts:
    """Build the parts; nothing runs yet."""
    gates = make_gates(settings, clock)
    gates.load(journal.peek(desk.pauses))
    engine = Engine(
        settings=settings, journal=journal, clock=clock, gates=gates, holds=Holds(), alarms=Alarms(journal, clock),
        salesforce=clients.salesforce, whmcs=clients.whmcs, esim=clients.esim, mail=clients.mail,
        org_id=journal.peek(lambda db: meta.get(db, "org_id")) or "", catalog=Catalog(clients.whmcs, clock),
        markers=Markers(journal), observe=observe, recovery=journal.peek(lambda db: meta.get(db, "recovery")) is not None,
        quota=Quota(lambda: clients.salesforce.usage),
    )  # fmt: skip
    runner = Runner(engine, {PROVISION_ORDER.name: PROVISION_ORDER, SEND_MAIL.name: SEND_MAIL})
    blocked: dict[str, str] = {}

    def paused() -> bool:
        """Also while another journal owns the org: it works on these orders now, and its mails and claims are its own."""
        return bool(blocked) or HOLD in engine.holds.reasons()

    dispatcher = Dispatcher(journal, clock, runner.advance, settings.engine.max_running, paused=paused)
    brake = Brake(settings.intake)
    door = Door(engine, brake)

    def let_in() -> None:
        parts.poll.hurry()
        parts.intake.wake()

    hooks = Hooks(
        approved=lambda order_id: parts.poll.hurry(), let_in=let_in, recheck=lambda: parts.conditions.wake()
    )  # fmt: skip
    commander = Commander(engine, hooks)
    parts = Parts(
        engine=engine, clients=clients, dispatcher=dispatcher, brake=brake, door=door,
        intake=Intake(engine, door, lambda: parts.stopped()),
        poll=Poll(engine, door, brake, lambda: parts.stopped(), events_on=settings.salesforce.events_enabled),
        conditions=Conditions(engine), writeback=WriteBack(engine), clockwatch=ClockWatch(engine),
        ownership=Ownership(engine, journal_id), blocked=blocked, commander=commander,
        batches=BatchRunner(engine, commander),
    )  # fmt: skip

    def wake() -> None:
        dispatcher.wake()
        parts.writeback.wake()

    engine.wake = wake
    return parts
