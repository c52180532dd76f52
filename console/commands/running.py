"""Moving runs: retry, skip, park, cancel."""

from console.commands.command import Command, not_going_on
from console.commands.facts import Facts
from console.commands.words import SKIPPABLE, STEPS, Argument, Kind, Risk, Role

CONDITIONS = "stock(TYPE), paymethod(CLIENT), up(SYSTEM), after(TIME)"


class Retry(Command):
    """Try the order again now. What was done is only re-read, never sent again."""

    id, verb, title, keys, group = "order.retry", "retry", "Retry", "r", "Recover"
    states = frozenset({"retrying", "parked", "failed"})

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return not_going_on(facts)


class RetryStep(Command):
    """Run a failed order again from a step. What was done is only re-read, never sent again."""

    id, verb, title, keys, group = "order.retry_step", "retry-step", "Retry from step", "R", "Recover"
    cli = "orders retry"
    states = frozenset({"failed"})
    arguments = (Argument("step", Kind.STEP, "the step to begin from", required=True, choices=STEPS, option="--from"),)

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return not_going_on(facts)


class Skip(Command):
    """Go on without the step at which the order stands; only payment and email can be skipped."""

    id, verb, title, keys, group = "order.skip", "skip", "Skip step", "s", "Recover"
    role = Role.SUPERVISOR
    reason = True
    states = frozenset({"parked", "failed"})

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if facts.unknown:
            return f"the outcome of {facts.unknown} is not known: resolve it first"
        if facts.step not in SKIPPABLE:
            return f"only payment and email can be skipped; this order stands at {facts.step or 'no step'}"
        return not_going_on(facts)


class Park(Command):
    """Set the order aside until a condition comes true."""

    id, verb, title, keys, group = "order.park", "park", "Park until", "p", "Recover"
    risk = Risk.NONE
    outside = False
    while_unknown = True
    states = frozenset({"queued", "retrying", "parked", "failed"})
    arguments = (
        Argument("until", Kind.CONDITION, f"what to wait for: {CONDITIONS}", required=True),
        Argument("limit", Kind.PERIOD, "how long at most, such as 24h; it is tried again then"),
    )

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return not_going_on(facts)


class Unpark(Command):
    """Let a parked order go on now; one with an unknown outcome is looked for again."""

    id, verb, title, keys, group = "order.unpark", "unpark", "Go on now", "W", "Recover"
    while_unknown = True
    states = frozenset({"parked"})

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return not_going_on(facts)


class Cancel(Command):
    """Stop the order for good: undo what stands, or leave it as it is."""

    id, verb, title, keys, group = "order.cancel", "cancel", "Cancel", "c", "Recover"
    risk = Risk.DESTRUCTIVE
    reason = True
    states = frozenset({None, "queued", "running", "retrying", "parked", "held", "failed"})
    arguments = (
        Argument("undo", Kind.FLAG, "undo the effects that stand"),
        Argument("leave_as_is", Kind.FLAG, "close the order and leave what stands as it is"),
    )

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if facts.run is None and facts.status not in ("Draft", "Pending Review", "Approved"):
            return f"Salesforce has the order as {facts.status or 'unknown'} and no run of it is here"
        return None
