"""The verdict: what stands against what should. Effects are counted without looking at any marker (rules §14).

Duplicates are effects beyond the most that may stand, orphans included; missing are effects below the least that must;
lost are approved orders that are neither done, parked, failed, held nor cancelled by a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.census import Census, CrmOrder
from integrations.sandbox.counts import Acts, End, Finding, done_effects, effects_by_client, shared_ids, wrong_amounts
from integrations.sandbox.expected import Client, Expectation, Outcome, State

SETTLED = frozenset({State.DONE, State.PARKED, State.FAILED, State.HELD, State.CANCELLED})


@dataclass(frozen=True)
class OrderVerdict:
    """One order: how it stands (``state`` as the product says, "" when it was not asked) and whether that is right."""

    id: str
    number: str
    status: str
    state: str
    allowed: tuple[Outcome, ...]
    problem: str = ""


@dataclass(frozen=True)
class Verdict:
    """All of it; ``ok`` only if every order is where it should be and every count fits."""

    orders: tuple[OrderVerdict, ...]
    duplicates: tuple[Finding, ...]
    missing: tuple[Finding, ...]
    wrong_amounts: tuple[Finding, ...]
    lost: tuple[str, ...]

    @property
    def ok(self) -> bool:
        findings = (*self.duplicates, *self.missing, *self.wrong_amounts)
        return not (findings or self.lost or any(order.problem for order in self.orders))

    def as_json(self) -> dict[str, Any]:
        """For the control API: ``duplicates`` and ``missing`` list findings, ``counts`` sums them up."""
        return {
            "ok": self.ok,
            "counts": {
                "orders": len(self.orders),
                "wrong": sum(bool(order.problem) for order in self.orders),
                "lost": len(self.lost),
                "duplicates": sum(finding.count for finding in self.duplicates),
                "missing": sum(finding.count for finding in self.missing),
                "wrong_amounts": len(self.wrong_amounts),
            },
            "orders": [_order_json(order) for order in self.orders],
            "duplicates": [_finding_json(finding) for finding in self.duplicates],
            "missing": [_finding_json(finding) for finding in self.missing],
            "wrong_amounts": [_finding_json(finding) for finding in self.wrong_amounts],
            "lost": list(self.lost),
        }


def compare(
    expectations: Sequence[Expectation],
    census: Census,
    clients: Mapping[int, Client],
    *,
    states: Mapping[str, str] | None = None,
    acts: Acts | None = None,
) -> Verdict:
    """Judge ``census``. ``states`` is the product's own word for each order (id → state); without it Order.Status
    alone tells, which cannot tell a parked order from a running one."""
    acts = acts or Acts()
    standing = {order.id: order for order in census.orders}
    verdicts, ends, lost = [], [], []
    for expectation in expectations:
        state = (states or {}).get(expectation.order.id, "")
        order = standing.get(expectation.order.id)
        fitting = _fitting(expectation, order, state)
        verdicts.append(_order_verdict(expectation, order, state, fitting))
        ends.append(End(expectation, fitting or expectation.outcomes, bool(fitting)))
        if expectation.order.approved_at and _is_lost(expectation, order, state, asked=states is not None):
            lost.append(expectation.order.id)
    findings = [
        *effects_by_client(ends, census, clients, acts),
        *shared_ids(census),
        *done_effects(ends, standing, census),
    ]
    return Verdict(
        tuple(verdicts),
        tuple(finding for finding in findings if finding.found > finding.most),
        tuple(finding for finding in findings if finding.found < finding.least),
        tuple(wrong_amounts(ends, census)),
        tuple(lost),
    )


def _fitting(expectation: Expectation, order: CrmOrder | None, state: str) -> tuple[Outcome, ...]:
    """The right ends that the order is at, going by its status and the product's word."""
    if order is None:
        return ()
    return tuple(
        outcome
        for outcome in expectation.outcomes
        if order.status in outcome.statuses()
        and (not state or state == outcome.state or outcome.state is State.WAITING)
    )


def _order_verdict(
    expectation: Expectation, order: CrmOrder | None, state: str, fitting: tuple[Outcome, ...]
) -> OrderVerdict:
    placed = expectation.order
    if order is None:
        return OrderVerdict(placed.id, placed.number, "", state, expectation.outcomes, "gone from Salesforce")
    problem = ""
    if not fitting:
        wanted = " or ".join(f"{o.state}{f' ({o.reason})' if o.reason else ''}" for o in expectation.outcomes)
        problem = f"is {order.status}{f' and {state}' if state else ''}, should be {wanted}"
    return OrderVerdict(placed.id, placed.number, order.status, state, expectation.outcomes, problem)


def _is_lost(expectation: Expectation, order: CrmOrder | None, state: str, *, asked: bool) -> bool:
    if order is None:
        return True
    if asked:
        untouched = order.status in ("Cancelled", "Rejected") and expectation.order.cancelled
        return state not in SETTLED and not untouched
    waits = any("Approved" in outcome.statuses() for outcome in expectation.outcomes)
    return order.status == "Approved" and not waits


def _order_json(order: OrderVerdict) -> dict[str, Any]:
    allowed = [{"state": outcome.state, "reason": outcome.reason} for outcome in order.allowed]
    return {
        "id": order.id, "number": order.number, "status": order.status, "state": order.state, "allowed": allowed,
        "ok": not order.problem, "problem": order.problem,
    }  # fmt: skip


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "what": finding.what, "where": finding.where, "least": finding.least, "most": finding.most,
        "found": finding.found, "count": finding.count,
    }  # fmt: skip
