"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        envvar="PORTAL_CONFIG",
        show_envvar=False,
        help="Settings file (default: PORTAL_CONFIG, else portal.toml in the configuration folder).",
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="PORTAL_SERVER",
        show_envvar=False,
        help="Daemon to talk to: https://… or unix:/path (default: PORTAL_SERVER, else the socket of the settings).",
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
Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILTER", help="Filter, such as: state:failed 'cause:\"no profile\"' age>2h"),
]
View = Annotated[
    str | None,
    typer.Option(
        "--view",
        metavar="NAME",
        help='A saved view in place of FILTER, such as "Hand-over" (keys v and V in the console).',
    ),
]
Rows = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="At most so many, newest first.")]
