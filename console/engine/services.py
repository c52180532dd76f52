"""What every part of the engine is given: made once by the daemon, passed down, never global."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.engine.alarms import Alarms
from console.engine.catalog import Catalog
from console.engine.clock import Clock
from console.engine.gates import Gates
from console.engine.handover import Handover
from console.engine.holds import Holds
from console.engine.markers import Markers
from console.engine.metering import Meter, Unmetered
from console.engine.quota import Quota
from console.settings.model import Settings
from integrations.errors import System
from storage.journal import Journal

if TYPE_CHECKING:  # the clients are imported by the daemon's start, not by whoever reads a type
    from integrations.esim.provider import EsimProvider
    from integrations.mail.service import MailTransport
    from integrations.salesforce.client import SalesforceClient
    from integrations.whmcs.client import WhmcsClient

SLACK = 5.0


@dataclass
class Engine:
    """The services of one daemon. ``org_id`` is the Salesforce org's, 18 characters; ``observe`` writes nothing outside."""

    settings: Settings
    journal: Journal
    clock: Clock
    gates: Gates
    holds: Holds
    alarms: Alarms
    salesforce: "SalesforceClient"
    whmcs: "WhmcsClient"
    esim: "EsimProvider"
    mail: "MailTransport"
    org_id: str
    catalog: Catalog
    markers: Markers
    integration_user: str | None = None
    observe: bool = False
    recovery: bool = False
    jitter: random.Random = field(default_factory=random.Random)
    wake: Callable[[], None] = lambda: None
    generation: int = 0
    quota: Quota = field(default_factory=Quota)
    meter: Meter = field(default_factory=Unmetered)
    handover: Handover = field(init=False)

    def __post_init__(self) -> None:
        self.handover = Handover(self.clock)

    def deadline(self, system: System, *, write: bool) -> float:
        """Seconds one exchange may take; a little longer than the client's own time-out, which speaks first."""
        match system:
            case System.WHMCS:
                return (self.settings.whmcs.write_timeout if write else self.settings.whmcs.read_timeout) + SLACK
            case System.ESIM:
                return self.settings.esim.timeout + SLACK
            case System.MAIL:
                return self.settings.mail.answer_timeout + 4 * self.settings.mail.timeout
        return self.settings.salesforce.timeout + SLACK

    def late_after(self, system: System) -> float:
        """Seconds after an intent in which the far side may still make the effect (rules §3.3)."""
        match system:
            case System.WHMCS:
                return self.settings.whmcs.late_after
            case System.ESIM:
                return self.settings.esim.late_after
        return self.settings.engine.salesforce_late_after

    @property
    def marker_root(self) -> str:
        """``p1:<org id 15>``: the same record ids stand in a full-copy sandbox org (rules §1.1)."""
        return f"p1:{self.org_id[:15]}"
