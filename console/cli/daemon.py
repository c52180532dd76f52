"""``portal daemon``: the process that does the work."""

import gc
from typing import Annotated

import typer

from console.cli import options
from console.cli.exits import Exit, Failure
from console.cli.state import state_of


def daemon(
    context: typer.Context,
    config: options.Config = None,
    observe: Annotated[
        bool,
        typer.Option("--observe", help="Take in, load, validate and show what would be done; write nothing outside."),
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Take the org from another journal that was seen lately.")
    ] = False,
) -> None:
    """Provision approved orders, until SIGTERM or ctrl+c; logs go to stderr.

    Stops within 10 s: calls under way end, the rest goes on at the next start. Works under systemd (Type=notify).
    Exit codes: 0 stopped as asked; 1 it could not go on; 2 the settings are wrong; 4 this install may not work on that
    org; 5 the journal is in use by another process, or the org by another journal.
    """
    gc.disable()  # until the daemon is ready: a tenth of its start would be walking what has just been loaded
    try:
        _run(context, config, observe=observe, take_over=take_over)
    finally:
        gc.enable()


def _run(context: typer.Context, config: options.Config, *, observe: bool, take_over: bool) -> None:
    from console.daemon.lean import names_only, without_the_unused

    with without_the_unused():
        with names_only():
            from console.api.sockets import CannotListen
            from console.daemon.organisation import Refused
            from console.daemon.serve import run_daemon
            from console.engine.ownership import NotOwner
            from integrations.errors import IntegrationError
            from storage.errors import StorageError, StoreInUse

        state = state_of(context)
        loaded = state.settings(config, complete=True)
        try:
            run_daemon(
                loaded.settings, state.redactor, state.environ, observe=observe, take_over=take_over, loaded=loaded
            )
        except Refused as error:
            raise Failure(str(error), Exit.REFUSED) from error
        except (NotOwner, StoreInUse) as error:
            raise Failure(str(error), Exit.CONFLICT) from error
        except (StorageError, IntegrationError, CannotListen) as error:
            raise Failure(str(error)) from error
