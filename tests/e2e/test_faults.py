"""Each kind of fault at each operation: what the product must live through by itself, and what ends with a person."""

import asyncio
from collections.abc import Iterator

import pytest

from integrations.sandbox.fault_kinds import fault_kinds
from integrations.sandbox.faults import HTTP_KINDS
from tests.e2e.points import CLEAN
from tests.e2e.rig import HASTY, NEVER, UNTIL_TOLD, Rig

OPTIONS = {"slow": {"delay": 1}, "late_effect": {"delay": NEVER}}
UNANSWERED = frozenset({"timeout_before", "timeout_after", "hold", "late_effect"})
# Not once by itself: a person has something to do, or a bill is wrong.
ENDS = {
    "price_drift": ("failed", "bill_differs"),
    "ignored_option": ("failed", "bill_differs"),
    "role_denied": ("failed", "role_denied"),
    "refuse": ("failed", ""),
}
EITHER = frozenset({"expired", "module_fails", "http_403", "limit_daily", "pool_empty", "smds_down"})
CALM = frozenset({"salesforce.token", "salesforce.query", "salesforce.journal.insert"})  # before the order, or the poll


def kinds_of(system: str, operation: str) -> frozenset[str]:
    return fault_kinds(("Order", "OrderItem", "Portal_Journal__c"))[system][operation]


def cases() -> Iterator[tuple[str, str]]:
    for name, _ in CLEAN:
        system, _, operation = name.partition(".")
        if name in CALM or operation.startswith("cometd"):
            continue
        for kind in sorted(kinds_of(system, operation) - {"lose_event", "refuse_login"}):
            if (name, kind) != ("salesforce.order.patch", "stale_read"):  # a write reads nothing
                yield name, kind


CHOSEN = (
    ("whmcs.AddOrder", "late_effect"),
    ("whmcs.AddOrder", "price_drift"),
    ("whmcs.AddOrder", "warning_only"),
    ("whmcs.AcceptOrder", "html"),
    ("whmcs.GetPayMethods", "empty_ok"),
    ("salesforce.order.patch", "truncate"),
    ("salesforce.composite", "expire_token"),
    ("esim.confirmOrder", "malformed"),
    ("mail.message", "hold"),
)


async def struck(rig: Rig, name: str, kind: str) -> None:
    """One fault of that kind at that operation while an order is provisioned."""
    system, _, operation = name.partition(".")
    if kind in UNANSWERED:
        rig.tune(HASTY)
    if kind == "late_effect":
        rig.tune(UNTIL_TOLD)
    await rig.start()
    fault = rig.fault(system, operation, kind, options=OPTIONS.get(kind, {}))
    order = rig.order("bundle")
    if kind == "late_effect":
        await rig.until(lambda: fault.used > 0, "the fault")
        await asyncio.sleep(2.0)  # longer than the call: the effect lands when nobody waits for an answer any more
        rig.sandbox.faults.land()
    await rig.settled(order)
    assert fault.used == 1, f"the fault never struck\n{rig.story()}"
    rig.judge()
    run = rig.run(order)
    state, code = ENDS.get(kind, ("done", ""))
    if kind in EITHER:
        assert run.state in ("done", "parked", "failed")
        return
    assert run.state == state, rig.story()
    assert not code or run.error_code == code


@pytest.mark.parametrize(("name", "kind"), CHOSEN)
async def test_one_fault(rig: Rig, name: str, kind: str) -> None:
    await struck(rig, name, kind)


@pytest.mark.matrix
@pytest.mark.parametrize(("name", "kind"), [case for case in cases() if case not in CHOSEN])
async def test_any_fault(rig: Rig, name: str, kind: str) -> None:
    await struck(rig, name, kind)


def test_every_kind_of_fault_stands_in_the_matrix() -> None:
    listed = {kind for _, kind in cases()}
    assert listed >= HTTP_KINDS
    assert listed >= {"empty_ok", "short_page", "stale_read", "module_fails", "price_drift", "ignored_option"}


async def test_a_lost_event_is_found_by_the_poll(rig: Rig) -> None:
    await rig.start()
    rig.fault("salesforce", "publish", "lose_event")
    order = rig.order("vpn")
    await rig.settled(order)
    assert rig.run(order).state == "done"
    rig.judge()
