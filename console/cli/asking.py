"""Asking a person before something happens; a script has to say --yes."""

import sys

from console.cli.exits import Exit, Failure
from console.cli.output import plain


def confirmed(question: str, yes: bool) -> None:
    """Returns if ``yes`` or a person at the terminal agrees. Raises Failure otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(f"{question} Say --yes, for nobody can be asked here", Exit.USAGE)
    sys.stderr.write(f"{plain(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("not agreed: nothing was done")
