"""Why a command is not carried out.

CommandError
├── NotPossible       not now, not for this role, or not for this order; the reason in words
├── BadArgument       an argument is missing or wrong; says which, why, and what would do
├── NeedsReason       a reason must be given
├── PlanStale         the plan does not fit any more (or was never made here): plan again
├── Changed           the order changed since it was planned; says what and by whom
└── OutsideTrouble    an outside system could not be read, or refused the write; nothing was done
"""

from integrations.errors import IntegrationError


class CommandError(Exception):
    """A command that is not carried out; the message is for people."""


class NotPossible(CommandError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadArgument(CommandError):
    """``field`` is the argument's name; ``remedy`` says what would be right."""

    def __init__(self, field: str, why: str, remedy: str = "") -> None:
        super().__init__(f"{field}: {why}" + (f"; {remedy}" if remedy else ""))
        self.field = field
        self.why = why
        self.remedy = remedy


class NeedsReason(CommandError):
    def __init__(self, title: str) -> None:
        super().__init__(f"{title} needs a reason")


class PlanStale(CommandError):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: plan it again")
        self.what = what


class Changed(CommandError):
    """``what`` happened to the order since the plan, ``by`` whom (a name, "the engine" or "somebody in Salesforce"), and
    when that person gave the command."""

    def __init__(self, what: str, by: str, order_id: str | None = None, at: float | None = None) -> None:
        super().__init__(f"changed meanwhile by {by}: {what}")
        self.what = what
        self.by = by
        self.order_id = order_id
        self.at = at


class OutsideTrouble(CommandError):
    def __init__(self, system: str, code: str, message: str) -> None:
        super().__init__(f"{system}: {code}: {message}")
        self.system = system
        self.code = code
        self.reason = message

    @classmethod
    def of(cls, error: IntegrationError) -> "OutsideTrouble":
        return cls(error.system, error.code, error.message)
