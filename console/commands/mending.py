"""Resolve, edit, run a service's module: setting right what the engine cannot decide alone."""

from datetime import UTC, datetime

from console.commands.command import Command, not_going_on
from console.commands.facts import Facts
from console.commands.words import Argument, Kind, Risk, Role, Scope

FIELDS = ("eid", "profile_type", "option", "language")
NEEDS_SUPERVISOR = frozenset({"eid", "option"})  # changes whose phone gets the line, or what is billed (rules §8)


def editable(facts: Facts, role: Role) -> tuple[str, ...]:
    """Which kinds of field may be edited at this point by this role (``option`` stands for ``option:<id>``)."""
    still_open = {
        "eid": facts.esim == "open",
        "profile_type": facts.esim == "open",
        "option": not facts.billed,
        "language": True,
    }
    return tuple(
        name for name in FIELDS if still_open[name] and (name not in NEEDS_SUPERVISOR or role.at_least(Role.SUPERVISOR))
    )


class Edit(Command):
    """Correct an input of the order: EID, profile type, an option, or the language of its mails."""

    id, verb, title, keys, group = "order.edit", "edit", "Edit input", "e", "Recover"
    risk = Risk.EXTERNAL_CALLS
    scope = Scope.ORDER
    reason = True
    states = frozenset({"parked", "held", "failed"})
    arguments = (
        Argument("field", Kind.FIELD, "eid, profile_type, option:<id> or language", required=True),
        Argument("item", Kind.ITEM, "the order product (its id or its item number); not for language"),
        Argument("value", Kind.TEXT, "the new value", required=True),
    )

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if facts.unknown:
            return f"the outcome of {facts.unknown} is not known: nothing is edited before it is resolved"
        if facts.code == "approved_again":
            return "this order was provisioned before: nothing is started, so nothing is edited"
        if facts.code == "left_as_is":
            return "the order was closed as it stands"
        return None


def _not_unknown(facts: Facts) -> str | None:
    if not facts.unknown:
        return "every outcome of this order is known"
    if facts.run == "retrying":
        return f"{facts.unknown} is still being looked for; this becomes possible when the run is parked for a person"
    return None


class ResolveIs(Command):
    """Say what the unknown call made: a WHMCS order or an ICCID. It is read and compared first."""

    id, verb, title, keys, group = "order.resolve_is", "resolve-is", "Resolve: it is there", "=", "Resolve"
    cli = "orders resolve"
    scope = Scope.ORDER
    while_unknown = True
    states = frozenset({"retrying", "parked", "failed"})
    arguments = (
        Argument(
            "identifier", Kind.IDENTIFIER, "the WHMCS order or service id, or the ICCID", required=True, option="--is"
        ),
    )  # fmt: skip

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return _not_unknown(facts)


class ResolveAbsent(Command):
    """Say that the unknown call made nothing. It is then sent once more."""

    id, verb, title, keys, group = "order.resolve_absent", "resolve-absent", "Resolve: it is not there", "A", "Resolve"
    cli = "orders resolve --absent"
    role = Role.SUPERVISOR
    risk = Risk.MONEY
    scope = Scope.ORDER
    reason = True
    while_unknown = True
    states = frozenset({"retrying", "parked", "failed"})

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if reason := _not_unknown(facts):
            return reason
        if facts.late_until is not None:
            at = datetime.fromtimestamp(facts.late_until, UTC)
            return f"{facts.unknown} may still arrive until {at:%H:%M:%S} UTC"
        return None


class ModuleCreate(Command):
    """Run the module of a service that stayed Pending, then retry the order."""

    id, verb, title, keys, group = "order.module_create", "module-create", "Run module", "B", "Recover"
    scope = Scope.ORDER
    states = frozenset({"failed"})
    arguments = (Argument("service", Kind.IDENTIFIER, "the WHMCS service id", required=True),)

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if not facts.services:
            return "no service of this order was found Pending"
        if facts.unknown not in (None, "whmcs.ModuleCreate"):
            return f"the outcome of {facts.unknown} is not known: resolve it first"
        return not_going_on(facts)
