"""The settings as one model."""

from pydantic import BaseModel, ConfigDict, Field

from console.settings.alerts import AlertsSettings
from console.settings.approve import ApproveSettings
from console.settings.console import ConsoleSettings
from console.settings.daemon import DaemonSettings
from console.settings.engine import EngineSettings
from console.settings.esim import EsimSettings
from console.settings.housekeeping import HousekeepingSettings
from console.settings.intake import IntakeSettings
from console.settings.log import LogSettings
from console.settings.mail import MailSettings
from console.settings.salesforce import SalesforceSettings
from console.settings.whmcs import WhmcsSettings


class Settings(BaseModel):
    """Everything that can be set, one section a field.

    Made by ``load_settings``, which merges the sources itself: pydantic-settings would not say which line of which
    file a value came from, would stop at the first bad source, and takes a tenth of the console's first second to load.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    salesforce: SalesforceSettings = Field(default_factory=SalesforceSettings)
    whmcs: WhmcsSettings = Field(default_factory=WhmcsSettings)
    esim: EsimSettings = Field(default_factory=EsimSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    intake: IntakeSettings = Field(default_factory=IntakeSettings)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    approve: ApproveSettings = Field(default_factory=ApproveSettings)
    daemon: DaemonSettings = Field(default_factory=DaemonSettings)
    alerts: AlertsSettings = Field(default_factory=AlertsSettings)
    housekeeping: HousekeepingSettings = Field(default_factory=HousekeepingSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    console: ConsoleSettings = Field(default_factory=ConsoleSettings)
