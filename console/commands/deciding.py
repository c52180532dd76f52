"""Approve, reject and start: a person lets an order in, or keeps it out."""

from console.commands.command import OPEN, Command, over_limit
from console.commands.facts import Facts
from console.commands.words import Risk, Role

NO_OPEN_RUN: frozenset[str | None] = frozenset({None, "failed", "done", "cancelled"})


def _not_in_review(facts: Facts) -> str | None:
    if facts.status != "Pending Review":
        return f"only an order in Pending Review is decided; Salesforce has {facts.status or 'not shown it yet'}"
    if facts.effects:
        return f"effects of an earlier run stand: {', '.join(facts.effects)}"
    return None


class Approve(Command):
    """Approve the order: it is provisioned and billed."""

    id, verb, title, keys, group = "order.approve", "approve", "Approve", "a", "Decide"
    amount_first = True
    states = NO_OPEN_RUN

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if reason := _not_in_review(facts):
            return reason
        if facts.placed_by_me:
            return "you placed this order: somebody else must approve it"
        return over_limit(facts.amount, facts.limit)


class Reject(Command):
    """Reject the order. This cannot be undone."""

    id, verb, title, keys, group = "order.reject", "reject", "Reject", "x", "Decide"
    risk = Risk.DESTRUCTIVE
    reason = True
    states = NO_OPEN_RUN

    def why_not(self, facts: Facts, role: Role) -> str | None:
        return _not_in_review(facts)


class Start(Command):
    """Start a held order."""

    id, verb, title, keys, group = "order.start", "start", "Start", "S", "Decide"
    reason = True
    states = frozenset(OPEN)

    def why_not(self, facts: Facts, role: Role) -> str | None:
        if facts.run != "held":
            return "the order is not held"
        if facts.code == "approved_again":
            return "this order was provisioned before and its effects stand: make a new order for a new service"
        if facts.status not in ("Approved", "Provisioning", None):
            return f"the order is {facts.status} in Salesforce"
        if facts.code == "four_eyes":
            if facts.placed_by_me or facts.approved_by_me:
                return "you placed or approved this order: somebody else must start it"
            return over_limit(facts.amount, facts.limit)
        return None
