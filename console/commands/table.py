"""The one table: every command, and whether it is possible (rules §8): command × role × state × wait × step × unknown."""

from collections.abc import Sequence

from console.commands import deciding, desk, mending, running, system
from console.commands.command import STATE_WORDS, Command
from console.commands.facts import Facts, Possible
from console.commands.words import Role, Scope

COMMANDS: tuple[Command, ...] = (
    deciding.Approve(), deciding.Reject(), deciding.Start(),
    running.Retry(), running.RetryStep(), running.Skip(), running.Park(), running.Unpark(), running.Cancel(),
    mending.ResolveIs(), mending.ResolveAbsent(), mending.Edit(), mending.ModuleCreate(),
    desk.Take(), desk.Untake(), desk.Note(), desk.MailResend(),
    system.Pause(), system.Resume(), system.ReleaseBrake(), system.EndRecovery(), system.Seen(), system.StopBatch(),
)  # fmt: skip
BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}
BY_VERB: dict[str, Command] = {command.verb: command for command in COMMANDS}
_OBSERVING = "this daemon only observes and writes nothing outside"
_DISOWNED = "another journal owns this org: act there"


def find(name: str) -> Command | None:
    """A command by id or verb."""
    return BY_ID.get(name) or BY_VERB.get(name)


def for_orders() -> Sequence[Command]:
    return [command for command in COMMANDS if Scope.ORDER in command.scope]


def for_system() -> Sequence[Command]:
    return [command for command in COMMANDS if Scope.SYSTEM in command.scope]


def possible(command: Command, role: Role, facts: Facts) -> Possible:
    """May a person of this role do this now? If not, why not, in words."""
    if not role.at_least(command.role):
        return Possible(False, f"this needs the role {command.role}; yours is {role}", never=True)
    reason = _in_bulk(command, facts) or _in_this_mode(command, facts)
    if Scope.ORDER in command.scope:
        reason = reason or _while_unknown(command, facts) or _in_this_state(command, facts)
    reason = reason or command.why_not(facts, role)
    return Possible(reason is None, reason or "")


def _in_bulk(command: Command, facts: Facts) -> str | None:
    if not facts.bulk:
        return None
    if Scope.BULK not in command.scope:
        return "this is done for one order at a time"
    if facts.unknown:
        return f"the outcome of {facts.unknown} is not known: such an order is never part of a bulk act"
    return None


def _in_this_mode(command: Command, facts: Facts) -> str | None:
    if facts.mode == "working" or not command.outside:
        return None
    return _OBSERVING if facts.mode == "observing" else _DISOWNED


def _while_unknown(command: Command, facts: Facts) -> str | None:
    """A run parked for an unknown outcome offers resolve, note, park and take, nothing else (rules §8)."""
    if facts.run == "parked" and facts.unknown and not command.while_unknown:
        return f"the outcome of {facts.unknown} is not known: resolve it first"
    return None


def _in_this_state(command: Command, facts: Facts) -> str | None:
    if facts.run in command.states:
        return None
    if facts.run == "queued" and facts.wait == "lock":
        return "the run waits for another run of the same customer"
    return STATE_WORDS[facts.run]
