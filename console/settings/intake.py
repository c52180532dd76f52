"""[intake]: how approved orders come in."""

from pydantic import AwareDatetime, Field

from console.settings.values import Period, Seconds, Section


class IntakeSettings(Section):
    start_at: AwareDatetime | None = Field(
        default=None,
        description="Orders approved earlier are held; needed by a new journal (2026-04-01T09:00:00+09:00)",
    )
    max_new_per_hour: int = Field(default=200, ge=1, description="More new orders than this in an hour pull the brake")
    first_poll_max: int = Field(default=20, ge=0, description="More orders than this in the first poll pull the brake")
    poll_every: Period = Field(default=60.0, description="Time between polls")
    poll_fast_every: Period = Field(default=10.0, description="Time between polls after a lost session or a gap")
    poll_fast_for: Seconds = Field(default=300.0, description="How long the fast polls go on")
    sweep_every: Period = Field(default=3600.0, description="Time between full sweeps")
    deaf_after: Seconds = Field(
        default=60.0,
        description="An order approved longer ago than this, without an event, counts for the deafness alarm",
    )
    heartbeat_every: Seconds = Field(
        default=86400.0, description="Time between events of our own that must come back; 0: none"
    )
