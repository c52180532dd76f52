"""``portal backup`` and ``portal restore``: the journal as one file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console.cli import options
from console.cli.asking import confirmed
from console.cli.exits import Exit, Failure
from console.cli.state import state_of

JOURNAL = "journal.db"


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    config: options.Config = None,
) -> None:
    """Copy the journal to FILE, also while the daemon runs, and check the copy. FILE is readable by you alone.

    Exit codes: 1 the copy could not be made or is not sound; 6 there is no journal.
    """
    from storage.backup import backup as copy
    from storage.errors import StorageError

    journal = state_of(context).settings(config).settings.daemon.data_dir / JOURNAL
    if not journal.exists():
        raise Failure(f"there is no journal at {journal}: is daemon.data_dir right?", Exit.NOT_FOUND)
    try:
        size = copy(journal, file)
    except StorageError as error:
        raise Failure(str(error)) from error
    typer.echo(f"{file}: {size:,} bytes, checked")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    config: options.Config = None,
    yes: options.Yes = False,
) -> None:
    """Put a backup in the journal's place, while the daemon is stopped. The journal that was there is kept beside it.

    The next start is a recovery: nothing is sent without a look, tokens are void, and a supervisor ends it with
    "portal recovery end". Exit codes: 5 the daemon runs; 6 there is no such file.
    """
    from storage import backup as storing
    from storage.errors import StorageError, StoreInUse

    if not file.is_file():
        raise Failure(f"there is no backup at {file}", Exit.NOT_FOUND)
    journal = state_of(context).settings(config).settings.daemon.data_dir / JOURNAL
    if journal.exists():
        confirmed(f"Replace {journal} by {file}?", yes)
    try:
        journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = storing.restore(file, journal, lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    except StoreInUse as error:
        raise Failure(str(error), Exit.CONFLICT) from error
    except (StorageError, OSError) as error:
        raise Failure(f"nothing was restored: {error}") from error
    typer.echo(f"{journal} is {file} now; the next start of the daemon is a recovery")
    if kept is not None:
        typer.echo(f"the journal that was there is {kept}")
