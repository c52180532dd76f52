"""From argv to an exit code: no traceback ever reaches the terminal."""

import os
import sys
from collections.abc import Sequence

import typer
from platformdirs import user_state_path

from console import __version__
from console.cli.exits import Exit, Failure
from console.cli.filters import protected
from console.cli.root import make_console_app, make_daemon_app
from console.cli.state import State
from console.observe.crash import EXIT_INTERRUPTED, CrashReports, guarded
from console.observe.redact import Redactor
from console.written import plain

LONGEST_MESSAGE = 2000


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit code (see ``exits``)."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some reads every installed package
    arguments = list(sys.argv[1:] if argv is None else argv)
    redactor = Redactor()
    reports = CrashReports(user_state_path("portal") / "crashes", redactor, __version__)
    return guarded(lambda: run(protected(arguments), State(redactor)), reports, argv=arguments, stderr=sys.stderr)


def run(arguments: list[str], state: State) -> int:
    """Raises only what nobody expected."""
    command = typer.main.get_command(_tree(arguments))
    try:
        with command.make_context("portal", arguments, obj=state) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as ending:
        return ending.exit_code
    except typer.Abort:
        return EXIT_INTERRUPTED
    except Failure as failure:
        _complain(failure.message if failure.own else state.redactor.text(failure.message, lines=True))
        return failure.code
    except typer.TyperException as error:
        _complain(state.redactor.text(_usage(error), lines=True))
        return error.exit_code
    return Exit.OK


def _tree(arguments: list[str]) -> typer.Typer:
    match arguments[:1]:
        case ["daemon"]:
            return make_daemon_app()
        case ["console"]:
            return make_console_app()
    from console.cli.app import make_app

    return make_app()


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the command line, and which help says how it is written."""
    context = getattr(error, "ctx", None)
    said = error.format_message()
    return f"{said}\ntry: {context.command_path} --help" if context is not None else said


def _complain(message: str) -> None:
    for line in message.splitlines():
        shown = plain(line)
        if len(shown) > LONGEST_MESSAGE:
            shown = shown[: LONGEST_MESSAGE - 1] + "…"
        sys.stderr.write(f"{shown}\n")
