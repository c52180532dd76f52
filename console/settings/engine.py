"""[engine]: pace, retries and waits."""

from pydantic import Field

from console.settings.values import Period, Seconds, Section


class ConcurrencySettings(Section):
    """The most calls at one time to each system."""

    salesforce: int = Field(default=8, ge=1, le=200, description="Calls to Salesforce")
    whmcs: int = Field(default=4, ge=1, le=200, description="Calls to WHMCS")
    esim: int = Field(default=4, ge=1, le=200, description="Calls to the eSIM provider")
    mail: int = Field(default=2, ge=1, le=50, description="SMTP connections")


class RateSettings(Section):
    """The most calls a second to each system; 0 is no limit."""

    salesforce: float = Field(default=0, ge=0, description="Calls a second to Salesforce")
    whmcs: float = Field(default=0, ge=0, description="Calls a second to WHMCS")
    esim: float = Field(default=0, ge=0, description="Calls a second to the eSIM provider")
    mail: float = Field(default=0, ge=0, description="Mails a second")


class BreakerSettings(Section):
    failures: int = Field(default=5, ge=1, description="Failures within the window that open the breaker")
    window: Period = Field(default=60.0, description="The window")
    cool_down: Seconds = Field(default=30.0, description="Time before one call is let through again")


class RetrySettings(Section):
    tries: int = Field(default=8, ge=1, description="Sends of one call before it fails")
    base: Seconds = Field(default=2.0, description="First wait; each further one is twice as long, with jitter")
    max: Seconds = Field(default=600.0, description="Longest wait")


class EngineSettings(Section):
    max_running: int = Field(default=64, ge=1, description="Runs worked on at one time")
    concurrency: ConcurrencySettings = Field(default_factory=ConcurrencySettings)
    rate: RateSettings = Field(default_factory=RateSettings)
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
    retry: RetrySettings = Field(default_factory=RetrySettings)
    look_apart: Seconds = Field(default=60.0, description="Time between the two looks that may say absent")
    salesforce_late_after: Seconds = Field(
        default=600.0, description="How long after a call Salesforce may still make its effect"
    )
    parked_capacity: Seconds = Field(default=86400.0, description="How long a run waits for capacity before it fails")
    parked_customer: Seconds = Field(
        default=1209600.0, description="How long a run waits for a customer before it fails"
    )
    recheck_every: Period = Field(
        default=300.0, description="Time between checks of the conditions that runs are parked on"
    )
