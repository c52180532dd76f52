"""[console]: how the screens look, and the environments that `portal console --env NAME` chooses from."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from console.settings.values import Section

GlyphChoice = Literal["auto", "unicode", "narrow", "ascii"]


class EnvironmentSettings(Section):
    """One daemon elsewhere, and the org that it must work for."""

    server: str = Field(min_length=1, description="Its address: https://host:port or unix:/path")
    org_id: str = Field(
        pattern=r"^00D[A-Za-z0-9]{12}([A-Z0-9]{3})?$",
        description="Id of the org it works for; the console leaves where the daemon says another",
    )
    token_file: Path | None = Field(
        default=None, description="File with your token there; empty: PORTAL_TOKEN_FILE, then PORTAL_TOKEN"
    )
    ca_file: Path | None = Field(
        default=None, description="Certificate authorities to trust instead of the system's (PEM)"
    )
    read_only: bool = Field(default=False, description="Look only: nothing can be done from there")


class ConsoleSettings(Section):
    """The screens of this machine; options of `portal console` win over it."""

    theme: Literal["dark", "light"] = Field(default="dark", description="dark or light")
    glyphs: GlyphChoice = Field(
        default="auto", description="Signs: auto asks the terminal; unicode, narrow (none of ambiguous width) or ascii"
    )
    environments: dict[str, EnvironmentSettings] = Field(
        default_factory=dict, description="Name → a daemon elsewhere, its org, and where your token is"
    )
