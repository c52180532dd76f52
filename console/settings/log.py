"""[log]: what is written to stderr."""

from typing import Literal

from pydantic import Field

from console.settings.values import Section


class LogSettings(Section):
    format: Literal["json", "console"] = Field(default="console", description="json for machines, console for people")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is written"
    )
