"""How a verb ends: the exit codes that scripts may rely on, and the one error that carries them."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; 70 is a defect of the program itself (a crash file is named), 130 an interrupt."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    CONFLICT = 5
    NOT_FOUND = 6


EXIT_CODES = """\
Exit codes: 0 done; 1 failed, or nothing was found; 2 the command line or the settings are wrong; 3 not reachable;
4 refused (role, state of the order, or this install); 5 conflict (something changed or is in use meanwhile);
6 no such order or thing; 70 a defect of this program; 130 interrupted."""


class Failure(Exception):
    """A verb cannot do what was asked. ``message`` says what is wrong and what to do, one line a problem.

    ``own``: only our own words and names of keys, nothing that could hold a secret; then it is not redacted.
    """

    def __init__(self, message: str, code: Exit = Exit.FAILED, *, own: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.own = own
