"""Asking a person before something happens; a script has to say --yes."""

import sys

from console.cli.exits import Exit, Failure
from console.written import plain

NOT_AGREED = "not agreed: nothing was done"


def confirmed(question: str, yes: bool) -> None:
    """Returns if ``yes`` or a person at the terminal agrees. Raises Failure otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(f"{question} Say --yes, for nobody can be asked here", Exit.USAGE)
    agreed(question)


def agreed(question: str) -> None:
    """Raises Failure unless the person at the terminal says yes."""
    if _answer(f"{question} [y/N] ").lower() not in ("y", "yes"):
        raise Failure(NOT_AGREED)


def typed_count(title: str, count: int) -> None:
    """For what cannot be taken back, or is much: raises Failure unless the person types the count."""
    if _answer(f"{title}: type {count} to go ahead: ") != str(count):
        raise Failure(NOT_AGREED)


def _answer(question: str) -> str:
    sys.stderr.write(plain(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip()
