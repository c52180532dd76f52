"""[alerts]: who is told when something needs a person."""

from pydantic import Field, SecretStr

from console.settings.values import Period, Seconds, SecretWebAddress, Section


class AlertsSettings(Section):
    webhook_url: SecretWebAddress = Field(
        default=SecretStr(""), description="Address that gets alerts as JSON; such addresses are secrets"
    )
    mail_to: tuple[str, ...] = Field(default=(), description="Addresses that get alerts by mail")
    dead_man_url: SecretWebAddress = Field(
        default=SecretStr(""), description="Address that is called while all is well"
    )
    dead_man_every: Period = Field(default=60.0, description="Time between those calls")
    oldest_approved: Seconds = Field(
        default=900.0, description="An approved order older than this, not yet begun, is an alert"
    )
    backup_age: Seconds = Field(default=93600.0, description="A last backup older than this is an alert")
    certificate_before: Seconds = Field(
        default=1814400.0, description="A certificate that runs out within this is an alert"
    )
    disk_free_percent: float = Field(default=10.0, ge=0, le=100, description="Less free disk than this is an alert")
