"""[housekeeping]: backups and what is forgotten when."""

from pathlib import Path

from pydantic import Field

from console.settings.values import Period, Seconds, Section


class HousekeepingSettings(Section):
    trim_after: Seconds = Field(default=7776000.0, description="Inputs and outputs of done runs are trimmed after this")
    backup_dir: Path | None = Field(default=None, description="Folder of backups; empty: backups in data_dir")
    backup_every: Period = Field(default=86400.0, description="Time between backups")
    backups_kept: int = Field(default=14, ge=1, description="Number of backups that are kept")
    disk_stop_mb: int = Field(default=200, ge=0, description="Less free disk than this (MB) stops intake and new calls")
