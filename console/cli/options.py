"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="Settings file (default: portal.toml in the configuration folder)."
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Daemon to talk to: https://… or unix:/path (default: the settings' own socket).",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE",
        help="File with your token (default: PORTAL_TOKEN_FILE, then PORTAL_TOKEN). The socket needs none.",
    ),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Csv = Annotated[bool, typer.Option("--csv", help="CSV instead of a table.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
