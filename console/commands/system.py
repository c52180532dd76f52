"""The system as a whole: pauses, the brake, recovery; what was seen, and batches."""

from console.commands.command import Command
from console.commands.facts import Facts
from console.commands.words import Argument, Kind, Risk, Role, Scope

SUBJECT = "salesforce, whmcs, esim, mail, or product:<WHMCS product id>"


class Pause(Command):
    """Pause an integration or a product: runs park and burn no tries."""

    id, verb, title, keys, group = "system.pause", "pause", "Pause", "P", "System"
    cli = "integrations pause"
    scope = Scope.SYSTEM
    reason = True
    outside = False
    arguments = (Argument("subject", Kind.SUBJECT, SUBJECT + ", or intake", required=True, option="-"),)


class Resume(Command):
    """Resume what was paused; the runs that wait for it go on."""

    id, verb, title, keys, group = "system.resume", "resume", "Resume", "R", "System"
    cli = "integrations resume"
    scope = Scope.SYSTEM
    outside = False
    arguments = (Argument("subject", Kind.SUBJECT, SUBJECT, required=True, option="-"),)

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return None if facts.paused else "nothing is paused"


class ReleaseBrake(Command):
    """Let new orders in again after the brake stopped them."""

    id, verb, title, keys, group = "system.release_brake", "release-brake", "Release the brake", "B", "System"
    cli = "brake release"
    role = Role.SUPERVISOR
    scope = Scope.SYSTEM
    reason = True

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return None if facts.brake else "the brake is not on"


class EndRecovery(Command):
    """End recovery after a restored backup: calls and mails are made as usual again."""

    id, verb, title, keys, group = "system.end_recovery", "end-recovery", "End recovery", "E", "System"
    cli = "recovery end"
    role = Role.SUPERVISOR
    scope = Scope.SYSTEM
    reason = True

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if not facts.recovery:
            return "this journal is not in recovery"
        return None if facts.listed else "the orders that changed meanwhile are not listed yet"


class Seen(Command):
    """Put aside a gap, an unreadable event or a mail that somebody has looked at and that needs nothing more."""

    id, verb, title, keys, group = "system.seen", "seen", "Mark as seen", "D", "System"
    cli = "events seen"
    risk = Risk.NONE
    scope = Scope.SYSTEM
    outside = False
    arguments = (Argument("row", Kind.SUBJECT, "gap:<id>, poison:<id> or mail:<id>", required=True, option="-"),)


class StopBatch(Command):
    """Stop an act on many orders: nothing more of it is begun, what was begun is followed to its end."""

    id, verb, title, keys, group = "system.stop_batch", "stop-batch", "Stop the batch", "x", "System"
    cli = "batches stop"
    risk = Risk.NONE
    scope = Scope.SYSTEM
    outside = False
    arguments = (Argument("batch", Kind.IDENTIFIER, "the batch's id", required=True, option="-"),)
