"""The words of commands: roles, risks, scopes, arguments."""

from dataclasses import dataclass
from enum import Flag, StrEnum, auto


class Role(StrEnum):
    """viewer < operator < supervisor < admin."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def at_least(self, other: "Role") -> bool:
        return self.rank >= other.rank


class Risk(StrEnum):
    """How a command is confirmed (console.md §9). Billing what was approved is not MONEY."""

    NONE = "none"
    EXTERNAL_CALLS = "external_calls"
    MONEY = "money"
    DESTRUCTIVE = "destructive"


class Scope(Flag):
    """What a command is for: one order, many orders at once, or the system."""

    ORDER = auto()
    BULK = auto()
    SYSTEM = auto()


class Kind(StrEnum):
    """What an argument is; screens choose their input field and the API its schema by it."""

    TEXT = "text"
    FLAG = "flag"
    STEP = "step"
    FIELD = "field"
    ITEM = "item"
    IDENTIFIER = "identifier"
    CONDITION = "condition"
    PERIOD = "period"
    SUBJECT = "subject"
    MAIL = "mail"


@dataclass(frozen=True)
class Argument:
    """``choices`` is empty where anything of the kind may stand. ``option``: how the CLI takes it, when not ``--name``;
    ``-`` stands for a plain word.
    """

    name: str
    kind: Kind
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()
    option: str = ""


STEPS = ("load", "payment", "esim", "billing", "accept", "crm", "email")
SKIPPABLE = ("payment", "email")
SYSTEMS = ("salesforce", "whmcs", "esim", "mail")
