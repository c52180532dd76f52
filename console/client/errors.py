"""What can go wrong with a call of the API, each kind with its own words.

ApiError
├── Unreachable        no connection: nothing was sent
├── NotConfirmed       sent, no answer: for a submit, ask again with the same Idempotency-Key
│   └── NoAnswer       the same for a question, which changes nothing
├── OnlyLooking        this console is read-only: nothing was sent
├── BadAnswer          not an answer of this API (another server, another version)
└── Refused            the daemon said no, with a problem document
    ├── Unauthorized   401   Forbidden 403   NotFound 404   Gone 410   TooMany 429
    ├── Invalid        400, 405, 413, 415, 422: the request itself is wrong
    ├── Conflict       409 ── ChangedMeanwhile, InFlight, NotPossible
    ├── Unavailable    503: an outside system, a full disk, a daemon that is stopping
    └── DaemonFailed   500
"""

from console.schema.problem import Problem


class ApiError(Exception):
    """``str()`` is a sentence fit to be shown."""


class Unreachable(ApiError):
    """No connection to the daemon; nothing was sent."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        super().__init__(f"daemon not reachable at {address}: {reason}")


class NotConfirmed(ApiError):
    """The request went out and no whole answer came back: it may have been done."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        super().__init__(f"sent, not confirmed: {reason} ({address})")


class NoAnswer(NotConfirmed):
    """A question went out and no whole answer came back. It changes nothing, so nothing is in doubt."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.args = (f"the daemon did not answer: {reason} ({address})",)


class OnlyLooking(ApiError):
    """This console is read-only: the request was not sent."""

    def __init__(self) -> None:
        super().__init__("this console is read-only: nothing was sent")


class BadAnswer(ApiError):
    """What answered does not speak this API."""


class Refused(ApiError):
    """The daemon answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(_sentence(problem))


class Unauthorized(Refused):
    pass


class Forbidden(Refused):
    pass


class NotFound(Refused):
    pass


class Invalid(Refused):
    pass


class Conflict(Refused):
    pass


class ChangedMeanwhile(Conflict):
    """``problem.changes`` says what changed and by whom."""


class InFlight(Conflict):
    """The same key is being worked on."""


class NotPossible(Conflict):
    """The command is not possible now."""


class Gone(Refused):
    pass


class TooMany(Refused):
    pass


class Unavailable(Refused):
    pass


class DaemonFailed(Refused):
    pass


_BY_KIND: dict[str, type[Refused]] = {
    "changed-meanwhile": ChangedMeanwhile,
    "in-flight": InFlight,
    "not-possible": NotPossible,
}
_BY_STATUS: dict[int, type[Refused]] = {
    401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone, 429: TooMany, 503: Unavailable,
}  # fmt: skip


def refusal(problem: Problem) -> Refused:
    """The exception for a problem document."""
    kind = _BY_KIND.get(problem.kind) or _BY_STATUS.get(problem.status)
    if kind is None:
        kind = DaemonFailed if problem.status >= 500 else Invalid
    return kind(problem)


def _sentence(problem: Problem) -> str:
    """What is wrong with a field is said once, with what to write instead, and by the name that people know."""
    said, parts = problem.detail or problem.title, []
    if all(said != f"{error.field}: {error.problem}" for error in problem.errors):
        parts.append(said)
    for error in problem.errors:
        remedy = f" ({error.remedy})" if error.remedy else ""
        sentence = f"{error.field.removeprefix('arguments.')}: {error.problem}{remedy}"
        if sentence not in said or not parts:
            parts.append(sentence)
    return "; ".join(parts)
