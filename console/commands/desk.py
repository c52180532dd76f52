"""Taking an order, notes, and sending a mail again."""

from console.commands.command import Command
from console.commands.facts import Facts
from console.commands.words import Argument, Kind, Risk, Role, Scope


class Take(Command):
    """Say that you look after this order, for 12 hours. A claim, not a lock."""

    id, verb, title, keys, group = "order.take", "take", "Take", "u", "Desk"
    risk = Risk.NONE
    outside = False
    while_unknown = True


class Untake(Command):
    """Let go of an order that was taken; somebody else's needs a supervisor."""

    id, verb, title, keys, group = "order.untake", "untake", "Let go", "U", "Desk"
    cli = "orders take --let-go"
    risk = Risk.NONE
    outside = False
    while_unknown = True

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if facts.taken == "nobody":
            return "nobody has taken this order"
        if facts.taken == "another" and not role.at_least(Role.SUPERVISOR):
            return "somebody else has taken it: they or a supervisor let go of it"
        return None


class Note(Command):
    """Write a note at the order."""

    id, verb, title, keys, group = "order.note", "note", "Note", "m", "Desk"
    risk = Risk.NONE
    outside = False
    while_unknown = True
    repeatable = False
    arguments = (Argument("text", Kind.TEXT, "what to write", required=True),)


class MailResend(Command):
    """Send a mail of this order again."""

    id, verb, title, keys, group = "order.mail_resend", "resend", "Send mail again", "M", "Desk"
    cli = "mail resend"
    scope = Scope.ORDER
    reason = True
    arguments = (
        Argument(
            "kind", Kind.MAIL, "which mail; not needed when there is one", choices=("order_provisioned", "esim_activation")
        ),
    )  # fmt: skip

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if not facts.mails:
            return "no mail was made for this order yet"
        if not facts.mails & {"sent", "maybe_sent", "failed", "held"}:
            return "the mail is on its way"
        return None
